"""JMESPath's tree, for those who read it: the text of a part, and the parts in the order of the text."""

from collections.abc import Iterator
from typing import Any

from .jmespath_text import identifier, literal

Node = dict[str, Any]
OPERATORS = {"eq": "==", "ne": "!=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}


def in_text_order(node: Node) -> Iterator[Node]:
    """A node and all below it; of several parts of an expression the left one first."""
    pending = [node]
    while pending:
        node = pending.pop()
        if not isinstance(node, dict):
            # A slice has numbers for children.
            continue
        yield node
        children = node.get("children", ())
        if node["type"] == "filter_projection":
            # ``left[?condition].right``
            children = [children[0], children[2], children[1]]
        pending.extend(reversed(children))


def operands(node: Node, kind: str) -> list[Node]:
    """``a && b && c`` → a, b, c, of ``and_expression``."""
    found, pending = [], [node]
    while pending:
        node = pending.pop()
        if node["type"] == kind:
            pending += reversed(node["children"])
        else:
            found.append(node)
    return found


def text_of(node: Node) -> str:
    """A part of an expression as an operator would write it; brackets may stand where there were none."""
    return _WRITERS[node["type"]](node)


def _all(node, separator=", "):
    return separator.join(map(text_of, node["children"]))


def _operand(node):
    text = text_of(node)
    return f"({text})" if node["type"] in ("or_expression", "and_expression", "pipe", "comparator") else text


def _joined(operator):
    return lambda node: f" {operator} ".join(map(_operand, node["children"]))


def _dotted(node):
    parts = map(_operand, node["children"])
    return ".".join(part for part in parts if part)


def _slice(node):
    start, stop, step = ("" if number is None else str(number) for number in node["children"])
    return f"[{start}:{stop}:{step}]" if step else f"[{start}:{stop}]"


def _projection(sign):
    def write(node):
        base, rest = node["children"][0], node["children"][-1 if sign != "?" else 1]
        shown = "" if base["type"] in ("identity", "index_expression", "flatten") and sign == "[*]" else sign
        if base["type"] == "identity":
            shown = sign.removeprefix(".")
        if sign == "?":
            shown = f"[?{text_of(node['children'][2])}]"
        text = text_of(rest)
        if base["type"] == "index_expression" and base["children"][-1]["type"] != "slice":
            shown = sign
        return f"{text_of(base)}{shown}{'' if not text or text.startswith('[') else '.'}{text}"

    return write


_WRITERS = {
    "field": lambda node: identifier(node["value"]),
    "literal": lambda node: literal(node["value"]),
    "identity": lambda node: "",
    "current": lambda node: "@",
    "subexpression": _dotted,
    "index": lambda node: f"[{node['value']}]",
    "slice": _slice,
    "index_expression": lambda node: "".join(map(_operand, node["children"])),
    "flatten": lambda node: f"{text_of(node['children'][0])}[]",
    "projection": _projection("[*]"),
    "value_projection": _projection(".*"),
    "filter_projection": _projection("?"),
    "comparator": lambda node: _joined(OPERATORS[node["value"]])(node),
    "or_expression": _joined("||"),
    "and_expression": _joined("&&"),
    "not_expression": lambda node: "!" + _operand(node["children"][0]),
    "pipe": lambda node: _all(node, " | "),
    "expref": lambda node: "&" + _operand(node["children"][0]),
    "function_expression": lambda node: f"{node['value']}({_all(node)})",
    "key_val_pair": lambda node: f"{identifier(node['value'])}: {text_of(node['children'][0])}",
    "multi_select_dict": lambda node: "{" + _all(node) + "}",
    "multi_select_list": lambda node: "[" + _all(node) + "]",
}
