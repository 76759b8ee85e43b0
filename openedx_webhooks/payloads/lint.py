"""
Mistakes in an expression that JMESPath allows, or refuses without saying what would be right: each with its place and
the remedy. The schema of the payload says which paths there are; payloads at hand say which there are besides.

What is unknown is taken for good: a warning that is wrong costs more trust than one that is missing.
"""

import difflib
import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import attrs
from django.utils.translation import gettext as _
from jmespath.functions import Functions

from . import shape, syntax
from .local_answer import LocalAnswer, is_json
from .places import Place, paths_of
from .syntax import Node

MAX_FINDINGS = 8
_MOST_NAME = 100
# In JMESPath's own order of trouble: strings first, since all else may stand in them.
_TOKEN = re.compile(
    r"""(?P<blank>\s+)|(?P<raw>'(?:[^'\\]|\\.)*')|(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<literal>`(?:[^`\\]|\\.)*`)"""
    r"""|(?P<open>['"`].*)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<number>-?[0-9]+(?:\.[0-9]+)?)"""
    r"""|(?P<curly>[‘’“”„«»])|(?P<sign>===|!==|==|!=|<=|>=|<>|&&|\|\||\[\]|\[\?|.)""",
    re.DOTALL,
)
# What an operand may end with: a word or a single sign behind it is an operator.
_ENDS = frozenset(("name", "raw", "quoted", "literal", "number"))
_WORDS = {"and": "&&", "or": "||", "is": "==", "equals": "==", "eq": "==", "ne": "!="}
_SIGNS = {"=": "==", "===": "==", "!==": "!=", "<>": "!=", "&": "&&"}
_CONSTANTS = frozenset(("true", "false", "null", "True", "False", "None", "none"))
_FUNCTIONS = {
    "concat": "join",
    "count": "length",
    "size": "length",
    "includes": "contains",
    "has": "contains",
    "in": "contains",
    "coalesce": "not_null",
    "string": "to_string",
    "str": "to_string",
    "int": "to_number",
    "number": "to_number",
    "like": "contains",
}
_TEXT_FUNCTIONS = frozenset(("contains", "starts_with", "ends_with"))
_RESULTS = {
    **dict.fromkeys(("contains", "starts_with", "ends_with"), "boolean"),
    **dict.fromkeys(("abs", "avg", "ceil", "floor", "length", "sum"), "number"),
    **dict.fromkeys(("join", "to_string", "type"), "string"),
}


@attrs.frozen
class Finding:
    """
    A mistake.

    Attributes:
        start, end: the offending place in the text, as a slice.
        message: what is wrong, and the remedy, in a sentence.
        suggestion: what to write in its place; empty if that can't be told.
    """

    start: int
    end: int
    message: str
    suggestion: str = ""


@attrs.frozen
class _Token:
    kind: str
    text: str
    start: int
    end: int

    @property
    def is_operand_end(self) -> bool:
        return self.kind in _ENDS or self.text in ("]", ")", "}", "[]", "@", "*")


def lint(
    text: str, schema: dict[str, Any], samples: Sequence[Any] = (), *, is_condition: bool = False
) -> list[Finding]:
    """
    What is probably wrong with an expression.

    Args:
        schema: JSON Schema of the payload, complete in itself.
        samples: payloads; a path that one of them has is there.
        is_condition: the result is taken for true or false.
    """
    if len(text) > shape.MAX_EXPRESSION:
        return []
    tokens = list(_tokens(text))
    found = list(_lint_tokens(tokens))
    try:
        expression = shape.compile_expression(text)
    except shape.ExpressionError:
        return _sorted(found)
    walk = _Walk(expression.parsed, tokens, len(text), schema)
    try:
        result = walk.visit(expression.parsed, Place.of(schema, samples))
        if is_condition and not walk.found:
            walk.check_result(expression.parsed, result)
    except RecursionError:
        pass
    return _sorted([*found, *walk.found])


def lint_answer(
    text: str, schema: dict[str, Any], samples: Sequence[Any], keys: Collection[str], exceptions: Collection[str]
) -> list[Finding]:
    """
    What is probably wrong with a local answer.

    Args:
        keys: what ``data`` may have.
        exceptions: the names of the filter's exceptions.
    """
    try:
        answer = LocalAnswer(text)
    except shape.ExpressionError:
        # Of JSON, the parser says what is wrong with it.
        return [] if is_json(text) else lint(text, schema, samples)
    found = [] if answer.parsed is None else lint(text, schema, samples)
    if answer.parsed is None:
        names = list(answer.constant)
    elif answer.parsed["type"] == "multi_select_dict":
        names = [pair["value"] for pair in answer.parsed["children"]]
    else:
        names = []
    for name in names:
        if name in ("data", "exception"):
            continue
        outer = "data" if name in keys else "exception" if name in exceptions else ""
        if not outer:
            continue
        match = re.search(rf'"?\b{re.escape(name)}\b"?', text)
        start, end = match.span() if match else (0, len(text))
        quote = '"' if answer.parsed is None else ""
        found.append(
            Finding(
                start,
                end,
                _("“%(name)s” belongs into “%(outer)s”: alone it does nothing.") % {"name": name, "outer": outer},
                f"{{{quote}{outer}{quote}: {{{quote}{name}{quote}: …}}}}",
            )
        )
    return _sorted(found)


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
        condition = f"{words[0][0]} == {syntax.literal(words[0][1])}"
    elif keys:
        condition = f"starts_with({keys[0][0]}, {syntax.literal(keys[0][1].partition('+')[0] + '+')})"
    elif booleans:
        condition = booleans[0]
    else:
        path, value = leaves[0]
        condition = f"{path} == {syntax.literal(value)}"
    chosen = dict.fromkeys(path for path, _value in [*keys[:1], *words[:1], *leaves[:1]])
    members = ["id: event_metadata.id", *(f"{_last(path)}: {path}" for path in chosen)]
    return {"id_condition": condition, "id_shape": "{" + ", ".join(members) + "}"}


def _last(path):
    return path.rpartition(".")[2]


def _sorted(found: list[Finding]) -> list[Finding]:
    unique = {(finding.start, finding.end): finding for finding in reversed(found)}
    return [unique[place] for place in sorted(unique)][:MAX_FINDINGS]


# --- What can be told without the tree, and so of what is no expression yet


def _tokens(text: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(text):
        if match.lastgroup != "blank":
            yield _Token(match.lastgroup or "", match[0], match.start(), match.end())


def _lint_tokens(tokens: list[_Token]) -> Iterator[Finding]:
    nothing = _Token("", "", 0, 0)
    for before, token, after in zip([nothing, *tokens], tokens, [*tokens[1:], nothing], strict=False):
        finding = _of_token(before, token, after)
        if finding:
            message, suggestion = finding
            yield Finding(token.start, token.end, message, suggestion)


def _of_token(before: _Token, token: _Token, after: _Token) -> tuple[str, str] | None:
    # pylint: disable=too-many-return-statements
    if token.kind == "curly":
        return _("Quotes are straight here: ' around texts."), "'"
    if token.kind == "open":
        return _("The quote is opened here and never closed."), ""
    if token.kind == "number" and before.text not in ("[", ":") and after.text != ":":
        return _("Numbers stand in backticks, unless they count in square brackets."), f"`{token.text}`"
    if token.kind == "sign":
        if token.text in _SIGNS and before.is_operand_end:
            return _("JMESPath has another sign for this."), _SIGNS[token.text]
        return None
    if token.kind != "name":
        return None
    word = token.text.lower()
    if before.is_operand_end:
        if word in ("in", "like"):
            return _("Write contains(…, …): first where to look, then what for."), "contains(…, …)"
        return (_("JMESPath has a sign for this word."), _WORDS[word]) if word in _WORDS else None
    if word == "not" and (after.kind in ("name", "quoted") or after.text == "("):
        return _("JMESPath has a sign for this word: it stands in front of what shall not be."), "!"
    if after.text == "(" and before.text != "." and token.text not in Functions.FUNCTION_TABLE:
        nearest = _nearest_function(token.text)
        text = _("There is no function %s().") % token.text[:_MOST_NAME]
        return (text + " " + _("Did you mean %s()?") % nearest, nearest) if nearest else (text, "")
    return None


def _nearest_function(name: str) -> str:
    name = name[:_MOST_NAME]
    lower = name.lower()
    if lower in _FUNCTIONS:
        return _FUNCTIONS[lower]
    known = {function.replace("_", ""): function for function in Functions.FUNCTION_TABLE}
    near = difflib.get_close_matches(lower.replace("_", ""), known, 1, 0.6)
    return known[near[0]] if near else ""


# --- What the tree tells


class _Walk:
    """Follows an expression through the schema."""

    def __init__(self, tree: Node, tokens: list[_Token], length: int, schema: dict[str, Any]):
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
            self._add(first, f"{text} {_('Did you mean %s?') % suggestion}", suggestion, tail)
            return
        if index == 0 and len(parts) == 1 and self._is_quoted(first):
            self._add(first, _("Double quotes are for names. A text stands in single quotes."), _raw(first["value"]))
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
            return ".".join(_plain(name) for name in [*names[:index], siblings[0], *names[index + 1 :]])
        near = difflib.get_close_matches(wanted, paths, 3, 0.75)
        # Else two members of the same object would be alike.
        if near := [path for path in near if difflib.get_close_matches(names[-1], [_last(path)], 1, 0.7)]:
            return near[0]
        same = [path for path in paths if _last(path) == names[-1]]
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
        return Place.boolean()

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
            self._add(node, message, _raw(word))
        elif word in _CONSTANTS:
            constant = "null" if word.lower() == "none" else word.lower()
            self._add(node, _("A value that is no text stands in backticks."), f"`{constant}`")
        else:
            self._add(node, _("A text stands in single quotes: without them it is a path."), _raw(word))

    def _check_literal(self, node, place, literal, operand):
        """Values that the path never has."""
        value = literal["value"]
        kinds = place.kinds
        if node["value"] not in ("eq", "ne") or not kinds or value is None:
            return
        kind = _kind(value)
        if kind not in kinds:
            suggestion = ""
            if isinstance(value, str) and kinds & {"number", "boolean"} and re.fullmatch(r"-?\d{1,15}|true|false", value):
                suggestion = f"`{value}`"
            elif "string" in kinds and not isinstance(value, (dict, list)):
                suggestion = _raw(str(value))
            names = {"path": syntax.text_of(operand)[:_MOST_NAME], "kind": _kind_name(sorted(kinds - {"null"} or kinds)[0])}
            self._add(literal, _("%(path)s is %(kind)s: it never equals this.") % names, suggestion)
        elif place.choices and value not in place.choices:
            choices = ", ".join(map(str, place.choices))[:200]
            near = difflib.get_close_matches(str(value)[:_MOST_NAME], list(map(str, place.choices)), 1)
            self._add(literal, _("It never has this value. It may be: %s.") % choices, _raw(near[0]) if near else "")

    # --- The other parts

    def _visit_literal(self, node, _place):
        return Place.of_value(node["value"])

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
        return Place.boolean()

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
            self._add(node, _("This is a text, so the condition is true unless it is empty. Compare it."), f"{path} == '…'")
        elif kinds == {"array"} and node["type"] != "literal":
            return
        else:
            self._add(node, _("This is %s, so the condition is always true.") % _kind_name(sorted(kinds)[0]))


def _positions(tree: Node, tokens: list[_Token]) -> dict[int, tuple[int, int]]:
    """
    Where the names, the literals and the pipes of a tree stand: the tree has no positions, but as many of each as the
    text, in the same order.
    """
    names, literals, pipes = [], [], []
    for token, after in zip(tokens, [*tokens[1:], _Token("", "", 0, 0)], strict=False):
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


def _raw(text: str) -> str:
    return syntax.literal(text)


def _plain(name: str) -> str:
    return name if syntax.is_plain(name) else '"' + name + '"'


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    kinds = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return kinds[type(value)]


def _kind_name(kind: str) -> str:
    return {
        "boolean": _("true or false"),
        "number": _("a number"),
        "string": _("a text"),
        "array": _("a list"),
        "object": _("an object"),
        "null": _("null"),
    }[kind]
