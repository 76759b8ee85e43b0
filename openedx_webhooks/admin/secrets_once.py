"""
Secrets that were just made and can be shown once, to the session that made them.

The session keeps numbers of hooks, never a secret: as many as somebody makes in a row, for as long as they need to hand
them on.
"""

import time

_MOST = 50
_SECONDS = 60 * 60


def _key(hook) -> str:
    return f"openedx_webhooks_show_secret_of_{hook._meta.model_name}"


def _kept(request, hook) -> dict[str, float]:
    """Number of a hook, as text → until when its secret can be shown, in seconds since 1970."""
    kept = request.session.get(_key(hook))
    now = time.time()
    return {pk: until for pk, until in kept.items() if until > now} if isinstance(kept, dict) else {}


def remember(request, hook) -> None:
    """Let this session show the hook's secret once; of too many the oldest is forgotten."""
    kept = _kept(request, hook)
    kept.pop(str(hook.pk), None)
    kept[str(hook.pk)] = time.time() + _SECONDS
    request.session[_key(hook)] = dict(list(kept.items())[-_MOST:])


def may_show(request, hook) -> bool:
    """Whether this session may show the hook's secret."""
    return str(hook.pk) in _kept(request, hook)


def take(request, hook) -> bool:
    """Whether this session may show it, for the last time."""
    kept = _kept(request, hook)
    found = kept.pop(str(hook.pk), None) is not None
    request.session[_key(hook)] = kept
    return found
