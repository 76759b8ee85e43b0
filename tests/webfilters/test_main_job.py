"""The main job, end to end: real filters, a real receiver, a real database."""

import pytest
from django.contrib.auth import get_user_model
from django.http import QueryDict
from openedx_filters.learning.filters import StudentLoginRequested, StudentRegistrationRequested

from demo.minilms.models import UserProfile
from tests.receiver import Reply

from .world import log_in

pytestmark = pytest.mark.django_db


def registration_form(**more):
    form = QueryDict(mutable=True)
    form.update({"username": "ada", "email": "ada@example.com", "name": "Ada", "password": "s3cret-Pa55", **more})
    return form


@pytest.fixture
def user():
    user = get_user_model().objects.create_user("ada", "ada@example.com", "s3cret-Pa55", first_name="Ada")
    UserProfile.objects.create(user=user, name="Ada", goals="to learn", country="GB")
    return user


def test_registration_goes_on_with_the_name_of_the_answer(make_webfilter, receiver):
    """And everything else of the form stays as it was, the password included."""
    make_webfilter(StudentRegistrationRequested.filter_type, Reply({"data": {"form_data": {"name": "New Name"}}}))
    form = StudentRegistrationRequested.run_filter(form_data=registration_form())
    assert dict(form.items()) == {
        "username": "ada",
        "email": "ada@example.com",
        "name": "New Name",
        "password": "s3cret-Pa55",
    }
    assert b"s3cret" not in receiver.received[0].body


def test_registration_is_stopped_with_the_answers_message_and_an_error_status(make_webfilter):
    make_webfilter(
        StudentRegistrationRequested.filter_type,
        Reply({"exception": {"PreventRegistration": "Not allowed to register"}}),
    )
    with pytest.raises(StudentRegistrationRequested.PreventRegistration) as caught:
        StudentRegistrationRequested.run_filter(form_data=registration_form())
    assert str(caught.value) == "Not allowed to register"
    assert caught.value.status_code == 403


def test_login_changes_what_the_answer_names_and_nothing_else(make_webfilter, receiver, user):
    make_webfilter(StudentLoginRequested.filter_type, Reply({"data": {"profile": {"name": "Ada King"}}}))
    before = get_user_model().objects.values().get(pk=user.pk)
    result = log_in(get_user_model().objects.get(pk=user.pk))
    assert get_user_model().objects.values().get(pk=user.pk) == before
    assert result.profile.name == "Ada King"
    saved = UserProfile.objects.values().get(user=user)
    assert (saved["name"], saved["goals"], saved["country"]) == ("Ada King", "to learn", "GB")
    assert receiver.received[0].json["profile"]["name"] == "Ada"


def test_nothing_configured_changes_nothing_and_runs_no_query(django_assert_num_queries, user):
    StudentLoginRequested.run_filter(user=user)
    with django_assert_num_queries(0):
        assert StudentLoginRequested.run_filter(user=user) is user
