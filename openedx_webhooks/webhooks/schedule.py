"""When to try again: pure functions, no clock and no settings of their own."""

import math
import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum

import attrs

from ..transport.client import Outcome

# 408 Request Timeout, 425 Too Early, 429 Too Many Requests: the endpoint itself asks to be tried again.
_RETRIED_4XX = frozenset({408, 425, 429})
GONE = 410


class Verdict(Enum):
    """What one attempt means for its delivery."""

    DELIVERED = "delivered"
    RETRY = "retry"
    FINAL = "final"  # the endpoint's final word: trying again would not change it


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


def verdict(outcome: Outcome) -> Verdict:
    """
    2xx is delivered; no response, 408, 425, 429 and 5xx are tried again; everything else is final.

    The status alone counts: an endpoint that said 200 has the message, whatever became of the body.
    """
    if outcome.is_accepted:
        return Verdict.DELIVERED
    if outcome.status_code is None or outcome.is_5xx or outcome.status_code in _RETRIED_4XX:
        return Verdict.RETRY
    return Verdict.FINAL


def next_attempt(
    outcome: Outcome, position: int, policy: Policy, now: datetime, rand: Callable[[], float] = random.random
) -> datetime | None:
    """
    When to try again after an outcome whose verdict is RETRY; None if the schedule is exhausted.

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
    asked = retry_after(outcome.headers.get("retry-after", ""), now)
    if asked is not None:
        # Later than asked is fine, earlier is not: the jitter only adds.
        asked = min(asked, policy.retry_after_max)
        wait = max(wait, asked * (1 + policy.jitter * rand()))
    return now + timedelta(seconds=wait)


def retry_after(value: str, now: datetime) -> float | None:
    """
    The seconds that a ``Retry-After`` header asks for: a number, or an HTTP date; None if it is neither.

    Args:
        value: the header.
        now: aware.
    """
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value) if len(value) < 16 else math.inf
    try:
        date = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    if date.tzinfo is None:
        return None
    return max(0.0, (date - now).total_seconds())
