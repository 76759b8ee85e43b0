"""Deleting a hook with everything that was recorded of it."""

from django.db import router, transaction

from ..models import Attempt, Call, Delivery, Hook, Webhook

# A request that deletes more than this would take minutes; webhooks_purge takes its time.
MOST_RECORDS = 100_000
_CHUNK = 1000


def count_records(hook: Hook) -> int:
    """How many deliveries or calls a hook has, counted to one more than :data:`MOST_RECORDS`."""
    return _records(hook).order_by()[: MOST_RECORDS + 1].count()


def command(hook: Hook) -> str:
    """The management command that deletes the records of a hook, whatever their number; pending deliveries stay."""
    return f"webhooks_purge --{type(hook).__name__.lower()} {hook.pk} --older-than 0"


def remove(hook: Hook) -> None:
    """
    Delete a hook and its records, a part at a time.

    ``hook.delete()`` would read every payload into memory first.
    """
    database = router.db_for_write(type(hook), instance=hook)
    with transaction.atomic(using=database):
        # First, so that no other process adds records meanwhile.
        type(hook).objects.using(database).filter(pk=hook.pk).update(enabled=False)
        records = _records(hook).using(database).order_by()
        while ids := list(records.values_list("pk", flat=True)[:_CHUNK]):
            if isinstance(hook, Webhook):
                _delete(Attempt.objects.using(database).filter(delivery_id__in=ids))
            _delete(records.model.objects.using(database).filter(pk__in=ids))
        hook.delete()


def _records(hook):
    if isinstance(hook, Webhook):
        return Delivery.objects.filter(webhook=hook)
    return Call.objects.filter(webfilter=hook)


def _delete(rows):
    # Without reading them: nothing else refers to these rows, and nobody listens to their deletion.
    rows._raw_delete(rows.db)  # pylint: disable=protected-access
