"""The payloads that a condition and a shape can be tried on: what was captured lately, or the sample."""

import itertools
import time
from collections.abc import Iterator
from typing import Any

import attrs
from django.db.models import BooleanField, ExpressionWrapper, Q
from django.utils.translation import gettext as _

from .. import catalog
from ..batches import batched
from ..models import CapturedEvent, Hook
from ..models.json_fields import Unreadable
from ..payloads import samples
from . import words
from .permissions import may_see_payload, sees_payload_of

# Events among which is searched, and of which some are listed; so many are read by an index, whoever searches for what.
_MOST_SEARCHED = 200
_MOST_LISTED = 50
_MOST_TERM = 100
# A payload may have 256 KB: they are read in parts, until the time is over.
_READ_AT_ONCE = 10
_MOST_SECONDS = 0.5
_SHOWN = ("pk", "time", "username", "user_id", "course_key", "event_id")


@attrs.frozen
class Choice:
    """
    The payload that a preview is about, and the others of its type.

    Attributes:
        key: the number of a captured event; empty for the sample.
        label: what it is, in words.
        payload: None if the type is not known, or the payload is gone.
        options: (key, label) of those that can be chosen, the sample first.
        term: what was searched for.
        may_search: there are, or could be, captured events to choose from.
        event: the captured event; None for the sample.
    """

    key: str = ""
    label: str = ""
    payload: dict[str, Any] | None = None
    options: list[tuple[str, str]] = attrs.field(factory=list)
    term: str = ""
    may_search: bool = False
    event: CapturedEvent | None = None


def choice_of(request, hook: Hook) -> Choice:
    """
    What is chosen in the posted form; the sample if nothing is, if it is of another type, or may not be seen.

    Args:
        hook: need not be saved.
    """
    known = hook.known_type
    if known is None:
        return Choice()
    sample = _("sample, with made-up data")
    may_search = isinstance(known, catalog.EventType) and may_see_payload(request)
    term = request.POST.get("owh_search", "").replace("\0", "").strip()[:_MOST_TERM] if may_search else ""
    events = list(itertools.islice(_found(_latest(known), term), _MOST_LISTED)) if may_search else []
    options = [(str(event.pk), label_of(event)) for event in events]
    chosen = request.POST.get("owh_event", "")
    if term and events and chosen not in dict(options):
        # Who searches wants what is found.
        chosen = options[0][0]
    if not term or not events:
        options.insert(0, ("", sample))
    event = _chosen(chosen, known) if may_search else None
    if event is None or not sees_payload_of(request, event):
        return Choice("", sample, samples.sample_payload(known), options, term, may_search)
    key = str(event.pk)
    if key not in dict(options):
        options.insert(1, (key, label_of(event)))
    return Choice(key, label_of(event), event.payload, options, term, may_search, event)


def label_of(event: CapturedEvent) -> str:
    """When it happened, to whom, in which course."""
    whom = event.username or (str(event.user_id) if event.user_id else "")
    return " · ".join(filter(None, (words.exact(event.time), whom, event.course_key)))


def read_latest(known: catalog.EventType, most: int) -> Iterator[tuple[CapturedEvent, dict[str, Any]]]:
    """
    The latest events of a type whose payloads are still there, the newest first, as many as can be read in a moment.

    Args:
        most: how many at most.
    """
    end = time.monotonic() + _MOST_SECONDS
    events = [event for event in _latest(known) if event.has_payload][:most]
    for some in batched(events, _READ_AT_ONCE):
        payloads = dict(CapturedEvent.objects.filter(pk__in=[event.pk for event in some]).values_list("pk", "payload"))
        for event in some:
            payload = payloads.get(event.pk)
            if isinstance(payload, dict):
                yield event, payload
            if time.monotonic() > end:
                return


def _latest(known):
    events = CapturedEvent.objects.filter(event_type=known.event_type).order_by("-created", "-pk").only(*_SHOWN)
    has_payload = ExpressionWrapper(Q(payload__isnull=False), output_field=BooleanField())
    return events.annotate(has_payload=has_payload)[:_MOST_SEARCHED]


def _found(events, term):
    """Those in which every word is found, in the learner, the course, the time or the id."""
    wanted = term.lower().split()
    for event in events:
        text = f"{label_of(event)} {event.user_id} {event.event_id} {event.pk}".lower()
        if event.has_payload and all(word in text for word in wanted):
            yield event


def _chosen(key, known) -> CapturedEvent | None:
    if not (key.isascii() and key.isdecimal() and len(key) < 19):
        return None
    event = CapturedEvent.objects.filter(pk=int(key), event_type=known.event_type).first()
    return event if event and isinstance(event.payload, dict) and not isinstance(event.payload, Unreadable) else None
