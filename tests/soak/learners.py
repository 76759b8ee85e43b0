"""Learners: each request goes to the site with hooks and to the one without, one after the other, in either order."""

import http.client
import itertools
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import attrs

from . import hooks
from .rates import ACTIONS, Action
from .told import HEADER

ACCOUNTS = 400
PASSWORD = "lovelace-of-the-soak"
# What a request has; far more than any deadline.
_CLIENT_SECONDS = 60
_THREADS = 32
_TOKEN = "a" * 32
COURSES = tuple(f"course-v1:Soak+{number}+2026" for number in range(3))


def username(number: int) -> str:
    """Of an account that both sites have."""
    return f"learner{number}"


@attrs.frozen
class Pair:
    """
    One request to both sites.

    Attributes:
        at: when it began, in seconds since the start.
        action: its name.
        group: see :class:`.rates.Action`.
        statuses: site → status; 0 if there was no answer.
        seconds: site → how long the learner waited.
    """

    at: float
    action: str
    group: str
    statuses: dict[str, int]
    seconds: dict[str, float]

    @property
    def is_answered(self) -> bool:
        """Whether both sites did what was asked."""
        return all(200 <= status < 400 for status in self.statuses.values())


class Learners:
    """
    Send requests at the rates of a site, whatever becomes of those before.

    Args:
        ports: site → where it listens; the first is the one with hooks.
        learners: how many accounts the site has that they stand for.

    Attributes:
        pairs: what happened.
        owed: path and event id of all that must arrive.
        failures: what was answered other than well, and how often.
    """

    def __init__(self, ports: dict[str, int], learners: int):
        self._ports, self._learners = ports, learners
        self._with_hooks = next(iter(ports))
        self._sessions: dict[tuple[str, int], str] = {}
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._began = 0.0
        self.pairs: list[Pair] = []
        self.owed: set[tuple[str, str]] = set()
        self.failures: Counter[tuple[str, str, int]] = Counter()

    def warm_up(self) -> None:
        """Log some of them in, which also imports in each process what its first request needs."""
        with ThreadPoolExecutor(8) as threads:
            logins = [(site, number) for site in self._ports for number in range(40)]
            list(threads.map(lambda each: self._send(each[0], "login", each[1], {}), logins))

    def run(self, began: float, seconds: float) -> None:
        """For so long, since a moment of the monotonic clock."""
        self._began, until = began, began + seconds
        rates = [action.per_second(self._learners) for action in ACTIONS]
        at = time.monotonic()
        with ThreadPoolExecutor(_THREADS) as threads:
            while at < until:
                at += random.expovariate(sum(rates))
                time.sleep(max(0.0, at - time.monotonic()))
                threads.submit(self._pair, random.choices(ACTIONS, rates)[0])

    def _pair(self, action: Action) -> None:
        with self._lock:
            known = [
                number for number in range(ACCOUNTS) if all((site, number) in self._sessions for site in self._ports)
            ]
        learner = random.choice(known) if action.name != "login" else random.randrange(ACCOUNTS)
        form = {
            "course": random.choice(COURSES),
            "percent": f"{random.random():.2f}",
            "number": str(next(self._numbers)),
        }
        sites = random.sample(list(self._ports), len(self._ports))
        at = time.monotonic() - self._began
        statuses, seconds = {}, {}
        for site in sites:
            start = time.monotonic()
            statuses[site] = self._send(site, action.name, learner, form)
            seconds[site] = time.monotonic() - start
        with self._lock:
            self.pairs.append(Pair(at, action.name, action.group, statuses, seconds))

    def _send(self, site: str, action: str, learner: int, form: dict[str, str]) -> int:
        method, path, fields = _request(action, learner, form)
        # Whoever logs in or registers is nobody yet; with a session, that one would end.
        session = None if action in ("login", "registration") else self._sessions.get((site, learner))
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Cookie": f"csrftoken={_TOKEN}" + (f"; sessionid={session}" if session else ""),
            "X-CSRFToken": _TOKEN,
        }
        connection = http.client.HTTPConnection("127.0.0.1", self._ports[site], timeout=_CLIENT_SECONDS)
        try:
            connection.request(method, path, urlencode(fields), headers)
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException):
            with self._lock:
                self.failures[site, action, 0] += 1
            return 0
        finally:
            connection.close()
        self._note(site, action, learner, form, response)
        return response.status

    def _note(self, site, action, learner, form, response) -> None:
        with self._lock:
            if not 200 <= response.status < 300:
                self.failures[site, action, response.status] += 1
                return
            if action == "login":
                cookies = response.headers.get_all("Set-Cookie", [])
                found = [each.partition(";")[0].partition("=")[2] for each in cookies if each.startswith("sessionid=")]
                self._sessions[site, learner] = found[-1]
            if site == self._with_hooks:
                events = response.headers.get(HEADER, "")
                self.owed.update(hooks.owed(events, float(form.get("percent", 0))))


def _request(action: str, learner: int, form: dict[str, str]) -> tuple[str, str, dict[str, str]]:
    """Method, path and fields."""
    course, number = form.get("course", ""), form.get("number", "")
    new = {"username": f"new{number}", "email": f"new{number}@example.com", "name": "New", "password": PASSWORD}
    return {
        "dashboard": ("GET", "/dashboard", {}),
        "progress": ("GET", f"/courses/{course}/progress", {}),
        "grade": ("POST", "/soak/grade", {"course": course, "percent": form.get("percent", "")}),
        "forum": ("POST", "/soak/forum", {"course": course}),
        "login": (
            "POST",
            "/api/user/v2/account/login_session/",
            {"email_or_username": username(learner), "password": PASSWORD},
        ),
        "enrollment": ("POST", "/change_enrollment", {"enrollment_action": "enroll", "course_id": course}),
        "registration": ("POST", "/api/user/v2/account/registration/", new),
        "certificate": ("POST", f"/courses/{course}/generate_user_cert", {}),
    }[action]
