"""
Who wants this type? An index of the enabled hooks in this process, so that the platform's hot paths run no query.

The index is forgotten when a hook is saved or deleted in this process, and compared with the database at most every
``INDEX_REFRESH_SECONDS``: one small query that tells whether another process changed anything. Nobody reads an index
that was never loaded: whoever comes while a thread loads it waits. One that was may serve while it is compared.
"""

import contextlib
import logging
import time
from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.db import connections, router, transaction
from django.db.models import Count, Max

from . import throttle
from .app_settings import app_settings
from .background import outside_async, process
from .savepoint import savepoint

log = logging.getLogger(__name__)
_NOBODY: Sequence[Any] = ()
# Rows changed by hand in the database change neither count nor ``modified``; after this time they are seen too.
_FULL_RELOAD_SECONDS = 60
# After a failure, such as a database that is away.
_RETRY_SECONDS = 1.0
# A thread that waits for another's loading loads by itself after this time: the other may wait for a lock in the
# database that this one holds.
_PATIENCE_SECONDS = 1.0


class HookIndex:
    """
    The enabled hooks of one model by type.

    The instances it returns are shared by all threads of the process and must not be changed.

    Args:
        model_name: of a hook.
        unread: its fields that nobody needs from here.
    """

    def __init__(self, model_name: str, unread: Sequence[str] = ()):
        self._model_name, self._unread = model_name, unread
        self._hooks: dict[str, list[Any]] = {}
        # None: never loaded, or forgotten since.
        self._version: Any = None
        self._check_at = self._reload_at = 0.0
        self._times_forgotten = 0

    def get(self, event: str) -> Sequence[Any]:
        """The enabled hooks for a dotted type, in their model's order. Never raises."""
        if time.monotonic() >= self._check_at:
            self._refresh()
        return self._hooks.get(event, _NOBODY)

    def is_empty(self) -> bool:
        """Whether no hook is enabled. Never raises."""
        self.get("")
        return not self._hooks

    def forget(self) -> None:
        """Read the hooks again at the next use."""
        self._times_forgotten += 1
        self._version = None
        self._check_at = self._reload_at = 0.0

    def _refresh(self) -> None:
        lock = process.lock(self._model_name)
        if self._version is None:
            is_locked = lock.acquire(timeout=_PATIENCE_SECONDS)
        elif not (is_locked := lock.acquire(blocking=False)):
            return
        try:
            if time.monotonic() >= self._check_at:
                self._read()
        finally:
            if is_locked:
                lock.release()

    def _read(self) -> None:
        times_forgotten, pause = self._times_forgotten, app_settings.INDEX_REFRESH_SECONDS
        try:
            with process.connections_as_found():
                outside_async(self._load)
        except transaction.TransactionManagementError:
            # The caller's transaction can only be rolled back, which says nothing about the next caller's.
            return
        except Exception as error:  # pylint: disable=broad-exception-caught
            # No table yet (``migrate`` itself sends events), or no database: go on with what is known.
            pause = _RETRY_SECONDS
            if throttle.allows("index", self._model_name, seconds=60):
                log.warning("The %s index could not be read: %s", self._model_name, type(error).__name__)
        # Not if a hook was saved in between.
        if times_forgotten == self._times_forgotten:
            self._check_at = time.monotonic() + pause
        else:
            self._version = None

    def _load(self) -> None:
        model = apps.get_model("openedx_webhooks", self._model_name)
        using = router.db_for_read(model)
        # In a savepoint: an error here must not spoil the caller's transaction.
        is_alone = connections[using].get_autocommit()
        with contextlib.nullcontext() if is_alone else savepoint(using):
            version = tuple(model.objects.using(using).aggregate(Count("pk"), Max("modified")).values())
            if version == self._version and time.monotonic() < self._reload_at:
                return
            hooks: dict[str, list[Any]] = {}
            for hook in model.objects.using(using).filter(enabled=True, removing_since=None).defer(*self._unread):
                hooks.setdefault(hook.dotted_type, []).append(hook)
        self._hooks, self._version = hooks, version
        self._reload_at = time.monotonic() + _FULL_RELOAD_SECONDS


# An event is captured, and sent by somebody else: to decrypt what that takes would be most of the work of a refresh.
webhooks = HookIndex(
    "Webhook", unread=("headers", "credentials", "secret", "previous_secret", "pseudonym_key", "shape", "description")
)
webfilters = HookIndex("Webfilter")


def forget_index(sender, using, **_kwargs) -> None:
    """Receiver of ``post_save`` and ``post_delete`` of both models; also called after an UPDATE, which sends none."""
    index = webhooks if sender.__name__ == "Webhook" else webfilters
    index.forget()
    # Again, because another thread may read the old rows before the change is committed.
    transaction.on_commit(index.forget, using=using, robust=True)
