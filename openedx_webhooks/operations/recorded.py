"""What is recorded about a person, or was done by one: found by id, and by username and e-mail address."""

import functools
import json
import operator
from collections.abc import Collection, Iterator

from django.db import router
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from .. import catalog
from ..models import Call, CapturedEvent, Webfilter, Webhook
from ..models.json_fields import dump
from . import payload_fields


def events_about(user_id: int | None, names: Collection[str]) -> Iterator[QuerySet]:
    """Captured events; each of the querysets has an index."""
    events = CapturedEvent.objects.using(router.db_for_write(CapturedEvent))
    if user_id is not None:
        yield events.filter(user_id=user_id)
    if stored := {name[:150] for given in names if given for name in (given, given.lower())}:
        # An event that has somebody's id is about them, whoever else it names.
        yield events.filter(user_id=None, username__in=stored)


def events_naming(names: Collection[str]) -> QuerySet:
    """
    Captured events about others that name somebody all the same: who enrolled a learner, or asked for an exam. Their
    payloads are looked through, of those types alone that have several people's names.
    """
    events = CapturedEvent.objects.using(router.db_for_write(CapturedEvent))
    # Not a username wherever it stands: somebody may be called "audit".
    texts = {dump(name) if "@" in name else dump({"username": name})[1:-1] for name in names if name}
    if not texts:
        return events.none()
    types = [name for name, kind in catalog.events().items() if len(_people_in(kind)) > 1]
    rows = events.filter(event_type__in=types, payload__isnull=False).annotate(body=Cast("payload", TextField()))
    return rows.filter(_any(texts))


def _people_in(event_type: catalog.EventType) -> set[tuple[str, ...]]:
    """Where in the payload somebody's name or address may be."""
    fields = (field for field in payload_fields.fields_of(event_type) if field.is_personal)
    return {field.names[:-1] for field in fields if field.names[-1].endswith(("username", "email"))}


def _any(texts: Collection[str]) -> Q:
    return functools.reduce(operator.or_, (Q(body__icontains=text) for text in sorted(texts)))


def calls_about(user_id: int | None, names: Collection[str]) -> Iterator[QuerySet]:
    """
    Calls. Those without a user, such as of a registration that came to nothing, are looked through for the names:
    nothing but their time limit finds the others.
    """
    calls = Call.objects.using(router.db_for_write(Call))
    if user_id is not None:
        yield calls.filter(user_id=user_id)
    if texts := {text for name in names if name for text in (json.dumps(name), json.dumps(name, ensure_ascii=False))}:
        yield calls.filter(user_id=None).annotate(body=Cast("request_body", TextField())).filter(_any(texts))


def versions_by(user_id: int | None) -> Iterator[QuerySet]:
    """Versions of hooks that somebody made. There are few: no index is needed."""
    if user_id is not None:
        for model in (Webhook, Webfilter):
            # pylint: disable-next=no-member
            yield model.history.using(router.db_for_write(model)).filter(history_user_id=user_id)
