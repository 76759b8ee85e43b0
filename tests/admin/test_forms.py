"""The forms of webhooks and webfilters: what they take, what they refuse, and what they say then."""

import re

import pytest
from django.utils.html import escape

from openedx_webhooks import catalog
from openedx_webhooks.admin.picker import type_choices
from openedx_webhooks.models import Webfilter, Webhook
from openedx_webhooks.operations.halt_options import halt_options_of
from openedx_webhooks.transport import signing
from tests.releases import needs_bounds

from .conftest import LOGIN, MAY_LOGIN, UNKNOWN, errors_of, form_of, refusal_of, url_of

pytestmark = pytest.mark.django_db


def add(client, model, **changes):
    """Send the form for a new hook."""
    return client.post(url_of(model, "add"), form_of(model, **changes))


def change(client, hook, **changes):
    """Send the form of a hook, with what it has where nothing else is said."""
    model = type(hook)
    stored = {
        "event": hook.event,
        "webhook_url": hook.webhook_url,
        "headers-name": [*hook.headers, ""],
        "headers-value": [""] * (len(hook.headers) + 1),
    }
    if model is Webfilter:
        stored["mode"] = hook.mode
    return client.post(url_of(model, "change", hook.pk), form_of(model, **{**stored, **changes}))


@pytest.mark.parametrize("model", [Webhook, Webfilter])
def test_a_minimal_form_makes_a_hook(admin_client, model):
    assert add(admin_client, model).status_code == 302
    hook = model.objects.get()
    assert (hook.event, hook.webhook_url, hook.enabled, hook.headers) == (
        LOGIN if model is Webhook else MAY_LOGIN,
        "https://example.com/hooks",
        True,
        {},
    )


BAD = [
    # field, what is entered, what the error says to do
    ("event", "", "required"),
    ("event", UNKNOWN, "not one of the available choices"),
    ("webhook_url", "example.com/hooks", "must begin with https:// or http://"),
    ("webhook_url", "ftp://example.com/", "must begin with https:// or http://"),
    ("webhook_url", "javascript:alert(1)", "must begin with https:// or http://"),
    ("webhook_url", "https://", "names no server"),
    ("webhook_url", "https://exa mple.com/", "no spaces"),
    ("webhook_url", "https://a..b/", "is not the name of a server"),
    ("webhook_url", "https://[::1/", "not a valid address"),
    ("webhook_url", "https://example.com:99999/", "not a valid address"),
    ("webhook_url", "https://user:pass@example.com/", "Use an Authorization header instead"),
    ("webhook_url", "https://example.com/" + "x" * 2000, "at most 2000 characters"),
    ("condition", "a ==", "at character 5"),
    ("condition", "nonsense(a)", "no function nonsense()"),
    ("shape", "{a: b", "at character"),
    ("shape", "a[?b", "at character"),
    ("secret", "hunter2", "whsec_ followed by"),
    ("secret", "whsec_dG9vIHNob3J0", "whsec_ followed by"),
]
BAD_WEBHOOK = [
    ("webhook_url", "", "required"),
    ("retry_schedule", "soon", "enter a number and s, m, h or d"),
    ("retry_schedule", "5s, 0s", "each up to 30 days"),
    ("retry_schedule", "31d", "each up to 30 days"),
    ("retry_schedule", ",".join(["1s"] * 51), "at most 50"),
]
BAD_WEBFILTER = [
    ("webhook_url", "", "Enter the address of the endpoint, or a local answer"),
    ("redirect_on_4xx", "sorry", "full address such as https://example.com/sorry, or a path"),
    ("redirect_on_5xx", "//evil.example", "full address such as https://example.com/sorry, or a path"),
    ("redirect_on_5xx", "/\\evil.example", "full address such as https://example.com/sorry, or a path"),
    ("redirect_on_request_exception", "javascript:alert(1)", "full address such as"),
    ("timeout", "0", "greater than or equal to 0.1"),
    ("timeout", "31", "less than or equal to 30"),
    ("timeout", "nan", "Enter a number"),
    ("timeout", "soon", "Enter a number"),
    ("order", "first", "whole number"),
    ("mode", "", "required"),
    ("mode", "sometimes", "not one of the available choices"),
    ("call_log", "some", "not one of the available choices"),
]
CASES = [(Webhook, *case) for case in BAD + BAD_WEBHOOK] + [(Webfilter, *case) for case in BAD + BAD_WEBFILTER]


@needs_bounds
def test_an_order_that_no_column_holds_is_refused():
    assert "less than or equal to" in " ".join(refusal_of(Webfilter, order=str(2**80))["order"])


@pytest.mark.parametrize("model, field, value, advice", CASES)
def test_a_bad_value_is_refused_beside_its_field_with_what_to_enter(model, field, value, advice):
    assert advice in " ".join(refusal_of(model, **{field: value})[field])


@pytest.mark.parametrize("model", [Webhook, Webfilter])
def test_what_is_refused_is_not_stored_and_the_page_says_why_beside_the_field(admin_client, model):
    response = add(admin_client, model, condition="a ==")
    assert not model.objects.exists()
    page = response.content.decode()
    beside = page[page.index("field-condition") : page.index("field-shape")]
    (error,) = errors_of(response)["condition"]
    assert escape(error) in beside


BAD_HEADERS = [
    ([("X-A", "")], "“X-A” has no value"),
    ([("", "lost")], "no header name beside it"),
    ([("X A", "1")], "“X A” is not a header name"),
    ([("Host", "evil.example")], "“Host” is set by the plugin itself"),
    ([("content-type", "text/plain")], "“content-type” is set by the plugin itself"),
    ([("webhook-signature", "v1,x")], "“webhook-signature” is set by the plugin itself"),
    ([("X-A", "a\r\nX-B: b")], "“X-A” has a line break"),
    ([("X-A", "a\x00b")], "“X-A” has a line break or control"),
    ([("X-A", "grüße")], "“X-A” has characters outside ASCII"),
    ([("X-A", "a" * 4097)], "“X-A” is longer than 4096"),
    ([("X-A", "1"), ("x-a", "2")], "“x-a” appears twice"),
    ([(f"X-{number}", "1") for number in range(21)], "at most 20 headers"),
]


@pytest.mark.parametrize("model", [Webhook, Webfilter])
@pytest.mark.parametrize("rows, advice", BAD_HEADERS)
def test_a_header_that_http_cannot_carry_is_refused_by_name(model, rows, advice):
    names, values = zip(*rows)
    refusal = refusal_of(model, **{"headers-name": names, "headers-value": values})
    assert advice in " ".join(refusal["headers"])


def test_what_was_entered_beside_a_mistake_is_still_there(admin_client):
    entered = {"headers-name": ["X-New"], "headers-value": ["typed"], "condition": "a =="}
    response = add(admin_client, Webhook, **entered)
    assert 'value="X-New"' in response.content.decode()
    assert 'value="typed"' in response.content.decode()


@pytest.mark.parametrize("model", [Webhook, Webfilter])
def test_a_secret_entered_beside_a_mistake_is_still_there(admin_client, model):
    """Otherwise the next click on Save would make another one, unnoticed."""
    secret = signing.new_secret()
    response = add(admin_client, model, secret=secret, condition="a ==")
    assert f'value="{escape(secret)}"' in response.content.decode()


@pytest.mark.parametrize("model", [Webhook, Webfilter])
def test_no_event_is_told_once(admin_client, model):
    assert errors_of(add(admin_client, model, event=""))["event"] == ["This field is required."]


class TestStoredHeaders:
    """Stored values never come back to the browser, and survive editing."""

    def test_their_values_are_not_on_the_page(self, admin_client, webhook):
        page = admin_client.get(url_of(Webhook, "change", webhook.pk)).content.decode()
        assert "Authorization" in page
        assert "t0p-s3cret" not in page

    def test_an_empty_value_keeps_the_stored_one(self, admin_client, webhook):
        assert change(admin_client, webhook).status_code == 302
        webhook.refresh_from_db()
        assert webhook.headers == {"Authorization": "Bearer t0p-s3cret"}

    def test_a_new_value_replaces_it(self, admin_client, webhook):
        change(admin_client, webhook, **{"headers-value": ["Bearer new", ""]})
        webhook.refresh_from_db()
        assert webhook.headers == {"Authorization": "Bearer new"}

    def test_a_cleared_name_removes_it(self, admin_client, webhook):
        change(admin_client, webhook, **{"headers-name": ["", ""]})
        webhook.refresh_from_db()
        assert webhook.headers == {}

    def test_a_renamed_header_asks_for_its_value(self, admin_client, webhook):
        response = change(admin_client, webhook, **{"headers-name": ["X-Other", ""]})
        assert "“X-Other” has no value" in " ".join(errors_of(response)["headers"])

    def test_they_do_not_go_to_another_server(self, admin_client, webhook):
        """Whoever may edit a hook could otherwise have its secrets sent to themselves."""
        response = change(admin_client, webhook, webhook_url="https://evil.example/collect")
        assert "Enter the values again" in " ".join(errors_of(response)["headers"])

    def test_nor_to_another_path_of_the_same_server(self, admin_client, webhook):
        """On a server of many tenants it is another tenant's."""
        response = change(admin_client, webhook, webhook_url="https://crm.example.com/v2")
        assert "Enter the values again" in " ".join(errors_of(response)["headers"])

    def test_the_same_value_entered_again_may_go_to_another_server(self, admin_client, webhook):
        entered = {"headers-name": ["Authorization", ""], "headers-value": ["Bearer t0p-s3cret", ""]}
        assert change(admin_client, webhook, webhook_url="https://b.example/", **entered).status_code == 302
        webhook.refresh_from_db()
        assert webhook.headers == {"Authorization": "Bearer t0p-s3cret"}

    def test_a_form_without_the_rows_keeps_them(self, admin_client, webhook):
        """A script that posts only some fields."""
        data = form_of(Webhook, event=webhook.event, webhook_url=webhook.webhook_url)
        del data["headers-name"], data["headers-value"]
        assert admin_client.post(url_of(Webhook, "change", webhook.pk), data).status_code == 302
        webhook.refresh_from_db()
        assert webhook.headers == {"Authorization": "Bearer t0p-s3cret"}


class TestTypes:
    """The list of events and filters."""

    def test_every_installed_type_is_a_choice(self, admin_client):
        page = admin_client.get(url_of(Webhook, "add")).content.decode()
        missing = [dotted for dotted, event in catalog.events().items() if f">{event.name} ({dotted})<" not in page]
        assert missing == []

    def test_they_are_grouped_by_subdomain_without_any_script(self, admin_client):
        page = admin_client.get(url_of(Webfilter, "add")).content.decode()
        first, *groups = re.findall(r'<optgroup label="([^"]+)"', page)
        assert (first, groups) == ("Most wanted", sorted(groups))
        assert {"Learning", "Content authoring"} <= set(groups)

    def test_a_link_may_ask_for_one_by_its_short_name(self, admin_client):
        page = admin_client.get(url_of(Webhook, "add") + "?event=SESSION_LOGIN_COMPLETED").content.decode()
        assert re.search(rf'<option value="{re.escape(LOGIN)}"[^>]* selected', page)

    def test_a_stored_unknown_type_stays_a_choice_that_says_so(self):
        group = type_choices(catalog.events(), UNKNOWN)[1]
        assert [(value, str(label)) for value, label in group[1]] == [
            (UNKNOWN, f"{UNKNOWN} (not known to this installation)")
        ]

    def test_a_hook_with_an_unknown_type_can_be_edited(self, admin_client, webhook):
        Webhook.objects.update(event=UNKNOWN)
        webhook.refresh_from_db()
        assert change(admin_client, webhook, description="still here").status_code == 302
        webhook.refresh_from_db()
        assert (webhook.event, webhook.description) == (UNKNOWN, "still here")

    def test_no_hook_can_be_changed_to_an_unknown_type(self, admin_client, webhook):
        assert "event" in errors_of(change(admin_client, webhook, event=UNKNOWN))


def _kind_of_filter(can_halt, can_redirect):
    for dotted, known in catalog.filters().items():
        options = halt_options_of(known)
        if (options.can_halt, options.can_redirect) == (can_halt, can_redirect) and not options.needs_path:
            return dotted
    return pytest.skip("this release has no such filter")


HALTS = [
    # can halt, can redirect, halt, redirect: which field has the error, and what it says
    (True, True, "on", "", None, ""),
    (True, True, "on", "/sorry", None, ""),
    (True, True, "", "/sorry", "halt_on_4xx", "Tick this too"),
    (True, False, "on", "", None, ""),
    (True, False, "on", "/sorry", "redirect_on_4xx", "it cannot redirect. Clear this"),
    (False, True, "on", "/sorry", None, ""),
    (False, True, "on", "", "redirect_on_4xx", "only by redirecting: enter where to"),
    (False, False, "on", "", "halt_on_4xx", "Untick this, or choose another filter"),
    (False, False, "on", "/sorry", "halt_on_4xx", "Untick this, or choose another filter"),
    (False, False, "", "", None, ""),
]


@pytest.mark.parametrize("can_halt, can_redirect, halt, redirect, field, advice", HALTS)
def test_a_switch_without_effect_is_refused_with_what_to_do(
    admin_client, can_halt, can_redirect, halt, redirect, field, advice
):
    changes = {"event": _kind_of_filter(can_halt, can_redirect), "redirect_on_4xx": redirect}
    response = add(admin_client, Webfilter, **changes, **({"halt_on_4xx": halt} if halt else {}))
    if field is None:
        assert response.status_code == 302
    else:
        assert advice in " ".join(errors_of(response)[field])


def test_every_filter_says_which_switches_have_an_effect_before_saving(admin_client):
    page = admin_client.get(url_of(Webfilter, "add")).content.decode()
    assert 'data-halts="no"' in page
    assert 'data-redirects="yes"' in page


def test_stale_answers_need_cached_ones(admin_client):
    response = add(admin_client, Webfilter, serve_stale_answers="on")
    assert "Tick “cache answers” too" in " ".join(errors_of(response)["serve_stale_answers"])


@pytest.mark.parametrize(
    "text, seconds",
    [
        ("5s, 5m, 30m, 2h", [5, 300, 1800, 7200]),
        ("5 300 1d", [5, 300, 86400]),
        ("[60, 90]", [60, 90]),
        ("", []),
        ("[" * 400, []),
    ],
)
def test_the_retry_schedule_is_read_as_people_write_it(admin_client, text, seconds):
    add(admin_client, Webhook, retry_schedule=text)
    assert Webhook.objects.get().retry_schedule == seconds


def test_the_retry_schedule_is_shown_as_people_write_it(admin_client, webhook):
    webhook.retry_schedule = [5, 300, 90, 7200, 86400]
    webhook.save()
    page = admin_client.get(url_of(Webhook, "change", webhook.pk)).content.decode()
    assert 'value="5s, 5m, 90s, 2h, 1d"' in page


def test_enabling_in_the_form_forgets_the_failures(admin_client, webhook):
    Webhook.objects.update(
        enabled=False, consecutive_failures=9, failing_since="2026-11-01T00:00Z", disabled_reason="down"
    )
    webhook.refresh_from_db()
    change(admin_client, webhook)
    webhook.refresh_from_db()
    assert (webhook.enabled, webhook.consecutive_failures, webhook.failing_since, webhook.disabled_reason) == (
        True,
        0,
        None,
        "",
    )


def test_another_address_forgets_the_failures_of_the_old_one(admin_client, webhook):
    Webhook.objects.update(consecutive_failures=9, failing_since="2026-11-01T00:00Z")
    change(admin_client, webhook, webhook_url="https://crm.example.com/new", **{"headers-value": ["Bearer new", ""]})
    webhook.refresh_from_db()
    assert webhook.failing_since is None


def test_an_edit_of_something_else_keeps_them(admin_client, webhook):
    Webhook.objects.update(consecutive_failures=9, failing_since="2026-11-01T00:00Z")
    webhook.refresh_from_db()
    change(admin_client, webhook, description="now with a description")
    webhook.refresh_from_db()
    assert webhook.consecutive_failures == 9


def test_stored_values_do_not_take_the_way_round_over_no_address(admin_client, webfilter):
    """With a local answer a webfilter needs no address; what was stored for the one before is not for the next one."""
    url = url_of(Webfilter, "change", webfilter.pk)
    data = form_of(Webfilter, **{"headers-name": ["Authorization", ""]})
    assert admin_client.post(url, {**data, "webhook_url": "", "local_answer": "{}"}).status_code == 302
    response = admin_client.post(url, {**data, "webhook_url": "https://evil.example/", "local_answer": ""})
    assert "Authorization" in " ".join(errors_of(response)["headers"])
