"""
Conditions as rows of field, comparison and value, joined by all or any: written as JMESPath, and read back.

What is written never fails, whatever a payload holds: JMESPath's functions refuse null and values of another type, so
each is asked for its type first.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import attrs
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .jmespath_text import literal, names_in, path
from .shape import MAX_EXPRESSION, ExpressionError, compile_expression
from .syntax import operands

# All rows must be true, or one of them.
ALL, ANY = "all", "any"
MAX_ROWS = 50
# Parts of one row's expression; more is somebody's own.
_MAX_NODES = 300
# Kinds of fields. A field that the schema leaves open is ANYTHING.
TEXT, NUMBER, BOOLEAN, DATE = "text", "number", "boolean", "date"
TEXTS, NUMBERS, ANYTHING = "texts", "numbers", "anything"
# What a comparison takes.
ONE, SEVERAL, NOTHING = "one", "several", "nothing"


@attrs.frozen
class Row:
    """
    Attributes:
        field: a path, as JMESPath writes it.
        comparison: a key of :data:`COMPARISONS`.
        value: a text, number or boolean; a tuple of them where the comparison takes several, None where it takes none.
    """

    field: str
    comparison: str
    value: Any = None


@attrs.frozen
class Comparison:
    """
    Attributes:
        name: what is stored in forms.
        title: between field and value.
        write: field and value → JMESPath that never fails.
        also: other ways of writing it that are read as it.
        takes: :data:`ONE` value, :data:`SEVERAL` or :data:`NOTHING`.
    """

    name: str
    title: str
    write: Callable[[str, Any], str]
    also: Callable[[str, Any], str] | None = None
    takes: str = ONE


def _call(function: str) -> Callable[[str, Any], str]:
    return lambda field, value: f"{function}({field}, {literal(value)})"


def _text_call(function: str) -> Callable[[str, Any], str]:
    # These functions refuse other values than texts.
    return lambda field, value: _call(function)(field, text_of(value))


def _of_text(function: str) -> Callable[[str, Any], str]:
    return lambda field, value: f"type({field}) == 'string' && {_text_call(function)(field, value)}"


def _contains(field, value):
    # Only a text can be searched for in a text.
    guard = f"contains(['array', 'string'], type({field}))" if isinstance(value, str) else f"type({field}) == 'array'"
    return f"{guard} && {_call('contains')(field, value)}"


def _is_one_of(field, values):
    return f"contains([{', '.join(map(literal, values))}], {field})"


def _is_empty(field, _value):
    # "!" binds tighter than ".".
    return f"!({field})"


def _operator(operator: str) -> Callable[[str, Any], str]:
    return lambda field, value: f"{field} {operator} {literal(value)}"


def _order(operator: str) -> Callable[[str, Any], str]:
    def write(field, value):
        if isinstance(value, str):
            # Dates and times are texts whose order is that of time.
            return f"type({field}) == 'string' && {field} {operator} {literal(value)}"
        return f"to_number({field}) {operator} {literal(value)}"

    return write


def _not(write: Callable[[str, Any], str]) -> Callable[[str, Any], str]:
    def negated(field, value):
        text = write(field, value)
        return f"!({text})" if " && " in text else f"!{text}"

    return negated


def _comparisons() -> Iterator[Comparison]:
    yield Comparison("is", gettext_lazy("is"), _operator("=="))
    yield Comparison("is_not", gettext_lazy("is not"), _operator("!="))
    for name, title, negated in (
        ("starts_with", gettext_lazy("starts with"), gettext_lazy("does not start with")),
        ("ends_with", gettext_lazy("ends with"), gettext_lazy("does not end with")),
    ):
        yield Comparison(name, title, _of_text(name), _text_call(name))
        yield Comparison(f"not_{name}", negated, _not(_of_text(name)), _not(_text_call(name)))
    yield Comparison("contains", gettext_lazy("contains"), _contains, _call("contains"))
    yield Comparison("not_contains", gettext_lazy("does not contain"), _not(_contains), _not(_call("contains")))
    yield Comparison("one_of", gettext_lazy("is one of"), _is_one_of, takes=SEVERAL)
    yield Comparison("none_of", gettext_lazy("is none of"), _not(_is_one_of), takes=SEVERAL)
    yield Comparison("greater", gettext_lazy("is greater or later than"), _order(">"), _operator(">"))
    yield Comparison("less", gettext_lazy("is less or earlier than"), _order("<"), _operator("<"))
    yield Comparison("empty", gettext_lazy("is empty"), _is_empty, takes=NOTHING)
    yield Comparison("not_empty", gettext_lazy("is not empty"), lambda field, _value: field, takes=NOTHING)


COMPARISONS = {comparison.name: comparison for comparison in _comparisons()}


def to_expression(rows: Iterable[Row], join: str = ALL) -> str:
    """The rows as a JMESPath expression, joined by :data:`ALL` or :data:`ANY`; empty without rows."""
    texts = [COMPARISONS[row.comparison].write(row.field, row.value) for row in rows]
    return {ALL: " && ", ANY: " || "}[join].join(texts)


def rows_of(expression: str) -> tuple[list[Row], str] | None:
    """
    The rows that an expression means, and how they are joined; None if rows can't say it.

    An expression that somebody wrote may lack the guards that :func:`to_expression` adds.
    """
    if not expression.strip():
        return [], ALL
    try:
        parsed = compile_expression(expression).parsed
    except ExpressionError:
        return None
    if parsed["type"] == "or_expression":
        parts = operands(parsed, "or_expression")
        rows = [_row([part]) or _row(operands(part, "and_expression")) for part in parts[: MAX_ROWS + 1]]
        return (rows, ANY) if len(rows) <= MAX_ROWS and all(rows) else None
    parts, rows = operands(parsed, "and_expression"), []
    if len(parts) > 2 * MAX_ROWS:
        return None
    while parts:
        # A guard belongs to what follows it.
        size = next((size for size in (2, 1) if len(parts) >= size and _row(parts[:size])), 0)
        if not size:
            return None
        rows.append(_row(parts[:size]))
        parts = parts[size:]
    return (rows, ALL) if len(rows) <= MAX_ROWS else None


def value_of(text: str, kind: str, comparison: str) -> Any:
    """
    What a person typed as the value that is compared with.

    Args:
        text: values are separated by commas where the comparison takes several.
        kind: of the field, such as :data:`NUMBER`.

    Raises:
        ValueError: what to enter instead.
    """
    takes = COMPARISONS[comparison].takes
    if takes == NOTHING:
        return None
    if len(text) > MAX_EXPRESSION:
        # Said here already: to write half a million values takes seconds.
        raise ValueError(
            _("The expression has %(length)d characters, %(limit)d are allowed.")
            % {"length": len(text), "limit": MAX_EXPRESSION}
        )
    parts = text.split(",") if takes == SEVERAL else [text]
    values = tuple(_typed(part.strip(), kind, comparison) for part in parts if part.strip())
    if not values:
        raise ValueError(_("Enter a value, or choose “is empty”."))
    return values if takes == SEVERAL else values[0]


def text_of(value: Any) -> str:
    """The value as a person types it."""
    if isinstance(value, (tuple, list)):
        return ", ".join(map(text_of, value))
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _typed(text, kind, comparison):
    asked = comparison.removeprefix("not_")
    if asked in ("starts_with", "ends_with") or (asked == "contains" and kind != NUMBERS):
        if kind in (NUMBER, BOOLEAN, NUMBERS):
            raise ValueError(_("The field is no text: choose another comparison, such as “is”."))
        return text
    if kind in (TEXTS, NUMBERS) and asked != "contains":
        raise ValueError(_("The field is a list: choose “contains” or “is empty”."))
    if kind == BOOLEAN:
        if text.lower() not in ("true", "false"):
            raise ValueError(_("Enter true or false: the field has nothing else."))
        return text.lower() == "true"
    if kind in (NUMBER, NUMBERS):
        return _number(text)
    if kind == ANYTHING and comparison in ("greater", "less"):
        try:
            return _number(text)
        except ValueError:
            return text
    return text


def _number(text):
    for make in (int, float):
        try:
            number = make(text)
        except ValueError:
            continue
        if number in (float("inf"), float("-inf")) or number != number:  # pylint: disable=comparison-with-itself
            break
        return number
    raise ValueError(_("“%s” is not a number: the field has nothing else. Enter digits such as 5 or 0.8.") % text[:40])


# --- Reading


def _row(parts: Sequence[dict]) -> Row | None:
    """The row that one part means, or a guard and what it guards."""
    if len(parts) > 2:
        return None
    node = parts[0] if len(parts) == 1 else {"type": "and_expression", "children": list(parts)}
    fields, literals = _ingredients(node)
    if not fields:
        return None
    field = path(fields[0])
    for comparison in COMPARISONS.values():
        for value in _candidates(comparison.takes, literals):
            for write in filter(None, (comparison.write, comparison.also)):
                if compile_expression(write(field, value)).parsed == node:
                    return Row(field, comparison.name, value)
    return None


def _candidates(takes: str, literals: list) -> list:
    if takes == NOTHING:
        return [None]
    if takes == SEVERAL:
        return [tuple(literals)] if literals and all(map(_is_scalar, literals)) else []
    return literals[-1:] if literals and _is_scalar(literals[-1]) else []


def _is_scalar(value) -> bool:
    return isinstance(value, (str, int, float))


def _ingredients(node: dict) -> tuple[list[tuple[str, ...]], list]:
    """The paths and the literals in an expression; none if it is too large to be a row."""
    fields: list[tuple[str, ...]] = []
    literals: list = []
    pending, count = [node], 0
    while pending:
        node = pending.pop()
        count += 1
        if count > _MAX_NODES or not isinstance(node, dict):
            return [], []
        if names := names_in(node):
            fields.append(names)
        elif node["type"] == "literal":
            literals.append(node["value"])
        else:
            pending += reversed(node.get("children", ()))
    return fields, literals
