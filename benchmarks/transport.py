"""One POST of ours beside the bare request library, on loopback, interleaved in one run.

Compared are a warm ``post()``, ``requests.Session().post`` on a kept-alive connection (the bare library, which has no
deadline, guard or caps), and a new session for each call, which is what a hook without a pool costs.

Goal: one POST with its breaker takes at most 0.75 times as long as the kept-alive session's, over TLS too.
"""

import statistics
from collections.abc import Callable

import requests
from django.test import override_settings

from benchmarks._goals import Goals
from benchmarks._server import serving
from benchmarks._turns import take_turns
from openedx_webhooks.transport.breaker import breaker
from openedx_webhooks.transport.client import post

ROUNDS = 1500
WARM_UP = 50
GOAL = 0.75
# About the size of a registration's payload.
BODY = b'{"form_data": {"name": "%s"}}' % (b"x" * 797)
HEADERS = {"Content-Type": "application/json", "webhook-id": "msg_1", "webhook-timestamp": "1700000000"}


def _compare(functions: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """The times of each in milliseconds."""
    times = take_turns(functions, rounds, WARM_UP)
    return {name: [seconds * 1000 for seconds in values] for name, values in times.items()}


def _check(response: requests.Response) -> None:
    assert response.status_code == 200


def _measure(goals: Goals, scheme: str, url: str, bundle: str, rounds: int) -> None:
    session = requests.Session()

    def ours():
        outcome = post(url, BODY, HEADERS, timeout=5, connect_timeout=1)
        assert outcome.ok, outcome

    def guarded():
        """As the webfilters do it: with the breaker of the endpoint."""
        call = breaker(url)
        assert call.allow()
        outcome = post(url, BODY, HEADERS, timeout=5, connect_timeout=1)
        call.record(outcome.ok)

    times = _compare(
        {
            "post()": ours,
            "breaker and post()": guarded,
            "requests, kept alive": lambda: _check(session.post(url, BODY, headers=HEADERS, timeout=5, verify=bundle)),
            "requests, new session": lambda: _check(
                requests.post(url, BODY, headers=HEADERS, timeout=5, verify=bundle)
            ),
        },
        rounds,
    )
    for name, each in times.items():
        cuts = statistics.quantiles(each, n=100)
        goals.add(f"{scheme}, {name}", f"p50 {cuts[49]:.3f} ms", beside=f"p99 {cuts[98]:.3f} ms")
    ratio = statistics.median(times["breaker and post()"]) / statistics.median(times["requests, kept alive"])
    goals.add("… breaker and post(), relative to kept alive", f"{ratio:.2f}", ratio <= GOAL, f"≤ {GOAL}")


def main() -> bool:
    """Print the measurements; whether all goals were met."""
    goals = Goals()
    with serving() as (http, https, bundle), override_settings(OPENEDX_WEBHOOKS={"CA_BUNDLE": bundle}):
        _measure(goals, "HTTP", f"{http}/", bundle, ROUNDS)
        _measure(goals, "HTTPS", f"{https}/", bundle, ROUNDS // 3)
    return goals.are_met
