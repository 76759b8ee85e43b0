"""
The one receiver of every event.

Django calls it as ``receiver(signal=…, sender=…, **named)``. With DEBUG on, ``send_event`` is not robust, so nothing
may come out of it.
"""

import logging

from celery.signals import worker_process_init, worker_ready
from django.core.signals import request_started

from .. import catalog, index, throttle
from ..app_settings import app_settings
from ..background import outside_async, process
from ..safe_log import where
from . import wakeups
from .capture import capture

log = logging.getLogger(__name__)
_UID = "openedx_webhooks.webhooks.on_event"


def connect() -> None:
    """Connect the receiver to every event that the catalog knows now; those it has already stay as they are."""
    for event_type in catalog.events().values():
        event_type.signal.connect(on_event, dispatch_uid=_UID)
    wakeups.celery_app.remember()


def on_event(signal, sender, **kwargs) -> None:  # pylint: disable=unused-argument
    """Hand an event to :func:`capture.capture` if a webhook wants it; never raises."""
    try:
        # Before anything else: most events are wanted by nobody, and this is all they cost.
        if not index.webhooks.get(signal.event_type):
            return
        event_type = catalog.events().get(signal.event_type)
        if event_type:
            with process.connections_as_found():
                outside_async(lambda: capture(event_type, kwargs, kwargs.get("metadata")))
    except Exception as error:  # pylint: disable=broad-exception-caught
        log.error("Event %s could not be handed to its webhooks: %s", signal.event_type, where(error))


def _on_request(**_kwargs) -> None:
    process.serve()
    if not throttle.allows("request", seconds=app_settings.INDEX_REFRESH_SECONDS):
        return
    try:
        # Other packages may have declared events since.
        connect()
        process.get(wakeups.Heart).beat()
    except Exception as error:  # pylint: disable=broad-exception-caught
        log.error("The events could not be connected to their webhooks: %s", where(error))


def _on_worker_process(**_kwargs) -> None:
    process.serve()
    connect()


def _on_worker_ready(**_kwargs) -> None:
    _on_worker_process()
    # What became due while no worker ran.
    wakeups.nudge()


request_started.connect(_on_request, dispatch_uid=_UID)
worker_process_init.connect(_on_worker_process, dispatch_uid=_UID)
worker_ready.connect(_on_worker_ready, dispatch_uid=_UID)
