"""Spans and attributes for the platform's monitoring (New Relic, Datadog, OpenTelemetry), as the site has set it up."""

import contextlib
import logging
from collections.abc import Iterator

from edx_django_utils.monitoring import function_trace, set_custom_attribute

from . import throttle
from .safe_log import where

log = logging.getLogger(__name__)


@contextlib.contextmanager
def span(name: str) -> Iterator[None]:
    """
    What the block does is a span of the current trace, if there is one.

    Monitoring that fails is monitoring that fails: the block runs, whatever it raises is raised, and nothing else.
    """
    stack = contextlib.ExitStack()
    try:
        stack.enter_context(function_trace(f"openedx_webhooks.{name}"))
    except Exception as error:  # pylint: disable=broad-exception-caught
        _complain(error)
    try:
        yield
    finally:
        try:
            stack.close()
        except Exception as error:  # pylint: disable=broad-exception-caught
            _complain(error)


def note(**attributes: str | int | float) -> None:
    """Give the current span, or the request, attributes: numbers and names of types, never what came from a learner."""
    try:
        for name, value in attributes.items():
            set_custom_attribute(f"openedx_webhooks.{name}", value)
    except Exception as error:  # pylint: disable=broad-exception-caught
        _complain(error)


def _complain(error: Exception) -> None:
    if throttle.allows("tracing", seconds=3600):
        log.warning("The site's monitoring failed: %s", where(error))
