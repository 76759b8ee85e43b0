"""Secrets everywhere, and none of them in what is sent."""

import datetime
from types import SimpleNamespace
from urllib.parse import quote

import attr
import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpResponse, QueryDict
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st
from openedx_events.data import EventsMetadata
from openedx_events.learning import data
from openedx_events.learning.data import UserData, UserNotificationData, UserPersonalData

from demo.minilms import models
from openedx_webhooks import catalog
from openedx_webhooks.payloads.encode import encode
from openedx_webhooks.payloads.serialize import event_payload, filter_payload, to_json
from tests import factories

SECRET = "S3CR3T-wörd"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJTM0NSM1QifQ.UzNDUjNU"
HASH = PBKDF2PasswordHasher().encode("S3CR3T", "S3CR3T", iterations=1000)
ACTIVATION = "0123456789abcdef0123456789abcdef"
USER = UserData(id=5, is_active=True, pii=UserPersonalData(username="ada", email="ada@example.com", name="Ada"))

# Each with the secret as the value of a name in another spelling.
NAMES = [
    "password",
    "password1",
    "newPassword",
    "old_password",
    "PASSWORD",
    "client_secret",
    "clientSecret",
    "access_token",
    "accessToken",
    "refresh-token",
    "id_token",
    "csrfmiddlewaretoken",
    "csrftoken",
    "X-CSRFToken",
    "csrfToken",
    "sessionid",
    "session",
    "session_key",
    "sessionKey",
    "cookie",
    "Set-Cookie",
    "cookies",
    "Authorization",
    "HTTP_AUTHORIZATION",
    "activation_key",
    "confirm_activation_link",
    "credentials",
    "private_key",
    "privateKey",
    "api_key",
    "apiKey",
    "exam_access",
    "g-recaptcha-response",
]


def sent(payload) -> str:
    """Everything that would go over the wire, as JSON and as form fields."""
    return encode(payload, False)[0].decode() + encode(payload, True)[0].decode()


def assert_no_secret(payload, *secrets):
    """None of them, plain or percent-encoded."""
    text = sent(payload)
    for secret in (SECRET, "S3CR3T", JWT, HASH, *secrets):
        assert secret not in text
        assert quote(secret) not in text


def everywhere(name):
    """A secret under a name, in every kind of container and text that the platform hands around."""
    data_class = attr.make_class("Data", {name if name.isidentifier() else "password": attr.ib(default=SECRET)})
    return {
        "member": {name: SECRET},
        "nested": [{"a": ({"b": {name: [SECRET]}},)}],
        "object": {name: {"inner": SECRET}},
        "form": QueryDict(f"{quote(name)}={quote(SECRET)}&{quote(name)}=S3CR3T&email=a@b.c"),
        "pair": [(name, SECRET), ("other", 1)],
        "field": {"name": name, "value": SECRET, "defaultValue": SECRET},
        "data class": data_class(),
        "url": f"https://lms.example/x?a=1&{quote(name)}={quote(SECRET)}&b=2",
        "nested url": f"/login?next={quote(f'/x?{quote(name)}={quote(SECRET)}', safe='')}",
        "json text": f'{{"a": {{"{name}": "{SECRET}"}}}}',
        "script": f'<script>start({{"{name}": "{SECRET}"}})</script>',
        "markup": f'<form><input type="hidden" name="{name}" value="{SECRET}"></form>',
        "cookie header": f"lang=en; {name}={quote(SECRET)}",
        "bytes": f"{quote(name)}={quote(SECRET)}".encode(),
    }


@pytest.mark.parametrize("name", NAMES)
def test_secret_under_a_name(name):
    """Whatever the spelling, wherever it stands."""
    payload = filter_payload(catalog.find_filter("DashboardRenderStarted"), {"context": everywhere(name)})
    assert_no_secret(payload)
    assert payload["context"]["pair"] == [["other", 1]]
    assert payload["context"]["form"] == {"email": "a@b.c"}


@pytest.mark.parametrize("secret", [JWT, HASH, "argon2$argon2id$v=19$m=8,t=2,p=8$UzNDUjNU$UzNDUjNUUzNDUjNU"])
def test_secret_without_a_name(secret):
    """What looks like a hash or a token doesn't leave under any name."""
    context = {"remark": secret, "list": [f"see {secret} there"], "data": {"a": (secret,)}, secret: 1}
    payload = filter_payload(catalog.find_filter("DashboardRenderStarted"), {"context": context})
    assert_no_secret(payload, secret)
    assert payload["context"]["list"] == ["see *** there"]


@pytest.fixture(name="user")
def _user(db):  # pylint: disable=unused-argument
    user = get_user_model().objects.create_user("ada", "ada@example.com", "S3CR3T")
    user.password = HASH
    user.save()
    models.UserProfile.objects.create(user=user, name="Ada", meta=f'{{"session": "{SECRET}"}}', bio=f"my hash {HASH}")
    return get_user_model().objects.select_related("profile").get()


def test_users_password_hash(user):
    """Every user object has it."""
    payload = filter_payload(catalog.find_filter("StudentLoginRequested"), {"user": user})
    assert payload["profile"]["name"] == "Ada"
    assert_no_secret(payload, user.password)


def test_user_in_every_argument_of_every_filter(user):
    """Whatever argument a user comes in."""
    user.session_key = SECRET
    for filter_type in catalog.filters().values():
        value = {"request_user": user, "users": [user], **everywhere("token")}
        arguments = dict.fromkeys(filter_type.arguments, value)
        assert_no_secret(filter_payload(filter_type, arguments | {"user": user}))


def test_no_argument_of_a_filter_is_lost():
    """The filters' own arguments have none of the names that never leave."""
    for filter_type in catalog.filters().values():
        payload = filter_payload(filter_type, dict.fromkeys(filter_type.arguments, "x"))
        assert set(payload) == {*filter_type.arguments, "event_metadata"}


def test_registration_form():
    """Passwords and tokens of the form that creates the account; the rest is there."""
    form = QueryDict(mutable=True)
    form.update(
        {
            "name": "Ada",
            "username": "ada",
            "email": "a@b.c",
            "password": SECRET,
            "confirm_password": SECRET,
            "password1": SECRET,
            "access_token": SECRET,
            "client_secret": SECRET,
            "csrfmiddlewaretoken": SECRET,
            "g-recaptcha-response": SECRET,
            "next": f"/dashboard?exam_access={SECRET}",
        }
    )
    payload = filter_payload(catalog.find_filter("StudentRegistrationRequested"), {"form_data": form})
    assert_no_secret(payload)
    assert payload["form_data"] == {
        "name": "Ada",
        "username": "ada",
        "email": "a@b.c",
        "next": "/dashboard?exam_access=***",
    }


@pytest.mark.needs("AccountActivationEmailContextGenerated")
def test_activation_mail():
    """The key and the link each open the account."""
    context = {
        "key": SECRET,
        "confirm_activation_link": f"https://lms.example/activate/{ACTIVATION}",
        "site_name": "x",
        "name": "Ada",
        "support": f"https://lms.example/activate/{ACTIVATION}?a=1",
    }
    filter_type = catalog.find_filter("AccountActivationEmailContextGenerated")
    payload = filter_payload(filter_type, {"user": None, "message_context": context})
    assert_no_secret(payload, ACTIVATION)
    assert payload["message_context"]["site_name"] == "x"
    alone = filter_payload(filter_type, {"user": None, "message_context": {"key": SECRET}})
    assert alone["message_context"] == {}


def test_rendering_of_a_block():
    """The examination's token among the request's parameters, and what stands in the markup."""
    payload = filter_payload(
        catalog.find_filter("RenderXBlockStarted"),
        {
            "context": {"request": RequestFactory().get("/", HTTP_COOKIE=f"sessionid={SECRET}"), "csrf_token": SECRET},
            "student_view_context": {"exam_access": JWT, "show_title": "0", "other": JWT},
        },
    )
    assert_no_secret(payload)
    assert payload["student_view_context"] == {"show_title": "0", "other": "***"}


@pytest.mark.needs("LogistrationViewRenderCompleted")
def test_request_session_and_response(db):  # pylint: disable=unused-argument
    """Objects that hold secrets are named, not dumped."""
    session = SessionStore()
    session["a"] = SECRET
    request = RequestFactory().post("/", {"password": SECRET}, HTTP_AUTHORIZATION=f"Bearer {SECRET}")
    request.session = session
    response = HttpResponse(SECRET, headers={"X-CSRFToken": SECRET, "Location": f"/?token={SECRET}"})
    response.set_cookie("sessionid", SECRET)
    payload = filter_payload(
        catalog.find_filter("LogistrationViewRenderCompleted"),
        {
            "context": {"request": request, "store": session, "meta": request.META, "headers": request.headers},
            "response": response,
        },
    )
    assert_no_secret(payload, session.session_key or SECRET)
    assert payload["response"]["status_code"] == 200


@pytest.mark.needs("LoginFormGenerated")
def test_login_through_a_provider(user):
    """The provider's raw answer, its configuration, and the account that links them."""
    provider = type("OAuth2ProviderConfig", (), {"KEY_FIELDS": ("slug",), "prefix": "oa2"})()
    provider.__dict__.update(slug="uni", name="Uni", key=SECRET, secret=SECRET, other_settings=f'{{"KEY": "{SECRET}"}}')
    pipeline = {
        "backend": "oa2",
        "kwargs": {
            "response": {"access_token": SECRET, "attributes": SECRET},
            "user": user,
            "social": SimpleNamespace(extra_data=SECRET),
            "details": {"email": "a@b.c", "password": SECRET},
        },
    }
    payload = filter_payload(
        catalog.find_filter("LoginFormGenerated"),
        {"form_desc": None, "running_pipeline": pipeline, "current_provider": provider},
    )
    assert_no_secret(payload)
    assert_no_secret(to_json({"pipelines": [pipeline["kwargs"]]}))


def test_certificate_context():
    """A public page's context with what doesn't belong there."""
    context = everywhere("session_key") | {"accomplishment_copy_name": "Ada"}
    payload = filter_payload(
        catalog.find_filter("CertificateRenderStarted"), {"context": context, "custom_template": None}
    )
    assert_no_secret(payload)
    assert payload["context"]["accomplishment_copy_name"] == "Ada"


def test_submission_with_signed_links():
    """Links that open a learner's files."""
    url = "https://s3.example/f?X-Amz-Credential=S3CR3T&X-Amz-Signature=S3CR3T&X-Amz-Security-Token=S3CR3T&X-Amz-Date=1"
    payload = filter_payload(
        catalog.find_filter("ORASubmissionViewRenderStarted"),
        {"context": {"file_urls": [{"file": url}, (url, "x")]}, "template_name": "a.html"},
    )
    assert_no_secret(payload)
    assert "X-Amz-Date=1" in sent(payload)


def payload_of(name, **arguments):
    """The payload of an event."""
    event_type = catalog.find_event(name)
    return event_payload(event_type, arguments, EventsMetadata(event_type=event_type.event_type))


@pytest.mark.needs("LTI_PROVIDER_LAUNCH_SUCCESS")
def test_launch_parameters_of_an_event():
    """A launch brings the signature that proves it."""
    launch = data.LtiProviderLaunchData(
        user=USER,
        course_key=factories.COURSE,
        usage_key=factories.COURSE.make_usage_key("html", "a"),
        launch_params=data.LtiProviderLaunchParamsData(
            roles="Student",
            context_id="c",
            user_id="u",
            extra_params={"oauth_signature": SECRET, "oauth_token": SECRET, "lis_result": "x"},
        ),
    )
    payload = payload_of("LTI_PROVIDER_LAUNCH_SUCCESS", launch_data=launch)
    assert_no_secret(payload)
    assert payload["launch_data"]["launch_params"]["extra_params"] == {"lis_result": "x"}


def test_tracking_log_of_a_login():
    """A tracking log carries the request, as text."""
    cls = catalog.find_event("TRACKING_EVENT_EMITTED").init_data["tracking_log"]
    log = cls(
        name="/login_ajax",
        timestamp=datetime.datetime.now(datetime.UTC),
        data=f'{{"POST": {{"password": ["{SECRET}"]}}, "GET": {{"token": "{SECRET}"}}}}',
        context=f'{{"session": "{SECRET}", "referer": "https://lms.example/?access_token=S3CR3T", "user_id": 5}}',
    )
    assert_no_secret(payload_of("TRACKING_EVENT_EMITTED", tracking_log=log))


@pytest.mark.parametrize("name", NAMES)
def test_context_of_an_event(name):
    """Free-form members of events are searched like those of filters."""
    notification = UserNotificationData(
        user_ids=[5],
        notification_type="x",
        content_url=f"https://lms.example/?{quote(name)}={quote(SECRET)}",
        app_name="a",
        course_key=factories.COURSE,
        context=everywhere(name),
    )
    assert_no_secret(payload_of("USER_NOTIFICATION_REQUESTED", notification_data=notification))


_texts = st.text(max_size=10)


@given(
    st.recursive(
        st.sampled_from(NAMES).map(lambda name: {name: "S3CR3T"}),
        lambda children: (
            st.lists(children, max_size=3)
            | st.dictionaries(_texts, children, max_size=3)
            | st.tuples(children, _texts)
            | st.dictionaries(st.sampled_from(NAMES), children, max_size=2)
            | children.map(lambda child: {"x": child})
        ),
        max_leaves=10,
    )
)
def test_secret_at_any_depth(value):
    """However the containers are nested."""
    assert_no_secret({"value": to_json(value)})
