"""
Local answers: what a webfilter answers by itself, without a server.

JSON is the answer as it is; anything else is a JMESPath expression over the payload, whose result is the answer. What
both could be is JSON: ``{"data": {"mode": "audit"}}``.
"""

import json
from typing import Any

from django.utils.translation import gettext as _

from . import shape

_NEAR = 30


class LocalAnswer:
    """
    A compiled local answer.

    Attributes:
        constant: the answer, if it is JSON; None if it is an expression.
    """

    def __init__(self, text: str):
        """
        Raises:
            shape.ExpressionError: it is neither JSON nor JMESPath; the message marks the place.
        """
        self.constant = None
        try:
            self.constant = _json(text)
            self._expression = None
        except ValueError as error:
            self._expression = _compiled(text, error)

    def evaluate(self, payload: dict[str, Any]) -> Any:
        """
        The answer about a payload, as JSON data.

        Raises:
            shape.ExpressionError: the expression fails on it.
        """
        return self.constant if self._expression is None else shape.evaluate(self._expression, payload)


def _json(text):
    value = json.loads(text, parse_constant=_no_constant)
    if not isinstance(value, dict):
        raise ValueError("it is not an object")
    return value


def _no_constant(name):
    raise ValueError(name)


def _compiled(text: str, json_error: ValueError):
    try:
        return shape.compile_expression(text)
    except shape.ExpressionError as error:
        # Who begins with {" means JSON.
        if not isinstance(json_error, json.JSONDecodeError) or not "".join(text.split()).startswith('{"'):
            raise
        position = json_error.pos
        raise shape.ExpressionError(
            _("Not JSON, at line %(line)d, column %(column)d: %(start)s▶%(rest)s")
            % {
                "line": json_error.lineno,
                "column": json_error.colno,
                "start": text[max(0, position - _NEAR) : position],
                "rest": text[position : position + _NEAR],
            }
        ) from error
