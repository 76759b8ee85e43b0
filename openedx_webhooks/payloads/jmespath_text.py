"""Parts of JMESPath expressions as text: literals and paths, escaped so that any value survives."""

import json
import re
from collections.abc import Sequence
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MAX_NAMES = 30
# Characters of a path.
_MAX_PATH = 1000


def literal(value: Any) -> str:
    """
    A JSON value as JMESPath writes it: ``'verified'``, ```5```.

    Texts stand in single quotes where that is unambiguous. JMESPath's escapes in them are few and differ between its
    libraries, so that anything else is written as JSON.
    """
    if isinstance(value, str) and value.isprintable() and "'" not in value and "\\" not in value:
        return f"'{value}'"
    text = json.dumps(value, ensure_ascii=False)
    text = text if text.isprintable() else json.dumps(value)
    return "`" + text.replace("`", "\\u0060") + "`"


def identifier(name: str) -> str:
    """The name of a member, quoted if it isn't a plain word."""
    return name if _PLAIN.fullmatch(name) else json.dumps(name, ensure_ascii=not name.isprintable())


def path(names: Sequence[str]) -> str:
    """``("a", "b-c")`` → ``a."b-c"``."""
    return ".".join(map(identifier, names))


def names_in(node: dict) -> tuple[str, ...]:
    """The names of a path's syntax tree; empty if it is something else than names joined by dots."""
    parts = node["children"] if node["type"] == "subexpression" else [node]
    is_path = len(parts) <= _MAX_NAMES and all(part["type"] == "field" for part in parts)
    return tuple(part["value"] for part in parts) if is_path else ()


def names_of(text: str) -> tuple[str, ...]:
    """
    The names of a path as a person writes it: JMESPath, or names with dots between them and nothing quoted.

    Returns:
        an empty tuple if it names nothing.
    """
    if len(text) > _MAX_PATH:
        return ()
    try:
        if names := names_in(jmespath.compile(text.strip()).parsed):
            return names
    except (JMESPathError, ValueError, RecursionError):
        pass
    names = tuple(name.strip() for name in text.split("."))
    return names if all(names) and len(names) <= _MAX_NAMES and not re.search(r"[\"'`(){}\[\]|&@,*]", text) else ()
