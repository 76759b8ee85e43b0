"""One run: which webfilters are asked, how their answers combine, and what the caller's transaction notices of it."""

import contextlib
import signal
import socket
import time

import crum
import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection, transaction
from django.test import RequestFactory, override_settings
from django.utils.functional import SimpleLazyObject
from openedx_filters.learning.filters import (
    CourseEnrollmentStarted,
    CourseHomeUrlCreationStarted,
    StudentLoginRequested,
    StudentRegistrationRequested,
)

from demo.minilms.models import UserProfile
from openedx_webhooks import index, skips
from openedx_webhooks.models import Call, Webfilter
from openedx_webhooks.transport.breaker import breaker
from openedx_webhooks.webfilters import run, trial_call
from tests.receiver import Reply

from .world import COURSE_KEY, OTHER_KEY, World, log_in, registration_form

pytestmark = pytest.mark.django_db
REGISTRATION = StudentRegistrationRequested.filter_type
LOGIN = StudentLoginRequested.filter_type
HOME = CourseHomeUrlCreationStarted.filter_type


def register():
    return StudentRegistrationRequested.run_filter(form_data=registration_form())


def data(**form):
    return Reply({"data": {"form_data": form}})


def prevent(message):
    return Reply({"exception": {"PreventRegistration": message}})


# --- Several webfilters


def test_later_answer_wins_at_the_same_key(make_webfilter):
    """In the order that the operator set, whatever the order in which they were made."""
    make_webfilter(REGISTRATION, data(name="second", city="Oslo"), path="/2", order=2)
    make_webfilter(REGISTRATION, data(name="first", country="NO"), path="/1", order=1)
    form = register()
    assert (form["name"], form["city"], form["country"]) == ("second", "Oslo", "NO")


def test_first_exception_in_order_is_raised(make_webfilter):
    make_webfilter(REGISTRATION, data(name="x"), path="/0", order=0)
    make_webfilter(REGISTRATION, prevent("later"), path="/2", order=2)
    make_webfilter(REGISTRATION, prevent("earlier"), path="/1", order=1)
    with pytest.raises(StudentRegistrationRequested.PreventRegistration, match="earlier"):
        register()


def test_halted_process_changes_nothing(make_webfilter):
    world = World()
    make_webfilter(LOGIN, Reply({"data": {"profile": {"name": "x"}}}), path="/1", order=1)
    make_webfilter(LOGIN, Reply({"exception": {"PreventLogin": "no"}}), path="/2", order=2)
    with pytest.raises(StudentLoginRequested.PreventLogin):
        StudentLoginRequested.run_filter(user=world.user)
    assert UserProfile.objects.get(user=world.user).name == "Ada"


def test_exception_wins_over_data_of_the_same_answer(make_webfilter):
    make_webfilter(
        REGISTRATION, Reply({"data": {"form_data": {"name": "x"}}, "exception": {"PreventRegistration": "no"}})
    )
    with pytest.raises(StudentRegistrationRequested.PreventRegistration, match="no"):
        register()


def test_disabled_halting_lets_the_next_exception_through(make_webfilter):
    """And the data of the answer still counts."""
    make_webfilter(
        REGISTRATION,
        Reply({"data": {"form_data": {"name": "x"}}, "exception": {"PreventRegistration": "1"}}),
        path="/1",
        disable_halt=True,
    )
    assert register()["name"] == "x"
    make_webfilter(REGISTRATION, prevent("2"), path="/2", order=1)
    with pytest.raises(StudentRegistrationRequested.PreventRegistration, match="2"):
        register()


def test_disabled_filtering_ignores_data_and_may_halt(make_webfilter):
    hook = make_webfilter(REGISTRATION, data(name="x"), disable_filtering=True, path="/1")
    assert register()["name"] == "Ada"
    make_webfilter(REGISTRATION, prevent("no"), disable_filtering=True, path="/2")
    with pytest.raises(StudentRegistrationRequested.PreventRegistration):
        register()
    assert hook.pk


def test_disabled_webfilter_is_not_asked(make_webfilter, receiver):
    make_webfilter(REGISTRATION, enabled=False)
    register()
    assert not receiver.received


def test_five_endpoints_of_50_ms_take_about_50_ms(make_webfilter, receiver):
    """All are asked before the first one answers."""
    arrived = []

    def answer_when_all_are_there(handler):
        arrived.append(handler.path)
        end = time.monotonic() + 3
        while len(arrived) < 5 and time.monotonic() < end:
            time.sleep(0.005)
        handler.send_response(200)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    for number in range(5):
        make_webfilter(REGISTRATION, answer_when_all_are_there, path=f"/{number}", timeout=5)
    start = time.monotonic()
    register()
    assert len(receiver.received) == 5
    assert time.monotonic() - start < 4


# --- Time


def test_deadline_of_all_webfilters_of_a_request(make_webfilter, settings, caplog):
    """The second filter of the same web request gets no more than what the first one left."""
    settings.OPENEDX_WEBHOOKS = {"WEBFILTER_REQUEST_BUDGET_SECONDS": 0.8}
    make_webfilter(REGISTRATION, Reply(delay=3), timeout=5)
    start = time.monotonic()
    with crum.impersonate(None):
        crum.set_current_request(RequestFactory().get("/"))
        try:
            register()
            register()
        finally:
            crum.set_current_request(None)
    assert 0.7 < time.monotonic() - start < 1.5
    assert "timeout" in caplog.text
    assert "used up" in caplog.text


def test_time_that_others_used_up_is_not_the_endpoints_fault(make_webfilter, settings):
    settings.OPENEDX_WEBHOOKS = {"WEBFILTER_REQUEST_BUDGET_SECONDS": 0.0, "BREAKER_FAILURES": 1}
    webfilter = make_webfilter(REGISTRATION)
    before = skips.last_day(webfilter).get(skips.Reason.BUDGET, 0)
    register()
    assert breaker(webfilter.webhook_url).state() == "closed"
    assert skips.last_day(webfilter)[skips.Reason.BUDGET] == before + 1


def test_an_endpoint_that_others_left_little_time_is_not_at_fault(make_webfilter, settings):
    settings.OPENEDX_WEBHOOKS = {"WEBFILTER_REQUEST_BUDGET_SECONDS": 0.2, "BREAKER_FAILURES": 1}
    webfilter = make_webfilter(REGISTRATION, Reply(delay=0.5))
    register()
    assert breaker(webfilter.webhook_url).state() == "closed"


def test_an_endpoint_that_had_its_own_time_is_at_fault(make_webfilter, settings):
    settings.OPENEDX_WEBHOOKS = {"WEBFILTER_TIMEOUT_SECONDS": 0.2, "BREAKER_FAILURES": 1}
    webfilter = make_webfilter(REGISTRATION, Reply(delay=0.5))
    register()
    assert breaker(webfilter.webhook_url).state() == "open"


@pytest.mark.parametrize("seconds_left, state", [(0.2, "closed"), (5, "open")])
def test_an_endpoint_that_had_little_time_to_connect_is_not_at_fault(make_webfilter, settings, seconds_left, state):
    settings.OPENEDX_WEBHOOKS = {
        "WEBFILTER_REQUEST_BUDGET_SECONDS": seconds_left,
        "WEBFILTER_CONNECT_TIMEOUT_SECONDS": 0.4,
        "BREAKER_FAILURES": 1,
    }
    # A listener whose queue is full drops what comes after.
    with socket.socket() as listener, contextlib.ExitStack() as fillers:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            filler = fillers.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        webfilter = make_webfilter(REGISTRATION)
        Webfilter.objects.update(webhook_url=f"http://127.0.0.1:{listener.getsockname()[1]}/")
        index.webfilters.forget()
        register()
        webfilter.refresh_from_db()
        assert breaker(webfilter.webhook_url).state() == state


def test_a_quick_refusal_is_the_endpoints_own_however_little_time_was_left(make_webfilter, settings):
    settings.OPENEDX_WEBHOOKS = {"WEBFILTER_REQUEST_BUDGET_SECONDS": 0.5, "BREAKER_FAILURES": 1}
    webfilter = make_webfilter(REGISTRATION)
    Webfilter.objects.update(webhook_url="http://127.0.0.1:1/")
    index.webfilters.forget()
    register()
    webfilter.refresh_from_db()
    assert breaker(webfilter.webhook_url).state() == "open"


@pytest.mark.parametrize("endpoints", [1, 3])
def test_the_soft_time_limit_of_a_task_ends_the_run_and_reaches_the_task(make_webfilter, endpoints):
    """Celery raises it by a signal in the task's thread; swallowed, the task would run into its hard limit."""

    def strike(*_args):
        raise SoftTimeLimitExceeded

    for number in range(endpoints):
        make_webfilter(REGISTRATION, Reply(delay=2), path=f"/{number}")
    before = signal.signal(signal.SIGALRM, strike)
    start = time.monotonic()
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(SoftTimeLimitExceeded):
            StudentRegistrationRequested.run_filter(form_data=registration_form())
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - start < 1.8


# --- Breaker


def test_open_breaker_counts_as_request_exception(make_webfilter, receiver):
    webfilter = make_webfilter(REGISTRATION, Reply(status=503), halt_on_request_exception=True)
    for _ in range(5):
        register()
    assert breaker(webfilter.webhook_url).state() == "open"
    with pytest.raises(StudentRegistrationRequested.PreventRegistration):
        register()
    assert len(receiver.received) == 5


@pytest.mark.parametrize("setting, stops", [("halt_on_5xx", True), ("halt_on_4xx", False)])
def test_what_a_5xx_stops_is_stopped_while_the_circuit_is_open(setting, stops, make_webfilter, receiver):
    """Else an endpoint would let everybody pass by failing often enough."""
    make_webfilter(REGISTRATION, Reply(status=503), **{setting: True})
    for _ in range(7):
        with pytest.raises(StudentRegistrationRequested.PreventRegistration) if stops else contextlib.nullcontext():
            register()
    assert len(receiver.received) == 5


def test_calls_that_an_open_breaker_kept_back_are_counted(make_webfilter):
    webfilter = make_webfilter(REGISTRATION, Reply(status=503))
    before = skips.last_day(webfilter).get(skips.Reason.BREAKER_OPEN, 0)
    for _ in range(8):
        register()
    assert skips.last_day(webfilter)[skips.Reason.BREAKER_OPEN] == before + 3


@pytest.mark.parametrize("reply, is_well", [(Reply({}), True), (Reply(b"no JSON"), False), (Reply(status=500), False)])
def test_a_test_with_a_usable_answer_begins_its_health_anew(make_webfilter, reply, is_well):
    webfilter = make_webfilter(REGISTRATION, reply)
    trial_call.call_test(webfilter)
    webfilter.refresh_from_db()
    assert (webfilter.recovered_at is not None) == is_well


def test_refusals_do_not_open_the_breaker(make_webfilter, receiver):
    make_webfilter(REGISTRATION, Reply(status=403))
    for _ in range(7):
        register()
    assert len(receiver.received) == 7


# --- Condition, shape, headers, encoding


def test_condition_decides_who_is_asked(make_webfilter, receiver):
    make_webfilter(REGISTRATION, path="/yes", condition="form_data.username == 'ada'")
    make_webfilter(REGISTRATION, path="/no", condition="form_data.username == 'eve'")
    register()
    assert [request.path for request in receiver.received] == ["/yes"]


@pytest.mark.parametrize("field", ["condition", "shape"])
def test_failing_expression_is_no_match_and_logged_once_an_hour(field, make_webfilter, receiver, caplog):
    make_webfilter(REGISTRATION, **{field: "abs(form_data.username)"})
    register()
    register()
    assert not receiver.received
    assert caplog.text.count(f"its {field} fails on this payload") == 1


@pytest.mark.parametrize(
    "condition", ["abs(form_data.username)", "sort_by(form_data.interests, &length(@))", "max_by(@, &a)"]
)
def test_failing_condition_leaves_the_other_webfilters_alone(condition, make_webfilter):
    make_webfilter(REGISTRATION, path="/1", condition=condition)
    make_webfilter(REGISTRATION, data(name="x"), path="/2")
    assert register()["name"] == "x"


def test_shape_is_the_body(make_webfilter, receiver):
    make_webfilter(REGISTRATION, shape="{who: form_data.username}")
    register()
    assert receiver.received[0].json == {"who": "ada"}


def test_shape_without_a_result_is_no_match(make_webfilter, receiver):
    """As for webhooks: there is nothing to ask about."""
    make_webfilter(REGISTRATION, shape="form_data.no_such_field")
    register()
    assert not receiver.received


def test_headers_and_form_encoding(make_webfilter, receiver):
    make_webfilter(REGISTRATION, use_www_form_encoding=True, headers={"Authorization": "Bearer abc"})
    register()
    (request,) = receiver.received
    assert request.headers["Authorization"] == "Bearer abc"
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.headers["User-Agent"].startswith("openedx-webhooks/")
    assert request.headers["webhook-id"]
    assert abs(int(request.headers["webhook-timestamp"]) - time.time()) < 5
    assert request.form["form_data_username"] == "ada"


def test_answer_that_repeats_the_payload_changes_nothing(make_webfilter, receiver, caplog):
    """Many low-code receivers send back all that they got."""
    world = World()
    make_webfilter(CourseEnrollmentStarted.filter_type)
    CourseEnrollmentStarted.run_filter(user=world.user, course_key=COURSE_KEY, mode="audit")
    payload = receiver.received[0].json
    payload["mode"] = "verified"
    del payload["event_metadata"]
    receiver.on("/hook", Reply({"data": payload}))
    kwargs = {"user": world.user, "course_key": COURSE_KEY, "mode": "audit"}
    assert CourseEnrollmentStarted.run_filter(**kwargs) == (world.user, COURSE_KEY, "verified")
    assert "was not changed" not in caplog.text


# --- The caller's transaction and process


def test_database_error_inside_does_not_spoil_the_transaction(make_webfilter, caplog):
    """Saving the profile fails in the database itself; the learner's own transaction goes on."""
    world = World()
    make_webfilter(LOGIN, Reply({"data": {"profile": {"name": "x"}, "user": {"first_name": "Augusta"}}}))
    table = UserProfile._meta.db_table

    def fail(execute, sql, params, many, context):
        if sql.startswith("UPDATE") and table in sql:
            # Not a made-up exception: the database itself refuses this statement.
            return execute("UPDATE no_such_table SET a = 1", None, many, context)
        return execute(sql, params, many, context)

    with transaction.atomic():
        with connection.execute_wrapper(fail):
            user = log_in(world.user)
        assert user.profile.name == "Ada"
        assert UserProfile.objects.get(user=user).name == "Ada"
    user.refresh_from_db()
    assert user.first_name == "Augusta"
    assert "profile was not changed: it could not be saved" in caplog.text


def test_database_error_while_the_payload_is_made(make_webfilter, receiver):
    world = World()
    make_webfilter(LOGIN)
    user = type(world.user).objects.get(pk=world.user.pk)
    table = UserProfile._meta.db_table

    def fail(execute, sql, params, many, context):
        return execute(
            "SELECT * FROM no_such_table" if table in sql else sql, None if table in sql else params, many, context
        )

    with transaction.atomic():
        with connection.execute_wrapper(fail):
            assert StudentLoginRequested.run_filter(user=user) is user
        assert UserProfile.objects.count() == 1
    assert "profile" not in receiver.received[0].json


def test_payload_costs_one_query_at_most(make_webfilter, django_assert_max_num_queries):
    """The profile, between a savepoint and its release, and only if it is not loaded yet."""
    world = World()
    make_webfilter(LOGIN, call_log="none")
    user = type(world.user).objects.get(pk=world.user.pk)
    StudentLoginRequested.run_filter(user=world.user)
    with django_assert_max_num_queries(3) as queries:
        StudentLoginRequested.run_filter(user=user)
    with django_assert_max_num_queries(0):
        StudentLoginRequested.run_filter(user=user)
    assert sum("SAVEPOINT" not in query["sql"] for query in queries.captured_queries) == 1


def test_user_of_a_request_is_lazy(make_webfilter, receiver, django_assert_num_queries):
    """Asleep, it stays so; awake, it is sent and changed like any other."""
    world = World()
    make_webfilter(LOGIN, Reply({"data": {"profile": {"name": "x"}}}), disable_filtering=True, call_log="none")
    lazy = SimpleLazyObject(lambda: type(world.user).objects.get(pk=world.user.pk))
    StudentLoginRequested.run_filter(user=None)
    with django_assert_num_queries(0):
        StudentLoginRequested.run_filter(user=lazy)
    assert "username" not in receiver.received[-1].json["user"]
    Webfilter.objects.update(disable_filtering=False)
    index.webfilters.forget()
    assert lazy.username == "ada"
    assert log_in(lazy) is lazy
    assert receiver.received[-1].json["profile"]["name"] == "Ada"
    assert UserProfile.objects.get(user=world.user).name == "x"


def test_error_inside_is_swallowed_and_logged(make_webfilter, monkeypatch, caplog):
    """Even one that nobody foresaw, and even where the operator wants errors of steps to surface."""
    webfilter = make_webfilter(REGISTRATION)
    monkeypatch.setattr(run.call_log, "record", None)
    config = {
        REGISTRATION: {"fail_silently": False, "pipeline": ["openedx_webhooks.webfilters.pipeline.WebfilterStep"]}
    }
    with override_settings(OPEN_EDX_FILTERS_CONFIG=config):
        assert register()["name"] == "Ada"
    assert f"Webfilters {webfilter.pk} for {REGISTRATION} were left out: TypeError at run.py:" in caplog.text


@pytest.mark.parametrize(
    ("what", "broken", "line"),
    [("judge", "/1", "could not be judged: ZeroDivisionError"), ("plan_changes", "/1", "could not be observed")],
)
def test_one_that_fails_in_an_unforeseen_way_leaves_the_others_their_answers(
    what, broken, line, make_webfilter, monkeypatch, caplog
):
    first = make_webfilter(REGISTRATION, data(city="Oslo"), path=broken, mode="observe")
    make_webfilter(REGISTRATION, data(name="x"), path="/2", order=1)
    owner, name = (run.changes, "plan_changes") if what == "plan_changes" else (run, "judge")
    original = getattr(owner, name)

    def fail(filter_type, *arguments):
        is_first = arguments[0] == first or {"form_data": {"city": "Oslo"}} in arguments
        return 1 / 0 if is_first else original(filter_type, *arguments)

    monkeypatch.setattr(owner, name, fail)
    assert register()["name"] == "x"
    assert line in caplog.text


def test_other_plugins_steps_go_on_with_what_was_changed(make_webfilter):
    make_webfilter(HOME, Reply({"data": {"course_home_url": "https://example.com/"}}))
    assert CourseHomeUrlCreationStarted.run_pipeline(course_key=OTHER_KEY, course_home_url="/home") == {
        "course_key": OTHER_KEY,
        "course_home_url": "https://example.com/",
    }


def test_values_are_not_logged(make_webfilter, caplog):
    """Neither what the endpoint answered nor what a validator says about it."""
    caplog.set_level("DEBUG")
    data = {"profile": {"name": "Somebody" * 99, "year_of_birth": "Somebody"}, "user": {"email": "Somebody"}}
    make_webfilter(LOGIN, Reply({"data": data}))
    log_in(World().user)
    assert caplog.text.count("was not changed: ") == 3
    assert "it does not fit the field (max_length)" in caplog.text
    assert "Somebody" not in caplog.text


# --- Observing


@pytest.mark.parametrize("reply", [data(name="x"), prevent("no"), Reply(status=403), Reply(status=500), Reply(b"<p>")])
def test_observing_changes_and_halts_nothing(reply, make_webfilter):
    make_webfilter(
        REGISTRATION, reply, mode="observe", halt_on_4xx=True, halt_on_5xx=True, halt_on_request_exception=True
    )
    form = registration_form()
    assert StudentRegistrationRequested.run_filter(form_data=form)["name"] == "Ada"


def test_observing_is_recorded_with_what_it_would_have_done(make_webfilter):
    world = World()
    make_webfilter(LOGIN, Reply({"data": {"profile": {"name": "x", "id": 7}}}), mode="observe", path="/1")
    make_webfilter(LOGIN, Reply({"exception": {"PreventLogin": "no"}}), mode="observe", path="/2")
    make_webfilter(LOGIN, Reply({"data": {"profile": {"goals": "y"}}}), call_log="all", path="/3", order=1)
    log_in(world.user)
    calls = list(Call.objects.order_by("pk").values_list("mode", "result", "changed_keys"))
    assert calls == [
        ("observe", "changed", "profile.name"),
        ("observe", "halted", ""),
        ("enforce", "changed", "profile.goals"),
    ]
    profile = UserProfile.objects.get(user=world.user)
    assert (profile.name, profile.goals) == ("Ada", "y")
