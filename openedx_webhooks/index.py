"""
Who wants this type? An index of the enabled hooks in this process, so that the platform's hot paths run no query.

The index is forgotten when a hook is saved or deleted in this process, and compared with the database at most every
``INDEX_REFRESH_SECONDS``: one small query that tells whether another process changed anything.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

from django.apps import apps
from django.db import transaction
from django.db.models import Count, Max

from .app_settings import app_settings

log = logging.getLogger(__name__)
_NOBODY: Sequence[Any] = ()
# Rows changed by hand in the database change neither count nor ``modified``; after this time they are seen too.
_FULL_RELOAD_SECONDS = 60


class HookIndex:
    """
    The enabled hooks of one model by type.

    The instances it returns are shared by all threads of the process and must not be changed.
    """

    def __init__(self, model_name: str):
        self._model_name = model_name
        self._lock = threading.Lock()
        self._hooks: dict[str, list[Any]] = {}
        self._version: Any = None
        self._check_at = self._reload_at = 0.0
        # Called whenever the index was forgotten.
        self.when_forgotten: Callable[[], None] = lambda: None

    def get(self, event: str) -> Sequence[Any]:
        """The enabled hooks for a dotted type, in their model's order."""
        if time.monotonic() >= self._check_at:
            self._refresh()
        return self._hooks.get(event, _NOBODY)

    def types(self) -> Collection[str] | None:
        """The types that some enabled hook is for; None if the hooks could not be read."""
        if time.monotonic() >= self._check_at:
            self._refresh()
        return None if self._version is None else self._hooks.keys()

    def is_empty(self) -> bool:
        """Whether no hook is enabled, as far as this process knows; never a query."""
        return not self._hooks

    def forget(self) -> None:
        """Read the hooks again at the next use."""
        self._version = None
        self._check_at = self._reload_at = 0.0
        self.when_forgotten()

    def _refresh(self) -> None:
        # One thread refreshes; the others go on with what they have, unless there is nothing yet.
        if not self._lock.acquire(blocking=self._version is None):
            return
        try:
            now = time.monotonic()
            if now < self._check_at:
                return
            self._check_at = now + app_settings.INDEX_REFRESH_SECONDS
            self._load(now)
        except Exception as error:  # pylint: disable=broad-exception-caught
            # No table yet (``migrate`` itself sends events), or no database: go on with what is known.
            log.warning("The %s index could not be read: %s", self._model_name, type(error).__name__)
        finally:
            self._lock.release()

    def _load(self, now: float) -> None:
        model = apps.get_model("openedx_webhooks", self._model_name)
        # In a savepoint: an error here must not spoil the caller's transaction.
        with transaction.atomic():
            version = tuple(model.objects.aggregate(Count("pk"), Max("modified")).values())
            if version == self._version and now < self._reload_at:
                return
            hooks: dict[str, list[Any]] = {}
            for hook in model.objects.filter(enabled=True):
                hooks.setdefault(hook.dotted_type, []).append(hook)
        self._hooks, self._version, self._reload_at = hooks, version, now + _FULL_RELOAD_SECONDS


webhooks = HookIndex("Webhook")
webfilters = HookIndex("Webfilter")


def forget_index(sender, **_kwargs) -> None:
    """Receiver of ``post_save`` and ``post_delete`` of both models."""
    (webhooks if sender.__name__ == "Webhook" else webfilters).forget()
