"""A webfilter in a learner's request, beside the bare request library, on loopback, in one run.

Goals: nothing configured costs at most 5 µs over the pipeline runner; one warm webfilter at most 1.3 times a kept-alive
``requests`` session and 2.5 times faster than a new session per call; five endpoints of 50 ms about 50 ms; an open
breaker at most 1 ms.
"""

import logging
import multiprocessing
import statistics
import sys
import time
import types
from collections.abc import Callable
from contextlib import contextmanager

import requests
from django.conf import settings
from django.test.utils import setup_databases, teardown_databases
from opaque_keys.edx.keys import CourseKey
from openedx_filters.filters import PipelineStep
from openedx_filters.learning.filters import CourseHomeUrlCreationStarted

from benchmarks._server import serve
from openedx_webhooks import catalog
from openedx_webhooks.models import Webfilter
from openedx_webhooks.payloads import encode, serialize

ROUNDS = 1000
WARM_UP = 30
FILTER = CourseHomeUrlCreationStarted
KEY = CourseKey.from_string("course-v1:edX+DemoX+2026")


class EmptyStep(PipelineStep):
    """What the pipeline runner costs with a step that does nothing."""

    def run_filter(self, *_args, **_kwargs):
        return {}


@contextmanager
def _server():
    """The address of a server in a process of its own."""
    context = multiprocessing.get_context("spawn")
    ports = context.Queue()
    process = context.Process(target=serve, args=(ports,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ports.get(timeout=20)}"
    finally:
        process.terminate()
        process.join()


def _medians(functions: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each. They take turns, so that a busy moment hits all of them."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for number in range(WARM_UP + rounds):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            if number >= WARM_UP:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def _run():
    return FILTER.run_filter(course_key=KEY, course_home_url="https://lms.example.com/home")


def _with_step(path: str):
    config = {**settings.OPEN_EDX_FILTERS_CONFIG, FILTER.filter_type: {"pipeline": [path]}}

    def run():
        settings.OPEN_EDX_FILTERS_CONFIG = config
        _run()

    return run


def _nothing_configured() -> float:
    module = types.ModuleType("benchmark_step")
    module.EmptyStep = EmptyStep
    sys.modules["benchmark_step"] = module
    ours = settings.OPEN_EDX_FILTERS_CONFIG
    found = _medians(
        {
            "empty": _with_step("benchmark_step.EmptyStep"),
            "ours": _with_step("openedx_webhooks.webfilters.pipeline.WebfilterStep"),
        },
        ROUNDS * 10,
    )
    settings.OPEN_EDX_FILTERS_CONFIG = ours
    return found["ours"] - found["empty"]


def _one_webfilter(url: str) -> tuple[float, float, float]:
    Webfilter.objects.create(event=FILTER.filter_type, webhook_url=f"{url}/", call_log="none")
    payload = serialize.filter_payload(catalog.filters()[FILTER.filter_type], {"course_key": KEY})
    body, content_type = encode.encode(payload, False)
    session = requests.Session()
    arguments = {"data": body, "headers": {"Content-Type": content_type}, "timeout": 5}
    found = _medians(
        {
            "ours": _run,
            "session": lambda: session.post(f"{url}/", **arguments).json(),
            "new": lambda: requests.post(f"{url}/", **arguments).json(),
        },
        ROUNDS,
    )
    Webfilter.objects.all().delete()
    return found["ours"], found["session"], found["new"]


def _many(url: str) -> float:
    for number in range(5):
        Webfilter.objects.create(event=FILTER.filter_type, webhook_url=f"{url}/slow{number}", call_log="none")
    seconds = _medians({"five": _run}, 20)["five"]
    Webfilter.objects.all().delete()
    return seconds


def _open_breaker() -> float:
    Webfilter.objects.create(event=FILTER.filter_type, webhook_url="http://127.0.0.1:1/", call_log="none")
    for _ in range(6):
        _run()
    seconds = _medians({"open": _run}, ROUNDS)["open"]
    Webfilter.objects.all().delete()
    return seconds


def main() -> bool:
    """Print the measurements; whether all goals were met."""
    logging.disable(logging.CRITICAL)
    databases = setup_databases(verbosity=0, interactive=False)
    try:
        nothing = _nothing_configured()
        with _server() as url:
            ours, session, new = _one_webfilter(url)
            five = _many(url)
        broken = _open_breaker()
    finally:
        teardown_databases(databases, verbosity=0)
        logging.disable(logging.NOTSET)
    goals = [
        ("nothing configured, over the runner", f"{nothing * 1e6:.1f} µs", nothing < 5e-6),
        ("one warm webfilter", f"{ours * 1e3:.2f} ms", True),
        ("… as a multiple of a kept-alive session", f"{ours / session:.2f}", ours <= 1.3 * session),
        ("… how much faster than a new session", f"{new / ours:.2f}", new >= 2.5 * ours),
        ("five endpoints of 50 ms", f"{five * 1e3:.1f} ms", five < 0.06),
        ("open breaker", f"{broken * 1e6:.0f} µs", broken < 1e-3),
    ]
    for what, value, is_met in goals:
        print(f"{what:45} {value:>10}  {'ok' if is_met else 'MISSED'}")
    return all(is_met for _what, _value, is_met in goals)
