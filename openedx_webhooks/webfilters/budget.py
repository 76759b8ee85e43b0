"""The time that all webfilters of one web request may take together."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import crum

from ..app_settings import app_settings

_SPENT = "_openedx_webhooks_seconds_spent"


@contextmanager
def spending() -> Iterator[float]:
    """
    Count the time of a block against the budget of the current web request, or against a budget of its own where
    there is none (Celery tasks, commands).

    Yields:
        the deadline of the block, on the clock of :func:`time.monotonic`.
    """
    request = crum.get_current_request()
    spent = getattr(request, _SPENT, 0.0)
    start = time.monotonic()
    try:
        yield start + app_settings.WEBFILTER_REQUEST_BUDGET_SECONDS - spent
    finally:
        if request is not None:
            setattr(request, _SPENT, spent + time.monotonic() - start)
