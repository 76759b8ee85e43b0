"""
What went wrong while the platform loaded the plugin: kept for the system check, because the platform starts all the
same.

Imports nothing that could fail: the platform's settings, half-built, come here too.
"""

import logging

log = logging.getLogger(__name__)

# For an operator, in the order in which they were met.
found: list[str] = []


def note(problem: str, error: Exception | None = None) -> None:
    """
    Keep a problem for the system check and log it once, and let the platform start.

    Args:
        problem: what does not work, for an operator.
        error: what was raised, if anything was.
    """
    if error is not None:
        problem = f"{problem}: {type(error).__name__}: {error}"
    if problem not in found:
        found.append(problem)
        log.error("openedx_webhooks could not start fully: %s", problem, exc_info=error)
