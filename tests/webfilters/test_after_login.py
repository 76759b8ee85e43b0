"""The login filter runs before the password is checked: what answers change counts when the login has succeeded."""

import pytest
from django.contrib.auth import get_user_model
from django.core.signals import request_finished
from django.test import Client
from openedx_filters.learning.filters import CourseUnenrollmentStarted, StudentLoginRequested

from demo.minilms.models import UserProfile
from openedx_webhooks.models import Call
from openedx_webhooks.webfilters import trial_call
from tests.receiver import Reply

from .world import SECRET, World

LOGIN = StudentLoginRequested.filter_type
CHANGE = Reply({"data": {"profile": {"name": "Ada King"}, "user": {"first_name": "Augusta"}}})


@pytest.fixture
def world(db, settings):  # pylint: disable=unused-argument
    settings.ROOT_URLCONF = "tests.webfilters.login_urls"
    return World()


def log_in(**fields):
    return Client().post("/login_ajax", {"email": "ada@example.com", "password": SECRET, **fields})


def names(world):
    user = get_user_model().objects.select_related("profile").get(pk=world.user.pk)
    return user.first_name, user.profile.name


@pytest.mark.parametrize("fields", [{}, {"third_party_auth": "1"}])
def test_a_login_that_succeeds_saves_what_the_answer_changes(fields, world, make_webfilter):
    """With a password and through another provider; the rest of the request sees it, too."""
    make_webfilter(LOGIN, CHANGE, call_log="all")
    assert log_in(**fields).json() == {"success": True, "name": "Ada King"}
    assert names(world) == ("Augusta", "Ada King")
    call = Call.objects.get()
    assert (call.result, call.changed_keys) == ("changed", "user.first_name, profile.name")
    assert call.note == "applied after the login"


def test_a_stranger_with_a_wrong_password_changes_nothing(world, make_webfilter):
    make_webfilter(LOGIN, CHANGE, call_log="all")
    assert log_in(password="guessed").status_code == 400
    assert names(world) == ("Ada", "Ada")
    call = Call.objects.get()
    assert (call.result, call.changed_keys) == ("passed", "")
    assert call.note == "dropped: no login of this user has succeeded in the same request"


def test_what_a_failed_login_left_does_not_wait_for_the_next_one(world, make_webfilter, receiver):
    make_webfilter(LOGIN, CHANGE)
    log_in(password="guessed")
    receiver.on("/hook", Reply({}))
    assert log_in().json()["name"] == "Ada"
    assert names(world) == ("Ada", "Ada")


def test_a_halt_works_as_ever(world, make_webfilter):
    make_webfilter(LOGIN, CHANGE, path="/1")
    make_webfilter(LOGIN, Reply({"exception": {"PreventLogin": "Suspended"}}), path="/2")
    assert log_in().json() == {"success": False, "value": "Suspended"}
    assert names(world) == ("Ada", "Ada")


def test_without_a_request_there_is_no_login_to_wait_for(world, make_webfilter):
    make_webfilter(LOGIN, CHANGE, call_log="all")
    assert StudentLoginRequested.run_filter(user=world.user).profile.name == "Ada"
    assert names(world) == ("Ada", "Ada")
    assert Call.objects.get().note.startswith("dropped: ")


def test_a_change_that_cannot_be_saved_lets_the_learner_in(world, make_webfilter, monkeypatch, caplog):
    make_webfilter(LOGIN, CHANGE, call_log="all")
    monkeypatch.setattr(UserProfile, "save", lambda *args, **kwargs: 1 / 0)
    assert log_in().json()["success"]
    assert names(world) == ("Augusta", "Ada")
    assert Call.objects.get().changed_keys == "user.first_name"
    assert "profile was not changed: it could not be saved: ZeroDivisionError" in caplog.text


def test_an_unknown_account_has_nothing_to_change(world, make_webfilter):
    make_webfilter(LOGIN, CHANGE, call_log="all")
    assert log_in(email="nobody@example.com").status_code == 400
    assert Call.objects.get().note == ""
    assert names(world) == ("Ada", "Ada")


def test_a_request_that_never_ended_is_no_harm_to_the_next(world, make_webfilter, receiver):
    """A worker that was killed in the middle, say: nobody told that its request has ended."""
    make_webfilter(LOGIN, CHANGE, call_log="all")
    receivers, request_finished.receivers = request_finished.receivers, []
    request_finished.sender_receivers_cache.clear()
    try:
        log_in(password="guessed")
    finally:
        request_finished.receivers = receivers
        request_finished.sender_receivers_cache.clear()
    receiver.on("/hook", Reply({"data": {"profile": {"name": "New"}}}))
    assert log_in().json()["name"] == "New"
    assert names(world) == ("Ada", "New")
    assert [call.note.partition(" ")[0] for call in Call.objects.order_by("pk")] == ["dropped:", "applied"]


def test_the_test_button_says_that_changes_wait_for_the_login(world, make_webfilter):
    assert trial_call.call_test(make_webfilter(LOGIN, CHANGE)).notes == ["applied after the login"]
    assert names(world) == ("Ada", "Ada")


# --- The profile


def test_the_profile_is_in_the_payload_unless_the_operator_leaves_it_out(world, make_webfilter, receiver):
    make_webfilter(LOGIN, path="/with")
    make_webfilter(LOGIN, path="/without", send_profile=False)
    log_in()
    (with_profile,), (without,) = receiver.at("/with"), receiver.at("/without")
    assert with_profile.json["profile"]["name"] == "Ada"
    assert with_profile.json["user"] == without.json["user"]
    assert "profile" not in without.json
    assert "to learn" not in without.body.decode()


def test_nor_is_it_in_what_the_operator_shapes(world, make_webfilter, receiver):
    make_webfilter(LOGIN, path="/with")
    make_webfilter(LOGIN, path="/without", send_profile=False, shape="{all: @}")
    log_in()
    assert "to learn" not in receiver.at("/without")[0].body.decode()


def test_a_profile_that_nobody_wants_is_not_even_loaded(world, make_webfilter, django_assert_num_queries):
    make_webfilter(LOGIN, send_profile=False, call_log="none")
    StudentLoginRequested.run_filter(user=None)
    user = get_user_model().objects.get(pk=world.user.pk)
    with django_assert_num_queries(0):
        StudentLoginRequested.run_filter(user=user)


def test_a_condition_sees_what_is_sent(world, make_webfilter, receiver):
    make_webfilter(LOGIN, path="/with", condition="profile.name == 'Ada'")
    make_webfilter(LOGIN, path="/without", send_profile=False, condition="profile.name == 'Ada'")
    log_in()
    assert [request.path for request in receiver.received] == ["/with"]


def test_a_profile_beside_the_user_of_an_enrollment_is_left_out_too(world, make_webfilter, receiver):
    make_webfilter(CourseUnenrollmentStarted.filter_type, send_profile=False)
    world.enrollment.user = get_user_model().objects.select_related("profile").get(pk=world.user.pk)
    CourseUnenrollmentStarted.run_filter(enrollment=world.enrollment)
    enrollment = receiver.received[0].json["enrollment"]
    assert enrollment["user"]["username"] == "ada"
    assert "profile" not in enrollment
