"""
Local answers: what a webfilter answers by itself, without a server.

What begins with ``{"`` is JSON, the answer as it is. Anything else is a JMESPath expression over the payload, whose
result is the answer; there the names of an object have no quotes: ``{exception: {PreventRegistration: 'No'}}``.
"""

import json
import re
from typing import Any

from django.utils.translation import gettext as _

from . import shape

_IS_JSON = re.compile(r'\s*\{\s*["}]')
_NEAR = 30


def is_json(text: str) -> bool:
    """Whether a local answer is taken for JSON."""
    return _IS_JSON.match(text) is not None


class LocalAnswer:
    """
    A compiled local answer.

    Attributes:
        constant: the answer, if it is JSON; None if it is an expression.
    """

    def __init__(self, text: str):
        """
        Raises:
            shape.ExpressionError: it is not JSON, or not JMESPath; the message marks the place.
        """
        self.constant, self._expression = None, None
        if is_json(text):
            self.constant = _json(text)
        else:
            self._expression = shape.compile_expression(text)

    @property
    def parsed(self) -> dict[str, Any] | None:
        """The expression as JMESPath's tree; None if it is JSON."""
        return None if self._expression is None else self._expression.parsed

    def evaluate(self, payload: dict[str, Any]) -> Any:
        """The answer about a payload, as JSON data; fails as :func:`.shape.evaluate` does."""
        return self.constant if self._expression is None else shape.evaluate(self._expression, payload)


def _json(text: str) -> dict[str, Any]:
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except json.JSONDecodeError as error:
        raise shape.ExpressionError(
            _("Not JSON, at line %(line)d, column %(column)d: %(start)s▶%(rest)s")
            % {
                "line": error.lineno,
                "column": error.colno,
                "start": text[max(0, error.pos - _NEAR) : error.pos],
                "rest": text[error.pos : error.pos + _NEAR],
            }
        ) from error
    except RecursionError as error:
        raise shape.ExpressionError(_("The answer is nested too deeply.")) from error


def _object(pairs):
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _value in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        # An escape can be half of a surrogate pair, which no page can hold.
        shown = twice.encode("utf-8", "replace").decode()
        raise shape.ExpressionError(_("“%s” is there twice in one object.") % shown)
    return result


def _constant(name):
    raise shape.ExpressionError(_("%s is not JSON.") % name)
