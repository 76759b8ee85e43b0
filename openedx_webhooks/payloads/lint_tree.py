"""Mistakes that an expression shows when it is followed through the schema of the payload."""

import difflib
import re
from typing import Any

from django.utils.translation import gettext as _

from . import jmespath_text, syntax
from .lint_tokens import Finding, Token
from .places import Place, kind_of, last_of, paths_of
from .syntax import Node

MAX_FINDINGS = 8
_MOST_NAME = 100
_CONSTANTS = frozenset(("true", "false", "null", "True", "False", "None", "none"))
_TEXT_FUNCTIONS = frozenset(("contains", "starts_with", "ends_with"))
_RESULTS = {
    **dict.fromkeys(("contains", "starts_with", "ends_with"), "boolean"),
    **dict.fromkeys(("abs", "avg", "ceil", "floor", "length", "sum"), "number"),
    **dict.fromkeys(("join", "to_string", "type"), "string"),
}


class Walk:
    """
    Follows an expression through the schema.

    Attributes:
        found: the mistakes on the way.
    """

    def __init__(self, tree: Node, tokens: list[Token], length: int, schema: dict[str, Any]):
        self.found: list[Finding] = []
        self._length = length
        self._schema = schema
        self._paths_read: list[str] | None = None
        self._where = _positions(tree, tokens)

    def _add(self, node: Node, message: str, suggestion: str = "", last: Node | None = None) -> None:
        start, end = self._span(node)
        if last is not None:
            end = self._span(last)[1]
        self.found.append(Finding(start, end, message, suggestion))

    @property
    def _paths(self) -> list[str]:
        """All paths of the payload, read once."""
        if self._paths_read is None:
            self._paths_read = [path for path, _place in paths_of(self._schema, ())]
        return self._paths_read

    def _span(self, node: Node) -> tuple[int, int]:
        """Where a node stands; of one that has no token of its own, from its first to its last part."""
        if id(node) in self._where:
            return self._where[id(node)]
        spans = [self._where[id(part)] for part in syntax.in_text_order(node) if id(part) in self._where]
        return (spans[0][0], spans[-1][1]) if spans else (0, self._length)

    def visit(self, node: Node, place: Place) -> Place:
        """What a part results in, given what it is applied to."""
        method = getattr(self, f"_visit_{node['type']}", None)
        if method:
            return method(node, place)
        for child in node.get("children", ()):
            if isinstance(child, dict):
                self.visit(child, place)
        return Place.UNKNOWN

    # --- Paths

    def _visit_field(self, node, place):
        return self._visit_path([node], place)

    def _visit_subexpression(self, node, place):
        return self._visit_path(node["children"], place)

    def _visit_path(self, parts, place):
        for index, part in enumerate(parts):
            if part["type"] != "field":
                place = self.visit(part, place)
                continue
            inner = place.member(part["value"])
            if inner is None:
                self._missing(parts, index, place)
                return Place.UNKNOWN
            place = inner
        return place

    def _missing(self, parts, index, place):
        """There is no such member."""
        if len(self.found) >= MAX_FINDINGS:
            # To look for what is like it takes a while.
            return
        first, last = parts[0], parts[index]
        names = [part["value"] for part in parts if part["type"] == "field"]
        tail = parts[-1] if len(names) == len(parts) else last
        suggestion = self._suggestion(parts, index, place) if len(names) == len(parts) else ""
        name = ".".join(names[: index + 1]) if len(names) == len(parts) else last["value"]
        text = _("The payload has no %s, so it is always null.") % name[:_MOST_NAME]
        if suggestion:
            self._add(first, text + " " + _("Did you mean %s?") % suggestion, suggestion, tail)
            return
        if index == 0 and len(parts) == 1 and self._is_quoted(first):
            self._add(
                first,
                _("Double quotes are for names. A text stands in single quotes."),
                jmespath_text.literal(first["value"]),
            )
            return
        if place.is_scalar and index:
            text = _("%s holds a single value and has no members.") % ".".join(names[:index])[:_MOST_NAME]
        self._add(first, text, "", last)

    def _suggestion(self, parts, index, place) -> str:
        """A path of the payload that is like the one that is not there."""
        names = [str(part["value"])[:_MOST_NAME] for part in parts]
        wanted = ".".join(names)
        paths = self._paths
        ends = [path for path in paths if path.endswith(f".{wanted}")]
        if ends:
            return min(ends, key=len)
        siblings = difflib.get_close_matches(names[index], place.names, 1, 0.7)
        if siblings:
            return jmespath_text.path([*names[:index], siblings[0], *names[index + 1 :]])
        near = difflib.get_close_matches(wanted, paths, 3, 0.75)
        # Else two members of the same object would be alike.
        if near := [path for path in near if difflib.get_close_matches(names[-1], [last_of(path)], 1, 0.7)]:
            return near[0]
        same = [path for path in paths if last_of(path) == names[-1]]
        return min(same, key=len) if same else ""

    def _is_quoted(self, node) -> bool:
        start, end = self._where.get(id(node), (0, 0))
        return end - start > len(node["value"])

    # --- Comparisons

    def _visit_comparator(self, node, place):
        left, right = node["children"]
        places = [self._operand(left, right, place, False), self._operand(right, left, place, True)]
        for one, other, operand in ((places[0], right, left), (places[1], left, right)):
            if other["type"] == "literal" and one is not Place.UNKNOWN:
                self._check_literal(node, one, other, operand)
        return Place.of_kind("boolean")

    def _operand(self, node, other, place, is_right):
        """One side of a comparison; a lone word that is no path was meant as a text."""
        if node["type"] == "field" and place.member(node["value"]) is None:
            other_is_path = other["type"] != "literal" and not (
                other["type"] == "field" and place.member(other["value"]) is None
            )
            if is_right or other_is_path:
                self._bare_word(node)
                return Place.UNKNOWN
        return self.visit(node, place)

    def _bare_word(self, node):
        word = node["value"]
        if self._is_quoted(node):
            message = _("Double quotes are for names. A text stands in single quotes.")
            self._add(node, message, jmespath_text.literal(word))
        elif word in _CONSTANTS:
            constant = "null" if word.lower() == "none" else word.lower()
            self._add(node, _("A value that is no text stands in backticks."), f"`{constant}`")
        else:
            self._add(
                node, _("A text stands in single quotes: without them it is a path."), jmespath_text.literal(word)
            )

    def _check_literal(self, node, place, literal, operand):
        """Values that the path never has."""
        value = literal["value"]
        kinds = place.kinds
        if node["value"] not in ("eq", "ne") or not kinds or value is None:
            return
        kind = kind_of(value)
        if kind not in kinds:
            suggestion = ""
            if (
                isinstance(value, str)
                and kinds & {"number", "boolean"}
                and re.fullmatch(r"-?\d{1,15}|true|false", value)
            ):
                suggestion = f"`{value}`"
            elif "string" in kinds and not isinstance(value, (dict, list)):
                suggestion = jmespath_text.literal(str(value))
            names = {
                "path": syntax.text_of(operand)[:_MOST_NAME],
                "kind": _kind_name(sorted(kinds - {"null"} or kinds)[0]),
            }
            self._add(literal, _("%(path)s is %(kind)s: it never equals this.") % names, suggestion)
        elif place.choices and value not in place.choices:
            choices = ", ".join(map(str, place.choices))[:200]
            near = difflib.get_close_matches(str(value)[:_MOST_NAME], list(map(str, place.choices)), 1)
            self._add(
                literal,
                _("It never has this value. It may be: %s.") % choices,
                jmespath_text.literal(near[0]) if near else "",
            )

    # --- The other parts

    def _visit_literal(self, node, _place):
        return Place.of_kind(kind_of(node["value"]))

    def _visit_identity(self, _node, place):
        return place

    _visit_current = _visit_identity

    def _visit_pipe(self, node, place):
        left, right = node["children"]
        inner = self.visit(left, place)
        if left["type"] in ("comparator", "and_expression", "or_expression", "not_expression"):
            self.found.append(
                Finding(
                    *self._where.get(id(node), self._span(right)),
                    _("One | hands the result on to what follows. For “or” write ||."),
                    "||",
                )
            )
            return Place.UNKNOWN
        return self.visit(right, inner)

    def _visit_branches(self, node, place):
        for child in node["children"]:
            self.visit(child, place)
        return Place.UNKNOWN

    _visit_or_expression = _visit_and_expression = _visit_branches

    def _visit_not_expression(self, node, place):
        self.visit(node["children"][0], place)
        return Place.of_kind("boolean")

    def _visit_function_expression(self, node, place):
        children = node["children"]
        for index, child in enumerate(children):
            if child["type"] == "expref":
                continue
            is_word = child["type"] == "field" and place.member(child["value"]) is None
            if is_word and (self._is_quoted(child) or (index == 1 and node["value"] in _TEXT_FUNCTIONS)):
                self._bare_word(child)
                continue
            self.visit(child, place)
        kind = _RESULTS.get(node["value"])
        return Place.of_kind(kind) if kind else Place.UNKNOWN

    def _visit_multi_select_list(self, node, place):
        for child in node["children"]:
            if child["type"] == "field" and place.member(child["value"]) is None and self._is_quoted(child):
                self._bare_word(child)
            else:
                self.visit(child, place)
        return Place.of_kind("array")

    def _visit_multi_select_dict(self, node, place):
        for pair in node["children"]:
            self.visit(pair["children"][0], place)
        return Place.of_kind("object")

    def _visit_index_expression(self, node, place):
        base, index = node["children"]
        base_place = self._list(base, place)
        return base_place.item() if index["type"] == "index" else base_place

    def _visit_projection(self, node, place):
        base, rest = node["children"]
        self.visit(rest, self._list(base, place).item())
        return Place.of_kind("array")

    def _visit_filter_projection(self, node, place):
        base, rest, condition = node["children"]
        item = self._list(base, place).item()
        self.visit(condition, item)
        self.visit(rest, item)
        return Place.of_kind("array")

    def _visit_flatten(self, node, place):
        return self._list(node["children"][0], place)

    def _visit_value_projection(self, node, place):
        base, rest = node["children"]
        self.visit(base, place)
        self.visit(rest, Place.UNKNOWN)
        return Place.of_kind("array")

    def _visit_expref(self, _node, _place):
        return Place.UNKNOWN

    def _list(self, node, place) -> Place:
        """What is taken for a list."""
        found = self.visit(node, place)
        if found.kinds and "array" not in found.kinds:
            path = syntax.text_of(node)[:_MOST_NAME] or "@"
            self._add(node, _("%s is not a list, so the result is always null.") % path)
            return Place.UNKNOWN
        return found

    # --- The result

    def check_result(self, node: Node, place: Place) -> None:
        """A condition that is true whatever happens, or nearly so."""
        kinds = place.kinds
        if not kinds or "null" in kinds or "boolean" in kinds:
            return
        path = syntax.text_of(node)[:_MOST_NAME]
        if kinds == {"string"} and node["type"] != "literal":
            self._add(
                node, _("This is a text, so the condition is true unless it is empty. Compare it."), f"{path} == '…'"
            )
        elif kinds == {"array"} and node["type"] != "literal":
            return
        else:
            self._add(node, _("This is %s, so the condition is always true.") % _kind_name(sorted(kinds)[0]))


def _positions(tree: Node, tokens: list[Token]) -> dict[int, tuple[int, int]]:
    """
    Where the names, the literals and the pipes of a tree stand: the tree has no positions, but as many of each as the
    text, in the same order.
    """
    names, literals, pipes = [], [], []
    for token, after in zip(tokens, [*tokens[1:], Token("", "", 0, 0)], strict=False):
        if token.kind in ("name", "quoted") and after.text not in ("(", ":"):
            names.append(token)
        elif token.kind in ("raw", "literal"):
            literals.append(token)
        elif token.text == "|":
            pipes.append(token)
    parts = list(syntax.in_text_order(tree))
    found = {}
    for kind, placed in (("field", names), ("literal", literals)):
        nodes = [node for node in parts if node["type"] == kind]
        if len(nodes) == len(placed):
            found |= {id(node): (token.start, token.end) for node, token in zip(nodes, placed, strict=True)}
    nodes = [node for node in parts if node["type"] == "pipe"]
    if len(nodes) == len(pipes) == 1:
        found[id(nodes[0])] = (pipes[0].start, pipes[0].end)
    return found


def _kind_name(kind: str) -> str:
    return {
        "boolean": _("true or false"),
        "number": _("a number"),
        "string": _("a text"),
        "array": _("a list"),
        "object": _("an object"),
        "null": _("null"),
    }[kind]
