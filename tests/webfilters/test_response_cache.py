"""Remembered answers."""

import time
from types import SimpleNamespace

import pytest
from django.core.cache import cache
from django.test import override_settings
from openedx_filters.learning.filters import CourseHomeUrlCreationStarted, StudentLoginRequested

from openedx_webhooks.operations import retirement
from openedx_webhooks.payloads.mentions import Person
from openedx_webhooks.transport.breaker import breaker
from openedx_webhooks.transport.client import Outcome
from openedx_webhooks.webfilters import response_cache
from tests.receiver import Reply

from .world import COURSE_KEY, OTHER_KEY

pytestmark = pytest.mark.django_db
HOME = CourseHomeUrlCreationStarted.filter_type
URL = "https://example.com/home"


def an_hour_later():
    """The clock of cached answers only: breakers stay as they are."""
    now = time.time() + 3600
    return SimpleNamespace(time=lambda: now)


def answer(url=URL, cache_control="max-age=60"):
    return Reply({"data": {"course_home_url": url}}, headers={"Cache-Control": cache_control})


def home(key=COURSE_KEY):
    return CourseHomeUrlCreationStarted.run_filter(course_key=key, course_home_url="https://lms.example.com/")[1]


def test_same_payload_is_asked_once(make_webfilter, receiver):
    make_webfilter(HOME, answer(), cache_answers=True)
    assert [home(), home(), home(OTHER_KEY), home(OTHER_KEY)] == [URL] * 4
    assert len(receiver.received) == 2


@pytest.mark.parametrize(
    "cache_control", ["", "no-store", "max-age=60, no-store", "no-cache, max-age=5", "max-age=0", "x"]
)
def test_endpoint_decides(cache_control, make_webfilter, receiver):
    make_webfilter(HOME, answer(cache_control=cache_control), cache_answers=True)
    assert [home(), home()] == [URL] * 2
    assert len(receiver.received) == 2


@pytest.mark.parametrize(
    "reply",
    [
        Reply({"data": {}}, status=500, headers={"Cache-Control": "max-age=60"}),
        Reply({"data": {}}, status=404, headers={"Cache-Control": "max-age=60"}),
        Reply(b"<p>", headers={"Cache-Control": "max-age=60"}),
        Reply({"data": 5}, headers={"Cache-Control": "max-age=60"}),
    ],
)
def test_failures_are_not_cached(reply, make_webfilter, receiver):
    make_webfilter(HOME, reply, cache_answers=True)
    home()
    home()
    assert len(receiver.received) == 2


def test_only_those_who_opted_in(make_webfilter, receiver):
    make_webfilter(HOME, answer())
    home()
    home()
    assert len(receiver.received) == 2


def test_shape_decides_what_is_the_same_payload(make_webfilter, receiver):
    make_webfilter(HOME, answer(), cache_answers=True, shape="course_home_url")
    home()
    home(OTHER_KEY)
    assert len(receiver.received) == 1


def test_saved_webfilter_forgets(make_webfilter, receiver):
    webfilter = make_webfilter(HOME, answer(), cache_answers=True)
    home()
    webfilter.headers = {"Authorization": "Bearer other"}
    webfilter.save()
    home()
    assert len(receiver.received) == 2


@pytest.mark.parametrize(("serves_stale", "expected"), [(True, URL), (False, "https://lms.example.com/")])
def test_stale_answer_while_the_endpoint_is_left_alone(serves_stale, expected, make_webfilter, monkeypatch, receiver):
    webfilter = make_webfilter(HOME, answer(), cache_answers=True, serve_stale_answers=serves_stale)
    home()
    for _ in range(5):
        breaker(webfilter.webhook_url).record(False)
    monkeypatch.setattr(response_cache, "time", an_hour_later())
    assert home() == expected
    assert len(receiver.received) == 1


@pytest.mark.parametrize(("serves_stale", "expected"), [(True, URL), (False, "https://lms.example.com/")])
def test_stale_answer_serves_the_learner_who_probes(
    serves_stale, expected, make_webfilter, monkeypatch, receiver, settings
):
    settings.OPENEDX_WEBHOOKS = {"BREAKER_OPEN_SECONDS": 1}
    webfilter = make_webfilter(HOME, answer(), cache_answers=True, serve_stale_answers=serves_stale)
    home()
    for _ in range(5):
        breaker(webfilter.webhook_url).record(False)
    time.sleep(1.05)
    monkeypatch.setattr(response_cache, "time", an_hour_later())
    receiver.on("/hook", Reply(status=500))
    assert home() == expected
    assert len(receiver.received) == 2
    assert breaker(webfilter.webhook_url).state() == "open"


def test_stale_answer_is_not_used_while_the_endpoint_is_asked(make_webfilter, monkeypatch, receiver):
    make_webfilter(HOME, answer(), cache_answers=True, serve_stale_answers=True)
    home()
    monkeypatch.setattr(response_cache, "time", an_hour_later())
    receiver.on("/hook", answer("https://example.com/new"))
    assert home() == "https://example.com/new"


def test_dead_cache_asks(make_webfilter, receiver):
    with override_settings(
        CACHES={
            "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
        }
    ):
        make_webfilter(HOME, answer(), cache_answers=True)
        assert [home(), home()] == [URL] * 2
    assert len(receiver.received) == 2


@pytest.mark.parametrize(
    "left", ["not ours", 5, [], (1.0, 200), ("later", 200, b"{}"), (1e12, "200", b"{}"), (1e12, 200, "{}")]
)
def test_what_others_left_in_the_cache_is_no_answer(make_webfilter, receiver, left):
    make_webfilter(HOME, answer(), cache_answers=True)
    home()
    for key in list(cache._cache):  # pylint: disable=protected-access
        cache.set(key.split(":", 2)[2], left)
    assert home() == URL
    assert len(receiver.received) == 2


# --- Of a person who is retired

LOGIN = StudentLoginRequested.filter_type
ADA, BOB = Person(5, ("ada", "ada@example.com")), Person(6, ("bob",))


def kept_of(webfilter, payload):
    """Where the answer to a payload is kept."""
    return response_cache.cached_response_of(webfilter, {**payload, "event_metadata": {"event_type": LOGIN}})


OUTCOME = Outcome(status_code=200, body=b'{"data": {}}', headers={"cache-control": "max-age=600"})


@pytest.mark.parametrize(
    "payload, is_forgotten",
    [
        ({"user": {"id": 5, "username": "ada"}}, True),
        ({"user": {"id": 5}, "page": 2}, True),
        ({"form_data": {"username": "Ada"}}, True),
        ({"form_data": {"email": "Ada@Example.com"}}, True),
        ({"user": {"id": 6}}, False),
        ({"course_key": "course-v1:edX+DemoX+2026"}, False),
    ],
)
@pytest.mark.parametrize("stale", [True, False])
def test_answers_about_a_retired_person_are_forgotten(payload, is_forgotten, stale, make_webfilter):
    webfilter = make_webfilter(LOGIN, answer(), cache_answers=True, serve_stale_answers=stale)
    for some in (payload, {**payload, "and": "more"}):
        kept_of(webfilter, some).keep(OUTCOME)
        assert kept_of(webfilter, some).fresh()
    for _ in range(2):  # the platform's two steps
        response_cache.forget(ADA)
    for some in (payload, {**payload, "and": "more"}):
        again = kept_of(webfilter, some)
        assert (again.fresh() is None) is is_forgotten
        assert (again.stale() is None) is (is_forgotten or not stale)


def test_a_retirement_forgets_answers(make_webfilter):
    webfilter = make_webfilter(LOGIN, answer(), cache_answers=True)
    kept_of(webfilter, {"user": {"id": 5}}).keep(OUTCOME)
    retirement.forget(ADA)
    assert kept_of(webfilter, {"user": {"id": 5}}).fresh() is None


def test_of_a_person_with_many_answers_the_latest_are_found(make_webfilter, monkeypatch):
    monkeypatch.setattr(response_cache, "_NOTES", 3)
    webfilter = make_webfilter(LOGIN, answer(), cache_answers=True)
    for page in range(5):
        kept_of(webfilter, {"user": {"id": 5}, "page": page}).keep(OUTCOME)
    response_cache.forget(ADA)
    assert [bool(kept_of(webfilter, {"user": {"id": 5}, "page": page}).fresh()) for page in range(5)] == [
        *[True] * 2,
        *[False] * 3,
    ]


def test_what_can_not_be_found_again_is_not_kept(make_webfilter, monkeypatch):
    webfilter = make_webfilter(LOGIN, answer(), cache_answers=True)
    monkeypatch.setattr(response_cache, "count_up", lambda *_key_and_seconds: None)
    for page in (1, 2):
        kept_of(webfilter, {"user": {"id": 5}, "page": page}).keep(OUTCOME)
    assert kept_of(webfilter, {"user": {"id": 5}, "page": 2}).fresh() is None


def test_a_cache_that_is_away_stops_the_retirement(monkeypatch):
    """So that the step is tried again."""

    class Away:
        """No connection."""

        def get(self, *_args):
            """As the clients do."""
            raise ConnectionError("away")

    monkeypatch.setattr(response_cache, "cache", Away())
    with pytest.raises(ConnectionError):
        retirement.forget(ADA)


def test_no_name_is_a_key_of_the_cache(make_webfilter, monkeypatch):
    """Whoever operates the cache lists its keys."""
    keys = []
    ask = response_cache.ask
    monkeypatch.setattr(response_cache, "ask", lambda verb, key, *args: keys.append(key) or ask(verb, key, *args))
    kept_of(make_webfilter(LOGIN, answer(), cache_answers=True), {"form_data": {"username": "ada"}}).keep(OUTCOME)
    assert keys and not [key for key in keys if "ada" in key]
