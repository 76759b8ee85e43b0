"""
What a webhook's receiver may do with its token: list its messages, take one that is kept, have some sent again.

All of it is about numbered messages of this one webhook, and only while its operator has the access switched on. What
is given out is what would be sent to the receiver anyway, made in the same way.
"""

import hashlib
import hmac
import math
import re
import secrets
import time
from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

import attrs
from django.utils import timezone

from .. import shared_cache, throttle
from ..background import process
from ..hook_request import HookRequest
from ..models import Attempt, CapturedEvent, Delivery, ReceiverToken, SequenceCounter, Webhook
from ..webhooks import resending, sending

MOST = 500
# So that not even all of them together come faster than a replay sends them (REPLAY_PER_SECOND).
SEND_AGAIN_SECONDS = 30
# Of one webhook: enough to walk through a million messages in minutes, or to fetch 18,000 in an hour.
READS, READS_SECONDS = 300, 60
_TOKEN = re.compile(r"whr_([1-9][0-9]{0,9})_[A-Za-z0-9_-]{43}", re.ASCII)


class UnknownMessage(LookupError):
    """The webhook has no message of this number, or has it no longer."""


class TooSoon(Exception):
    """
    The receiver asks more often than it may.

    Attributes:
        seconds: after which it may again.
    """

    def __init__(self, seconds: int):
        super().__init__(seconds)
        self.seconds = seconds


@attrs.frozen
class Page:
    """
    Some messages, as JSON values.

    Attributes:
        messages: by number.
        last: the number of the webhook's newest message; 0 if it had none.
        next_after: the number to go on after; None if that was all.
    """

    messages: list[dict[str, Any]]
    last: int
    next_after: int | None


def make_token(webhook: Webhook) -> str:
    """A new token, which is stored nowhere; the one before ends at once, and this one when the server is another."""
    token = f"whr_{webhook.pk}_{secrets.token_urlsafe(32)}"
    made = {"digest": _digest(token), "server": _server(webhook), "created": timezone.now()}
    ReceiverToken.objects.update_or_create(webhook=webhook, defaults=made)
    return token


def made_at(webhook: Webhook) -> datetime | None:
    """When the token was made; None if there is none."""
    kept = ReceiverToken.objects.filter(webhook=webhook, server=_server(webhook))
    return kept.values_list("created", flat=True).first()


def webhook_of(token: str) -> Webhook | None:
    """Whose token this is, whether or not its access is switched on; None if it is nobody's."""
    match = _TOKEN.fullmatch(token)
    webhook = Webhook.objects.filter(pk=int(match[1])).first() if match else None
    if webhook is None:
        return None
    kept = ReceiverToken.objects.filter(webhook=webhook, server=_server(webhook)).first()
    return webhook if hmac.compare_digest(kept.digest if kept else "", _digest(token)) else None


def _server(webhook: Webhook) -> str:
    return webhook.server.lower()[:300]


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def messages(webhook: Webhook, after: int = 0, since: datetime | None = None, limit: int = MOST) -> Page:
    """
    The messages with numbers above one, in their order.

    Args:
        since: only of events that were captured at that moment (aware) or later.
        limit: at most :data:`MOST`.
    """
    # First, so that the page holds at least what the number promises.
    counter = SequenceCounter.objects.filter(pk=webhook.pk).first()
    rows = Delivery.objects.filter(webhook=webhook, sequence__gt=after)
    if since:
        rows = rows.filter(created__gte=since)
    # By the index alone: what happened before may be a million of rows.
    found = list(rows.order_by("sequence").values_list("pk", "sequence")[: limit + 1])
    shown = Delivery.objects.filter(pk__in=[pk for pk, _sequence in found[:limit]]).order_by("sequence")
    return Page(
        messages=_described(list(shown)),
        last=counter.last if counter else 0,
        next_after=found[limit - 1][1] if len(found) > limit else None,
    )


def _described(deliveries: Collection[Delivery]) -> list[dict[str, Any]]:
    sizes = _sizes(delivery.pk for delivery in deliveries)
    # The column tells whether it is empty; nothing reads what is in it.
    events = CapturedEvent.objects.filter(pk__in=[one.event_id for one in deliveries], **resending.KEPT)
    kept = set(events.values_list("pk", flat=True))
    return [
        {
            "sequence": one.sequence,
            "id": str(one.sent_id),
            "state": one.state,
            "created": one.created.isoformat(),
            "finished": one.finished_at and one.finished_at.isoformat(),
            "attempts": one.attempt_count,
            "bytes": sizes.get(one.pk),
            "kept": one.event_id in kept,
        }
        for one in deliveries
    ]


def _sizes(delivery_ids: Iterable[int]) -> dict[int, int]:
    """The bytes of the body that was sent last, where any was."""
    attempts = Attempt.objects.filter(delivery_id__in=list(delivery_ids), request_bytes__gt=0).order_by("pk")
    return dict(attempts.values_list("delivery_id", "request_bytes"))


def request_of(webhook: Webhook, sequence: int) -> HookRequest:
    """
    A message as it would be sent now.

    Raises:
        UnknownMessage: there is none of this number.
        NothingToSend: there is no content: as of :func:`..webhooks.sending.content_of`.
        ValueError: the webhook's secret, headers or credentials are malformed, or can't be read.
    """
    delivery = Delivery.objects.filter(webhook=webhook, sequence=sequence).first()
    if delivery is None:
        raise UnknownMessage
    event = CapturedEvent.objects.filter(pk=delivery.event_id, **resending.KEPT).first()
    return sending.request_for(delivery, webhook, event)


def send_again(webhook: Webhook, sequences: Collection[int]) -> dict[str, Any]:
    """
    Owe messages again, whatever became of them, and say how many of which.

    Args:
        sequences: at most :data:`MOST`.

    Raises:
        TooSoon: nothing was done.
    """
    if not _may_send_again(webhook):
        raise TooSoon(SEND_AGAIN_SECONDS)
    rows = Delivery.objects.filter(webhook=webhook, sequence__in=sequences).order_by("sequence")
    found = dict(rows.values_list("sequence", "pk"))
    choice = resending.Choice(deliveries=tuple(found.values()), with_delivered=True)
    tally = resending.advance(choice, resending.Progress(), act=True).tally
    return {
        "sent_again": tally[resending.DONE],
        "pending": tally[resending.RUNNING],
        "removed": tally[resending.REMOVED],
        "unknown": sorted(set(sequences) - found.keys()),
    }


def count_read(webhook: Webhook) -> None:
    """
    Count a list or a message that is asked for: by the shared cache; without one, for each process.

    Raises:
        TooSoon: it is more than :data:`READS` in :data:`READS_SECONDS`, which begin for all at the same time.
    """
    now = time.time()
    window = int(now // READS_SECONDS)
    key = f"openedx_webhooks:receiver_reads:{webhook.pk}:{window}"
    count = shared_cache.count_up(key, 2 * READS_SECONDS)
    if count is None:
        count = process.get(_Reads).count(webhook.pk, window)
    if count > READS:
        raise TooSoon(math.ceil(READS_SECONDS - now % READS_SECONDS))


class _Reads:
    """What this process has counted in the current window."""

    def __init__(self):
        self._window, self._counts = 0, Counter()

    def count(self, webhook_id: int, window: int) -> int:
        """One more; how many they are."""
        if window != self._window:
            self._window, self._counts = window, Counter()
        self._counts[webhook_id] += 1
        return self._counts[webhook_id]


def _may_send_again(webhook: Webhook) -> bool:
    """Once in a while, by the shared cache; without one, once in a while for each process."""
    key = f"openedx_webhooks:send_again:{webhook.pk}"
    if shared_cache.ask("add", key, 1, SEND_AGAIN_SECONDS) is False:
        return False
    return throttle.allows("send_again", webhook.pk, seconds=SEND_AGAIN_SECONDS)
