"""Two who change one hook at the same time: neither undoes what the other has done."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from openedx_webhooks.models import Webhook
from openedx_webhooks.operations import hook_saving

from ..admin.test_malformed import posted
from .conftest import Api

ADDRESS = "/admin/openedx_webhooks/webhook/{}/change/"
needs_connections = pytest.mark.skipif(
    connection.vendor == "sqlite", reason="the database in memory has one connection"
)


@pytest.fixture(name="both_have_read")
def _both_have_read(monkeypatch):
    """Whoever saves first waits until the other one has read, too."""
    barrier, lock = threading.Barrier(2), hook_saving.lock_as_read
    waits = {threading.get_ident(): False}

    def wait(hook):
        if waits.setdefault(threading.get_ident(), True):
            waits[threading.get_ident()] = False
            barrier.wait(20)
        lock(hook)

    monkeypatch.setattr(hook_saving, "lock_as_read", wait)


def at_once(user, *functions):
    """Each with a client and connections of its own."""

    def run(function):
        client = Client()
        client.force_login(user)
        try:
            return function(client)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(functions)) as pool:
        return list(pool.map(run, functions))


@needs_connections
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("both_have_read")
class TestTwoConnections:
    """On a real database."""

    def test_two_secrets_made_at_once_are_one_after_the_other(self, admin_user, webhook):
        def rotate(client):
            return Api(client).post(f"webhooks/{webhook.pk}/rotate_secret/", {})[1]["secret"]

        made = at_once(admin_user, rotate, rotate)
        found = Webhook.objects.get()
        assert {found.secret, found.previous_secret} == set(made)

    def test_a_form_that_is_saved_at_the_same_time_says_so(self, admin_user, webhook):
        page = Client()
        page.force_login(admin_user)
        data = posted(page.get(ADDRESS.format(webhook.pk)))

        def save(description):
            return lambda client: client.post(
                ADDRESS.format(webhook.pk), {**data, "description": description}, follow=True
            ).content.decode()

        pages = at_once(admin_user, save("one"), save("other"))
        assert sum("It was not saved" in page for page in pages) == 1
        assert Webhook.objects.get().description in ("one", "other")


@needs_connections
@pytest.mark.django_db(transaction=True)
def test_a_header_that_is_removed_meanwhile_is_not_kept(admin_user, admin_client, webhook, monkeypatch):
    api, path, lock = Api(admin_client), f"webhooks/{webhook.pk}/", hook_saving.lock_as_read
    assert api.patch(path, {"headers": {"X-Old": "old"}})[0] == 200

    def after_another_one(hook):
        monkeypatch.setattr(hook_saving, "lock_as_read", lock)
        assert at_once(admin_user, lambda client: Api(client).patch(path, {"headers": {}})[0]) == [200]
        lock(hook)

    monkeypatch.setattr(hook_saving, "lock_as_read", after_another_one)
    assert api.patch(path, {"headers": {"X-Old": None, "X-New": "new"}})[0] == 400
    assert Webhook.objects.get().headers == {}


@pytest.mark.django_db
def test_a_form_that_was_opened_before_another_saved_undoes_nothing(admin_client, webhook):
    data = posted(admin_client.get(ADDRESS.format(webhook.pk)))
    Webhook.objects.filter(pk=webhook.pk).update(paused=True, modified=timezone.now())
    page = admin_client.post(ADDRESS.format(webhook.pk), {**data, "description": "mine"})
    assert "It was not saved" in page.content.decode()
    assert "mine" in page.content.decode()
    found = Webhook.objects.get()
    assert (found.paused, found.description) == (True, webhook.description)


@pytest.mark.django_db
def test_who_never_finds_it_as_it_was_read_is_told(api, webhook, monkeypatch):
    def never(_hook):
        raise hook_saving.ChangedMeanwhile

    monkeypatch.setattr(hook_saving, "lock_as_read", never)
    assert api.patch(f"webhooks/{webhook.pk}/", {"description": "x"})[0] == 409
    assert Webhook.objects.get().description == webhook.description
