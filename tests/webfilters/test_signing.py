"""What signs a webfilter's request, and what becomes of one that can't be signed."""

import base64
import logging
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.test import override_settings
from django.utils import timezone
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from openedx_webhooks import skips
from openedx_webhooks.models import Call, Webfilter, signing_secrets
from openedx_webhooks.payloads import encode
from openedx_webhooks.transport import signing
from openedx_webhooks.transport.breaker import State, breaker
from openedx_webhooks.webfilters import calls, trial_call
from openedx_webhooks.webfilters.run import run
from tests.receiver import Reply

from .world import registration_form

pytestmark = pytest.mark.django_db
REGISTRATION = "org.openedx.learning.student.registration.requested.v1"
# Not random: the workers of pytest-xdist must find the same tests, whose names have their arguments in them.
ONE, TWO = ("whsec_" + base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))
MALFORMED = "whsec_T0PSECRET!"
SOON, PAST = timedelta(hours=1), timedelta(seconds=-1)


def ask(*webfilters):
    """One run of the filter, as the platform would have it, with hooks as the index has read them."""
    pks = [webfilter.pk for webfilter in webfilters]
    return run(REGISTRATION, list(Webfilter.objects.filter(pk__in=pks)), {"form_data": registration_form()})


def verifies(request, secret) -> bool:
    """Whether the library that receivers use accepts a request."""
    try:
        Verifier(secret).verify(request.body, request.headers)
    except WebhookVerificationError:
        return False
    return True


@pytest.mark.parametrize(
    "secret, previous, ends, verify",
    [
        (ONE, "", None, [ONE]),
        (ONE, TWO, SOON, [ONE, TWO]),
        (ONE, TWO, PAST, [ONE]),
        (ONE, TWO, None, [ONE]),
        ("", "", None, []),
        ("", TWO, SOON, [TWO]),
        (ONE, MALFORMED, PAST, [ONE]),
    ],
)
def test_a_request_is_signed_with_the_secrets_in_force(make_webfilter, receiver, secret, previous, ends, verify):
    ends = ends and timezone.now() + ends
    ask(make_webfilter(REGISTRATION, secret=secret, previous_secret=previous, previous_secret_expires_at=ends))
    (request,) = receiver.received
    assert [one for one in (ONE, TWO) if verifies(request, one)] == verify
    assert len(request.headers.get("webhook-signature", "").split()) == len(verify)
    assert {"webhook-id", "webhook-timestamp"} <= set(request.headers)


def test_a_changed_body_does_not_verify(make_webfilter, receiver):
    webfilter = make_webfilter(REGISTRATION)
    ask(webfilter)
    (request,) = receiver.received
    assert verifies(request, webfilter.secret)
    request.body += b" "
    assert not verifies(request, webfilter.secret)


def test_each_webfilter_signs_with_its_own_secret(make_webfilter, receiver):
    """They are sent the same body."""
    hooks = [make_webfilter(REGISTRATION, path=f"/{number}") for number in range(3)]
    ask(*hooks)
    requests = {request.path: request for request in receiver.received}
    fits = {(path, hook.pk) for path, request in requests.items() for hook in hooks if verifies(request, hook.secret)}
    assert fits == {(f"/{number}", hook.pk) for number, hook in enumerate(hooks)}


@pytest.mark.parametrize(
    "fields", [{}, {"shape": "event_metadata"}, {"shape": "form_data.email"}, {"use_www_form_encoding": True}]
)
def test_signed_is_what_is_sent(make_webfilter, receiver, fields):
    """Whatever the form of the body, it is the bytes that count."""
    webfilter = make_webfilter(REGISTRATION, **fields)
    ask(webfilter)
    (request,) = receiver.received
    when = datetime.fromtimestamp(int(request.headers["webhook-timestamp"]), UTC)
    expected = Verifier(webfilter.secret).sign(request.headers["webhook-id"], when, request.body.decode())
    assert request.headers["webhook-signature"] == expected


def test_after_a_rotation_the_next_request_has_both_signatures(make_webfilter, receiver):
    webfilter = make_webfilter(REGISTRATION)
    old, new = webfilter.secret, signing_secrets.rotate(webfilter)
    ask(webfilter)
    (request,) = receiver.received
    assert old != new
    assert all(verifies(request, secret) for secret in (old, new))


def test_with_a_secret_that_no_key_opens_nothing_is_sent(make_webfilter, receiver):
    """Unsigned it would be taken for somebody else's; that nobody was asked is counted, and recorded as any failure."""
    webfilter = make_webfilter(REGISTRATION)
    with override_settings(SECRET_KEY="another one"):
        ask(webfilter)
    assert not receiver.received
    assert skips.last_day(webfilter) == {skips.Reason.KEY_LOST: 1}


def test_what_shall_not_happen_unasked_does_not_happen_without_the_key(make_webfilter):
    webfilter = make_webfilter(REGISTRATION, halt_on_request_exception=True)
    with override_settings(SECRET_KEY="another one"):
        changed, halt = ask(webfilter)
    assert (changed, type(halt).__name__) == ({}, "PreventRegistration")
    assert Call.objects.get().error.partition(":")[0] == "key_lost"


def test_signing_costs_no_query(make_webfilter, django_assert_num_queries):
    webfilter = Webfilter.objects.get(pk=make_webfilter(REGISTRATION).pk)
    questions = calls.RequestBuilder({"a": 1}, encode.encode({"a": 1}, False)[0])
    with django_assert_num_queries(0):
        assert "webhook-signature" in questions.of(webfilter).headers


class TestMalformed:
    """A secret that was written past the form: nothing can be sent, and the learner's request does not notice."""

    FIELDS = [
        {"secret": MALFORMED},
        {"secret": "whsec_dG9vIHNob3J0"},
        {"secret": "whsec_Zürich"},
        {"secret": ONE, "previous_secret": MALFORMED, "previous_secret_expires_at": timezone.now() + SOON},
    ]

    @pytest.mark.parametrize("fields", FIELDS)
    def test_nothing_is_sent_and_the_log_says_why(self, make_webfilter, receiver, caplog, fields):
        webfilter = make_webfilter(REGISTRATION, **fields)
        assert ask(webfilter) == ({}, None)
        assert not receiver.received
        assert f"Webfilter {webfilter.pk} (StudentRegistrationRequested): unsendable: a signing sec" in caplog.text
        assert not any(fields[name] in caplog.text for name in ("secret", "previous_secret") if fields.get(name))

    def test_the_log_says_it_once_a_minute(self, make_webfilter, caplog):
        """A page may run a filter a hundred times."""
        webfilter = make_webfilter(REGISTRATION, secret=MALFORMED)
        for _ in range(5):
            ask(webfilter)
        assert [record.levelno for record in caplog.records if "unsendable" in record.message] == [logging.WARNING]

    def test_the_webfilters_page_counts_it(self, make_webfilter):
        webfilter = make_webfilter(REGISTRATION, secret=MALFORMED)
        before = skips.last_day(webfilter).get(skips.Reason.UNSENDABLE, 0)
        ask(webfilter)
        assert skips.last_day(webfilter)[skips.Reason.UNSENDABLE] == before + 1

    def test_the_others_are_asked_all_the_same(self, make_webfilter):
        reply = Reply({"data": {"form_data": {"name": "Ada King"}}})
        bad = make_webfilter(REGISTRATION, secret=MALFORMED, path="/bad")
        good = make_webfilter(REGISTRATION, reply, path="/good", call_log="all")
        ask(bad, good)
        assert [call.webfilter_id for call in Call.objects.all()] == [good.pk]

    def test_it_halts_if_no_usable_answer_shall(self, make_webfilter):
        """What must not happen unchecked does not happen because somebody broke the secret; and it is recorded."""
        webfilter = make_webfilter(REGISTRATION, secret=MALFORMED, halt_on_request_exception=True)
        changed, halt = ask(webfilter)
        assert (changed, type(halt).__name__) == ({}, "PreventRegistration")
        call = Call.objects.get()
        assert (call.result, call.error.partition(":")[0]) == ("halted", "unsendable")
        assert MALFORMED not in call.error

    def test_its_endpoint_is_not_taken_for_failing(self, make_webfilter, receiver):
        """Other webfilters have the same one."""
        bad, good = make_webfilter(REGISTRATION, secret=MALFORMED), make_webfilter(REGISTRATION)
        for _ in range(10):
            ask(bad)
        assert breaker(bad.webhook_url).state() == State.CLOSED
        ask(good)
        assert len(receiver.received) == 1

    def test_whether_it_is_well_again_is_found_out_by_one_that_can_ask(self, make_webfilter, receiver):
        bad, good = make_webfilter(REGISTRATION, secret=MALFORMED), make_webfilter(REGISTRATION)
        circuit = breaker(bad.webhook_url)
        for _ in range(5):
            circuit.record(False)
        cache.delete(circuit.open_key)
        ask(bad)
        ask(good)
        assert len(receiver.received) == 1
        assert breaker(bad.webhook_url).state() == State.CLOSED

    def test_an_answer_that_still_holds_is_used(self, make_webfilter, receiver):
        """It needs no request."""
        reply = Reply({"data": {}}, headers={"Cache-Control": "max-age=60"})
        make_webfilter(REGISTRATION, reply, cache_answers=True, halt_on_request_exception=True)
        form = registration_form()
        for secret in (ONE, MALFORMED):
            # Past the model, as somebody at the database would: ``modified`` stays.
            Webfilter.objects.update(secret=secret)
            assert run(REGISTRATION, list(Webfilter.objects.all()), {"form_data": form})[1] is None
        assert len(receiver.received) == 1

    def test_a_test_says_why(self, make_webfilter, receiver):
        result = trial_call.call_test(make_webfilter(REGISTRATION, secret=MALFORMED))
        assert (result.outcome.error, result.outcome.detail) == (
            signing.UNSENDABLE,
            "a signing secret is whsec_ followed by base64",
        )
        assert not receiver.received


def test_a_test_is_signed(make_webfilter, receiver):
    webfilter = make_webfilter(REGISTRATION)
    trial_call.call_test(webfilter)
    assert verifies(receiver.received[0], webfilter.secret)
