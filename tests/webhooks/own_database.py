"""``python -m tests.webhooks.own_database``: capture, roll back and deliver on a database of its own; prints JSON."""

import json
from contextlib import ExitStack, suppress

import django
from django.db import connections, transaction
from django.test.utils import setup_databases, teardown_databases


class _RolledBackError(Exception):
    """On purpose."""


def main() -> None:
    """All of it, on databases that are made and dropped."""
    django.setup()
    databases = setup_databases(verbosity=0, interactive=False)
    try:
        print(json.dumps(_look()))
    finally:
        teardown_databases(databases, verbosity=0)


def _look() -> dict:
    # pylint: disable=import-outside-toplevel
    from django.contrib.auth import get_user_model
    from django.test import Client

    from openedx_webhooks.models import CapturedEvent, Webhook
    from openedx_webhooks.webhooks import deliver
    from tests.receiver import Receiver

    from .conftest import LOGIN

    tables = {alias: connections[alias].introspection.table_names() for alias in connections}
    found = {"tables": {alias: sum(map(_is_ours, names)) for alias, names in tables.items()}}
    with Receiver() as receiver:
        webhook = Webhook(event=LOGIN, webhook_url=receiver.url())
        webhook.full_clean()
        webhook.save()
        with transaction.atomic():
            _send()
        found["delivered"] = deliver.deliver_due().delivered
        found["received"] = len(receiver.received)
        for name, aliases in {"one": ["default"], "both": ["default", "webhooks"]}.items():
            before = CapturedEvent.objects.count()
            _roll_back(aliases)
            found[f"kept by a rollback of {name}"] = CapturedEvent.objects.count() - before
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("root", password=""))
    found["page"] = client.get(f"/admin/openedx_webhooks/webhook/{webhook.pk}/change/").status_code
    return found


def _is_ours(name: str) -> bool:
    return name.startswith("openedx_webhooks_")


def _send() -> None:
    from openedx_events.learning.signals import SESSION_LOGIN_COMPLETED  # pylint: disable=import-outside-toplevel

    from .conftest import user_data  # pylint: disable=import-outside-toplevel

    SESSION_LOGIN_COMPLETED.send_event(user=user_data())


def _roll_back(aliases: list[str]) -> None:
    with suppress(_RolledBackError), ExitStack() as stack:
        for alias in aliases:
            stack.enter_context(transaction.atomic(using=alias))
        _send()
        raise _RolledBackError


if __name__ == "__main__":
    main()
