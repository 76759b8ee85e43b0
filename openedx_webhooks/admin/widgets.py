"""Form widgets and fields of the hook forms; each works without JavaScript too."""

import json
import re
from itertools import zip_longest
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from ..models.encrypted_fields import is_lost
from ..models.validators import validate_headers, validate_schedule

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_WAIT = re.compile(r"([0-9]{1,9})\s*([smhd]?)", re.IGNORECASE)


class HeadersWidget(forms.Widget):
    """
    Rows of name and value.

    Stored values are never put into the page: the value of a stored header is shown empty, and leaving it empty keeps
    it. The widget's value is a list of ``(name, value)`` rows as entered, or the stored dict.
    """

    template_name = "admin/openedx_webhooks/widgets/headers.html"
    empty_rows = 1

    class Media:
        js = ("openedx_webhooks/hook_form.js",)
        css = {"screen": ("openedx_webhooks/admin.css",)}

    def get_context(self, name, value, attrs):
        context = super().get_context(name, value, attrs)
        if isinstance(value, dict):
            rows = [{"name": h, "value": "", "stored": True, "is_lost": is_lost(text)} for h, text in value.items()]
        else:
            rows = [{"name": header, "value": text, "stored": False} for header, text in value or []]
        rows += [{"name": "", "value": "", "stored": False}] * self.empty_rows
        context["widget"]["rows"] = rows
        return context

    def value_from_datadict(self, data, files, name):
        """The rows as entered, without empty ones; None if the form had none of these inputs."""
        if self.value_omitted_from_data(data, files, name):
            return None
        names, values = getlist(data, f"{name}-name"), getlist(data, f"{name}-value")
        rows = [(header.strip(), text.strip()) for header, text in zip_longest(names, values, fillvalue="")]
        return [(header, text) for header, text in rows if header or text]

    def value_omitted_from_data(self, data, files, name):
        return f"{name}-name" not in data

    def id_for_label(self, id_):
        return f"{id_}_0" if id_ else id_


def getlist(data, key: str) -> list[str]:
    """All values of an input; a program may send the form as a dict."""
    values = data.getlist(key) if hasattr(data, "getlist") else data.get(key, [])
    return [values] if isinstance(values, str) else list(values)


class HeadersField(forms.Field):
    """
    Header rows → dict.

    Attributes:
        stored: the headers that the hook has; an empty value of one of these names keeps it.
        kept: those of them that nobody entered again; known once the field was cleaned.
    """

    widget = HeadersWidget

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.stored: dict[str, str] = {}
        self.kept: dict[str, str] = {}

    def clean(self, value: Any) -> dict[str, str]:
        """Merge the rows with what is stored."""
        if not self.has_changed(None, value):
            self.kept = self.stored
            return self.stored
        self.kept = {name: self.stored[name] for name, text in value if not text and name in self.stored}
        headers: dict[str, str] = {}
        problems = []
        for name, text in value:
            if not name:
                problems.append(_("A value has no header name beside it: enter the name or remove the value."))
            elif name.lower() in {other.lower() for other in headers}:
                problems.append(_("“%s” appears twice: remove one.") % name)
            elif not text and not self.stored.get(name) and not is_lost(self.stored.get(name)):
                problems.append(_("“%s” has no value: enter it or remove the name.") % name)
            else:
                headers[name] = text or self.stored[name]
        if problems:
            raise ValidationError(problems, code="invalid_headers")
        validate_headers(headers)
        return headers

    def has_changed(self, initial, data):
        if data is None:
            return False
        return [name for name, _text in data] != list(self.stored) or any(text for _name, text in data)


class ScheduleField(forms.CharField):
    """Waits such as ``5s, 5m, 2h`` → list of seconds."""

    def prepare_value(self, value):
        """Seconds as the longest unit that divides them; what is no schedule, as it is stored."""
        try:
            validate_schedule(value)
        except ValidationError:
            return value if isinstance(value, str) else json.dumps(value)
        return ", ".join(map(format_wait, value)) if isinstance(value, list) else value

    def to_python(self, value):
        waits = []
        for word in filter(None, re.split(r"[,;\[\]\s]+", super().to_python(value) or "")):  # pylint: disable=no-member
            match = _WAIT.fullmatch(word)
            if not match:
                raise ValidationError(
                    _("“%s” is not a wait: enter a number and s, m, h or d, such as 30s, 5m, 2h, 1d.") % word[:40],
                    code="invalid_schedule",
                )
            waits.append(int(match[1]) * _UNITS[match[2].lower() or "s"])
        validate_schedule(waits)
        return waits

    def has_changed(self, initial, data):
        if data == self.prepare_value(initial):
            return False
        try:
            return self.to_python(data) != (initial or [])
        except ValidationError:
            return True


def format_wait(seconds: int) -> str:
    """``7200`` → ``2h``."""
    unit, size = next((unit, size) for unit, size in reversed(_UNITS.items()) if seconds % size == 0)
    return f"{seconds // size}{unit}"
