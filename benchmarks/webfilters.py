"""A webfilter in a learner's request, beside the bare request library, on loopback, in one run.

Goals: nothing configured costs at most 5 µs over the pipeline runner; one warm webfilter at most 1.0 times a kept-alive
``requests`` session's POST; five endpoints of 50 ms at most 3 ms longer than one of them; an open circuit at most 1 ms;
a local answer at most 0.3 ms.
"""

import gc
import logging
import statistics
import sys
import types
from collections.abc import Callable
from contextlib import contextmanager

import requests
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.http import QueryDict
from django.test import override_settings
from django.test.utils import setup_databases, teardown_databases
from opaque_keys.edx.keys import CourseKey
from openedx_filters.filters import PipelineStep
from openedx_filters.learning.filters import (
    CourseHomeUrlCreationStarted,
    DashboardRenderStarted,
    StudentRegistrationRequested,
)

from benchmarks._goals import Goals
from benchmarks._server import serving
from benchmarks._turns import take_turns
from demo.minilms.models import CourseEnrollment, CourseOverview, UserProfile
from openedx_webhooks import catalog
from openedx_webhooks.models import Webfilter
from openedx_webhooks.payloads import encode, serialize

ROUNDS = 1000
WARM_UP = 30
FILTER = CourseHomeUrlCreationStarted
KEY = CourseKey.from_string("course-v1:edX+DemoX+2026")
ENROLLMENTS = 200
PARALLEL = (5, 10)
REDIS = "redis://127.0.0.1:6379/15"


class EmptyStep(PipelineStep):
    """What the pipeline runner costs with a step that does nothing."""

    def run_filter(self, *_args, **_kwargs):
        return {}


def _medians(functions: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each."""
    return {name: statistics.median(times) for name, times in take_turns(functions, rounds, WARM_UP).items()}


@contextmanager
def _webfilters(*urls: str):
    """Webfilters for as long as the block lasts."""
    cache.clear()
    for url in urls:
        Webfilter.objects.create(event=FILTER.filter_type, webhook_url=url, call_log="none")
    try:
        yield
    finally:
        Webfilter.objects.all().delete()


def _run():
    return FILTER.run_filter(course_key=KEY, course_home_url="https://lms.example.com/home")


def _with(config: dict):
    def run():
        settings.OPEN_EDX_FILTERS_CONFIG = config
        _run()

    return run


def _nothing_configured(goals: Goals) -> None:
    module = types.ModuleType("benchmark_step")
    module.EmptyStep = EmptyStep
    sys.modules["benchmark_step"] = module
    ours = settings.OPEN_EDX_FILTERS_CONFIG
    found = _medians(
        {
            "absent": _with({}),
            "empty": _with({FILTER.filter_type: {"pipeline": ["benchmark_step.EmptyStep"]}}),
            "ours": _with(ours),
        },
        ROUNDS * 10,
    )
    settings.OPEN_EDX_FILTERS_CONFIG = ours
    more = found["ours"] - found["empty"]
    goals.add("run_filter without the plugin", f"{found['absent'] * 1e6:.1f} µs")
    goals.add("… with it and nothing configured", f"{found['ours'] * 1e6:.1f} µs")
    goals.add("… over the pipeline runner itself", f"{more * 1e6:.1f} µs", more < 5e-6, "≤ 5 µs")


def _one_webfilter(goals: Goals, scheme: str, url: str, bundle: str) -> None:
    payload = serialize.filter_payload(catalog.filters()[FILTER.filter_type], {"course_key": KEY})
    body, content_type = encode.encode(payload, False)
    session = requests.Session()
    arguments = {"data": body, "headers": {"Content-Type": content_type}, "timeout": 5, "verify": bundle}
    with _webfilters(url), override_settings(OPENEDX_WEBHOOKS={"CA_BUNDLE": bundle}):
        found = _medians({"ours": _run, "session": lambda: session.post(url, **arguments).json()}, ROUNDS)
    goals.add(f"one warm webfilter, {scheme}", f"{found['ours'] * 1e3:.2f} ms")
    ratio = found["ours"] / found["session"]
    goals.add("… as a multiple of a kept-alive session", f"{ratio:.2f}", ratio <= 1, "≤ 1.0")


def _local_answer(goals: Goals) -> None:
    """What a webfilter that answers by itself costs in a learner's request, over the same run without it."""
    registration = StudentRegistrationRequested
    form = QueryDict(mutable=True)
    form.update({"username": "ada", "email": "ada@example.com", "name": "Ada", "country": "GB", "goals": "to learn"})
    answers = {
        "JSON": '{"data": {"form_data": {"country": "IE"}}}',
        "JMESPath": "form_data.country == 'GB' && {data: {form_data: {country: 'IE'}}}",
    }

    def run():
        registration.run_filter(form_data=form)

    absent = _medians({"run": run}, ROUNDS)["run"]
    for name, answer in answers.items():
        Webfilter.objects.create(
            event=registration.filter_type,
            local_answer=answer,
            condition="!ends_with(form_data.email || '', '@example.org')",
            call_log="none",
        )
        more = _medians({"run": run}, ROUNDS)["run"] - absent
        Webfilter.objects.all().delete()
        goals.add(f"local answer, {name}", f"{more * 1e6:.0f} µs", more <= 0.3e-3, "≤ 300 µs")


def _many(goals: Goals, url: str) -> None:
    found = {}
    for count in (1, *PARALLEL):
        with _webfilters(*(f"{url}/slow50?{number}" for number in range(count))):
            found[count] = _medians({"run": _run}, 40)["run"]
    goals.add("one endpoint of 50 ms", f"{found[1] * 1e3:.1f} ms")
    for count in PARALLEL:
        more = found[count] - found[1]
        goals.add(f"{count} endpoints of 50 ms", f"{found[count] * 1e3:.1f} ms")
        goals.add("… over one of them", f"{more * 1e3:.1f} ms", more <= 3e-3 if count == 5 else None, "≤ 3 ms")


def _open_breaker(goals: Goals, name: str) -> None:
    with _webfilters("http://127.0.0.1:1/"):
        for _ in range(6):
            _run()
        seconds = _medians({"open": _run}, ROUNDS)["open"]
    goals.add(f"open circuit, cache in {name}", f"{seconds * 1e6:.0f} µs", seconds < 1e-3, "≤ 1 ms")


def _open_breakers(goals: Goals) -> None:
    _open_breaker(goals, "memory")
    with override_settings(
        CACHES={"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS}}
    ):
        try:
            cache.get("")
        except Exception as error:  # pylint: disable=broad-exception-caught
            print(f"  no Redis at {REDIS}: {type(error).__name__}")
            return
        _open_breaker(goals, "Redis")


def _dashboard(goals: Goals) -> None:
    """As the platform's view gives it to the filter: enrollments with their courses, and tables by course key."""
    user = get_user_model().objects.create(username="ada", email="ada@example.com")
    UserProfile.objects.create(user=user, name="Ada")
    for number in range(ENROLLMENTS):
        course = CourseOverview.objects.create(
            id=CourseKey.from_string(f"course-v1:edX+Demo{number}+2026"), display_name=f"Course {number}"
        )
        CourseEnrollment.objects.create(user=user, course=course)
    enrollments = list(CourseEnrollment.objects.select_related("user__profile", "course"))
    keys = [enrollment.course_id for enrollment in enrollments]
    context = {
        "user": user,
        "course_enrollments": enrollments,
        "cert_statuses": {key: {"status": "downloadable"} for key in keys},
        "all_course_modes": {key: {"audit": {}} for key in keys},
        "show_courseware_links_for": dict.fromkeys(keys, True),
        "show_email_settings_for": frozenset(keys),
    }
    filter_type = catalog.filters()[DashboardRenderStarted.filter_type]
    arguments = {"context": context, "template_name": "dashboard.html"}

    def make():
        return encode.encode(serialize.filter_payload(filter_type, arguments), False)[0]

    gc.collect()
    seconds = _medians({"make": make}, 50)["make"]
    goals.add(f"payload of a dashboard, {ENROLLMENTS} enrollments", f"{seconds * 1e3:.1f} ms")
    goals.add("… its size", f"{len(make()) / 1024:.0f} kB")


def main() -> bool:
    """Print the measurements; whether all goals were met."""
    logging.disable(logging.CRITICAL)
    databases = setup_databases(verbosity=0, interactive=False)
    goals = Goals()
    try:
        _nothing_configured(goals)
        _local_answer(goals)
        with serving() as (http, https, bundle):
            _one_webfilter(goals, "http", f"{http}/", bundle)
            _one_webfilter(goals, "https", f"{https}/", bundle)
            _many(goals, http)
        _open_breakers(goals)
        _dashboard(goals)
    finally:
        teardown_databases(databases, verbosity=0)
        logging.disable(logging.NOTSET)
    return goals.are_met
