"""
The size of a payload, in bytes of JSON in UTF-8.

A payload over the limit is cut evenly: lists and objects to the most members, and texts to the greatest length, with
which it fits. So the longest texts and lists pay first, what is short stays whole, and the same payload is always cut
the same way. A cut text ends with ``…``; ``event_metadata`` is never cut and says in ``cut`` where something is
missing.
"""

import bisect
import itertools
import json
from typing import Any

from .walk import Path

METADATA = "event_metadata"

# Most members of a list or an object, and the bytes that each text is left with at least: where the texts would become
# shorter than that, the lists pay too.
_STEPS = ((1000, 4096), (500, 1024), (200, 256), (100, 256), (50, 128), (20, 64), (10, 32), (5, 16))
_ELLIPSIS = "…"

_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def dump(value: Any) -> bytes:
    """
    JSON as it is sent: UTF-8, no blanks; ``?`` for lone surrogates, which UTF-8 can't hold.

    Raises:
        ValueError: it isn't strict JSON, or nested deeper than Python goes.
        TypeError: it has no form in JSON.
    """
    try:
        return _encoder.encode(value).encode("utf-8", "replace")
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def fit(payload: dict[str, Any], max_bytes: int) -> tuple[dict[str, Any], list[Path]]:
    """
    The payload cut to ``max_bytes``, and the places where something is missing.

    A limit that not even the metadata keeps leaves the metadata.
    """
    if len(dump(payload)) <= max_bytes:
        return payload, []
    kept = {METADATA: payload[METADATA]} if METADATA in payload else {}
    arguments = {key: value for key, value in payload.items() if key != METADATA}
    for max_items, least in _STEPS:
        places: dict[Path, None] = {}
        fewer = {key: _fewer(value, (key,), max_items, places) for key, value in arguments.items()}
        sizes = list(map(_size, _texts(fewer)))
        # What is left for the texts beside all the rest.
        room = max_bytes - (len(dump(fewer | kept)) - sum(sizes))
        max_text = _level(sizes, room)
        if max_text >= least or room >= sum(sizes):
            return {key: _shorter(value, (key,), max_text, places) for key, value in fewer.items()} | kept, list(places)
    return kept, [(key,) for key in arguments]


def _fewer(value, path, max_items, places):
    """The value without what its lists and objects have beyond ``max_items``."""
    if not isinstance(value, (dict, list)):
        return value
    if len(value) > max_items:
        places[path] = None
    if isinstance(value, dict):
        first = itertools.islice(value.items(), max_items)
        return {key: _fewer(item, (*path, key), max_items, places) for key, item in first}
    return [_fewer(item, (*path, str(index)), max_items, places) for index, item in enumerate(value[:max_items])]


def _texts(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _shorter(value, path, max_text, places):
    """The value with its texts cut to ``max_text`` bytes."""
    if isinstance(value, str):
        if _size(value) <= max_text:
            return value
        places[path] = None
        room = max_text - len(_ELLIPSIS.encode())
        return value[: bisect.bisect_right(range(1, room), room, key=lambda end: _size(value[:end]))] + _ELLIPSIS
    if isinstance(value, dict):
        return {key: _shorter(item, (*path, key), max_text, places) for key, item in value.items()}
    if isinstance(value, list):
        return [_shorter(item, (*path, str(index)), max_text, places) for index, item in enumerate(value)]
    return value


def _size(text: str) -> int:
    return len(dump(text))


def _level(sizes: list[int], room: int) -> int:
    """The greatest size for which the sizes, each cut to it, are within the room together."""
    for index, size in enumerate(sorted(sizes)):
        share = room // (len(sizes) - index)
        if size > share:
            return share
        room -= size
    return max(sizes, default=0)
