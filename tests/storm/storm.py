"""
Logins through a real web server with two processes, before, while and after the endpoint of their webfilter hangs.

The server is gunicorn with sync workers, which like the platform's uWSGI handle one request at a time: two learners who
wait for the endpoint are the whole site.
"""

import http.client
import json
import statistics
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

from demo.supervisor import ROOT, Supervisor, free_port
from tests.receiver import Receiver

PROCESSES = 2
# As many learners log in at the same time.
LEARNERS = 6
# What a request has, whatever happens; far more than any deadline.
_CLIENT_SECONDS = 120
# When to give up waiting for what another process did to be noticed.
_NOTICE_SECONDS = 20
LOGIN = "/api/user/v2/account/login_session/"
_TOKEN = "a" * 32
BODY = "email_or_username=ada&password=lovelace"
HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": f"csrftoken={_TOKEN}", "X-CSRFToken": _TOKEN}


@attrs.frozen
class Storm:
    """
    How bad it is.

    Attributes:
        timeout: of the webfilter, in seconds.
        open_seconds: the setting BREAKER_OPEN_SECONDS.
        refresh_seconds: the setting INDEX_REFRESH_SECONDS.
        calm: logins before, and after.
        logins: logins while the endpoint hangs.
        logins_without: the same with the breaker off, where each takes its time.
        redis: URL of the cache; empty for files.
        uwsgi: path of uWSGI, to be used instead of gunicorn.
    """

    timeout: float = 0.5
    open_seconds: int = 2
    refresh_seconds: float = 2
    calm: int = 30
    logins: int = 200
    logins_without: int = 24
    redis: str = ""
    uwsgi: str = ""


@attrs.frozen
class Phase:
    """
    What happened in one phase.

    Attributes:
        seconds: from the first login's beginning to the last one's end.
        waits: how long each learner waited, in seconds.
        failed: logins that were not answered as they should have been.
        asked: requests that reached the endpoint.
    """

    seconds: float
    waits: list[float] = attrs.field(repr=False)
    failed: int
    asked: int

    @property
    def rate(self) -> float:
        """Logins per second."""
        return len(self.waits) / self.seconds


@attrs.frozen
class Run:
    """
    The three phases of one run, and what came then.

    Attributes:
        noticed_after: seconds for which the endpoint was still asked after another process had disabled the webfilter.
        recorded: calls in the call log, which has problems only.
    """

    before: Phase
    during: Phase
    after: Phase
    noticed_after: float
    recorded: int


class Endpoint:
    """A receiver that answers at once, or hangs."""

    def __init__(self, receiver: Receiver):
        self._receiver = receiver
        self._answers = threading.Event()
        self._answers.set()
        self.url = receiver.on("/hook", self._answer)
        # By the clock that other processes have, too.
        self.asked_at = 0.0

    def _answer(self, handler):
        self.asked_at = time.time()
        self._answers.wait()
        handler.send_response(200)
        handler.send_header("Content-Length", "2")
        handler.end_headers()
        handler.wfile.write(b"{}")

    @property
    def asked(self) -> int:
        """How many requests arrived."""
        return len(self._receiver.received)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Read requests and never answer, for as long as the block lasts."""
        self._answers.clear()
        try:
            yield
        finally:
            self._answers.set()


def weather(storm: Storm, directory: Path) -> dict[str, Run]:
    """Run it with the breaker and without, each from calm to calm; the keys are ``breaker`` and ``no breaker``."""
    with Receiver() as receiver:
        endpoint = Endpoint(receiver)
        both = {"BREAKER_OPEN_SECONDS": storm.open_seconds, "INDEX_REFRESH_SECONDS": storm.refresh_seconds}
        return {
            "breaker": _run(storm, directory / "with", endpoint, storm.logins, both),
            "no breaker": _run(
                storm, directory / "without", endpoint, storm.logins_without, {**both, "BREAKER_FAILURES": 0}
            ),
        }


def _run(storm: Storm, directory: Path, endpoint: Endpoint, logins: int, settings: dict) -> Run:
    directory.mkdir()
    environment = {
        "DJANGO_SETTINGS_MODULE": "tests.storm.settings",
        "DEMO_DIR": str(directory),
        "STORM_SETTINGS": json.dumps(settings),
        "STORM_REDIS": storm.redis,
        "NO_PROXY": "*",
        "PYTHONPATH": str(ROOT),
    }
    with Supervisor(directory, environment) as supervisor:
        with _manage(supervisor, "prepare", endpoint.url, str(storm.timeout)) as process:
            assert process.wait() == 0
        port = free_port()
        supervisor.start("server", *_command(storm, port))
        supervisor.wait_for(f"http://127.0.0.1:{port}/login")
        # Both processes import what the first request of each needs.
        _log_in_many(port, 4 * PROCESSES, endpoint)
        before = _log_in_many(port, storm.calm, endpoint)
        with endpoint.hanging():
            during = _log_in_many(port, logins, endpoint)
        if settings.get("BREAKER_FAILURES") != 0:
            time.sleep(storm.open_seconds + 0.5)
        after = _log_in_many(port, storm.calm, endpoint)
        return Run(before, during, after, *_disable(supervisor, port, endpoint))


def _manage(supervisor: Supervisor, *arguments: str) -> subprocess.Popen:
    """Do something to the site's database, in a process of its own."""
    command = [sys.executable, "-m", "tests.storm.manage", *arguments]
    return subprocess.Popen(command, cwd=ROOT, env=supervisor.environment, stdout=subprocess.PIPE, text=True)


def _disable(supervisor: Supervisor, port: int, endpoint: Endpoint) -> tuple[float, int]:
    """Disable the webfilter while learners log in; see :class:`Run`."""
    with _manage(supervisor, "disable") as process:
        while process.poll() is None:
            _log_in_many(port, LEARNERS, endpoint)
        saved_at, recorded = process.stdout.read().split()
    end = time.monotonic() + _NOTICE_SECONDS
    # So many at once that no process gets away without one.
    while _log_in_many(port, 4 * LEARNERS, endpoint).asked and time.monotonic() < end:
        pass
    return max(0.0, endpoint.asked_at - float(saved_at)), int(recorded)


def _command(storm: Storm, port: int) -> list[str]:
    address = f"127.0.0.1:{port}"
    if storm.uwsgi:
        options = ["--http-socket", address, "--module", "tests.storm.wsgi", "--processes", str(PROCESSES), "--master"]
        # As on the platform: the application is loaded before the fork, and Python's threads run.
        options += ["--enable-threads", "--die-on-term", "--pythonpath", sysconfig.get_path("purelib")]
        return ["tests.storm.become", storm.uwsgi, *options]
    # Loaded before the fork, as on the platform.
    options = ["--preload", "--workers", str(PROCESSES), "--worker-class", "sync", "--timeout", str(_CLIENT_SECONDS)]
    return ["gunicorn", "--bind", address, *options, "tests.storm.wsgi"]


def _log_in_many(port: int, count: int, endpoint: Endpoint) -> Phase:
    """Several learners log in, each again and again, until there were ``count`` logins."""
    turns = iter(range(count))
    lock = threading.Lock()
    waits: list[float] = []
    failed: list[str] = []
    asked = endpoint.asked

    def learner():
        while True:
            with lock:
                if next(turns, None) is None:
                    return
            start = time.monotonic()
            problem = _log_in(port)
            with lock:
                waits.append(time.monotonic() - start)
                if problem:
                    failed.append(problem)

    threads = [threading.Thread(target=learner, daemon=True) for _ in range(LEARNERS)]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for problem in sorted(set(failed)):
        print("Failed:", problem)
    return Phase(time.monotonic() - start, waits, len(failed), endpoint.asked - asked)


def _log_in(port: int) -> str:
    """Log in as a client of the API does; what was wrong, or nothing."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_CLIENT_SECONDS)
    try:
        connection.request("POST", LOGIN, BODY, HEADERS)
        response = connection.getresponse()
        content = response.read()
        return "" if response.status == 200 and json.loads(content)["success"] else f"status {response.status}"
    except (OSError, http.client.HTTPException, ValueError) as error:
        return repr(error)
    finally:
        connection.close()


def table(runs: dict[str, Run]) -> str:
    """The numbers of all runs, for people."""
    titles = f"{'logins':>6} {'failed':>6} {'asked':>6} {'per second':>10} {'median':>8} {'longest':>8}"
    lines = [f"{'':11} {'phase':7} {titles}"]
    for name, run in runs.items():
        for phase, numbers in (("before", run.before), ("during", run.during), ("after", run.after)):
            lines.append(
                f"{name:11} {phase:7} {len(numbers.waits):6} {numbers.failed:6} {numbers.asked:6} {numbers.rate:10.1f}"
                f" {statistics.median(numbers.waits):6.2f} s {max(numbers.waits):6.2f} s"
            )
        lines.append(
            f"{name:11} {run.recorded} calls recorded; noticed after {run.noticed_after:.1f} s that another process "
            "disabled the webfilter"
        )
    return "\n".join(lines)
