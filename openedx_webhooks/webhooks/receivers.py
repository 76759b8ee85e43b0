"""
The one receiver of every event.

Django calls it as ``receiver(signal=…, sender=…, **named)``. With DEBUG on, ``send_event`` is not robust, so nothing
may come out of it.

Calling a receiver that does nothing costs ``send_event`` more than all that this module does: the library prepares a
log line about it. So a process that serves requests disconnects from events that nobody wants, and from then on the
requests keep the connections up to date. Elsewhere (Celery, commands) every event stays connected.
"""

import logging
import threading
import time

from celery.signals import worker_process_init, worker_ready
from django.core.signals import request_started

from .. import catalog, index
from ..app_settings import app_settings
from . import wakeups
from .capture import capture
from .safe_log import where

log = logging.getLogger(__name__)
_UID = "openedx_webhooks.webhooks.on_event"
_connecting = threading.Lock()
_requests = {"look_at": 0.0}


def connect(**_kwargs) -> None:
    """Connect the receiver to every event that the catalog knows now; those it has already stay as they are."""
    with _connecting:
        for event_type in catalog.events().values():
            event_type.signal.connect(on_event, dispatch_uid=_UID)
    wakeups.remember_app()
    # A hook that was just saved must be served at once, by events disconnected until now, too.
    index.webhooks.when_forgotten = connect


def connect_wanted() -> None:
    """Connect the receiver to the events that an enabled webhook wants, and disconnect it from the others."""
    with _connecting:
        wanted = index.webhooks.types()
        if wanted is None:
            return
        for event_type in catalog.events().values():
            if event_type.event_type in wanted:
                event_type.signal.connect(on_event, dispatch_uid=_UID)
            else:
                event_type.signal.disconnect(dispatch_uid=_UID)


def on_event(signal, sender, **kwargs) -> None:  # pylint: disable=unused-argument
    """Hand an event to :func:`capture.capture` if a webhook wants it; never raises."""
    try:
        # Before anything else: most events are wanted by nobody, and this is all they cost.
        if not index.webhooks.get(signal.event_type):
            return
        event_type = catalog.events().get(signal.event_type)
        if event_type:
            capture(event_type, kwargs, kwargs.get("metadata"))
    except Exception as error:  # pylint: disable=broad-exception-caught
        log.error("Event %s could not be handed to its webhooks: %s", signal.event_type, where(error))


def _on_request(**_kwargs) -> None:
    now = time.monotonic()
    if now < _requests["look_at"]:
        return
    _requests["look_at"] = now + app_settings.INDEX_REFRESH_SECONDS
    try:
        connect_wanted()
        wakeups.heartbeat()
    except Exception as error:  # pylint: disable=broad-exception-caught
        log.error("The events could not be connected to their webhooks: %s", where(error))


def _on_worker_ready(**_kwargs) -> None:
    connect()
    # What became due while no worker ran.
    wakeups.nudge()


# Other packages may declare events after our ready(): they are found by these.
request_started.connect(_on_request, dispatch_uid=_UID)
worker_process_init.connect(connect, dispatch_uid=_UID)
worker_ready.connect(_on_worker_ready, dispatch_uid=_UID)
