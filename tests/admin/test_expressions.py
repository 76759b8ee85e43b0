"""Conditions as rows, shapes by ticking or recipe: what the form takes, stores and shows again."""

import pytest
from django import forms
from django.utils.datastructures import MultiValueDict
from django.utils.html import escape

from openedx_webhooks.admin.expressions import shape_for
from openedx_webhooks.admin.forms import WebhookForm
from openedx_webhooks.models import Webfilter, Webhook

from .conftest import MAY_LOGIN, errors_of, form_of, url_of

pytestmark = pytest.mark.django_db
ENROLLED = "org.openedx.learning.course.enrollment.created.v1"
CREATED = "org.openedx.content_authoring.course.created.v1"
CERTIFIED = "org.openedx.learning.certificate.created.v1"
KEY = "enrollment.course.course_key"
OF_ACME = f"type({KEY}) == 'string' && starts_with({KEY}, 'course-v1:ACME+')"


def rows(*typed, join="all", text=""):
    """What the browser sends for these rows, and an empty one."""
    fields, comparisons, values = zip(*typed, ("", "is", ""), strict=True)
    return {
        "event": ENROLLED,
        "condition": text,
        "condition-mode": "rows",
        "condition-join": join,
        "condition-field": fields,
        "condition-comparison": comparisons,
        "condition-value": values,
    }


def shape(mode, text="", **more):
    """What the browser sends for this choice."""
    sent = {"event": ENROLLED, "shape": text, "shape-mode": mode, "shape-recipe": "", "shape-sender": ""}
    return {**sent, **{f"shape-{name}": value for name, value in more.items()}}


def saved(client, **changes):
    """The webhook that the form makes."""
    response = client.post(url_of(Webhook, "add"), form_of(Webhook, **changes))
    assert response.status_code == 302, errors_of(response)
    return Webhook.objects.get()


def page_of(client, hook):
    """The hook's page."""
    return client.get(url_of(type(hook), "change", hook.pk)).content.decode()


@pytest.mark.parametrize(
    "sent, expected",
    [
        (rows((KEY, "starts_with", "course-v1:ACME+")), OF_ACME),
        (rows(("enrollment.mode", "one_of", "verified, honor")), "contains(['verified', 'honor'], enrollment.mode)"),
        (
            rows(("enrollment.is_active", "is", "true"), ("enrollment.user.id", "greater", "5"), join="any"),
            "enrollment.is_active == `true` || to_number(enrollment.user.id) > `5`",
        ),
        (rows(text="what was typed"), ""),
        ({**rows(("enrollment.mode", "is", "x"), text="`true`"), "condition-mode": "text"}, "`true`"),
        ({"event": ENROLLED, "condition": "enrollment.mode"}, "enrollment.mode"),
    ],
)
def test_what_the_radio_button_says_is_stored(admin_client, sent, expected):
    assert saved(admin_client, **sent).condition == expected


@pytest.mark.parametrize(
    "typed, problem",
    [
        (("enrollment.user.id", "is", "five"), "“five” is not a number"),
        (("enrollment.is_active", "is", "perhaps"), "Enter true or false"),
        (("enrollment.mode", "is", ""), "Enter a value"),
        (("", "is", "verified"), "Choose a field"),
        (("length(enrollment)", "is", "5"), "Choose a field"),
    ],
)
def test_a_mistake_is_told_at_its_row_and_nothing_is_lost(admin_client, typed, problem):
    sent = rows(("enrollment.mode", "is_not", "audit"), typed, join="any", text="kept && too")
    response = admin_client.post(url_of(Webhook, "add"), form_of(Webhook, **sent))
    assert errors_of(response) == {"condition": ["Correct what is marked in row 2."]}
    page = response.content.decode()
    second = page.split('<div class="owh-row')[2]
    assert escape(problem) in second and f'value="{typed[0]}"' in second and f'value="{typed[2]}"' in second
    assert "kept &amp;&amp; too" in page and '<option value="any" selected>' in page


@pytest.mark.parametrize(
    "stored, mode",
    [
        (OF_ACME, "rows"),
        ("enrollment.mode == 'verified'", "rows"),
        ("not_known.at_all == 'x'", "rows"),
        ("length(enrollment.mode) > `3`", "text"),
        ("enrollment.mode == `5`", "text"),  # as a row it would be the text '5'
        ("contains(['a,b'], enrollment.mode)", "text"),
        ("enrollment.mode == `NaN`", "text"),
        # What no input of a page can hold, and half of a surrogate pair not even the page.
        (r'enrollment.mode == `"a\nb"`', "text"),
        (r'"\ud800" == `"\udc00"`', "text"),
    ],
)
def test_a_stored_condition_is_shown_as_rows_if_they_say_the_same(admin_client, webhook, stored, mode):
    Webhook.objects.filter(pk=webhook.pk).update(event=ENROLLED, condition=stored)
    assert f'name="condition-mode" value="{mode}" checked' in page_of(admin_client, webhook)


@pytest.mark.parametrize(
    "stored", ["starts_with(enrollment.mode,  'ver')", "enrollment.mode=='x'&&enrollment.is_active"]
)
def test_rows_that_nobody_changed_leave_the_stored_text_as_it_is(admin_client, webhook, stored):
    Webhook.objects.filter(pk=webhook.pk).update(event=ENROLLED, condition=stored)
    form = admin_client.get(url_of(Webhook, "change", webhook.pk)).context["adminform"].form
    shown = form.fields["condition"].widget.entered(stored)
    typed = [(row.field, row.comparison, row.value) for row in shown.rows]
    sent = form_of(Webhook, **{**rows(*typed, text=stored), "headers-name": [*webhook.headers, ""]})
    admin_client.post(url_of(Webhook, "change", webhook.pk), sent)
    assert Webhook.objects.get().condition == stored


@pytest.mark.parametrize(
    "sent, expected",
    [
        (shape("everything", "kept"), ""),
        (shape("text", "enrollment"), "enrollment"),
        (shape("fields", field=["enrollment.mode"]), "{enrollment: enrollment.{mode: mode}}"),
        (shape("recipe", recipe="google_chat"), "{text: join("),
        (shape("recipe", recipe="resend", sender="a@example.com"), "{from: 'a@example.com', to: [enrollment.user.pii"),
    ],
)
def test_the_chosen_shape_is_stored_and_shown_again(admin_client, sent, expected):
    hook = saved(admin_client, **sent)
    assert hook.shape.startswith(expected) and bool(hook.shape) is bool(expected)
    page = page_of(admin_client, hook)
    assert f'name="shape-mode" value="{sent["shape-mode"]}" checked' in page
    for name in ("recipe", "sender", "field"):
        value = sent.get(f"shape-{name}") or ""
        assert not value or f'value="{value if isinstance(value, str) else value[0]}"' in page


@pytest.mark.parametrize(
    "sent, problem",
    [
        (shape("fields"), "Tick at least one field, or choose “everything”."),
        (shape("recipe"), "Choose the service that is sent to."),
        (shape("recipe", recipe="sendgrid"), "Enter the address that the e-mails come from."),
        ({**shape("recipe", recipe="slack"), "event": ""}, "Choose the event first: a recipe is made for it."),
    ],
)
def test_a_shape_says_what_is_missing(admin_client, sent, problem):
    response = admin_client.post(url_of(Webhook, "add"), form_of(Webhook, **sent))
    assert errors_of(response)["shape"] == [problem]


def test_a_webfilter_has_rows_and_ticks_and_no_recipes(admin_client, webfilter):
    page = page_of(admin_client, webfilter)
    assert 'value="recipe"' not in page and 'value="fields"' in page
    sent = {"condition-mode": "rows", "condition-field": ["user.email"], "condition-comparison": ["ends_with"]}
    sent |= {"condition-value": ["@example.com"], "event": MAY_LOGIN, "shape-mode": "fields", "shape-field": "user.id"}
    Webfilter.objects.all().delete()
    assert admin_client.post(url_of(Webfilter, "add"), form_of(Webfilter, **sent)).status_code == 302
    hook = Webfilter.objects.get()
    assert hook.condition == "type(user.email) == 'string' && ends_with(user.email, '@example.com')"
    assert hook.shape == "{user: user.{id: id}}"


def ask(client, model=Webhook, **sent):
    """What the script is answered."""
    return client.post(f"{url_of(model)}expressions/", sent)


def test_the_script_is_told_of_the_chosen_type_and_what_the_form_means(admin_client, django_assert_num_queries):
    sent = {**rows((KEY, "starts_with", "course-v1:ACME+"), ("enrollment.user.id", "is", "x")), **shape("everything")}
    answer = ask(admin_client, **sent, fields="1").json()
    assert {"path": KEY, "kind": "text"}.items() <= answer["fields"][5].items()
    assert answer["shortcuts"]["organisation"] == {"field": KEY, "comparison": "starts_with", "value": "course-v1:ORG+"}
    assert answer["condition"]["text"] is None and list(answer["condition"]["problems"]) == ["1"]
    read = ask(
        admin_client, **{"event": ENROLLED, "condition": OF_ACME, "condition-mode": "rows", "condition-read": "1"}
    )
    assert read.json()["condition"]["read"] == {
        "mode": "rows",
        "join": "all",
        "rows": [[KEY, "starts_with", "course-v1:ACME+"]],
    }
    with django_assert_num_queries(4):  # session and user, between the two of the request's savepoint
        ask(admin_client, **sent, fields="1")


@pytest.mark.parametrize("event", ["", "unknown", ENROLLED + "\0", MAY_LOGIN])
def test_a_type_that_is_not_there_has_no_fields(admin_client, event):
    answer = ask(admin_client, event=event, fields="1").json()
    assert answer["fields"] == [] and answer["shortcuts"] == {}


def test_only_who_may_change_hooks_is_answered(viewer):
    assert ask(viewer).status_code == 403


def test_the_scripts_address_leads_back_to_the_list(admin_client):
    assert admin_client.get(f"{url_of(Webhook)}expressions/").url == url_of(Webhook)


class SeveralEvents(WebhookForm):
    """A form in which several events may be chosen."""

    event = forms.MultipleChoiceField(choices=[(name, name) for name in (ENROLLED, CREATED, CERTIFIED)])

    def clean_event(self):
        """The first."""
        return self.cleaned_data["event"][0]

    def _prepare_types(self, field):
        pass


def several(*events, **sent):
    """The form with these events, validated."""
    form = SeveralEvents(MultiValueDict({**listed(form_of(Webhook, **sent)), "event": list(events)}))
    form.is_valid()
    return form


def listed(sent):
    """As a request has it."""
    return {name: list(value) if isinstance(value, (list, tuple)) else [value] for name, value in sent.items()}


def test_each_of_several_events_gets_a_recipe_of_its_own():
    form = several(ENROLLED, CREATED, **shape("recipe", recipe="slack"))
    assert not form.errors and "enrollment.user.pii.username" in form.cleaned_data["shape"]
    assert shape_for(form, CREATED) == (
        "{text: join(': ', ['Course created', join(' · ', [course.course_key][?@])][?@]), mrkdwn: `false`}"
    )


def test_a_recipe_that_one_of_several_events_cannot_fill_names_it():
    form = several(ENROLLED, CREATED, **shape("recipe", recipe="resend", sender="a@example.com"))
    assert form.errors["shape"][0].startswith("COURSE_CREATED: This event has no e-mail address")


def test_each_of_several_events_is_sent_those_ticked_fields_that_it_has():
    ticked = ["enrollment.mode", "event_metadata.id"]
    form = several(ENROLLED, CERTIFIED, **shape("fields", field=ticked))
    assert form.cleaned_data["shape"] == (
        "{enrollment: enrollment.{mode: mode}, event_metadata: event_metadata.{id: id}}"
    )
    assert shape_for(form, CERTIFIED) == "{event_metadata: event_metadata.{id: id}}"
    form = several(ENROLLED, CERTIFIED, **shape("fields", field=ticked[:1]))
    assert form.errors["shape"][0].startswith("CERTIFICATE_CREATED: Tick at least one field")


def test_a_validated_form_says_its_expression_as_text():
    form = several(ENROLLED, **{**rows((KEY, "starts_with", "course-v1:ACME+")), **shape("fields", field=[KEY])})
    assert str(form["condition"].value()) == OF_ACME
    assert str(form["shape"].value()) == form.cleaned_data["shape"] != ""
