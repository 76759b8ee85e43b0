"""Registration and login: what API clients and people get."""

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from demo.minilms.models import UserProfile

from .conftest import PASSWORD

pytestmark = pytest.mark.django_db
FORM = {"name": "Grace", "username": "grace", "email": "grace@example.com", "password": PASSWORD}


def test_a_registration_without_webfilters_makes_account_profile_session_and_event(client, sent):
    response = client.post(reverse("register"), FORM)
    assert (response.status_code, response["Location"]) == (302, reverse("dashboard"))
    assert get_user_model().objects.get(username="grace").profile.name == "Grace"
    assert client.get(reverse("account")).status_code == 200
    # Registering logs in without the event of a login, as on the platform.
    assert [name for name, _kwargs in sent] == ["STUDENT_REGISTRATION_COMPLETED"]


def test_a_registration_takes_the_name_of_the_answer(client, answer):
    answer("StudentRegistrationRequested", {"data": {"form_data": {"name": "New Name"}}})
    client.post(reverse("register"), FORM)
    user = get_user_model().objects.get(username="grace")
    assert user.profile.name == "New Name"
    assert user.check_password(PASSWORD)


def test_a_refused_learner_sees_the_message_with_an_error_status(client, answer, sent):
    answer("StudentRegistrationRequested", {"exception": {"PreventRegistration": "Not allowed <b>here</b>"}})
    response = client.post(reverse("register"), FORM)
    assert response.status_code == 403
    assert "Not allowed &lt;b&gt;here&lt;/b&gt;" in response.content.decode()
    assert not get_user_model().objects.exists()
    assert not sent


def test_a_refused_api_client_gets_the_platforms_json(client, answer):
    exception = {"PreventRegistration": {"message": "No", "status_code": 409, "error_code": "closed"}}
    answer("StudentRegistrationRequested", {"exception": exception})
    response = client.post(reverse("registration_api"), FORM)
    assert response.status_code == 409
    assert response.json() == {"error_message": [{"user_message": "No"}], "error_code": "closed"}


def test_a_failing_webfilter_that_halts_refuses_with_an_error_status(client, answer):
    answer("StudentRegistrationRequested", b"", status=500, halt_on_5xx=True)
    response = client.post(reverse("register"), FORM)
    assert response.status_code >= 400
    assert not get_user_model().objects.exists()


@pytest.mark.parametrize(
    "change, status, code, field",
    [
        ({"email": "no address"}, 400, "validation-error", "email"),
        ({"name": ""}, 400, "validation-error", "name"),
        ({"password": "short"}, 400, "validation-error", "password"),
        ({"username": "ADA"}, 409, "duplicate-username", "username"),
        ({"email": "Ada@Example.com"}, 409, "duplicate-email", "email"),
    ],
)
def test_what_a_registration_gets_wrong_is_named(client, learner, change, status, code, field):
    # pylint: disable=unused-argument
    response = client.post(reverse("registration_api"), {**FORM, **change})
    assert (response.status_code, response.json()["error_code"]) == (status, code)
    assert response.json()[field][0]["user_message"]


def test_the_form_keeps_what_was_entered_except_the_password(client, learner):  # pylint: disable=unused-argument
    page = client.post(reverse("register"), {**FORM, "username": "ada"}).content.decode()
    assert 'value="grace@example.com"' in page
    assert PASSWORD not in page


@pytest.mark.parametrize("account", ["ada", "ADA@example.com"])
def test_a_login_by_username_or_address_sends_its_event(client, learner, sent, account):
    response = client.post(reverse("login"), {"email_or_username": account, "password": PASSWORD})
    assert (response.status_code, response["Location"]) == (302, "http://testserver/dashboard")
    ((name, kwargs),) = sent
    assert (name, kwargs["user"].id) == ("SESSION_LOGIN_COMPLETED", learner.pk)


@pytest.mark.parametrize("account, password", [("ada", "wrong"), ("nobody", PASSWORD), ("", "")])
def test_a_wrong_login_gets_a_400_and_no_session(client, learner, sent, account, password):
    # pylint: disable=unused-argument
    response = client.post(reverse("login"), {"email_or_username": account, "password": password})
    assert response.status_code == 400
    assert not sent
    assert "_auth_user_id" not in client.session


def test_a_refused_login_shows_the_message_with_an_error_status(client, learner, answer):
    # pylint: disable=unused-argument
    answer("StudentLoginRequested", {"exception": {"PreventLogin": "Come back on Monday"}})
    response = client.post(reverse("login"), {"email_or_username": "ada", "password": PASSWORD})
    assert response.status_code == 400
    assert "Come back on Monday" in response.content.decode()
    assert "_auth_user_id" not in client.session


def test_a_refused_login_tells_api_clients_all_that_the_exception_has(client, learner, answer):
    # pylint: disable=unused-argument
    exception = {
        "PreventLogin": {
            "message": "No",
            "redirect_to": "https://example.com/why",
            "error_code": "closed",
            "context": {"a": 1},
        }
    }
    answer("StudentLoginRequested", {"exception": exception})
    response = client.post(reverse("login_api"), {"email_or_username": "ada", "password": PASSWORD})
    assert response.status_code == 400
    assert response.json() == {
        "success": False,
        "value": "No",
        "redirect_url": "https://example.com/why",
        "error_code": "closed",
        "context": {"a": 1},
        "email": "ada@example.com",
    }


def test_a_login_saves_the_profile_name_of_the_answer_and_nothing_else(client, learner, answer, sent):
    before = UserProfile.objects.values().get(user=learner)
    answer("StudentLoginRequested", {"data": {"profile": {"name": "Ada King"}}})
    client.post(reverse("login"), {"email_or_username": "ada", "password": PASSWORD})
    assert UserProfile.objects.values().get(user=learner) == {**before, "name": "Ada King"}
    assert sent[0][1]["user"].pii.name == "Ada King"


def test_no_answer_logs_in_without_the_password(client, learner, answer):  # pylint: disable=unused-argument
    answer("StudentLoginRequested", {"data": {"user": {"password": "x", "is_active": True}}})
    response = client.post(reverse("login"), {"email_or_username": "ada", "password": "wrong"})
    assert response.status_code == 400


def test_no_password_reaches_the_receiver(client, learner, answer, receiver):
    for name in ("StudentLoginRequested", "StudentRegistrationRequested"):
        answer(name, {})
    client.post(reverse("login"), {"email_or_username": "ada", "password": PASSWORD})
    client.post(reverse("register"), {**FORM, "csrfmiddlewaretoken": "t0ken"})
    assert len(receiver.received) == 2
    for request in receiver.received:
        assert PASSWORD not in request.body.decode()
        assert "t0ken" not in request.body.decode()
        assert learner.password not in request.body.decode()


@pytest.mark.parametrize("url, leads_to", [("/account", "/account"), ("https://evil.example/", "/dashboard")])
def test_after_a_login_the_learner_stays_on_this_site(client, learner, url, leads_to):
    # pylint: disable=unused-argument
    response = client.post(reverse("login"), {"email_or_username": "ada", "password": PASSWORD, "next": url})
    assert response["Location"] == f"http://testserver{leads_to}"


def test_logging_out_ends_the_session(learner_client):
    learner_client.post(reverse("logout"))
    assert learner_client.get(reverse("account")).status_code == 302
