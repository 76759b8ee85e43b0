"""The preview beside the form: what is typed, looked at and tested before anything is saved."""

import html
import json
import random
import re
import shlex
import string

import pytest
from django.utils import timezone
from django.utils.html import escape

from openedx_webhooks import catalog
from openedx_webhooks.admin import preview
from openedx_webhooks.admin.trying import curl
from openedx_webhooks.hook_request import HookRequest
from openedx_webhooks.models import CapturedEvent, Delivery, Webfilter, Webhook
from openedx_webhooks.operations import schema
from openedx_webhooks.payloads import expression_examples, lint, samples, shape
from tests.receiver import Reply

from .conftest import HOSTILE, LOGIN, MAY_LOGIN, form_of, make_event, url_of

pytestmark = pytest.mark.django_db
JSON = {"headers": {"accept": "application/json"}}
ENROLLED = "org.openedx.learning.course.enrollment.created.v1"
EVENT = {"enrollment": {"mode": "audit", "user": {"id": 7}}, "event_metadata": {"id": "x", "event_type": ENROLLED}}


def address(model, hook=None):
    """Where the form is posted to."""
    return url_of(model, "preview", hook.pk if hook else "add")


def look(client, model=Webhook, hook=None, **typed) -> dict:
    """What the script gets for what is typed."""
    response = client.post(address(model, hook), form_of(model, **typed), **JSON)
    assert response.status_code == 200, response.content
    return response.json()


def text_of(html: str) -> str:
    """The words of a fragment, in one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def enroll(mode="audit", username="ada", **fields):
    """A captured enrollment."""
    payload = {**EVENT, "enrollment": {**EVENT["enrollment"], "mode": mode}}
    return make_event(event_type=ENROLLED, username=username, payload=payload, **fields)


class TestCondition:
    """Whether it matches, and why not."""

    def test_which_comparison_was_false_with_the_values(self, admin_client):
        event = enroll()
        made = look(
            admin_client,
            event=ENROLLED,
            owh_event=str(event.pk),
            condition="enrollment.user.id == `7` && enrollment.mode == 'verified'",
        )
        assert made["status"] == "The condition does not match: nothing would be sent."
        assert "<code>enrollment.mode</code> is <code>verified</code>" in made["result"]
        assert "here it is <code>&quot;audit&quot;</code>" in made["result"]
        assert "enrollment.user.id" not in text_of(made["result"]).partition("Request")[0]

    def test_that_the_made_up_sample_does_not_match_says_nothing_of_real_events(self, admin_client):
        made = look(admin_client, event=ENROLLED, condition="enrollment.mode == 'honor'")
        assert made["status"].startswith("The condition does not match the sample. Its data is made up:")

    def test_how_many_of_the_latest_events_would_match(self, admin_client):
        for mode in ("audit", "verified", "verified"):
            enroll(mode)
        made = look(admin_client, event=ENROLLED, condition="enrollment.mode == 'verified'")
        assert "Of the last 3 captured events 2 match" in text_of(made["result"])

    def test_mistakes_are_warned_of_with_the_place_and_the_remedy(self, admin_client):
        made = look(admin_client, event=ENROLLED, condition="mode == 'verified'")
        assert "<mark>mode</mark>" in made["result"]
        assert '<code class="owh-suggestion">enrollment.mode</code>' in made["result"]
        assert made["status"].endswith("1 warning.")

    def test_the_example_of_a_local_answer_halts_the_chosen_filter(self, admin_client):
        example = json.loads(look(admin_client, Webfilter)["examples"]["id_local_answer"])
        assert list(example["exception"]) == ["PreventLogin"]

    @pytest.mark.parametrize("way", [{}, {"condition-mode": "text"}], ids=["without a script", "with it"])
    def test_what_is_no_expression_is_a_mistake_with_the_remedy(self, admin_client, way):
        made = look(admin_client, event=ENROLLED, condition="enrollment.mode = 'verified'", **way)
        assert made["status"] == "1 mistake to correct. 1 warning."
        assert "<mark>=</mark>" in made["result"]

    def test_examples_are_of_the_chosen_event(self, admin_client):
        assert look(admin_client, event=ENROLLED)["examples"]["id_condition"] == "enrollment.mode == 'verified'"
        assert look(admin_client, event=LOGIN)["examples"]["id_condition"] == "user.is_active"


def test_of_several_events_the_first_is_shown_and_what_fits_not_all_is_warned_of(admin_client):
    made = look(admin_client, event=[ENROLLED, LOGIN], condition="enrollment.mode == 'audit'")
    assert "Several events are chosen: this is about COURSE_ENROLLMENT_CREATED." in made["result"]
    assert "Condition, SESSION_LOGIN_COMPLETED" in made["result"]
    assert "The payload has no enrollment" in made["result"]


class TestRequest:
    """What would be sent."""

    def test_json_and_form(self, admin_client):
        made = look(admin_client, event=ENROLLED, shape="{who: enrollment.user.id, mode: enrollment.mode}")
        assert "Content-Type: application/json" in made["result"]
        assert escape('"who": 42') in made["result"]
        made = look(admin_client, event=ENROLLED, shape="{who: `1`}", use_www_form_encoding="on")
        assert "Content-Type: application/x-www-form-urlencoded" in made["result"]
        assert "who=1" in made["result"]

    def test_a_shape_without_a_result(self, admin_client):
        made = look(admin_client, event=ENROLLED, shape="enrollment.course.nothing")
        assert made["status"].startswith("The shape gives null for this payload: nothing would be sent.")

    def test_no_secret_is_shown(self, admin_client, webhook):
        made = look(admin_client, hook=webhook, webhook_url=webhook.webhook_url, **{"headers-name": ["Authorization"]})
        assert "Authorization: ••••••••" in made["result"]
        made = look(
            admin_client, secret="whsec_" + "c2VjcmV0" * 4, **{"headers-name": ["X-Key"], "headers-value": ["t0p"]}
        )
        for text in ("t0p", webhook.secret, "whsec_"):
            assert text not in json.dumps(made)

    def test_an_empty_form_has_no_mistakes_yet(self, admin_client):
        made = look(admin_client, event=ENROLLED, webhook_url="")
        assert made["status"] == "This would be sent."
        assert "Still to be filled in: Webhook URL" in text_of(made["result"])


class TestChoice:
    """The payload that it is tried on."""

    def test_found_by_learner_course_or_number(self, admin_client):
        enroll(username="grace", course_key="course-v1:A+B+C")
        enroll(username="linus")
        made = look(admin_client, event=ENROLLED, owh_search="GRACE a+b")
        assert "grace" in made["choice"] and "linus" not in made["choice"]
        assert "audit" in made["result"], "what is found is what it is tried on"
        assert "None of the latest" in look(admin_client, event=ENROLLED, owh_search="nobody\0")["choice"]

    @pytest.mark.parametrize("wrong", ["0", "-1", "9" * 30, "١", "x", ""])
    def test_another_number_is_the_sample(self, admin_client, wrong):
        assert "ada@example.org" in look(admin_client, event=ENROLLED, owh_event=wrong)["result"]

    def test_an_event_of_another_type_is_not_taken(self, admin_client):
        other = make_event(username="grace", payload={"private": 1})
        assert "private" not in look(admin_client, event=ENROLLED, owh_event=str(other.pk))["result"]

    def test_not_without_the_permission_to_see_events(self, staff):
        event = enroll("grace-only", username="grace")
        client = staff("add_webhook", "view_webhook")
        made = look(client, event=ENROLLED, owh_event=str(event.pk), owh_search="grace", condition="enrollment.mode")
        assert "grace" not in json.dumps(made)
        assert "captured" not in made["result"]

    def test_gone_and_broken_payloads_are_passed_over(self, admin_client):
        enroll()
        gone, broken = enroll(), enroll()
        CapturedEvent.objects.filter(pk=gone.pk).update(payload=None)
        CapturedEvent.objects.filter(pk=broken.pk).update(payload=["no object"])
        for event in (gone, broken):
            made = look(admin_client, event=ENROLLED, owh_event=str(event.pk), condition="enrollment.mode == 'audit'")
            assert "Of the last captured event 1 matches" in text_of(made["result"])


class TestAnswer:
    """What the answer of a webfilter would do."""

    @pytest.mark.parametrize(
        "answer, says",
        [
            ('{"exception": {"PreventLogin": "Ask us"}}', "It would halt the process with PreventLogin: Ask us"),
            ('{"data": {"profile": {"name": "Ada L"}}}', "It would change profile.name."),
            ('{"data": {"nothing": 1}}', "It would not change nothing: the filter has no such argument"),
            ('{"profile": {"name": "x"}}', "Nobody reads profile"),
            ("{", "Not used: the answer is not JSON"),
            ("{}", "The process would go on unchanged."),
            ("[" * 100_000, "Not used"),
        ],
    )
    def test_of_an_endpoint(self, admin_client, answer, says):
        assert says in text_of(look(admin_client, Webfilter, owh_answer=answer)["result"])

    def test_answers_to_try_do_what_they_say(self, admin_client):
        answers = re.findall(r'data-answer="(.*?)">(.*?)<', look(admin_client, Webfilter)["answers"])
        made = {title: look(admin_client, Webfilter, owh_answer=html.unescape(text)) for text, title in answers}
        assert "It would change" in made["Change something"]["result"] and "It would halt" in made["Halt"]["result"]

    def test_of_the_local_answer(self, admin_client):
        made = look(
            admin_client,
            Webfilter,
            webhook_url="",
            local_answer="{exception: {PreventLogin: join('', ['No ', user.username])}}",
        )
        assert "It would halt the process with PreventLogin: No ada" in text_of(made["result"])
        assert made["status"] == "This would be answered."

    def test_a_forgotten_data(self, admin_client):
        made = look(admin_client, Webfilter, webhook_url="", local_answer="{profile: {name: 'x'}}")
        assert "“profile” belongs into “data”" in made["result"]


class TestPage:
    """Without a script, and where there are mistakes."""

    def test_looking_saves_nothing_and_keeps_what_is_typed(self, admin_client):
        response = admin_client.post(address(Webhook), form_of(Webhook, event=ENROLLED, condition="enrollment.mode"))
        page = response.content.decode()
        assert not Webhook.objects.exists()
        assert "This would be sent." in page and ">\nenrollment.mode</textarea>" in page
        assert f'action="{url_of(Webhook, "add")}"' in page, "Save saves"
        assert "errornote" not in page

    def test_looking_at_a_saved_hook_changes_nothing(self, admin_client, webhook):
        before = Webhook.objects.values().get()
        page = admin_client.post(address(Webhook, webhook), form_of(Webhook, event=ENROLLED)).content.decode()
        assert f'action="{url_of(Webhook, "change", webhook.pk)}"' in page
        assert Webhook.objects.values().get() == before

    @pytest.mark.parametrize("model", [Webhook, Webfilter])
    def test_the_page_of_a_mistake_has_it_too(self, admin_client, model):
        page = admin_client.post(url_of(model, "add"), form_of(model, condition="user.id = 1")).content.decode()
        assert "1 mistake to correct." in page

    @pytest.mark.parametrize("model", [Webhook, Webfilter])
    def test_the_add_page_asks_for_the_type_first(self, admin_client, model):
        assert "Choose an event" in admin_client.get(url_of(model, "add")).content.decode()

    def test_coming_by_a_link_leads_to_the_form(self, admin_client, webhook):
        assert admin_client.get(address(Webhook)).url == url_of(Webhook, "add")
        assert admin_client.get(address(Webhook, webhook)).url == url_of(Webhook, "change", webhook.pk)

    def test_only_for_those_who_may_change(self, viewer, webhook):
        assert viewer.post(address(Webhook, webhook), form_of(Webhook), **JSON).status_code == 403
        assert viewer.post(address(Webhook), form_of(Webhook), **JSON).status_code == 403
        assert "owh-preview-status" not in viewer.get(url_of(Webhook, "change", webhook.pk)).content.decode()


class TestTrying:
    """Sending what is typed."""

    def send(self, client, model=Webhook, hook=None, **typed):
        return look(client, model, hook, _owh_test="1", **typed)

    def test_what_is_not_saved_is_sent_marked_as_a_test_with_ids_of_its_own(self, admin_client, receiver):
        event = enroll()
        typed = {"event": ENROLLED, "webhook_url": receiver.url("/new"), "owh_event": str(event.pk)}
        made = [self.send(admin_client, condition="`false`", **typed) for _ in range(2)]
        assert made[0]["status"] == "Test: 200"
        assert "Look there whether it is what you want, and save." in made[0]["test"]
        assert not Webhook.objects.exists() and not Delivery.objects.exists()
        first, second = receiver.received
        assert first.headers["webhook-test"] == "true" and first.json["event_metadata"]["test"] is True
        assert first.json["enrollment"] == EVENT["enrollment"]
        assert len({first.json["event_metadata"]["id"], second.json["event_metadata"]["id"], "x"}) == 3
        assert first.headers["webhook-id"] != second.headers["webhook-id"]
        assert first.headers["webhook-id"] in made[0]["test"]

    def test_a_webfilter_is_marked_too_and_its_answer_judged(self, admin_client, receiver):
        receiver.on("/f", Reply({"data": {"profile": {"name": "Ada L"}}, "extra": 1}))
        made = self.send(admin_client, Webfilter, webhook_url=receiver.url("/f"))
        assert receiver.received[0].headers["webhook-test"] == "true"
        assert receiver.received[0].json["event_metadata"]["test"] is True
        assert "It would change profile.name." in made["test"] and "Nobody reads extra" in made["test"]

    @pytest.mark.parametrize(
        "status, headers, says",
        [
            (404, {}, "n8n answers so while a workflow is not active"),
            (301, {"Location": "https://x.example/"}, "x.example"),
        ],
    )
    def test_the_verdict_in_words(self, admin_client, receiver, status, headers, says):
        receiver.on("/h", Reply(status=status, headers=headers))
        made = self.send(admin_client, webhook_url=receiver.url("/h"))
        assert made["status"] == f"Test: {status}" and says in made["test"]

    def test_stored_header_values_go_to_the_stored_address_only(self, admin_client, webhook, receiver):
        made = self.send(admin_client, hook=webhook, webhook_url=receiver.url(), **{"headers-name": ["Authorization"]})
        assert made["status"] == "Correct the mistakes first: nothing was sent."
        assert "address was changed" in made["result"]
        assert not receiver.received
        Webhook.objects.update(webhook_url=receiver.url())
        self.send(admin_client, hook=webhook, webhook_url=receiver.url(), **{"headers-name": ["Authorization"]})
        assert receiver.received[0].headers["Authorization"] == "Bearer t0p-s3cret"

    def test_a_typed_address_obeys_the_guard(self, admin_client, receiver, settings):
        settings.OPENEDX_WEBHOOKS = {"DENY_PRIVATE_ADDRESSES": True}
        assert "address not allowed" in self.send(admin_client, webhook_url=receiver.url())["test"]
        assert not receiver.received

    @pytest.mark.parametrize("is_stored, failures", [(True, 0), (False, 9)])
    def test_a_success_at_the_stored_address_makes_healthy(self, admin_client, receiver, is_stored, failures):
        url = receiver.url("/stored")
        hook = Webhook.objects.create(
            event=LOGIN, webhook_url=url, consecutive_failures=9, failing_since=timezone.now()
        )
        self.send(admin_client, hook=hook, webhook_url=url if is_stored else receiver.url("/other"))
        hook.refresh_from_db()
        assert hook.consecutive_failures == failures

    def test_without_a_script_the_page_has_the_result(self, admin_client, receiver):
        typed = form_of(Webhook, event=ENROLLED, webhook_url=receiver.url(), _owh_test="1", description="typed")
        page = admin_client.post(address(Webhook), typed).content.decode()
        assert "Test: 200" in page and ">\ntyped</textarea>" in page
        assert len(receiver.received) == 1


def test_the_command_is_safe_in_a_shell_and_has_no_secret():
    nasty = "'; rm -rf / #`$(id)` \"\n@"
    sent = HookRequest("https://e.example/?a=[1]", "id", None, nasty.encode(), {"webhook-id": "id"}, {"X-Key": "t0p"})
    words = shlex.split(curl(sent).replace("\\\n", ""))
    assert words[-2:] == ["--data-raw", nasty]
    assert "https://e.example/?a=[1]" in words and "X-Key: <value of X-Key>" in words
    assert "t0p" not in " ".join(words)


@pytest.mark.parametrize("model", [Webhook, Webfilter])
def test_nothing_that_is_typed_is_an_error(admin_client, model, monkeypatch):
    def fail(*_args):
        raise AssertionError("the preview failed")

    monkeypatch.setattr(preview.log, "error", fail)
    chance = random.Random(model.__name__)
    types = [*(catalog.events() if model is Webhook else catalog.filters()), "", "nonsense"]
    pieces = [
        "user",
        ".",
        "==",
        "'x'",
        '"x"',
        "`1`",
        "`{`",
        "[?",
        "]",
        "[*]",
        "[]",
        "&&",
        "|",
        "!",
        "(",
        ")",
        "{",
        "}",
        ":",
    ]
    pieces += [
        "event_metadata",
        "id",
        "sort_by(",
        "&",
        "@",
        "\0",
        '"\\ud800"',
        HOSTILE,
        " = ",
        " and ",
        "-1",
        "*",
        ",",
        "🦆",
    ]
    for _round in range(40):
        texts = {
            name: "".join(chance.choices(pieces, k=chance.randrange(12)))
            for name in ("condition", "shape", "local_answer", "owh_answer", "owh_search", "owh_event")
        }
        texts = {name: text.encode("utf-8", "replace").decode() for name, text in texts.items()}
        url = chance.choice(["", "https://example.com/", "x", "".join(chance.choices(string.printable, k=9))])
        typed = {"event": chance.choice(types), "webhook_url": url, **texts}
        assert "<script>alert" not in json.dumps(look(admin_client, model, **typed))
        if chance.random() < 0.2:
            assert admin_client.post(address(model), form_of(model, **typed)).status_code == 200


@pytest.mark.parametrize("model", [Webhook, Webfilter])
def test_the_examples_of_every_type_are_good(admin_client, model):
    types = catalog.events() if model is Webhook else catalog.filters()
    for dotted, known in types.items():
        payload_schema, sample = schema.payload_schema(known), samples.sample_payload(known)
        texts = {"id_condition": "`1`", **expression_examples.examples(payload_schema, sample)}
        for name, text in texts.items():
            assert not lint.lint(text, payload_schema, is_condition=name == "id_condition") or text == "`1`", text
        assert shape.matches(shape.compile_expression(texts["id_condition"]), sample), dotted
    made = look(admin_client, model, event=ENROLLED if model is Webhook else MAY_LOGIN)
    typed = {name.removeprefix("id_"): text for name, text in made["examples"].items()}
    event = ENROLLED if model is Webhook else MAY_LOGIN
    answer = typed.pop("local_answer", "")
    assert look(admin_client, model, event=event, **typed)["status"] == "This would be sent."
    if answer:
        made = look(admin_client, model, event=event, webhook_url="", local_answer=answer)
        assert made["status"] == "This would be answered."


@pytest.mark.parametrize(
    "typed",
    [
        {"condition": 'user.is_active == "\\ud800"'},
        {"condition": 'a."\\ud800" == `1`', "shape": '`"\\ud800"`'},
        {"local_answer": '{"\\ud800": 1}', "webhook_url": ""},
        {"local_answer": '{"\\ud800": 1, "\\ud800": 2}', "webhook_url": ""},
        {"local_answer": '{"\\ud800": user.id}', "webhook_url": ""},
        {"owh_answer": '{"\\ud800": 1, "data": {"\\ud800": 2}}'},
    ],
)
def test_half_of_a_surrogate_pair_does_no_harm(admin_client, typed):
    for page in (address(Webfilter), url_of(Webfilter, "add")):
        assert admin_client.post(page, form_of(Webfilter, **typed), follow=True).status_code == 200
