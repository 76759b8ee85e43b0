"""
What lies between a claim and the queue: before its first attempt a message is given its number, and whether there is a
message at all, the webhook's condition and shape say.
"""

import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable

import attrs

from ..models import CapturedEvent, Delivery, Webhook
from . import numbering, sending

# A shape may take some tenths of a second: meanwhile nothing is claimed, queued or recorded.
_SLICE_SECONDS = 0.05


@attrs.define(eq=False)
class Job:
    """
    A claimed delivery and what it takes to send it.

    Attributes:
        endpoint: what it is queued by.
        lapses_at: of ``time.monotonic()``; begun later than this, it might outlive its lease.
        content: if it had to be made before the attempt.
    """

    delivery: Delivery
    webhook: Webhook
    event: CapturedEvent | None
    endpoint: str
    lapses_at: float
    content: sending.Content | None = None

    @property
    def needs_content(self) -> bool:
        """Without it nobody knows whether this is a message."""
        return self.content is None and self.needs_number and not sending.skips_nothing(self.webhook)

    @property
    def needs_number(self) -> bool:
        """If it is a message."""
        return self.delivery.sequence is None


class Preparation:
    """
    Jobs whose condition and shape are tried a few at a time; endpoints take turns, so that slow ones hold up no others.

    Args:
        holder: who claimed them.
    """

    def __init__(self, holder: uuid.UUID):
        self._holder = holder
        self._by_endpoint: dict[str, deque[Job]] = {}

    def add(self, jobs: Iterable[Job]) -> None:
        """Those of one endpoint stay in their order."""
        for job in jobs:
            self._by_endpoint.setdefault(job.endpoint, deque()).append(job)

    def load(self, endpoint: str) -> int:
        """Jobs of an endpoint."""
        return len(self._by_endpoint.get(endpoint, ()))

    def waiting(self) -> list[Job]:
        """All that are not prepared yet."""
        return [job for jobs in self._by_endpoint.values() for job in jobs]

    def clear(self, keeps: Callable[[Job], bool]) -> list[Job]:
        """Take back all but those that are to be kept."""
        jobs, self._by_endpoint = self.waiting(), {}
        self.add(job for job in jobs if keeps(job))
        return [job for job in jobs if not keeps(job)]

    def some(self) -> tuple[list[Job], list[Job]]:
        """
        Prepare what takes no time, and of the rest what there is time for.

        Returns:
            those that may be queued, and those that can't be sent now.

        Raises:
            django.db.Error: the database is away; nothing was taken.
        """
        taken = self._without_effort()
        end = time.monotonic() + _SLICE_SECONDS
        while self._by_endpoint:
            taken.append(self._next())
            if time.monotonic() >= end:
                break
        try:
            refused = self._number(taken)
        except Exception:
            self.add(taken)
            raise
        ready = [job for job in taken if job.delivery.pk not in refused]
        return ready, [job for job in taken if job.delivery.pk in refused]

    def _without_effort(self) -> list[Job]:
        return self.clear(lambda job: job.needs_content)

    def _next(self) -> Job:
        """The first one of the endpoint whose turn it is."""
        endpoint = next(iter(self._by_endpoint))
        waiting = self._by_endpoint.pop(endpoint)
        job = waiting.popleft()
        if waiting:
            self._by_endpoint[endpoint] = waiting
        job.content = sending.Content.of(job.webhook, job.event)
        return job

    def _number(self, jobs: list[Job]) -> set[int]:
        messages = [job for job in jobs if job.needs_number and (job.content is None or job.content.is_message)]
        return numbering.number([job.delivery for job in messages], self._holder)
