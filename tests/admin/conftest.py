"""Hooks, what was recorded of them, and people who may do this or that."""

import uuid

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.test import RequestFactory
from django.utils import timezone

from openedx_webhooks import catalog
from openedx_webhooks.histogram import bucket_of
from openedx_webhooks.models import Attempt, Call, CapturedEvent, Delivery, Tally, Webfilter, Webhook
from openedx_webhooks.tally_rows import start_of

LOGIN = "org.openedx.learning.auth.session.login.completed.v1"
MAY_LOGIN = "org.openedx.learning.student.login.requested.v1"
UNKNOWN = "org.example.retired.thing.happened.v1"
HOSTILE = '"></pre><script>alert(1)</script><img src=x onerror=alert(2)>'


@pytest.fixture(autouse=True)
def _fresh_figures():
    """On a busy machine figures are kept for a while, and hooks of different tests have the same numbers."""
    cache.clear()


@pytest.fixture
def webhook(db):  # pylint: disable=unused-argument
    """A webhook with a secret and a secret header."""
    return Webhook.objects.create(
        event=LOGIN, webhook_url="https://crm.example.com/hooks", headers={"Authorization": "Bearer t0p-s3cret"}
    )


@pytest.fixture
def webfilter(db):  # pylint: disable=unused-argument
    """A webfilter in observe mode, with a secret and a secret header."""
    return Webfilter.objects.create(
        event=MAY_LOGIN,
        webhook_url="https://auth.example.com/login",
        mode="observe",
        headers={"Authorization": "Bearer t0p-s3cret"},
    )


@pytest.fixture
def delivery(webhook):
    """A failed delivery with hostile content and one attempt."""
    return make_delivery(webhook, state="failed")


@pytest.fixture
def call(webfilter):
    """A recorded call with hostile content."""
    return Call.objects.create(
        webfilter=webfilter,
        mode="observe",
        result="halted",
        status_code=200,
        request_body={"name": HOSTILE},
        response_excerpt=HOSTILE,
        changed_keys="profile.name",
        user_id=7,
    )


EVENT_FIELDS = ("event_id", "event_type", "user_id", "username", "course_key", "org", "payload", "time", "is_sample")


def make_event(**fields):
    """A captured event with hostile content."""
    return CapturedEvent.objects.create(
        **{
            "event_id": uuid.uuid4(),
            "event_type": LOGIN,
            "time": timezone.now(),
            "user_id": 7,
            "payload": {"name": HOSTILE},
            **fields,
        }
    )


def count_calls(webfilter, seconds=0.2, **outcomes):
    """Calls of this hour, as a process counts them: outcome → how many."""
    start = start_of(timezone.now(), Tally.Span.HOUR)
    counts = {outcome: {bucket_of(seconds): count} for outcome, count in outcomes.items()}
    Tally.objects.create(webfilter=webfilter, span=Tally.Span.HOUR, start=start, counts=counts)


def make_delivery(webhook, state="delivered", **fields):
    """A delivery of an event with hostile content, and an attempt that fits its state."""
    of_event = {name: fields.pop(name) for name in EVENT_FIELDS if name in fields}
    fields = {"attempt_count": 1, "next_attempt_at": None, **fields}
    made = Delivery.objects.create(
        webhook=webhook,
        event=make_event(**{"event_type": webhook.event, **of_event}),
        state=state,
        finished_at=None if state == "pending" else timezone.now(),
        **fields,
    )
    Attempt.objects.create(
        delivery=made,
        started_at=timezone.now(),
        duration=0.2,
        status_code=200 if state == "delivered" else 500,
        response_excerpt=HOSTILE,
        request_bytes=10,
        response_bytes=len(HOSTILE),
    )
    return made


@pytest.fixture
def staff(db, client):  # pylint: disable=unused-argument
    """A function that logs a staff member with the given permissions in."""

    def log_in(*codenames):
        user = get_user_model().objects.create_user("staff", is_staff=True)
        permissions = Permission.objects.filter(content_type__app_label="openedx_webhooks", codename__in=codenames)
        assert len(permissions) == len(codenames)
        user.user_permissions.set(permissions)
        client.force_login(user)
        return client

    return log_in


@pytest.fixture
def viewer(staff):
    """Somebody who may look at everything and change nothing."""
    return staff("view_webhook", "view_webfilter", "view_delivery", "view_call", "view_capturedevent", "view_payload")


def form_of(model, **changes):
    """What the browser sends for a new hook."""
    is_webhook = model is Webhook
    data = {
        "event": LOGIN if is_webhook else MAY_LOGIN,
        "webhook_url": "https://example.com/hooks",
        "description": "",
        "enabled": "on",
        "condition": "",
        "shape": "",
        "headers-name": ["", ""],
        "headers-value": ["", ""],
        "secret": "",
    }
    data |= (
        {"retry_schedule": ""}
        if is_webhook
        else {
            "mode": "enforce",
            "order": "0",
            "timeout": "",
            "call_log": "problems",
            "redirect_on_4xx": "",
            "redirect_on_5xx": "",
            "redirect_on_request_exception": "",
        }
    )
    return {**data, **changes}


def url_of(model, name="changelist", pk=None):
    """A page's address, as a text: a changed address breaks people's bookmarks."""
    base = f"/admin/openedx_webhooks/{model.__name__.lower()}/"
    return {"changelist": base, "add": f"{base}add/"}.get(name) or f"{base}{pk}/{name}/"


def errors_of(response) -> dict[str, list[str]]:
    """The errors of the form on a page."""
    assert response.status_code == 200
    return dict(response.context["adminform"].form.errors)


def refusal_of(model, **changes) -> dict[str, list[str]]:
    """
    The errors of the form for a new hook as the page has it, without the page around them: that they stand on it,
    beside their fields, is said once, in test_forms.py. For tables of what is refused.
    """
    request = RequestFactory().post(url_of(model, "add"), form_of(model, **changes))
    request.user = get_user_model()(username="admin", is_active=True, is_staff=True, is_superuser=True)
    # Django 4.2 has no public name for it.
    form = admin.site._registry[model].get_form(request)(request.POST)
    assert not form.is_valid()
    return dict(form.errors)


def types_without_exceptions():
    """Filters that cannot halt."""
    return [dotted for dotted, known in catalog.filters().items() if not known.exceptions]
