"""What each role may do, through HTTP: one table, and every button that a page shows works for whom it is shown."""

import re

import pytest
from django.contrib.auth import get_user_model

from openedx_webhooks.models import Call, CapturedEvent, Delivery, Webfilter, Webhook

from .conftest import form_of, make_delivery, url_of

pytestmark = pytest.mark.django_db
VIEW = ("view_webhook", "view_webfilter", "view_delivery", "view_call", "view_capturedevent")
CHANGE = ("change_webhook", "change_webfilter")
# Those of docs/how-tos/roles.rst.
ROLES = {
    "nobody": (),
    "viewer": VIEW,
    "support": (*VIEW, "replay_delivery"),
    "support of old": (*VIEW, "change_delivery"),
    "editor": (*VIEW, *CHANGE, "add_webhook", "add_webfilter"),
    "privacy": (*VIEW, "view_payload"),
    "replay alone": ("replay_delivery",),
}
# Address of an action → which roles may.
CHANGES, ADDS, REPLAYS = {"editor"}, {"editor"}, {"support", "support of old"}
ACTIONS = {
    (Webhook, "test"): CHANGES,
    (Webhook, "switch"): CHANGES,
    (Webhook, "rotate-secret"): CHANGES,
    (Webhook, "show-secret"): CHANGES,
    (Webhook, "clone"): ADDS,
    (Webhook, "restore"): CHANGES,
    (Webhook, "replay-failed"): REPLAYS,
    (Webhook, "past-events"): REPLAYS,
    (Webfilter, "test"): CHANGES,
    (Webfilter, "switch"): CHANGES,
    (Webfilter, "rotate-secret"): CHANGES,
    (Webfilter, "show-secret"): CHANGES,
    (Webfilter, "clone"): ADDS,
    (Webfilter, "restore"): CHANGES,
    (Webfilter, "reset-breaker"): CHANGES,
    (Webfilter, "promote"): CHANGES,
    (Delivery, "replay"): REPLAYS,
    (Delivery, "retry"): REPLAYS,
    (Delivery, "cancel"): REPLAYS,
}
# Those that have a page of their own.
PAGES = {"restore", "past-events"}
PERSONAL = ("onerror", "zoe9", "t0p-s3cret", "Only for zoe9")


@pytest.fixture
def records(webhook, webfilter):
    """One of each, about somebody called zoe9."""
    delivery = make_delivery(webhook, "failed", username="zoe9", course_key="course-v1:a+b+c")
    attempt = delivery.attempts.get()
    attempt.request_headers, attempt.request_excerpt = {"X-For": "zoe9"}, '{"name": "zoe9"}'
    attempt.detail = "contains() got 'zoe9'"
    attempt.save()
    call = Call.objects.create(
        webfilter=webfilter,
        mode="observe",
        result="halted",
        status_code=200,
        error="the exception has no argument zoe9",
        note="zoe9",
        request_body={"name": "zoe9"},
        response_excerpt='{"exception": {"PreventLogin": "Only for zoe9"}}',
        user_id=get_user_model().objects.create(username="zoe9").pk,
    )
    return {Webhook: webhook, Webfilter: webfilter, Delivery: delivery, Call: call, CapturedEvent: delivery.event}


POSTED = {"since": "2026-01-01T00:00", "limit": "1"}


def look_at(client, role, address, record):
    """A GET of an action's address; by mistake, it leads whoever may look back to the page."""
    model, action = address
    got = client.get(url_of(model, action, record.pk))
    if VIEW[0] not in ROLES[role]:
        assert got.status_code == 403, address
    elif action not in PAGES:
        assert (got.status_code, got.url) == (302, url_of(model, "change", record.pk)), address
    elif action == "past-events":
        assert got.status_code == (200 if role in ACTIONS[address] else 403)


@pytest.mark.parametrize("role", ROLES)
def test_who_may_not_use_an_address(staff, records, role):
    client = staff(*ROLES[role])
    for address, roles in ACTIONS.items():
        if role not in roles:
            model, action = address
            look_at(client, role, address, records[model])
            posted = client.post(url_of(model, action, records[model].pk), POSTED)
            assert posted.status_code == 403, address


@pytest.mark.parametrize(
    "model, action, role",
    [(*address, role) for address, roles in ACTIONS.items() for role in sorted(roles)],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_who_may_use_an_address(staff, records, receiver, model, action, role):
    client = staff(*ROLES[role])
    Webhook.objects.update(webhook_url=receiver.url())
    look_at(client, role, (model, action), records[model])
    assert client.post(url_of(model, action, records[model].pk), POSTED).status_code in (200, 302)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("model", [Webhook, Webfilter, Delivery])
def test_every_button_of_a_page_works_for_whom_it_is_shown(staff, records, receiver, model, role):
    """And none is missing that would work, but for those that need a reason to be there."""
    client = staff(*ROLES[role])
    model_url = url_of(model, "change", records[model].pk)
    if VIEW[0] not in ROLES[role]:
        return
    Webhook.objects.update(webhook_url=receiver.url())
    page = client.get(model_url).content.decode()
    shown = set(re.findall(rf'action="{url_of(model)}{records[model].pk}/([a-z-]+)/"', page))
    assert shown <= {action for (of, action), roles in ACTIONS.items() if of is model and role in roles}
    for always in {"test", "rotate-secret", "clone", "promote", "replay-failed"}:
        if role in ACTIONS.get((model, always), ()):
            assert always in shown
    for action in shown:
        assert client.post(url_of(model, action, records[model].pk), {"since": "2026-01-01T00:00"}).status_code < 400


@pytest.mark.parametrize("role", ["viewer", "support", "editor"])
@pytest.mark.parametrize("model", [Webhook, Webfilter, Delivery, Call, CapturedEvent])
def test_without_the_permission_no_page_has_personal_data(staff, records, model, role):
    client = staff(*ROLES[role])
    for url in (url_of(model), url_of(model, "change", records[model].pk)):
        response = client.get(url)
        page = response.content.decode()
        assert response.status_code == 200
        # The schemas and samples of the reference are about nobody.
        found = [word for word in PERSONAL if re.search(rf"(?<![a-z]){word}(?![a-z])", page)]
        assert not found
        assert ">7<" in page or model not in (Delivery, CapturedEvent)


@pytest.mark.parametrize("model", [Delivery, Call, CapturedEvent])
def test_with_the_permission_there_it_is(staff, records, model):
    page = staff(*ROLES["privacy"]).get(url_of(model, "change", records[model].pk)).content.decode()
    assert "zoe9" in page


@pytest.mark.parametrize("role, finds", [("viewer", False), ("editor", False), ("privacy", True)])
@pytest.mark.parametrize("model", [Delivery, CapturedEvent])
def test_a_search_does_not_tell_who_is_who(staff, records, model, role, finds):
    client = staff(*ROLES[role])
    assert bool(client.get(url_of(model), {"q": "zoe9"}).context["cl"].result_count) is finds
    assert client.get(url_of(model), {"q": "7"}).context["cl"].result_count == 1


@pytest.mark.parametrize("role", ["viewer", "privacy"])
def test_whom_a_webfilter_would_have_halted_is_named_by_permission(staff, records, role):
    page = staff(*ROLES[role]).get(url_of(Webfilter, "change", records[Webfilter].pk)).content.decode()
    assert (f"zoe9 ({records[Call].user_id})" in page) is (role == "privacy")
    assert ("PreventLogin: Only for zoe9" in page) is (role == "privacy")
    assert "PreventLogin" in page
    assert url_of(Call, "change", records[Call].pk) in page


def test_who_may_not_see_calls_sees_nobody_in_the_report(staff, records):
    page = staff("view_webfilter", "view_payload").get(url_of(Webfilter, "change", records[Webfilter].pk))
    assert "Would have halted" in page.content.decode()
    assert "Who would have noticed" not in page.content.decode()


def test_the_figures_stay_after_enforcing(staff, records):
    client = staff(*ROLES["editor"])
    client.post(url_of(Webfilter, "promote", records[Webfilter].pk))
    page = client.get(url_of(Webfilter, "change", records[Webfilter].pk)).content.decode()
    assert "What it has done in the last day" in page
    assert "What it would have done on the last day that it observed" in page
    assert "All calls that would have halted" in page


def test_the_add_form_asks_whether_to_observe_first(admin_client):
    page = admin_client.get(url_of(Webfilter, "add")).content.decode()
    assert "Observe first, or enforce now?" in page
    assert re.search(r'<input type="radio" name="mode" value="enforce"[^>]* checked', page)
    admin_client.post(url_of(Webfilter, "add"), form_of(Webfilter, mode="observe"))
    assert Webfilter.objects.get().mode == "observe"
