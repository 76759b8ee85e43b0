"""Signatures, checked by the library that receivers use."""

import base64
import datetime

import pytest
import standardwebhooks

from openedx_webhooks.transport import signing

BODY = '{"user": "Zoë"}'.encode()


def now() -> int:
    return int(datetime.datetime.now(datetime.UTC).timestamp())


def test_a_receiver_can_verify_it():
    secret = signing.new_secret()
    headers = signing.headers("msg_1", now(), BODY, [secret])
    assert standardwebhooks.Webhook(secret).verify(BODY.decode(), headers) == {"user": "Zoë"}


def test_during_a_rotation_both_secrets_verify():
    secrets = [signing.new_secret(), signing.new_secret()]
    headers = signing.headers("msg_1", now(), BODY, secrets)
    for secret in secrets:
        standardwebhooks.Webhook(secret).verify(BODY.decode(), headers)


@pytest.mark.parametrize(
    "change",
    [
        {"body": BODY + b" "},
        {"headers": {"webhook-id": "msg_2"}},
        {"headers": {"webhook-timestamp": str(now() - 1)}},
        {"secret": signing.new_secret()},
    ],
)
def test_anything_changed_does_not_verify(change):
    secret = signing.new_secret()
    headers = signing.headers("msg_1", now(), BODY, [secret]) | change.get("headers", {})
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(change.get("secret", secret)).verify(change.get("body", BODY).decode(), headers)


def test_an_old_message_does_not_verify():
    secret = signing.new_secret()
    headers = signing.headers("msg_1", now() - 3600, BODY, [secret])
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(secret).verify(BODY.decode(), headers)


def test_without_a_secret_it_is_identified_but_not_signed():
    assert signing.headers("msg_1", 5, BODY, []) == {"webhook-id": "msg_1", "webhook-timestamp": "5"}


def test_new_secrets_differ_and_have_32_bytes():
    first, second = signing.new_secret(), signing.new_secret()
    assert first != second
    assert len(signing.key_of(first)) == 32


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "whsec_not base64",
        "whsec_Zürich",
        base64.b64encode(bytes(32)).decode(),  # no prefix
        "whsec_" + base64.b64encode(bytes(23)).decode(),
        "whsec_" + base64.b64encode(bytes(65)).decode(),
    ],
)
def test_what_is_no_secret_is_an_error(secret):
    with pytest.raises(ValueError, match="whsec_"):
        signing.key_of(secret)
