"""
The demo's scenario without a person: each step is done over HTTP, printed with what was sent and what came back, and
checked.
"""

import json
import signal
import tempfile
import time
from pathlib import Path

from .client import Browser, Operator
from .run import Demo, running
from .scenario import STEPS
from .scenario.steps import expect
from .supervisor import DemoError, free_port

LIMIT_SECONDS = 85
WEBFILTER_TIMEOUT_SECONDS = 1.5
_SHOWN_CHARACTERS = 300


class Smoke:
    """
    What the steps need.

    Attributes:
        browser: the learner's, in which the steps go on from where the last one stopped.
        operator: at the receiver.
        passwords: username → password of the accounts that the demo made.
        dead: the webhook that leads nowhere, once a step has made it.
    """

    def __init__(self, demo: Demo, accounts):
        self.demo = demo
        self.operator = Operator(demo.receiver_url)
        self.passwords = dict(accounts.passwords)
        self.browser = self.new_browser()
        self.dead = None
        self._notes: list[str] = []

    def new_browser(self) -> Browser:
        """Another browser, in which nobody is logged in."""
        return Browser(self.demo.lms_url)

    def log_in(self, username: str) -> Browser:
        """A new browser in which somebody is logged in."""
        browser = self.new_browser()
        page = browser.post("/login", email_or_username=username, password=self.passwords[username])
        expect(page.status == 302, f"{username} could not log in: {page}: {page.text[:200]}")
        return browser

    def note(self, text: str) -> None:
        """A line under the step."""
        self._notes.append(text)

    def run(self, step) -> bool:
        """Do one step and print it; True if it was as it should be."""
        self._notes = []
        self.operator.look_away()
        problem = ""
        started = time.monotonic()
        try:
            step(self)
        except DemoError:
            raise
        except AssertionError as error:
            problem = str(error)
        except Exception as error:  # pylint: disable=broad-exception-caught
            # A step that breaks is a step that failed; the others still run.
            problem = f"{type(error).__name__}: {error}"
        title = (step.__doc__ or step.__name__).strip().splitlines()[0]
        print(f"{'FAIL' if problem else 'ok  '}  {title}  ({time.monotonic() - started:.1f} s)")
        for line in [*self._sent(), *self._notes]:
            print(f"        {line}")
        if problem:
            print(f"        NOT AS IT SHOULD BE: {problem}", flush=True)
        return not problem

    def _sent(self) -> list[str]:
        lines = []
        for entry in self.operator.new():
            body = entry["body"]
            text = json.dumps(body["json"], ensure_ascii=False) if body["format"] == "json" else body["text"]
            text = text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]} … ({body['bytes']} bytes)"
            lines.append(f"sent: {entry['method']} {entry['path']} {text}")
            answer = entry["answer"]
            given = f"HTTP {answer['status']} {answer['body']}" if answer["status"] else "nothing, it hangs"
            lines.append(f"      answered: {given.strip()}, signature {entry['signature']['verdict']}")
        return lines


def main() -> int:
    """Run all steps; returns 0 if each was as it should be."""
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(LIMIT_SECONDS)
    started = time.monotonic()
    passed = 0
    try:
        for good in _results():
            passed += good
    except DemoError as error:
        print(f"\n{error}")
    finally:
        signal.alarm(0)
    # A step that was not reached is not as it should be either.
    failed = len(STEPS) - passed
    print(f"\nIt took {time.monotonic() - started:.0f} s.")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def _results():
    with tempfile.TemporaryDirectory(prefix="openedx-webhooks-smoke-", ignore_cleanup_errors=True) as directory:
        demo = Demo(Path(directory), "127.0.0.1", free_port(), free_port())
        print("Starting the mini LMS, its worker and the receiver …", flush=True)
        with running(demo, webfilter_timeout=WEBFILTER_TIMEOUT_SECONDS) as (supervisor, accounts):
            smoke = Smoke(demo, accounts)
            for step in STEPS:
                supervisor.check()
                yield smoke.run(step)


def _too_long(_number, _frame):
    raise DemoError(f"The smoke run took more than {LIMIT_SECONDS} seconds and was stopped.")
