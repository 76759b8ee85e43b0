"""
Conditions and shapes: JMESPath expressions over a payload (https://jmespath.org/specification.html).

Pure functions; JMESPath has no side effects, no loops without end and no access to anything but the payload.
"""
from typing import Any

import jmespath
from django.utils.translation import gettext as _
from jmespath.exceptions import JMESPathError, ParseError


class ExpressionError(ValueError):
    """An expression that can't be compiled or fails on a payload; the message says where and why."""


def compile_expression(text: str):
    """
    Compile a JMESPath expression.

    Raises:
        ExpressionError: with the position (counted from 1) and a pointer at it.
    """
    try:
        return jmespath.compile(text)
    except ParseError as error:
        position = getattr(error, "lex_position", None)
        if position is None:
            raise ExpressionError(str(error)) from error
        position = min(position, len(text))
        raise ExpressionError(
            _("Not a JMESPath expression, at character %(position)d: %(start)s▶%(rest)s") % {
                "position": position + 1, "start": text[max(0, position - 30):position],
                "rest": text[position:position + 30],
            }
        ) from error
    except JMESPathError as error:
        raise ExpressionError(str(error)) from error


def matches(condition, payload: Any) -> bool:
    """
    Whether a compiled condition is true for a payload, by JMESPath's rules: ``false``, null and empty values are not.

    Raises:
        ExpressionError: the condition can't be evaluated on this payload.
    """
    result = evaluate(condition, payload)
    return not (result is None or result is False or result in ("", [], {}))


def evaluate(expression, payload: Any) -> Any:
    """
    The result of a compiled expression.

    Raises:
        ExpressionError: the expression can't be evaluated on this payload.
    """
    try:
        return expression.search(payload)
    except JMESPathError as error:
        raise ExpressionError(str(error)) from error
