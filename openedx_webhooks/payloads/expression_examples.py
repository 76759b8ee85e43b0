"""Expressions to begin with, for the payloads of one type."""

import re
from typing import Any

from .jmespath_text import literal
from .places import last_of, paths_of


def examples(schema: dict[str, Any], sample: Any) -> dict[str, str]:
    """Names of form fields (``id_condition``, ``id_shape``) → an expression for payloads of this schema."""
    places = [
        (path, place)
        for path, place in paths_of(schema, [sample])
        if not path.startswith("event_metadata") and place.values and isinstance(place.values[0], (str, int, float))
    ]
    # Nobody need be led to send personal data.
    leaves = [(path, place.values[0]) for path, place in places if not place.is_personal]
    leaves = leaves or [(path, place.values[0]) for path, place in places]
    if not leaves:
        return {}
    texts = [(path, value) for path, value in leaves if isinstance(value, str) and 0 < len(value) < 40]
    booleans = [path for path, value in leaves if isinstance(value, bool)]
    keys = [(path, value) for path, value in texts if value.startswith("course-v1:")]
    words = [(path, value) for path, value in texts if re.fullmatch(r"[a-z_-]+", value)]
    if words:
        condition = f"{words[0][0]} == {literal(words[0][1])}"
    elif keys:
        condition = f"starts_with({keys[0][0]}, {literal(keys[0][1].partition('+')[0] + '+')})"
    elif booleans:
        condition = booleans[0]
    else:
        path, value = leaves[0]
        condition = f"{path} == {literal(value)}"
    chosen = dict.fromkeys(path for path, _value in [*keys[:1], *words[:1], *leaves[:1]])
    members = ["id: event_metadata.id", *(f"{last_of(path)}: {path}" for path in chosen)]
    return {"id_condition": condition, "id_shape": "{" + ", ".join(members) + "}"}
