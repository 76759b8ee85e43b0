"""Retention by itself: which process purges, when, and how far the last one came."""

import logging
import time
from datetime import datetime
from typing import Any

import attrs
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from ..background import process
from ..shared_cache import ask
from . import retention

log = logging.getLogger(__name__)
_EVERY_SECONDS = 3600
_RUN_SECONDS = 20
# A run that was out of time is followed by the next this much later.
_REST_SECONDS = 60
# From the place that the last run came to, except once in this time: what was pending then is finished now.
_SWEEP_SECONDS = 24 * 3600
_TURN_KEY = "openedx_webhooks:retention:turn"
_PLACE_KEY = "openedx_webhooks:retention:place"


def run_when_due() -> None:
    """
    Purge by the settings, for a bounded time, if nobody else did within the hour. Never raises.

    For workers and commands: it may take 20 seconds.
    """
    turn = process.get(_Turn)
    if time.monotonic() < turn.due_at:
        return
    turn.due_at = time.monotonic() + _EVERY_SECONDS
    try:
        if ask("add", _TURN_KEY, 1, timeout=_EVERY_SECONDS) is False:
            # Another process's turn; if it is out of time, anybody may go on.
            turn.due_at = time.monotonic() + _REST_SECONDS
            return
        places = _kept_places()
        counts = retention.purge(retention.Purge(), _RUN_SECONDS, places=places)
        ask("set", _PLACE_KEY, places, timeout=_SWEEP_SECONDS)
        if counts.out_of_time:
            turn.due_at = time.monotonic() + _REST_SECONDS
            ask("set", _TURN_KEY, 1, timeout=_REST_SECONDS)
        if counts.emptied or counts.deleted:
            log.info("Retention: %d payloads emptied, %d records deleted", counts.emptied, counts.deleted)
    except ImproperlyConfigured as error:
        log.error("Nothing is removed: %s", error)
    except (DatabaseError, InterfaceError) as error:
        log.warning("Retention is broken off and goes on later: %s", type(error).__name__)
    except Exception as error:  # pylint: disable=broad-exception-caught
        # Whatever the cache's client raises when its server is away.
        log.error("Retention failed and is tried again later: %s", type(error).__name__)


@attrs.define
class _Turn:
    """When this process purges next, on the clock of ``time.monotonic``."""

    due_at: float = 0.0


def _kept_places() -> dict[str, Any]:
    """
    How far payloads have been emptied, and since when this is kept, in Django's cache.

    No index tells the emptied from the others, so each run would look at all that the site keeps. If the cache forgets,
    one does.
    """
    kept = ask("get", _PLACE_KEY)
    since = kept.get("since") if isinstance(kept, dict) else None
    if not (isinstance(since, float) and time.time() - since < _SWEEP_SECONDS):
        return {"since": time.time()}
    # The cache may have something else there.
    return {"since": since} | {name: place for name, place in kept.items() if _is_place(place)}


def _is_place(value: Any) -> bool:
    match value:
        case (datetime() as moment, int()):
            return timezone.is_aware(moment)
    return False
