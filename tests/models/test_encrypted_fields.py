"""Secrets at rest."""

import pytest
from django.db import connection
from django.test import override_settings

from openedx_webhooks.models import Webhook
from openedx_webhooks.models.encrypted_fields import decrypt, encrypt

LOGIN = "org.openedx.learning.auth.session.login.completed.v1"


@pytest.fixture
def stored(db):  # pylint: disable=unused-argument
    """A webhook, and a function that reads a column as it is in the table."""
    hook = Webhook.objects.create(
        event=LOGIN, webhook_url="https://example.com/", secret="whsec_c2VjcmV0", headers={"X-Key": "t0p-s3cret"}
    )

    def column(name):
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {name} FROM openedx_webhooks_webhook WHERE id = %s", [hook.pk])
            return cursor.fetchone()[0]

    return hook, column


@pytest.mark.parametrize("name, secret", [("secret", "whsec_c2VjcmV0"), ("headers", "t0p-s3cret")])
def test_no_secret_is_readable_in_the_table(stored, name, secret):
    _hook, column = stored
    assert secret not in column(name)


def test_header_names_are(stored):
    """A person who looks into the table for a hook must find it."""
    assert "X-Key" in stored[1]("headers")


@pytest.mark.usefixtures("stored")
def test_python_reads_them_as_they_were():
    hook = Webhook.objects.get()
    assert (hook.secret, hook.headers) == ("whsec_c2VjcmV0", {"X-Key": "t0p-s3cret"})


@pytest.mark.usefixtures("stored")
def test_saving_again_keeps_them():
    hook = Webhook.objects.get()
    hook.save()
    assert Webhook.objects.get().headers == {"X-Key": "t0p-s3cret"}


@pytest.mark.usefixtures("stored")
def test_a_changed_key_loses_the_secret_but_breaks_nothing():
    with override_settings(SECRET_KEY="another"):
        hook = Webhook.objects.get()
    assert (hook.secret, hook.headers) == ("", {"X-Key": ""})


@pytest.mark.usefixtures("stored")
def test_the_old_key_as_a_fallback_still_reads_them(settings):
    with override_settings(SECRET_KEY="another", SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        assert Webhook.objects.get().secret == "whsec_c2VjcmV0"


def test_keys_of_their_own_can_be_rotated():
    with override_settings(OPENEDX_WEBHOOKS={"ENCRYPTION_KEYS": ["one"]}):
        text = encrypt("secret")
    with override_settings(OPENEDX_WEBHOOKS={"ENCRYPTION_KEYS": ["two", "one"]}):
        assert decrypt(text) == "secret"
        newer = encrypt("secret")
    with override_settings(OPENEDX_WEBHOOKS={"ENCRYPTION_KEYS": ["two"]}):
        assert decrypt(newer) == "secret"
        assert decrypt(text) == ""


@pytest.mark.parametrize("text", ["", "plain", "fernet:", "fernet:garbage", "fernet:☃"])
def test_reading_never_fails(text):
    assert isinstance(decrypt(text), str)


def test_header_that_no_key_opens_is_left_out_rather_than_sent_empty():
    assert Webhook(headers={"X-Key": "", "X-Other": "fine"}).headers_to_send == {"X-Other": "fine"}
