"""Shapes that send only some fields, nested as they are: written as JMESPath, and read back."""

from collections.abc import Iterable
from typing import Any

from .jmespath_text import identifier, names_of, path
from .shape import ExpressionError, compile_expression

MAX_FIELDS = 300
_MAX_LEVELS = 30


def to_shape(fields: Iterable[str]) -> str:
    """
    The shape that sends these fields; empty without any.

    Args:
        fields: paths, as JMESPath writes them. One that is inside of another is sent with it.
    """
    tree: dict[str, Any] = {}
    for names in sorted(map(names_of, fields), key=len):
        level = tree
        for name in names[:-1]:
            level = level.setdefault(name, {})
            if level is None:
                break
        else:
            if names:
                level[names[-1]] = None
    return _hash(tree) if tree else ""


def fields_of(shape: str) -> list[str] | None:
    """The fields that a shape sends, as they are nested; None if it is not such a shape."""
    try:
        parsed = compile_expression(shape).parsed
    except ExpressionError:
        return None
    found: list[tuple[str, ...]] = []
    return list(map(path, found)) if _collect(parsed, (), found) else None


def _hash(tree: dict[str, Any]) -> str:
    members = (
        f"{identifier(name)}: {identifier(name)}{'.' + _hash(inside) if inside else ''}"
        for name, inside in tree.items()
    )
    return f"{{{', '.join(members)}}}"


def _collect(node: dict, above: tuple[str, ...], found: list) -> bool:
    """Whether the syntax tree is a hash of members under their own names; they are added to ``found``."""
    if node["type"] != "multi_select_dict" or len(above) > _MAX_LEVELS:
        return False
    for pair in node["children"]:
        name, value = pair["value"], pair["children"][0]
        inside = value["children"][1] if value["type"] == "subexpression" and len(value["children"]) == 2 else None
        member = value["children"][0] if inside else value
        if member["type"] != "field" or member["value"] != name or len(found) > MAX_FIELDS:
            return False
        if inside is None:
            found.append((*above, name))
        elif not _collect(inside, (*above, name), found):
            return False
    return True
