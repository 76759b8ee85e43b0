"""
How far a job of many steps is, as a text that travels between two requests of the same person: nothing is kept on the
server, and nobody can make one up.
"""

from collections import Counter
from datetime import datetime

from django.core import signing

from ..webhooks.resending import Progress

_SALT = "openedx_webhooks.sending_again"
_SECONDS = 24 * 3600


def dump(user_id: int, progress: Progress) -> str:
    state = [
        user_id,
        dict(progress.tally),
        progress.cursor,
        progress.is_over,
        progress.is_cut,
        sorted(progress.webhooks),
        progress.started.isoformat(),
    ]
    return signing.dumps(state, salt=_SALT, compress=True)


def load(user_id: int, token: str) -> Progress | None:
    """What the text says, the beginning if it is empty; None if it is no longer true, or somebody else's."""
    if not token:
        return Progress()
    try:
        user, tally, cursor, is_over, is_cut, webhooks, started = signing.loads(token, salt=_SALT, max_age=_SECONDS)
    except signing.BadSignature:
        return None
    if user != user_id:
        return None
    return Progress(Counter(tally), cursor, is_over, is_cut, set(webhooks), datetime.fromisoformat(started))
