"""Choosing an event or filter: what is offered, what is known of it, and several at once."""

import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.utils.timezone import now

from openedx_webhooks import catalog
from openedx_webhooks.admin.picker import details_of, how_often, notes_of
from openedx_webhooks.models import Call, CapturedEvent, Webfilter, Webhook
from openedx_webhooks.operations import frequency

from .conftest import HOSTILE, LOGIN, MAY_LOGIN, errors_of, form_of, url_of

pytestmark = pytest.mark.django_db
DASHBOARD = "org.openedx.learning.dashboard.render.started.v1"
XBLOCK = "org.openedx.learning.xblock.render.started.v1"
REGISTERED = "org.openedx.learning.student.registration.completed.v1"
ENROLLED = "org.openedx.learning.course.enrollment.created.v1"


def ask(client, model, view, **query):
    """What the script asks for."""
    return client.get(f"/admin/openedx_webhooks/{model._meta.model_name}/{view}/", query)


def details(dotted):
    """What is known of a filter."""
    return details_of(Webfilter, [dotted], how_often(Webfilter))[0]


class TestSearch:
    """The answer to what was typed."""

    def test_it_gives_types_the_best_first_and_says_how_many(self, admin_client):
        found = ask(admin_client, Webhook, "find-type", q="course enrollment cre").json()
        assert found["types"][0] == ENROLLED
        assert found["says"] == f"{len(found['types'])} found"

    @pytest.mark.parametrize(
        "typed, says", [("zzzz", "Nothing is found"), ("enrolment zzzz", "Nothing has all these words")]
    )
    def test_it_says_when_nothing_fits(self, admin_client, typed, says):
        assert ask(admin_client, Webhook, "find-type", q=typed).json()["says"].startswith(says)

    def test_filters_are_searched_on_their_own_page(self, admin_client):
        assert ask(admin_client, Webfilter, "find-type", q="login").json()["types"][0] == MAY_LOGIN

    @pytest.mark.parametrize("view", ["find-type", "describe-type"])
    def test_only_who_may_see_hooks_may_ask(self, client, django_user_model, view):
        client.force_login(django_user_model.objects.create_user("staff", is_staff=True))
        assert ask(client, Webhook, view, q="login").status_code == 403


class TestKnown:
    """What is shown of a type before it is chosen, and after."""

    @pytest.mark.parametrize("model", [Webhook, Webfilter])
    def test_every_type_has_a_sentence_and_how_often_it_happens(self, model):
        notes = notes_of(model, how_often(model))
        assert [dotted for dotted, note in notes.items() if not note["about"] or not note["often"]] == []

    def test_what_nothing_runs_says_so_in_the_list(self):
        notes = notes_of(Webhook, how_often(Webhook))
        dotted = catalog.find_event("COURSE_CERTIFICATE_CONFIG_CHANGED").event_type
        assert notes[dotted]["often"].startswith("never")

    def test_a_filter_says_what_may_change_what_may_halt_and_what_the_learner_sees(self, admin_client):
        page = ask(admin_client, Webfilter, "describe-type", of=MAY_LOGIN).content.decode()
        for says in (
            "before the password is checked",
            "Anybody who knows an e-mail address",
            "<dt>PreventLogin</dt><dd>The login fails with the status 400",
            "Message:</b> On the page, inside a text of its own",
            "Redirect:</b> It is in the response, but the page does not go there",
            "<code>profile</code>",
            "saved when the login has succeeded",
        ):
            assert says in page

    def test_where_a_redirect_is_followed_the_switches_say_nothing_more(self):
        notes = notes_of(Webfilter, how_often(Webfilter))
        assert notes[DASHBOARD]["redirect"] == ""
        assert notes[XBLOCK]["redirect"].startswith("A link is shown")
        assert "The login fails with the status 400" in notes[MAY_LOGIN]["effect"]

    def test_every_filter_says_what_it_can_do(self):
        assert all(details(dotted)["after_failure"] for dotted in catalog.filters())

    def test_a_stored_hook_has_it_on_its_page_without_any_script(self, admin_client, webfilter):
        page = admin_client.get(url_of(Webfilter, "change", webfilter.pk)).content.decode()
        assert "<dt>PreventLogin</dt><dd>The login fails" in page

    def test_of_what_nobody_knows_nothing_is_said(self, admin_client):
        assert ask(admin_client, Webhook, "describe-type", of=HOSTILE).content.strip() == b""


class TestHowOften:
    """The figures of the last week."""

    def test_an_event_without_a_webhook_is_not_counted_and_says_so(self, webhook):
        often = how_often(Webhook)
        assert often.words(webhook.event) == "none in the last week"
        assert often.words(ENROLLED) == "not counted yet"

    @pytest.mark.usefixtures("webhook")
    @pytest.mark.parametrize("dotted, is_said", [(ENROLLED, True), (LOGIN, False)])
    def test_the_details_say_why_it_is_not_counted(self, admin_client, dotted, is_said):
        page = ask(admin_client, Webhook, "describe-type", of=dotted).content.decode()
        assert ("Counting begins with the first webhook for it." in page) is is_said

    @pytest.mark.parametrize("count, says", [(2, "2 in the last week"), (3, "about 3 in the last 3 days")])
    def test_events_are_counted_up_to_a_limit(self, monkeypatch, count, says):
        monkeypatch.setattr(frequency, "MOST", 3)
        days = [*[3, 2, 1][:count], 8]
        for number, ago in enumerate(days):
            CapturedEvent.objects.create(
                event_id=f"{number:032}", event_type=LOGIN, time=now(), created=now() - timedelta(days=ago, minutes=1)
            )
        assert how_often(Webhook).words(LOGIN).replace("\xa0", " ") == says

    def test_of_a_filter_the_recorded_calls_are_counted(self, webfilter):
        assert how_often(Webfilter).words(MAY_LOGIN) == "no call recorded in the last week"
        Call.objects.create(webfilter=webfilter, mode="enforce", result="passed")
        assert how_often(Webfilter).words(MAY_LOGIN) == "1 call recorded in the last week"


class TestSeveral:
    """Several events chosen for one endpoint."""

    def add(self, client, *events, **changes):
        """Send the form of a new webhook."""
        form = form_of(Webhook, event=events, **{"headers-name": "Authorization", "headers-value": "Bearer x"})
        return client.post(url_of(Webhook, "add"), {**form, **changes}, follow=True)

    def test_each_gets_a_webhook_that_differs_in_nothing_else(self, admin_client):
        page = self.add(admin_client, REGISTERED, LOGIN, ENROLLED, description="CRM").content.decode()
        hooks = list(Webhook.objects.all())
        assert sorted(hook.event for hook in hooks) == sorted([REGISTERED, LOGIN, ENROLLED])
        assert len({(hook.webhook_url, hook.secret, hook.description, str(hook.headers)) for hook in hooks}) == 1
        assert "2 more webhooks were made, with the same settings and the same signing secret" in page
        assert [hook.event_name for hook in hooks if hook.event_name not in page] == []

    def test_each_gets_a_line_in_its_history(self, admin_client):
        self.add(admin_client, REGISTERED, LOGIN)
        assert sorted(LogEntry.objects.values_list("object_id", flat=True)) == sorted(
            str(pk) for pk in Webhook.objects.values_list("pk", flat=True)
        )

    def test_the_same_one_twice_is_one(self, admin_client):
        self.add(admin_client, LOGIN, LOGIN)
        assert Webhook.objects.count() == 1

    @pytest.mark.parametrize("events", [(), (LOGIN, "org.example.unknown"), ("", LOGIN)])
    def test_if_one_is_wrong_none_is_made(self, admin_client, events):
        response = self.add(admin_client, *events)
        assert "event" in errors_of(response)
        assert not Webhook.objects.exists()

    @pytest.mark.parametrize("model, several", [(Webhook, True), (Webfilter, False)])
    def test_only_new_webhooks_may_be_several(self, admin_client, webhook, webfilter, model, several):
        def select(*args):
            return re.search(r'<select name="event"[^>]*>', admin_client.get(url_of(model, *args)).content.decode())[0]

        assert ("multiple" in select("add")) is several
        hook = webhook if model is Webhook else webfilter
        assert "multiple" not in select("change", hook.pk)
