"""
Conditions and shapes: JMESPath expressions over a payload (https://jmespath.org/specification.html).

Pure functions; JMESPath has no side effects, no loops without end and no access to anything but the payload. What it
can do is nest and multiply, so expressions, what they multiply by, and results have limits.
"""

import math
from typing import Any

import jmespath
from django.utils.translation import gettext as _
from jmespath.exceptions import ParseError
from jmespath.functions import Functions, signature

from openedx_webhooks.app_settings import app_settings

# Characters. Far more than a shape of a whole payload needs.
MAX_EXPRESSION = 10_000
# By how much an expression may multiply the payload. ``{…}`` of thirty members counts thirty.
MAX_GROWTH = 1000


class ExpressionError(ValueError):
    """An expression that can't be compiled or fails on a payload; the message says where and why."""


def compile_expression(text: str):
    """
    Compile a JMESPath expression, and check the functions it calls.

    Raises:
        ExpressionError: with the position (counted from 1) and a pointer at it.
    """
    if len(text) > MAX_EXPRESSION:
        raise ExpressionError(
            _("The expression has %(length)d characters, %(limit)d are allowed.")
            % {"length": len(text), "limit": MAX_EXPRESSION}
        )
    if not text.strip():
        raise ExpressionError(_("The expression is empty."))
    try:
        expression = jmespath.compile(text)
    except ParseError as error:
        raise _located(_("Not a JMESPath expression"), text, error.lex_position) from error
    except RecursionError as error:
        raise ExpressionError(_("The expression is nested too deeply.")) from error
    except Exception as error:
        # Numbers of thousands of digits, for one, are Python's own error.
        raise ExpressionError(str(error) or type(error).__name__) from error
    _check_functions(text, expression.parsed)
    _check_growth(expression.parsed)
    return expression


def matches(condition, payload: Any) -> bool:
    """
    Whether a compiled condition is true for a payload, by JMESPath's rules: ``false``, null and empty values are not.

    Raises:
        ExpressionError: the condition can't be evaluated on this payload.
    """
    result = _search(condition, payload)
    return not (result is None or result is False or result in ("", [], {}))


def evaluate(expression, payload: Any) -> Any:
    """
    The result of a compiled expression.

    Raises:
        ExpressionError: the expression can't be evaluated on this payload, or its result isn't data, or it is more than
            four times as large as a payload may be.
    """
    result = _search(expression, payload)
    _check_result(result, _most_bytes())
    return result


def _search(expression, payload):
    try:
        return expression.search(payload, _OPTIONS)
    except RecursionError as error:
        raise ExpressionError(_("The expression is nested too deeply.")) from error
    except Exception as error:
        # Beside its own exceptions, JMESPath lets Python's through where a function meets values it didn't expect.
        raise ExpressionError(str(error) or type(error).__name__) from error


def _located(problem: str, text: str, position: int) -> ExpressionError:
    position = max(0, min(position, len(text)))
    return ExpressionError(
        _("%(problem)s, at character %(position)d: %(start)s▶%(rest)s")
        % {
            "problem": problem,
            "position": position + 1,
            "start": text[max(0, position - 30) : position],
            "rest": text[position : position + 30],
        }
    )


def _check_functions(text: str, parsed: dict) -> None:
    """JMESPath looks at names and numbers of arguments when a call is evaluated: too late for the form."""
    pending = [parsed]
    while pending:
        node = pending.pop()
        if not isinstance(node, dict):
            continue
        if node.get("type") == "function_expression":
            _check_call(text, node["value"], len(node["children"]))
        pending.extend(node.get("children", ()))


def _check_call(text: str, name: str, count: int) -> None:
    position = text.find(f"{name}(")
    known = Functions.FUNCTION_TABLE.get(name)
    if known is None:
        raise _located(_("JMESPath has no function %(name)s()") % {"name": name}, text, position)
    signature = known["signature"]
    variadic = bool(signature) and signature[-1].get("variadic", False)
    if count < len(signature) or (count > len(signature) and not variadic):
        raise _located(
            _("%(name)s() takes %(expected)d arguments, not %(actual)d")
            % {"name": name, "expected": len(signature), "actual": count},
            text,
            position,
        )


def _check_growth(parsed: dict) -> None:
    """``[@, @] | [@, @] | …`` doubles with every step, and what then looks at all of it never ends."""
    try:
        growth = _growth(parsed)
    except RecursionError as error:
        raise ExpressionError(_("The expression is nested too deeply.")) from error
    if growth > MAX_GROWTH:
        raise ExpressionError(
            _("The expression copies what it is given more than %d times: use fewer steps of many members each.")
            % MAX_GROWTH
        )


# What comes out of the first child goes through the others.
_CHAINED = frozenset(("subexpression", "index_expression", "pipe", "projection", "value_projection"))
# What holds all of its children; anything else is one of them, or about them.
_GATHERING = frozenset(("multi_select_list", "multi_select_dict", "key_val_pair"))


def _growth(node: dict) -> int:
    """An upper bound of how much larger the result can be than the data, and of how often the data is looked at."""
    if node["type"] == "literal":
        return 1 + len(str(node["value"])) // 100
    # A slice has numbers for children.
    nodes = [child for child in node.get("children", ()) if isinstance(child, dict)]
    children = [_growth(child) for child in nodes]
    if node["type"] == "filter_projection":
        return children[0] * sum(children[1:])
    if node["type"] in _CHAINED or any(child["type"] == "expref" for child in nodes):
        return math.prod(children)
    if node["type"] in _GATHERING or node.get("value") == "merge":
        return max(1, sum(children))
    return max(children, default=1)


class _BoundedFunctions(Functions):
    """JMESPath's functions; those that make one text of many values have a limit."""

    @signature({"types": ["string"]}, {"types": ["array-string"]})
    def _func_join(self, joiner, array):  # pylint: disable=arguments-renamed
        if len(joiner) * len(array) + sum(map(len, array)) > _most_bytes():
            raise ExpressionError(_("The result of the expression is too large."))
        return joiner.join(array)

    @signature({"types": []})
    def _func_to_string(self, value):  # pylint: disable=arguments-renamed
        _check_result(value, _most_bytes())
        return super()._func_to_string(value)


_OPTIONS = jmespath.Options(custom_functions=_BoundedFunctions())


def _most_bytes() -> int:
    return 4 * app_settings.PAYLOAD_MAX_BYTES


def _check_result(result: Any, max_bytes: int) -> None:
    """A few copies of a payload are cheap to make, not to send."""
    left = max_bytes
    pending = [result]
    while pending:
        value = pending.pop()
        left -= len(value) + 2 if isinstance(value, str) else 2
        if isinstance(value, dict):
            pending.extend(value.values())
            left -= sum(map(len, value))
        elif isinstance(value, list):
            pending.extend(value)
        elif not isinstance(value, (str, int, float, type(None))):
            raise ExpressionError(_("The result of the expression isn't data but a reference to an expression (&)."))
        if left < 0 or len(pending) > max_bytes:
            raise ExpressionError(_("The result of the expression is too large."))
