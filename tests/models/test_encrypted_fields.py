"""Secrets at rest."""

import copy
import json
import pickle

import pytest
from django.core import serializers
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import override_settings

from openedx_webhooks.models import Webfilter, Webhook
from openedx_webhooks.models.encrypted_fields import Lost, decrypt, encrypt, is_lost

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


ALL = {
    "secret": "whsec_c2VjcmV0",
    "previous_secret": "whsec_b2xkZXI",
    "headers": {"X-Key": "t0p-s3cret"},
    "credentials": {"user": "lms", "password": "pa55word-1"},
}
SECRETS = ("whsec_c2VjcmV0", "whsec_b2xkZXI", "t0p-s3cret", "pa55word-1")


@pytest.fixture(params=[Webhook, Webfilter])
def hook(request, db):  # pylint: disable=unused-argument
    """One with everything that is encrypted."""
    return request.param.objects.create(event=LOGIN, webhook_url="https://example.com/", authentication="basic", **ALL)


def values(hook):
    """What is encrypted, as Python reads it."""
    return {name: getattr(type(hook).objects.get(pk=hook.pk), name) for name in ALL}


class TestLost:
    """What is stored and no key opens is empty, not nothing."""

    def test_it_can_be_told_from_empty(self, hook):
        with override_settings(SECRET_KEY="another"):
            found = values(hook)
        assert {name: is_lost(value) for name, value in found.items()} == dict.fromkeys(ALL, True)
        assert found == {"secret": "", "previous_secret": "", "headers": {"X-Key": ""}, "credentials": {}}
        assert not any(map(is_lost, values(hook).values()))

    @pytest.mark.parametrize(
        "change", [lambda hook: hook, copy.copy, copy.deepcopy, lambda hook: pickle.loads(pickle.dumps(hook))]
    )
    def test_a_save_with_the_wrong_key_destroys_nothing(self, hook, change):
        with override_settings(SECRET_KEY="another"):
            read = change(type(hook).objects.get(pk=hook.pk))
            read.description = "changed"
            read.save()
        assert values(hook) == ALL
        assert type(hook).objects.get().description == "changed"

    @pytest.mark.parametrize(
        "options, lost",
        [
            ({}, ["signing secret", "credentials", "headers (X-Key)"]),
            ({"signature": "none"}, ["credentials", "headers (X-Key)"]),
            ({"authentication": "none", "headers": {}}, ["signing secret"]),
            ({"authentication": "none", "headers": {}, "signature": "none"}, []),
        ],
    )
    def test_only_what_requests_need_counts(self, hook, options, lost):
        for name, value in options.items():
            setattr(hook, name, value)
        hook.save()
        with override_settings(SECRET_KEY="another"):
            assert type(hook).objects.get().lost == lost
        assert type(hook).objects.get().lost == []


class TestDumps:
    """dumpdata writes what is stored, and loaddata takes it."""

    @pytest.mark.parametrize("kind", ["json", "xml", "jsonl", "python"])
    def test_a_dump_has_no_secret_in_clear_and_can_be_loaded(self, hook, kind):
        dump = serializers.serialize(kind, type(hook).objects.all())
        assert not [secret for secret in SECRETS if secret in str(dump)]
        type(hook).objects.all().delete()
        for row in serializers.deserialize(kind, dump):
            row.save()
        assert values(hook) == ALL

    def test_a_dump_of_before_is_plain_and_is_encrypted_when_it_is_loaded(self, hook):
        (row,) = json.loads(serializers.serialize("json", type(hook).objects.all()))
        row["fields"] |= {n: v if isinstance(v, str) else json.dumps(v) for n, v in ALL.items()}
        type(hook).objects.all().delete()
        for loaded in serializers.deserialize("json", json.dumps([row])):
            loaded.save()
        assert values(hook) == ALL
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT secret, headers, credentials FROM {type(hook)._meta.db_table}")
            assert not [secret for secret in SECRETS if secret in str(cursor.fetchall())]

    def test_a_dump_under_another_key_stays_lost_until_the_key_is_there(self, hook):
        dump = serializers.serialize("json", type(hook).objects.all())
        with override_settings(SECRET_KEY="another"):
            for row in serializers.deserialize("json", dump):
                row.save()
            assert all(map(is_lost, values(hook).values()))
        assert values(hook) == ALL

    def test_nobody_has_a_dump_decrypted_by_typing_it_into_a_form(self, hook):
        """The attacker has a backup and may edit hooks: as a header it would be sent to a server of theirs, opened."""
        stolen = encrypt("of another hook")
        hook.secret, hook.headers, hook.credentials = stolen, {"X": stolen}, {"user": stolen}
        try:
            hook.full_clean()
        except ValidationError as error:
            assert not {"secret", "headers", "credentials"} & error.message_dict.keys()
        hook.save()
        assert values(hook) == ALL | {"secret": stolen, "headers": {"X": stolen}, "credentials": {"user": stolen}}


def test_no_representation_shows_a_secret(hook):
    """As error pages and log lines show variables."""
    stored = type(hook).objects.get()
    shown = repr([stored, stored.secret, stored.headers, stored.credentials, stored.headers_to_send, Lost("fernet:x")])
    assert not [secret for secret in SECRETS if secret in shown]
