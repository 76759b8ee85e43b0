"""Encrypting what is stored anew, with the newest key, so that older ones can be taken away."""

import attrs
from django.db import models, router, transaction

from ..models import Hook, Webfilter, Webhook
from ..models.encrypted_fields import Lost, decrypt, encrypt, is_current, replaced, stored_columns, stored_texts

_CHUNK = 100


@attrs.define
class Rotation:
    """
    What was done, or would be.

    Attributes:
        hooks: how many were looked at.
        changed: how many of them had something that was encrypted anew.
        lost: what no key opens, in words, each with the hook's id.
    """

    hooks: int = 0
    changed: int = 0
    lost: list[str] = attrs.field(factory=list)


def rotate(dry_run: bool = False) -> Rotation:
    """
    Encrypt with the newest key whatever is encrypted with another, or not at all. What no key opens stays as it is.

    Safe at any time beside everything else, and as often as wanted: short transactions, a hundred hooks each, that lock
    the rows whose secrets they write and change nothing else of them.

    Args:
        dry_run: only look.

    Raises:
        django.db.Error: the database is away; what was done so far stays done.
    """
    done = Rotation()
    for model in (Webhook, Webfilter):
        rows = model.objects.using(router.db_for_write(model))
        last = 0
        while ids := list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:_CHUNK]):
            with transaction.atomic(using=rows.db):
                for pk, columns in stored_columns(rows.select_for_update().filter(pk__in=ids).order_by("pk")):
                    changes = dict(_changes(model, pk, columns, done))
                    done.hooks += 1
                    done.changed += bool(changes)
                    if changes and not dry_run:
                        rows.filter(pk=pk).update(**changes)
            last = ids[-1]
    return done


def _changes(model: type[Hook], pk: int, columns: dict[models.Field, str], done: Rotation):
    for field, stored in columns.items():
        texts = stored_texts(field, stored)
        old = {name: text for name, text in texts.items() if not is_current(text)}
        opened = {name: decrypt(text) for name, text in old.items()}
        for name in [name for name, text in opened.items() if isinstance(text, Lost)]:
            what = f"{field.verbose_name} {name}".strip()
            done.lost.append(f"{model._meta.verbose_name} {pk}: {what}")
            del opened[name]
        if opened:
            new = replaced(field, texts | {name: encrypt(text) for name, text in opened.items()}, stored)
            # As it is: the field itself would encrypt it a second time.
            yield field.name, models.Value(new, output_field=models.TextField())
