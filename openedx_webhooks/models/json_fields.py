"""JSON kept as text: key order and numbers as they were written, on every database."""

import json
import re
from typing import Any

import jsonfield

# Half a surrogate pair is no UTF-8, and MySQL's old utf8 has no character beyond the basic plane.
_ESCAPED = re.compile("[\ud800-\udfff\U00010000-\U0010ffff]")


class Unreadable(str):
    """What a column holds that is not JSON. Saved again it is the same text, so that nothing is lost by a save."""

    __slots__ = ()


def dump(value: Any) -> str:
    """
    JSON as it is stored: UTF-8 without blanks; the characters that some databases refuse are written as escapes.

    Raises:
        TypeError, ValueError, RecursionError: it is no JSON value.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _ESCAPED.sub(lambda match: json.dumps(match[0])[1:-1], text)


class JSONTextField(jsonfield.JSONField):
    """
    A JSON value. Reading never raises: a row that somebody wrote past the form must not stop those beside it, so what
    can't be read is :class:`Unreadable`.
    """

    def from_db_value(self, value, expression, connection):
        if value is None:
            return None
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return Unreadable(value)

    def get_prep_value(self, value):
        if isinstance(value, Unreadable):
            return str(value)
        return None if value is None and self.null else dump(value)

    def value_to_string(self, obj):
        return self.get_prep_value(self.value_from_object(obj))
