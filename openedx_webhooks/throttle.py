"""What is done now and then, such as a line in the log about what fails at each request."""

import time
from collections.abc import Hashable

from .background import process

# Keys that are never asked about again must not fill the memory.
_MOST_KEYS = 10_000


def allows(*key: Hashable, seconds: float) -> bool:
    """
    Whether something may be done that this process shall not do more often than every so many seconds.

    Args:
        key: what it is, such as the name of the module and the primary key of a hook.
        seconds: from one time to the next.
    """
    allowed_at = process.get(_AllowedAt)
    now = time.monotonic()
    if now < allowed_at.get(key, now):
        return False
    if len(allowed_at) >= _MOST_KEYS:
        allowed_at.clear()
    allowed_at[key] = now + seconds
    return True


class _AllowedAt(dict[tuple[Hashable, ...], float]):
    """When something may be done again, on the clock of ``time.monotonic``."""
