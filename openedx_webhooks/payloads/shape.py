"""
Conditions and shapes: JMESPath expressions over a payload (https://jmespath.org/specification.html).

Pure functions; JMESPath has no side effects, no loops without end and no access to anything but the payload. What it
can do is nest and multiply, so the steps of an evaluation are counted and the size of its result is limited.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import jmespath
from django.utils.translation import gettext as _
from jmespath.exceptions import JMESPathTypeError, ParseError
from jmespath.functions import TYPES_MAP, Functions
from jmespath.lexer import Lexer
from jmespath.visitor import TreeInterpreter

from ..app_settings import app_settings
from .syntax import in_text_order

# Characters. Far more than a shape of a whole payload needs.
MAX_EXPRESSION = 10_000
# A step looks at one member of the payload by one part of the expression, or at some bytes of it: all of them take a
# few tenths of a second.
MAX_STEPS = 300_000
_BYTES_A_STEP = 16


class ExpressionError(ValueError):
    """An expression that can't be compiled or fails on a payload; the message says why and, where known, at what."""


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
    for call in _calls(expression.parsed):
        _check_call(expression, call)
    return expression


def matches(condition, payload: Any) -> bool:
    """
    Whether a compiled condition is true for a payload, by JMESPath's rules: ``false``, null and empty values are not.

    Raises:
        ExpressionError: the condition can't be evaluated on this payload.
    """
    return is_true(_search(condition, payload))


def evaluate(expression, payload: Any) -> Any:
    """
    The result of a compiled expression.

    Raises:
        ExpressionError: the expression can't be evaluated on this payload, or its result isn't data, or it is more than
            four times as large as a payload may be.
    """
    result = _search(expression, payload)
    most = 4 * app_settings.PAYLOAD_MAX_BYTES
    if _size(result, most) > most:
        raise ExpressionError(_("The result of the expression is too large."))
    return result


def evaluator(expression) -> Callable[[dict, Any], Any]:
    """A function ``(part of the tree, value)`` → result; all its calls together are within :data:`MAX_STEPS`."""
    return _Interpreter(expression).visit


def is_true(result: Any) -> bool:
    """Whether JMESPath takes a result for true: all but ``false``, null and empty values."""
    return not (result is None or result is False or result in ("", [], {}))


def _search(expression, payload):
    try:
        return _Interpreter(expression).visit(expression.parsed, payload)
    except ExpressionError:
        raise
    except RecursionError as error:
        raise ExpressionError(_("The expression is nested too deeply.")) from error
    except Exception as error:
        # What compares a text with a number, for one, is Python's own error.
        raise ExpressionError(
            _("The expression does not fit this payload: %s") % (str(error)[:200] or type(error).__name__)
        ) from error


class _Interpreter(TreeInterpreter):  # pylint: disable=abstract-method
    """
    Evaluates an expression once, within :data:`MAX_STEPS`.

    What a part makes holds its members by reference, so that ``[@, @] | [@, @] | …`` costs nothing by itself. What
    looks at all of it, copies a list, or makes a text is counted before it does.
    """

    def __init__(self, expression):
        super().__init__()
        self._expression = expression
        self._left = MAX_STEPS
        self.COMPARATOR_FUNC = self.COMPARATOR_FUNC | {  # pylint: disable=invalid-name
            "eq": self._are_equal,
            "ne": lambda left, right: not self._are_equal(left, right),
        }

    def _spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise ExpressionError(
                _("The expression takes more than %d steps on this payload: let it look at less, or less often.")
                % MAX_STEPS
            )

    def _look_at_all(self, value: Any) -> None:
        self._spend(_size(value, self._left * _BYTES_A_STEP) // _BYTES_A_STEP)

    def _are_equal(self, left: Any, right: Any) -> bool:
        if isinstance(left, (list, dict)) and type(left) is type(right) and len(left) == len(right):
            self._look_at_all(left)
        return TreeInterpreter.COMPARATOR_FUNC["eq"](left, right)

    def visit(self, node, *args, **kwargs):
        self._left -= 1
        if self._left < 0:
            self._spend(0)
        return super().visit(node, *args, **kwargs)

    def visit_flatten(self, node, value):
        base = self.visit(node["children"][0], value)
        if not isinstance(base, list):
            return None
        self._spend(sum(len(item) if isinstance(item, list) else 1 for item in base))
        return list(itertools.chain.from_iterable(item if isinstance(item, list) else (item,) for item in base))

    def visit_slice(self, node, value):
        if isinstance(value, list):
            self._spend(len(value))
        return super().visit_slice(node, value)

    def visit_function_expression(self, node, value):
        name, arguments = node["value"], [self.visit(child, value) for child in node["children"]]
        for argument in arguments:
            self._spend(_cost(argument))
        if name == "to_string" or (name == "contains" and isinstance(arguments[1], (list, dict))):
            self._look_at_all(arguments[0])
        if name == "join" and isinstance(arguments[0], str) and isinstance(arguments[1], list):
            self._spend(len(arguments[0]) * len(arguments[1]) // _BYTES_A_STEP)
        try:
            return self._functions.call_function(name, arguments)
        except (ExpressionError, RecursionError):
            raise
        except Exception as error:
            raise _failed(self._expression, node, error) from error


def _cost(argument: Any) -> int:
    """The steps that a function takes for one of its arguments."""
    if isinstance(argument, list):
        # Those that sort look at each item about as often as their number has digits.
        return 4 * len(argument) + sum(len(item) for item in argument if isinstance(item, str)) // _BYTES_A_STEP
    return len(argument) // _BYTES_A_STEP if isinstance(argument, (str, dict)) else 0


def _size(value: Any, most: int) -> int:
    """
    About how many bytes a value is in JSON; counted no further than to ``most``, which it then exceeds by a step.

    Raises:
        ExpressionError: it isn't data.
    """
    size = 0
    pending = [value]
    while pending:
        value = pending.pop()
        size += 2
        if isinstance(value, str):
            size += len(value) if value.isascii() else len(value.encode("utf-8", "replace"))
        elif isinstance(value, dict):
            size += sum(map(len, value)) + 2 * len(value)
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
        elif not isinstance(value, (int, float, type(None))):
            raise ExpressionError(_("The result of the expression isn't data but a reference to an expression (&)."))
        # What is pending has two bytes each at least.
        if size + 2 * len(pending) > most:
            return most + _BYTES_A_STEP
    return size


# --- What to say of a mistake


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


def _calls(parsed: dict) -> Iterator[dict]:
    """The calls of functions, in the order in which they are in the text."""
    return (node for node in in_text_order(parsed) if node["type"] == "function_expression")


def _at_call(problem: str, expression, call: dict) -> ExpressionError:
    """An error that points at a call: the AST has no positions, but as many calls as the text."""
    index = next(index for index, other in enumerate(_calls(expression.parsed)) if other is call)
    tokens = itertools.pairwise(Lexer().tokenize(expression.expression))
    starts = (
        token["start"]
        for token, following in tokens
        if token["type"] == "unquoted_identifier" and following["type"] == "lparen"
    )
    return _located(problem, expression.expression, next(itertools.islice(starts, index, None), 0))


def _check_call(expression, call: dict) -> None:
    """JMESPath looks at names and numbers of arguments when a call is evaluated: too late for the form."""
    name, count = call["value"], len(call["children"])
    known = Functions.FUNCTION_TABLE.get(name)
    if known is None:
        raise _at_call(_("JMESPath has no function %(name)s()") % {"name": name}, expression, call)
    expected = known["signature"]
    variadic = bool(expected) and expected[-1].get("variadic", False)
    if count < len(expected) or (count > len(expected) and not variadic):
        raise _at_call(
            _("%(name)s() takes %(expected)d arguments, not %(actual)d")
            % {"name": name, "expected": len(expected), "actual": count},
            expression,
            call,
        )


def _failed(expression, call: dict, error: Exception) -> ExpressionError:
    """What is wrong with a call, without the value: that is the learner's."""
    if isinstance(error, JMESPathTypeError):
        expected = " | ".join(map(str, error.expected_types))
        problem = _("%(name)s() takes %(expected)s, and was given %(actual)s") % {
            "name": call["value"],
            "expected": expected,
            "actual": TYPES_MAP.get(error.actual_type, error.actual_type),
        }
    else:
        problem = _("%(name)s() can't be applied to this payload") % {"name": call["value"]}
    return _at_call(problem, expression, call)
