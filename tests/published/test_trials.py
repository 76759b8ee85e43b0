"""A test, and the preview of an answer, judge by the rules of the format that the receiver was written for."""

import json

import pytest

from openedx_webhooks.models import Webfilter
from openedx_webhooks.webfilters import calls, trial_call

pytestmark = pytest.mark.django_db
LOGIN = "org.openedx.learning.student.login.requested.v1"
REGISTRATION = "org.openedx.learning.student.registration.requested.v1"


def effect(event, answer, payload_format) -> trial_call.Trial:
    webfilter = Webfilter(event=event, webhook_url="https://example.com/", payload_format=payload_format)
    return trial_call.effect_of(webfilter, json.dumps(answer).encode())


@pytest.mark.parametrize("payload_format, changed", [("published", ["user.email"]), ("", [])])
def test_an_accounts_address_changes_for_published_receivers_only(payload_format, changed):
    trial = effect(LOGIN, {"data": {"user": {"email": "new@example.com"}}}, payload_format)
    assert (trial.changed, bool(trial.refused)) == (changed, not changed)


@pytest.mark.parametrize("payload_format, halts", [("published", True), ("", False)])
def test_a_bare_message_halts_for_published_receivers_only(payload_format, halts):
    trial = effect(REGISTRATION, {"exception": {"Nonsense": "x", "PreventRegistration": 1}}, payload_format)
    assert bool(trial.halt) == halts


def test_what_a_published_receiver_was_sent_and_sends_back_changes_nothing(receiver):
    """The format of its request is not ours: its fields stand at the top."""
    webfilter = Webfilter(event=REGISTRATION, webhook_url=receiver.url("/"), payload_format="published")
    sent = trial_call.call_test(webfilter).request.content
    assert "form_data" not in sent
    trial = trial_call.effect_of(webfilter, json.dumps({"data": sent}).encode())
    assert (trial.changed, trial.refused) == ([], [])


@pytest.mark.parametrize("payload_format, seconds", [("published", (10, 10)), ("", (5, 1))])
def test_an_endpoint_that_takes_long_to_connect_to_is_waited_for_as_it_was(payload_format, seconds):
    """What halts there would let everybody pass."""
    webfilter = Webfilter(event=LOGIN, webhook_url="https://example.com/", payload_format=payload_format)
    request = calls.RequestBuilder({"a": 1}, b"{}").of(webfilter)
    assert (request.timeout, request.connect_timeout) == seconds
