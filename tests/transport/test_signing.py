"""Signatures, checked by the library that receivers use."""

import base64
import datetime
import hashlib
import hmac

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


@pytest.mark.parametrize(
    "secret", [signing.new_secret(), "it's a secret to everybody", "x" * 200], ids=["made", "words", "longest"]
)
def test_github_signs_the_body_with_the_bytes_of_the_text(secret):
    """As GitHub's documentation verifies it: nothing of ours is needed for that."""
    secret = secret.replace(" ", "_")
    headers = signing.headers("msg_1", now(), BODY, [secret, "the one before is left out"], signing.GITHUB)
    expected = "sha256=" + hmac.new(secret.encode("utf-8"), msg=BODY, digestmod=hashlib.sha256).hexdigest()
    assert headers["X-Hub-Signature-256"] == expected
    assert "webhook-signature" not in headers
    assert headers["webhook-id"] == "msg_1"


def test_none_does_not_sign_whatever_the_secret():
    assert list(signing.headers("m", 1, BODY, ["?"], signing.NONE)) == ["webhook-id", "webhook-timestamp"]


@pytest.mark.parametrize("secret", ["short", "with a blank in between", "x" * 201, "é" * 20, ""])
def test_a_text_that_is_no_key_is_an_error(secret):
    with pytest.raises(ValueError, match="16 to 200"):
        signing.headers("m", 1, BODY, [secret], signing.GITHUB)


@pytest.mark.parametrize("kind", signing.KINDS)
def test_each_kind_takes_the_secret_that_is_made_and_says_which_headers_it_sets(kind):
    headers = signing.headers("m", 1, BODY, [signing.new_secret()], kind)
    assert headers.keys() - {"webhook-id", "webhook-timestamp"} == signing.KINDS[kind].headers.keys()
