"""Mistakes that can be told from the words and signs of an expression, and so also of what is none yet."""

import difflib
import re
from collections.abc import Iterator

import attrs
from django.utils.translation import gettext as _
from jmespath.functions import Functions

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
class Token:
    """
    A word or a sign of an expression.

    Attributes:
        kind: the name of its group in the pattern.
        start, end: as a slice of the text.
    """

    kind: str
    text: str
    start: int
    end: int

    @property
    def is_operand_end(self) -> bool:
        """What follows is an operator, or a mistake."""
        return self.kind in _ENDS or self.text in ("]", ")", "}", "[]", "@", "*")


def tokens_of(text: str) -> Iterator[Token]:
    """The words and signs of a text, whether it is an expression or not."""
    for match in _TOKEN.finditer(text):
        if match.lastgroup != "blank":
            yield Token(match.lastgroup or "", match[0], match.start(), match.end())


def lint_tokens(tokens: list[Token]) -> Iterator[Finding]:
    """What is probably wrong with them."""
    nothing = Token("", "", 0, 0)
    for before, token, after in zip([nothing, *tokens], tokens, [*tokens[1:], nothing], strict=False):
        finding = _of_token(before, token, after)
        if finding:
            message, suggestion = finding
            yield Finding(token.start, token.end, message, suggestion)


def _of_token(before: Token, token: Token, after: Token) -> tuple[str, str] | None:
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
    return _of_name(before, token, after) if token.kind == "name" else None


def _of_name(before: Token, token: Token, after: Token) -> tuple[str, str] | None:
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
