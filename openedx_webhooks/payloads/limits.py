"""
The size of a payload.

A payload over the limit is cut evenly, by steps: at each, no text is longer and no list or object has more members than
the step says, the first step at which the payload fits is taken. So the longest texts and lists pay first, and the same
payload is always cut the same way. A cut text ends with ``…``; ``event_metadata`` is never cut and says in ``cut``
where something is missing.
"""

import json
from typing import Any

METADATA = "event_metadata"

# Longest text in characters, most members of a list or an object.
_STEPS = (
    (65536, 1000),
    (16384, 1000),
    (4096, 500),
    (1024, 500),
    (1024, 200),
    (256, 200),
    (256, 100),
    (128, 50),
    (64, 20),
    (32, 10),
    (16, 5),
)


_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def dump(value: Any) -> bytes:
    """JSON as it is sent: UTF-8, no blanks, strict."""
    return _encoder.encode(value).encode()


def fit(payload: dict[str, Any], max_bytes: int) -> tuple[dict[str, Any], list[str]]:
    """
    The payload cut to ``max_bytes`` of JSON, and the places where something is missing, such as ``context.sections``.

    A limit that not even the metadata keeps leaves the metadata.
    """
    if len(dump(payload)) <= max_bytes:
        return payload, []
    kept = {METADATA: payload[METADATA]} if METADATA in payload else {}
    arguments = {key: value for key, value in payload.items() if key != METADATA}
    for max_text, max_items in _STEPS:
        cut: dict[str, None] = {}
        result = {key: _cut(value, key, max_text, max_items, cut) for key, value in arguments.items()} | kept
        if len(dump(result)) <= max_bytes:
            return result, list(cut)
    return kept, list(arguments)


def _cut(value, path, max_text, max_items, cut):
    if isinstance(value, str):
        if len(value) <= max_text:
            return value
        cut[path] = None
        return value[:max_text] + "…"
    if not isinstance(value, (dict, list)):
        return value
    if len(value) > max_items:
        cut[path] = None
    if isinstance(value, dict):
        return {
            key: _cut(item, f"{path}.{key}", max_text, max_items, cut) for key, item in list(value.items())[:max_items]
        }
    return [_cut(item, f"{path}.{index}", max_text, max_items, cut) for index, item in enumerate(value[:max_items])]
