"""
Learners of a site, who do the same on both sites at nearly the same time.

How much do 100,000 learners do? One in ten comes on a day, and the busiest hour has 15 % of a day. Who comes logs in
1.5 times, opens 20 pages on which a filter runs, answers 15 problems, and one in ten enrolls. That is 15 requests a
second, of which 7 cause an event that a webhook wants, beside 31 events a second that nobody wants.
"""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import attrs
import requests

from tests.soak.urls import COURSE

LEARNERS, BUSY_HOUR = 100_000, 0.1 * 0.15
DAILY = {"log in": 1.5, "open a page": 20.0, "answer a problem": 15.0, "enroll": 0.1}
# Requests a second, by what is done.
RATES = {what: LEARNERS * BUSY_HOUR * times / 3600 for what, times in DAILY.items()}
_TIMEOUT = 30
_TOKEN = "s" * 32


@attrs.frozen
class Request:
    """
    One request.

    Attributes:
        at: seconds since the start.
        what: a key of :data:`RATES`.
        site: its name.
        seconds: how long it took.
        user: number of the learner.
        is_ok: it did what was asked for.
        event: the id of the event that it caused, if the site tells.
    """

    at: float
    what: str
    site: str
    seconds: float
    user: int
    is_ok: bool
    event: str = ""


class Learner:
    """One person with a browser for each site; does one thing at a time."""

    def __init__(self, number: int, sites: dict[str, str]):
        self._number, self._sites = number, sites
        self._sessions: dict[str, requests.Session] = {}
        self.lock = threading.Lock()

    def do(self, what: str, began: float):
        """The same on each site, in any order."""
        for site in random.sample(list(self._sites), len(self._sites)):
            if what != "log in" and site not in self._sessions:
                yield self._timed("log in", site, began)
            yield self._timed(what, site, began)

    def _timed(self, what, site, began) -> Request:
        at, start = time.monotonic() - began, time.perf_counter()
        event, response = "", None
        try:
            response = self._ask(what, site)
            if what == "answer a problem" and response.status_code == 200:
                event = response.json()["event"]
        except requests.RequestException:
            pass
        seconds = time.perf_counter() - start
        is_ok = response is not None and response.status_code == 200
        if not is_ok:
            # Whoever meets an error begins anew.
            self._sessions.pop(site, None)
        # Numbers of users begin with 1.
        return Request(at, what, site, seconds, self._number + 1, is_ok, event)

    def _ask(self, what, site) -> requests.Response:
        base = self._sites[site]
        if what == "log in":
            session = self._sessions[site] = requests.Session()
            session.trust_env = False
            session.cookies.set("csrftoken", _TOKEN, domain="127.0.0.1", path="/")
            fields = {"email_or_username": f"learner{self._number}", "password": "soak"}
            return self._post(session, f"{base}/api/user/v2/account/login_session/", fields)
        session = self._sessions[site]
        if what == "open a page":
            return session.get(f"{base}/dashboard", timeout=_TIMEOUT, allow_redirects=False)
        if what == "answer a problem":
            return session.post(f"{base}/soak/answer", timeout=_TIMEOUT)
        return self._post(session, f"{base}/change_enrollment", {"enrollment_action": "enroll", "course_id": COURSE})

    @staticmethod
    def _post(session, url, fields):
        headers = {"X-CSRFToken": session.cookies.get("csrftoken", _TOKEN)}
        return session.post(url, data=fields, headers=headers, timeout=_TIMEOUT)


class Traffic:
    """
    Requests at the rates above, whoever waits.

    Args:
        sites: name → address.
        learners: how many there are.
        share: of the rates.
    """

    def __init__(self, sites: dict[str, str], learners: int, share: float):
        self._learners = [Learner(number, sites) for number in range(learners)]
        self._share = share
        self._pool = ThreadPoolExecutor(max_workers=32)
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.began = time.monotonic()
        self.requests: list[Request] = []

    def start(self) -> None:
        """Begin."""
        self.began = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """End, when what has begun is over."""
        self._ends.set()
        self._thread.join()
        self._pool.shutdown()

    def _run(self) -> None:
        kinds, weights = list(RATES), list(RATES.values())
        rate, at = sum(weights) * self._share, time.monotonic()
        while not self._ends.is_set():
            at += random.expovariate(rate)
            time.sleep(max(0.0, at - time.monotonic()))
            self._pool.submit(self._one, random.choices(kinds, weights)[0])

    def _one(self, what: str) -> None:
        while True:
            learner = random.choice(self._learners)
            if learner.lock.acquire(blocking=False):
                break
        try:
            self.requests.extend(learner.do(what, self.began))
        finally:
            learner.lock.release()
