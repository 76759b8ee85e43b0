"""
The one receiver of every event.

Django calls it as ``receiver(signal=…, sender=…, **named)``; with DEBUG on, ``send_event`` is not robust, so nothing may
come out of it.
"""
import logging

from celery.signals import worker_init, worker_process_init
from django.core.signals import request_started

from .. import catalog, index
from .dispatch import dispatch

log = logging.getLogger(__name__)
_UID = "openedx_webhooks.webhooks.on_event"


def connect(**_kwargs) -> None:
    """Connect the receiver to every event that the catalog knows now; those it has already stay as they are."""
    for event_type in catalog.events().values():
        event_type.signal.connect(on_event, dispatch_uid=_UID)


def on_event(signal, sender, **kwargs) -> None:  # pylint: disable=unused-argument
    """Hand an event to :func:`dispatch.dispatch` if a webhook wants it; never raises."""
    try:
        # Before anything else: most events are wanted by nobody, and this is all they cost.
        if not index.webhooks.get(signal.event_type):
            return
        event_type = catalog.events().get(signal.event_type)
        if event_type:
            kwargs.pop("from_event_bus", None)
            dispatch(event_type, kwargs, kwargs.pop("metadata"))
    except Exception:  # pylint: disable=broad-exception-caught
        log.exception("Event %s could not be handed to its webhooks", getattr(signal, "event_type", signal))


def _connect_late(**_kwargs) -> None:
    # Other packages may declare events after our ready(): those are there by the first request or the worker's start.
    request_started.disconnect(dispatch_uid=_UID)
    connect()


request_started.connect(_connect_late, dispatch_uid=_UID)
worker_init.connect(connect, dispatch_uid=_UID)
worker_process_init.connect(connect, dispatch_uid=_UID)
