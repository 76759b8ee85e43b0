"""The time that all webfilters of one web request may take together."""

import time

import crum

from ..app_settings import app_settings

_SPENT = "_openedx_webhooks_seconds_spent"


class Spending:
    """
    Count the time of a block against the budget of the current web request, or against a budget of its own where
    there is none (Celery tasks, commands).

    Enters:
        the deadline of the block, on the clock of :func:`time.monotonic`.
    """

    __slots__ = ("_request", "_spent", "_start")

    def __init__(self):
        self._request = crum.get_current_request()
        self._spent = getattr(self._request, _SPENT, 0.0)
        self._start = time.monotonic()

    def __enter__(self) -> float:
        return self._start + app_settings.WEBFILTER_REQUEST_BUDGET_SECONDS - self._spent

    def __exit__(self, *_exception) -> None:
        if self._request is not None:
            setattr(self._request, _SPENT, self._spent + time.monotonic() - self._start)
