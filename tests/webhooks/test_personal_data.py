"""What a webhook's personal-data mode lets out, whatever way something is sent."""

import copy
import json

import pytest
from django.conf import settings
from django.test import override_settings

from openedx_webhooks.models import Attempt, CapturedEvent, Delivery, Webhook
from openedx_webhooks.operations import key_rotation
from openedx_webhooks.payloads import formats
from openedx_webhooks.webhooks.deliver import deliver_due
from openedx_webhooks.webhooks.trial_delivery import send_test

from .conftest import LOGIN, owe

# pylint: disable=unused-argument
pytestmark = pytest.mark.django_db
RESTRICTED = ["pseudonymous", "none"]
EVERYTHING = "{all: @, name: user.pii.username, deep: to_string(@), id: user.id}"


@pytest.fixture(name="delivered")
def _delivered(webhook, receiver, log_in):
    """Log a learner in, and give what a webhook with these options was sent."""

    def deliver(**options):
        for name, value in options.items():
            setattr(webhook, name, value)
        webhook.save()
        log_in(86420)
        deliver_due()
        return receiver.received[-1]

    return deliver


@pytest.mark.parametrize("mode", RESTRICTED)
@pytest.mark.parametrize(
    "options",
    [
        *({"payload_format": name} for name in formats.FORMATS),
        *(
            {"payload_format": name, "use_www_form_encoding": True}
            for name, one in formats.FORMATS.items()
            if one.has_form
        ),
        {"shape": EVERYTHING},
        {"shape": EVERYTHING, "payload_format": "cloudevents"},
    ],
    ids=str,
)
def test_no_format_and_no_shape_gets_at_what_is_held_back(webhook, delivered, mode, options):
    body = delivered(personal_data=mode, **options).body.decode()
    assert "is_active" in body
    assert ("86420" in body, "user86420" in body, "Ann" in body) == (False, False, False)
    # What the record shows is what was sent; what is kept for other webhooks is whole.
    attempt = Attempt.objects.get()
    assert attempt.status_code == 200 and "86420" not in attempt.request_excerpt
    assert CapturedEvent.objects.get().payload["user"]["pii"]["username"] == "user86420"


def test_a_webhook_of_before_sends_everything(webhook, delivered):
    assert webhook.personal_data == "full"
    assert delivered().json["user"]["pii"]["username"] == "user86420"


@pytest.mark.parametrize("mode", ["full", *RESTRICTED])
def test_a_condition_works_on_everything(webhook, delivered, receiver, mode, log_in):
    assert delivered(personal_data=mode, condition="user.pii.username == 'user86420'").json
    log_in(1)
    deliver_due()
    assert len(receiver.received) == 1


def test_the_pseudonym_is_the_same_each_time_and_another_of_another_webhook(webhook, receiver, delivered, log_in):
    other = Webhook.objects.create(event=LOGIN, webhook_url=receiver.url("/other"), personal_data="pseudonymous")
    delivered(personal_data="pseudonymous")
    log_in(86420)
    deliver_due()
    first, second = ([one.json["user"]["id"] for one in receiver.at(path)] for path in ("/hook", "/other"))
    assert len(set(first)) == len(set(second)) == 1
    assert {*first} != {*second}
    other.refresh_from_db()
    assert other.pseudonym_key not in (webhook.pseudonym_key, "", other.secret)


def test_it_stays_when_the_sites_keys_are_rotated_and_waits_when_they_are_lost(webhook, receiver, delivered, log_in):
    before = delivered(personal_data="pseudonymous", signature="none").json["user"]["id"]
    with override_settings(OPENEDX_WEBHOOKS={"ENCRYPTION_KEYS": ["another"]}):
        log_in(86420)
        assert deliver_due().attempts == 0
        webhook.refresh_from_db()
        assert "key of the pseudonyms" in webhook.lost_sentence
        webhook.save()
    with override_settings(OPENEDX_WEBHOOKS={"ENCRYPTION_KEYS": ["another", settings.SECRET_KEY]}):
        assert key_rotation.rotate().changed == 1
    with override_settings(OPENEDX_WEBHOOKS={"ENCRYPTION_KEYS": ["another"]}):
        assert deliver_due().delivered == 1
    assert receiver.received[-1].json["user"]["id"] == before


def test_a_lost_key_goes_when_nothing_needs_it(webhook, delivered):
    delivered(personal_data="pseudonymous")
    with override_settings(OPENEDX_WEBHOOKS={"ENCRYPTION_KEYS": ["another"]}):
        for mode, has_key in (("none", False), ("pseudonymous", True)):
            webhook.refresh_from_db()
            webhook.personal_data = mode
            webhook.save(update_fields=["personal_data"])
            webhook.refresh_from_db()
            assert bool(webhook.pseudonym_key) is has_key


@pytest.mark.parametrize("fields", [{"personal_data": "secret"}, {"personal_data": "pseudonymous"}])
def test_what_was_written_past_the_form_sends_nothing_and_is_that_webhooks_failure(webhook, receiver, fields):
    other = Webhook.objects.create(event=LOGIN, webhook_url=receiver.url("/other"))
    Webhook.objects.filter(pk=webhook.pk).update(**fields)
    owe(webhook)
    owe(other)
    deliver_due()
    attempt = Attempt.objects.get(delivery__webhook=webhook)
    assert (attempt.error == "unsendable" and "personal-data mode" in attempt.detail) or "save it" in attempt.detail
    assert [one.path for one in receiver.received] == ["/other"]


@pytest.mark.parametrize("mode", RESTRICTED)
def test_a_test_of_what_really_happened_and_an_event_sent_again(webhook, receiver, delivered, mode):
    delivered(personal_data=mode)
    payload = copy.deepcopy(CapturedEvent.objects.get().payload)
    assert send_test(webhook, payload)[1].is_accepted
    assert payload == CapturedEvent.objects.get().payload
    Delivery.objects.replay(10)
    deliver_due()
    assert len(receiver.received) == 3
    assert not [one for one in receiver.received if b"86420" in one.body]
    assert receiver.received[1].json["event_metadata"]["test"] is True


def test_an_unsaved_webhook_shows_pseudonyms_too(receiver, db):
    hook = Webhook(event=LOGIN, webhook_url=receiver.url("/hook"), personal_data="pseudonymous")
    hook.full_clean()
    request, outcome = send_test(hook)
    assert outcome.is_accepted and len(json.loads(request.body)["user"]["id"]) == 32
