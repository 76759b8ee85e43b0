"""When to try again: pure functions, no clock and no settings of their own."""

import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import attrs
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

from ..transport.client import Outcome

GONE = 410
# Whatever settings and answers say: far more than anybody waits, and far less than a date can be.
_MOST_SECONDS = 366 * 24 * 3600
# The bound is the caller's: newer versions of urllib3 have one of their own.
_parser = Retry()
_parser.retry_after_max = float("inf")  # type: ignore[assignment]


@attrs.frozen
class Policy:
    """
    How failures are retried.

    Attributes:
        waits: seconds before the second, third, … attempt; after the last one the delivery has failed.
        jitter: each wait is lengthened or shortened by up to this share.
        retry_after_max: the longest wait in seconds that ``Retry-After`` may ask for.
    """

    waits: Sequence[float]
    jitter: float = 0.2
    retry_after_max: float = 86400


def next_attempt(
    outcome: Outcome, position: int, policy: Policy, now: datetime, rand: Callable[[], float] = random.random
) -> datetime | None:
    """
    When to try again after an attempt that failed; None if the schedule is exhausted.

    Args:
        outcome: of the attempt that just ended.
        position: attempts made so far, this one included.
        policy: the webhook's.
        now: aware.
        rand: a number in [0, 1), for the jitter.
    """
    if position > len(policy.waits):
        return None
    wait = policy.waits[position - 1] * (1 + policy.jitter * (2 * rand() - 1))
    # Later than asked is fine, earlier is not: the jitter only adds.
    asked = min(retry_after(outcome.headers.get("retry-after", "")) or 0.0, policy.retry_after_max)
    wait = max(wait, asked * (1 + policy.jitter * rand()))
    return now + timedelta(seconds=min(max(wait, 0), _MOST_SECONDS))


def retry_after(value: str) -> float | None:
    """The seconds that ``Retry-After`` asks for (RFC 9110, 10.2.3: a number or a date); None if it is neither."""
    try:
        return float(_parser.parse_retry_after(value)) if value else None
    except (InvalidHeader, ValueError, OverflowError, TypeError):
        # Whoever answers may write anything, years of twenty digits too.
        return None
