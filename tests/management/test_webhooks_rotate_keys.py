"""``manage.py webhooks_rotate_keys``."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings

from openedx_webhooks.models import Webfilter, Webhook

from ..models.test_encrypted_fields import ALL, LOGIN, values

pytestmark = pytest.mark.django_db
OLD, BOTH, NEW = ({"ENCRYPTION_KEYS": keys} for keys in (["old"], ["new", "old"], ["new"]))


def rotate(*arguments):
    """What the command says."""
    out = io.StringIO()
    call_command("webhooks_rotate_keys", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def hooks():
    """One of each kind, encrypted with the old key."""
    with override_settings(OPENEDX_WEBHOOKS=OLD):
        return [
            model.objects.create(event=LOGIN, webhook_url="https://example.com/", **ALL)
            for model in (Webhook, Webfilter)
        ]


def columns():
    """As they are in the tables."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret, previous_secret, headers, credentials, modified FROM openedx_webhooks_webhook")
        return cursor.fetchall()


def test_afterwards_the_old_key_is_needed_no_more(hooks):
    with override_settings(OPENEDX_WEBHOOKS=BOTH):
        assert "2 of 2 hooks" in rotate()
    with override_settings(OPENEDX_WEBHOOKS=NEW):
        assert [values(hook) for hook in hooks] == [ALL, ALL]


@pytest.mark.usefixtures("hooks")
def test_doing_it_twice_changes_nothing_and_a_dry_run_neither():
    with override_settings(OPENEDX_WEBHOOKS=BOTH):
        before = columns()
        assert "2 of 2 hooks would" in rotate("--dry-run")
        assert columns() == before
        rotate()
        after = columns()
        assert "0 of 2 hooks" in rotate()
    assert columns() == after != before
    assert after[0][4] == before[0][4], "it is no change of the hook"


def test_what_no_key_opens_is_named_by_id_and_left_as_it_is(hooks):
    before = columns()
    with override_settings(OPENEDX_WEBHOOKS=NEW), pytest.raises(CommandError) as raised:
        rotate()
    assert f"webhook {hooks[0].pk}: headers X-Key" in str(raised.value)
    assert f"webfilter {hooks[1].pk}: credentials" in str(raised.value)
    assert columns() == before


def test_one_lost_header_does_not_keep_the_others_from_it(hooks):
    with override_settings(OPENEDX_WEBHOOKS={"ENCRYPTION_KEYS": ["third"]}):
        Webhook.objects.filter(pk=hooks[0].pk).update(headers={"X-Lost": "1"})
    with override_settings(OPENEDX_WEBHOOKS=OLD):
        webhook = Webhook.objects.get(pk=hooks[0].pk)
        webhook.headers["X-Key"] = "kept"
        webhook.save()
    with override_settings(OPENEDX_WEBHOOKS=BOTH), pytest.raises(CommandError, match="X-Lost"):
        rotate()
    with override_settings(OPENEDX_WEBHOOKS=NEW):
        assert Webhook.objects.get(pk=hooks[0].pk).headers == {"X-Lost": "", "X-Key": "kept"}
    with override_settings(OPENEDX_WEBHOOKS={"ENCRYPTION_KEYS": ["new", "third"]}):
        assert Webhook.objects.get(pk=hooks[0].pk).headers == {"X-Lost": "1", "X-Key": "kept"}


def test_plain_values_of_before_are_encrypted():
    Webhook.objects.create(event=LOGIN, webhook_url="https://example.com/", headers={})
    with connection.cursor() as cursor:
        cursor.execute("UPDATE openedx_webhooks_webhook SET headers = %s", ['{"X-Key": "plain"}'])
    rotate()
    assert "plain" not in str(columns())
    assert Webhook.objects.get().headers == {"X-Key": "plain"}


def test_it_takes_few_queries_for_many_hooks(django_assert_max_num_queries):
    """What is encrypted already is only read, a hundred at a time."""
    Webhook.objects.bulk_create(Webhook(event=LOGIN, webhook_url="https://e.com/") for _ in range(250))
    with django_assert_max_num_queries(20):
        rotate()
