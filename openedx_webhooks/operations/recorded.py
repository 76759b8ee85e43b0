"""What is recorded about a person, or was done by one: found by id, and by username and e-mail address."""

import json
from collections.abc import Collection, Iterator

from django.db import router
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from ..models import Call, CapturedEvent, Webfilter, Webhook


def events_about(user_id: int | None, names: Collection[str]) -> Iterator[QuerySet]:
    """Captured events; each of the querysets has an index."""
    events = CapturedEvent.objects.using(router.db_for_write(CapturedEvent))
    if user_id is not None:
        yield events.filter(user_id=user_id)
    if stored := {name[:150] for given in names if given for name in (given, given.lower())}:
        # An event that has somebody's id is about them, whoever else it names.
        yield events.filter(user_id=None, username__in=stored)


def calls_about(user_id: int | None, names: Collection[str]) -> Iterator[QuerySet]:
    """
    Calls. Those without a user, such as of a registration that came to nothing, are looked through for the names:
    nothing but their time limit finds the others.
    """
    calls = Call.objects.using(router.db_for_write(Call))
    if user_id is not None:
        yield calls.filter(user_id=user_id)
    named = Q()
    for name in filter(None, names):
        named |= Q(body__icontains=json.dumps(name)) | Q(body__icontains=json.dumps(name, ensure_ascii=False))
    if named:
        yield calls.filter(user_id=None).annotate(body=Cast("request_body", TextField())).filter(named)


def versions_by(user_id: int | None) -> Iterator[QuerySet]:
    """Versions of hooks that somebody made. There are few: no index is needed."""
    if user_id is not None:
        for model in (Webhook, Webfilter):
            # pylint: disable-next=no-member
            yield model.history.using(router.db_for_write(model)).filter(history_user_id=user_id)
