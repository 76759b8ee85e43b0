"""
Changes of the account and profile that wait until the login has succeeded.

The platform runs its login filter before it checks the password, so that anybody who knows an address triggers it. What
an answer changes is saved when Django says, in the same request, that this user has logged in; else it is dropped.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import crum
from asgiref.local import Local
from django.contrib.auth.signals import user_logged_in
from django.core.signals import request_finished

from .kinds.accounts import Save
from .plan import Path

log = logging.getLogger(__name__)

APPLIED = "applied after the login"
DROPPED = "dropped: no login of this user has succeeded in the same request"

# Path → why it could not be saved; None if nothing was saved at all.
Done = Callable[[dict[Path, str] | None], None]


@attrs.frozen
class _Waiting:
    request: Any
    user_id: Any
    effects: Sequence[tuple[Path, Save]]
    done: Done


_state = Local()


def wait(user: Any, effects: Sequence[tuple[Path, Save]], done: Done) -> None:
    """
    Keep changes until the login of a user.

    Args:
        effects: of the plan, each with the key it belongs to.
        done: is called once: after the login, at the end of the request, or now if no request is there to log in.
    """
    request = crum.get_current_request()
    _drop([one for one in _waiting() if one.request is not request])
    if request is None:
        done(None)
    else:
        _state.waiting = [*_waiting(), _Waiting(request, user.pk, effects, done)]


def connect() -> None:
    """Listen to logins and to the ends of requests."""
    user_logged_in.connect(_logged_in, dispatch_uid="openedx_webhooks.after_login")
    request_finished.connect(_request_finished, dispatch_uid="openedx_webhooks.after_login")


def _waiting() -> list[_Waiting]:
    return getattr(_state, "waiting", [])


def _logged_in(user, **_kwargs) -> None:
    if not _waiting():
        return
    # Not the signal's own: the platform's login view hands around one that wraps it.
    request = crum.get_current_request()
    mine = [one for one in _waiting() if one.request is request and one.user_id == user.pk]
    _state.waiting = [one for one in _waiting() if one not in mine]
    for one in mine:
        _finish(one, {path: problem for path, save in one.effects if (problem := _save(user, path, save))})


def _save(user, path, save) -> str:
    """Save on the user that has logged in, whom the rest of the request works with; the problem, if there is one."""
    try:
        Save(user.profile if path[0] == "profile" else user, save.values)()
    except Exception as error:  # pylint: disable=broad-exception-caught
        # Nothing in here may keep the learner from logging in.
        return f"it could not be saved: {type(error).__name__}"
    return ""


def _request_finished(**_kwargs) -> None:
    if _waiting():
        _drop(_waiting())


def _drop(waiting) -> None:
    _state.waiting = [one for one in _waiting() if one not in waiting]
    for one in waiting:
        _finish(one, None)


def _finish(one, problems) -> None:
    try:
        one.done(problems)
    except Exception as error:  # pylint: disable=broad-exception-caught
        log.error("What became of changes at a login could not be recorded: %s", type(error).__name__)
