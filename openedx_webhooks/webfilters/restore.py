"""
Put back what a payload did not tell: an answer made from a masked or cut value is merged around what was left out.

A payload masks secrets inside texts and cuts what is too long. Most receivers change such a value by adding to what
they got. The value as it was, as it was sent and as it came back are merged: what was sent and came back stands for
what was there. Every pass is linear.
"""

import json
from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise

from ..payloads.redact import MASK
from ..payloads.secret_names import without_sensitive_pairs
from .kinds.convert import Refused

_CUT = "…"
# How much of a text before a mask or a cut must have come back for it to be the same place.
_NEAR_MASK = 16
_NEAR_CUT = 32
_REASON = "parts of it were masked or cut in the payload: use prepend or append, or leave those parts out"

_REASON_UNSENT = "items of it have members that are never sent: keep as many items, and change each at its place"


def restored(current: Any, sent: Any, given: Any) -> Any:
    """
    What an answer means by a text or list, with what it could not know.

    Args:
        current: the value that the platform handed in.
        sent: the same in the payload.
        given: the same in the answer.

    Raises:
        Refused: the answer has masked or cut parts, and it can't be told which ones.
    """
    if isinstance(current, (str, Promise)) and isinstance(sent, str) and isinstance(given, str):
        return _text(str(current), sent, given)
    if isinstance(current, (list, tuple)) and isinstance(sent, list) and isinstance(given, list):
        return _list(current, sent, given)
    if isinstance(current, dict) and isinstance(sent, dict) and isinstance(given, Mapping):
        unsent = {name: value for name, value in current.items() if name not in sent}
        return unsent | {name: _member(current, sent, name, value) for name, value in given.items()}
    return given


def _member(current, sent, name, given):
    if name in sent and name in current:
        return current[name] if _same(sent[name], given) else restored(current[name], sent[name], given)
    return given


def _same(sent, given) -> bool:
    """Equal as JSON: ``1`` is not ``true``."""
    return type(sent) is type(given) and sent == given


def _text(current: str, sent: str, given: str) -> str:
    if sent in (current, given):
        return current if sent == given else given
    place = -1
    if found := _hidden(current, sent, to_the_end=True):
        hidden, end = found
    elif sent.endswith(_CUT) and (found := _hidden(current, sent[:-1], to_the_end=False)):
        hidden, end = found
        near = sent[-_NEAR_CUT - 1 :]
        place = given.find(near)
        # Twice; or it came back without the mark of the cut, which was cut off or written otherwise (&hellip;), or with
        # the mark and other words before it, as from whoever rewrites the whole text.
        is_rewritten = _end(sent) in given or (_CUT in given and 2 * len(given) >= len(sent))
        if given.find(near, place + 1) != -1 or (place == -1 and is_rewritten):
            raise Refused(_REASON)
    else:
        raise Refused(_REASON)
    if place != -1:
        # No text of an answer has a NUL: it marks where the rest belongs.
        mark = place + len(near) - 1
        given = f"{given[:mark]}\0{given[mark + 1 :]}"
    return _unmasked(sent, given, hidden).replace("\0", current[end:])


def _hidden(current: str, sent: str, to_the_end: bool) -> tuple[list[str], int] | None:
    """What each mask of a sent text stands for, and where in the current text it ends; None if it does not fit."""
    first, *others = sent.split(MASK)
    if not current.startswith(first) or "" in others[:-1]:
        return None
    hidden, position = [], len(first)
    for index, piece in enumerate(others, 1):
        is_last = index == len(others)
        if is_last and (to_the_end or not piece):
            start = len(current) - len(piece)
            start = start if start >= position and current.endswith(piece) else -1
        else:
            start = current.find(piece, position)
        if start == -1:
            return None
        hidden.append(current[position:start])
        position = start + len(piece)
    return (hidden, position) if position == len(current) or not to_the_end else None


def _unmasked(sent: str, given: str, hidden: list[str]) -> str:
    pieces, before = given.split(MASK), sent.split(MASK)
    if len(pieces) == 1:
        return given
    if len(pieces) != len(before) or not all(
        piece.endswith(known[-_NEAR_MASK:]) for piece, known in zip(pieces[:-1], before, strict=False)
    ):
        raise Refused(_REASON)
    return pieces[0] + "".join(secret + piece for secret, piece in zip(hidden, pieces[1:], strict=True))


def _list(current, sent, given):
    if len(without_sensitive_pairs(list(current))) != len(current):
        raise Refused(_REASON)
    where = {_key(item): index for index, item in reversed(list(enumerate(sent[: len(current)])))}
    result, used, replaced, has_new, ends = [], set(), set(), False, None
    for index, item in enumerate(given):
        known = index if index < len(sent) and _same(sent[index], item) else where.get(_key(item))
        if known is not None and known < len(current):
            result.append(current[known])
            used.add(known)
        elif len(given) == len(sent) and index < len(current):
            result.append(restored(current[index], sent[index], item))
            replaced.add(index)
        elif _has_any(item, ends := _ends(current, sent) if ends is None else ends):
            raise Refused(_REASON)
        else:
            result.append(item)
            has_new = True
    # A new item beside one that has gone may be that one, changed: then its members that were never sent would be lost.
    gone = set(range(min(len(sent), len(current)))) - used - replaced
    if has_new and any(_has_unsent(current[index], sent[index]) for index in gone):
        raise Refused(_REASON_UNSENT)
    # What was cut off is still wanted by who sends the rest back; a list without any of it is another list.
    return [*result, *current[len(sent) :]] if used else result


def _has_unsent(value, sent) -> bool:
    """Whether members of it, at any depth, were never sent."""
    if isinstance(value, dict) and isinstance(sent, dict):
        return any(name not in sent or _has_unsent(member, sent[name]) for name, member in value.items())
    if isinstance(value, (list, tuple)) and isinstance(sent, list):
        return any(map(_has_unsent, value, sent))
    return False


def _end(sent: str) -> str:
    """By what a text that was cut is known: its end without the mark, unless that is too short to tell it."""
    return sent[-_NEAR_CUT - 1 : -1] if len(sent) > _NEAR_MASK else sent


def _ends(current, sent) -> set[str]:
    """Masks, and the ends of the texts that were cut, in a list or an object as it was sent."""
    ends, pending = {MASK}, [(current, sent)]
    while pending:
        value, known = pending.pop()
        if isinstance(known, list) and isinstance(value, (list, tuple)):
            pending += zip(value, known, strict=False)
        elif isinstance(known, dict) and isinstance(value, dict):
            pending += ((value[name], one) for name, one in known.items() if name in value)
        elif isinstance(known, str) and known.endswith(_CUT) and known != value:
            ends.add(_end(known))
    return ends


def _has_any(item, ends: set[str]) -> bool:
    text = json.dumps(item, ensure_ascii=False)
    return any(json.dumps(end, ensure_ascii=False)[1:-1] in text for end in ends)


def _key(item) -> str:
    return json.dumps(item, sort_keys=True)
