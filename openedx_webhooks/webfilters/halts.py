"""
Halts: the filter's own exceptions, built from an answer or after a failure.

The call site catches nothing but the exceptions that its filter defines, and reads of them what it knows. So an
exception is found by name among the filter's own, and its arguments are checked one by one. One that does not fit is
left out and noted: what was to be refused is refused all the same.
"""

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
from django.utils.html import escape
from django.utils.translation import gettext as _
from openedx_filters.exceptions import OpenEdxFilterException

from .. import catalog
from . import adapters, responses
from .kinds.convert import Refused, check_links, check_text, check_url, plain_text
from .kinds.objects import TABS_SCHEMA, check_tabs
from .kinds.values import check_template
from .plan import dotted

_MAX_MESSAGE = 2000
_MAX_NOTES = 10
# The learning app sends the learner to the path in ``developer_message``.
CONSENT_CODE = "data_sharing_access_required"
_ANY = inspect.Parameter.VAR_KEYWORD


def can_halt(filter_type: catalog.FilterType) -> bool:
    """Whether this filter can be halted after a failure (4xx, 5xx, request exception) without a URL to redirect to."""
    return bool(_halting(filter_type))


def can_redirect(filter_type: catalog.FilterType) -> bool:
    """Whether this filter can send the learner to a URL after a failure."""
    return bool(_redirecting(filter_type) or adapters.of(filter_type.filter_type).redirect_argument)


def failure_exceptions(filter_type: catalog.FilterType) -> tuple[str, str]:
    """The names of the exceptions that halt after a failure without a URL, and with one; empty where there is none."""
    return _halting(filter_type), _redirecting(filter_type)


def accepted_exceptions(filter_type: catalog.FilterType) -> dict[str, dict[str, Any]]:
    """
    What ``exception`` of an answer may name: exception → JSON Schema of an object of its arguments.

    Instead of the object, an answer may always give just the message.
    """
    return {name: _schema(_Builder(filter_type, name, {})) for name in filter_type.exceptions}


@attrs.frozen
class Halt:
    """
    What is raised.

    Attributes:
        exception: to raise, or None.
        notes: what an operator should know, such as arguments that were left out.
        data: to write back instead, where the filter has no exception but takes the URL as data.
        problem: why there is neither.
    """

    exception: OpenEdxFilterException | None = None
    notes: Sequence[str] = ()
    data: Mapping[str, Any] = attrs.field(factory=dict)
    problem: str = ""


def by_name(
    filter_type: catalog.FilterType, name: str, arguments: str | Mapping[str, Any], kwargs: Mapping[str, Any]
) -> Halt:
    """
    The exception that an answer asks for.

    Args:
        arguments: the message (empty for the usual one), or the constructor's arguments.
        kwargs: the filter's arguments, for exceptions that replace them.

    Raises:
        Refused: the filter has no such exception, or its constructor fails.
    """
    exception = filter_type.exceptions.get(name)
    if exception is None:
        known = ", ".join(filter_type.exceptions) or "none"
        raise Refused(f"the filter has no exception {name[:80]!r}; it has: {known}")
    given = dict(arguments) if isinstance(arguments, Mapping) else {"message": arguments}
    return _Builder(filter_type, name, kwargs).build(given)


def after_failure(
    filter_type: catalog.FilterType, url: str, kwargs: Mapping[str, Any], status_code: int | None = None
) -> Halt:
    """
    What to do when an endpoint failed, or refused with 4xx, and its webfilter says that this halts.

    Args:
        url: where to send the learner; empty if the operator configured none.
        status_code: the endpoint's, for the one filter that can pass it on.
    """
    adapter = adapters.of(filter_type.filter_type)
    if url and adapter.redirect_argument:
        return Halt(data={adapter.redirect_argument: url})
    redirecting = url and _redirecting(filter_type)
    name = redirecting or _halting(filter_type)
    if not name:
        return Halt(problem=_cannot(filter_type))
    arguments: dict[str, Any] = {"message": _message(status_code)}
    if redirecting:
        arguments |= _redirect_arguments(adapter, url, arguments["message"])
    if status_code in adapter.statuses:
        arguments["status_code"] = status_code
    try:
        return by_name(filter_type, name, arguments, kwargs)
    except Refused as error:
        return Halt(problem=f"it could not halt with {name}: {error}")


def _cannot(filter_type):
    if can_redirect(filter_type):
        return "it can't halt without a URL to redirect to"
    return "this filter can't halt" if not filter_type.exceptions else "this filter can't halt after a failure"


def _message(status_code):
    if status_code is not None and 400 <= status_code < 500:
        return _("Your request was refused.")
    return _("Your request could not be checked. Please try again later.")


def _redirect_arguments(adapter, url, message):
    if adapter.html_response:
        # In a frame, a redirect of the response would load the page inside the unit.
        return {
            "content": (
                f'<p>{escape(message)}</p><p><a href="{escape(url)}" target="_top">{escape(_("Continue"))}</a></p>'
            )
        }
    if adapter.consent_redirect:
        return {"error_code": CONSENT_CODE, "developer_message": url}
    return {"redirect_to": url}


def _halting(filter_type) -> str:
    """The name of the exception that halts with a message alone; empty if there is none."""
    adapter = adapters.of(filter_type.filter_type)
    if adapter.halt is not None:
        return adapter.halt
    names = list(filter_type.exceptions)
    plain = [name for name in names if not name.startswith(("Redirect", "Render"))]
    return next(iter(plain), "RenderCustomResponse" if "RenderCustomResponse" in names else "")


def _redirecting(filter_type) -> str:
    adapter = adapters.of(filter_type.filter_type)
    if adapter.redirect is not None:
        return adapter.redirect
    return next(
        (
            name
            for name, exception in filter_type.exceptions.items()
            if name.startswith("Redirect") and "redirect_to" in catalog.exception_arguments(exception)
        ),
        "",
    )


class _Builder:
    """Builds one exception of one filter."""

    def __init__(self, filter_type, name, kwargs):
        self.filter_type, self.name, self.kwargs = filter_type, name, kwargs
        self.adapter = adapters.of(filter_type.filter_type)
        self.exception = filter_type.exceptions[name]
        self.parameters = catalog.exception_arguments(self.exception)
        self.defaults = self.adapter.defaults.get(name, {})
        self.has_response = "response" in self.parameters
        self.notes: list[str] = []

    def build(self, given: dict[str, Any]) -> Halt:
        """Check the given arguments, fill in the missing ones and call the constructor."""
        message = self._message(given.pop("message", None))
        arguments: dict[str, Any] = {}
        if self.has_response:
            arguments["response"] = self._response(given, message)
        for name, value in given.items():
            try:
                arguments[name] = self._argument(name, value)
            except Refused as error:
                self._note(f"{dotted((name,))}: {error}")
        self._fill(arguments, message)
        if instead := self._instead(arguments, message):
            return instead
        self._complete_redirect(arguments)
        if "message" in self.parameters or self.takes_any():
            arguments["message"] = escape(message) if self.adapter.escape else message
        try:
            return Halt(self.exception(**arguments), self.notes)
        except Exception as error:
            # Of another package's filter, whose constructor may have rules of its own.
            raise Refused(f"the constructor of {self.name} failed with {type(error).__name__}") from error

    def takes_any(self):
        return any(parameter.kind is _ANY for parameter in self.parameters.values())

    def _note(self, text):
        if len(self.notes) < _MAX_NOTES:
            self.notes.append(f"{self.name}: {text}")

    @staticmethod
    def _message(value) -> str:
        if value is not None and not isinstance(value, str):
            value = json.dumps(value, ensure_ascii=False)
        text = (value or "")[:_MAX_MESSAGE].replace("\0", "")
        # Of a message that shows nothing the learner would not know what has happened.
        return check_text(text) if text.strip() else _("Your request was refused.")

    def _response(self, given, message):
        names = responses.OPTIONS if not self.adapter.html_response else ("content",)
        options = {name: given.pop(name) for name in names if name in given}
        response, notes = responses.build(options, message)
        for note in notes:
            self._note(note)
        return response.content.decode() if self.adapter.html_response else response

    def _argument(self, name, value):
        if name not in self.accepted():
            if not self.takes_any() or not _is_free(self.exception, name):
                raise Refused(f"there is no such argument; it has: {', '.join(self.accepted())}")
            check_links(name, value)
            return value
        if name == "status_code" and self.adapter.statuses:
            return self._status(value)
        return self._check_of(name)(value)

    def accepted(self) -> list[str]:
        names = [name for name, parameter in self.parameters.items() if parameter.kind is not _ANY]
        names += [name for name in self.defaults if name not in names]
        if self.has_response:
            names.remove("response")
            names += ["content"] if self.adapter.html_response else responses.OPTIONS
        return names

    def _check_of(self, name) -> Callable[[Any], Any]:
        if name == "redirect_to":
            return _url
        if name == "status_code":
            return lambda value: None if value is None else responses.check_status(value)
        if name == "tabs":
            return lambda value: None if value is None else check_tabs(value)
        if name.endswith("_template") or name == "template_name":
            return self._template
        if name in ("context", "template_context"):
            return _object
        parameter = self.parameters.get(name)
        is_text = parameter is None or parameter.annotation is str or isinstance(parameter.default, str)

        def check(value):
            value = plain_text(value) if is_text else value
            check_links(name, value)
            return value

        return check

    def _template(self, value):
        if value:
            check_template(value, self.adapter.engine)
        return value

    def _status(self, value):
        # One that the call site can't use must not turn a refusal into a success.
        value = responses.check_status(value)
        if value not in self.adapter.statuses:
            raise Refused(f"the platform takes only {', '.join(map(str, sorted(self.adapter.statuses)))}")
        return value

    def _fill(self, arguments, message):
        for name, default in self.defaults.items():
            if default == adapters.ARGUMENT:
                arguments[name] = self._replacement(name, arguments.get(name))
            elif name not in arguments:
                arguments[name] = _insert(default, message)
        if self.adapter.statuses:
            arguments.setdefault("status_code", self.adapter.statuses[0])
        for name, parameter in self.parameters.items():
            if name in arguments or name == "message" or parameter.default is not inspect.Parameter.empty:
                continue
            if parameter.kind in (_ANY, inspect.Parameter.VAR_POSITIONAL) or name == "redirect_to":
                continue
            arguments[name] = message if name.endswith("message") else ""
        if "template_context" in self.parameters and arguments.get("template_context") is None:
            arguments["template_context"] = {}
        if self.adapter.consent_redirect and arguments.get("error_code") == CONSENT_CODE:
            self._check_consent(arguments, message)

    def _check_consent(self, arguments, message):
        """With this code, the developer's message is where the learner's browser goes."""
        path = arguments.get("developer_message")
        try:
            if not path.startswith("/"):
                raise Refused("with this error_code it must be a path on this site")
            check_url(path)
        except Refused as error:
            self._note(f"developer_message: {error}")
            arguments |= {name: _insert(value, message) for name, value in self.defaults.items()}

    def _replacement(self, name, given):
        """What takes the place of a filter's argument: the given value, over what was there."""
        current = self.kwargs.get(name)
        if isinstance(current, dict) and isinstance(given, Mapping):
            return {**current, **given}
        return given or current

    def _instead(self, arguments, message) -> Halt | None:
        """A page of ours, where the exception renders a template and there is none: the platform would fail."""
        missing = [name for name in self.parameters if name.endswith("_template") and not arguments.get(name)]
        if not missing:
            return None
        if "RenderCustomResponse" not in self.filter_type.exceptions:
            raise Refused(f"{self.name} needs {missing[0]}")
        self._note(f"no {missing[0]} was given: the learner sees the message on a page of its own")
        halt = _Builder(self.filter_type, "RenderCustomResponse", self.kwargs).build({"message": message})
        return attrs.evolve(halt, notes=self.notes)

    def _complete_redirect(self, arguments):
        """A redirect without a URL halts too; say where the learner ends."""
        parameter = self.parameters.get("redirect_to")
        if parameter is None or not self.name.startswith("Redirect") or arguments.get("redirect_to"):
            return
        where = self.adapter.without_url
        if parameter.default is inspect.Parameter.empty or self.name in self.adapter.needs_redirect:
            arguments["redirect_to"] = adapters.HOME
            where = f"the learner is sent to {adapters.HOME}, the home page of the site"
        self._note(f"no URL was given: {where}")


def _insert(default, message):
    if default == adapters.MESSAGE:
        return message
    if isinstance(default, Mapping):
        return {name: _insert(value, message) for name, value in default.items()}
    return default


def _is_free(exception, name) -> bool:
    """Whether an attribute of this name can be set without hiding one that exceptions have."""
    return name.isidentifier() and not name.startswith("_") and not hasattr(exception, name) and name != "self"


def _url(value):
    if value in ("", None):
        return ""
    check_url(check_text(value))
    return value


def _object(value):
    if value is not None and not isinstance(value, Mapping):
        raise Refused("it must be an object")
    check_links("", value)
    return value


_TEXT: Mapping[str, Any] = {"type": "string"}
_ARGUMENT_SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "redirect_to": {"type": "string", "format": "uri-reference"},
    "status_code": {"type": "integer", "minimum": 400, "maximum": 599},
    "tabs": TABS_SCHEMA,
    "context": {"type": "object", "additionalProperties": True},
    "template_context": {"type": "object", "additionalProperties": True},
    "content": {"type": "string", "contentMediaType": "text/html"},
    "status": {"type": "integer", "minimum": 200, "maximum": 599},
    "headers": {"type": "object", "additionalProperties": _TEXT},
    "content_type": {"type": "string", "examples": ["text/html"]},
    "reason": {"type": "string", "examples": ["Not yet"]},
    "charset": {"type": "string", "examples": ["utf-8"]},
}


def _schema(builder) -> dict[str, Any]:
    properties = {argument: dict(_ARGUMENT_SCHEMAS.get(argument, _TEXT)) for argument in builder.accepted()}
    if builder.adapter.statuses and "status_code" in properties:
        properties["status_code"] = {"type": "integer", "enum": list(builder.adapter.statuses)}
    # Without these it halts too, but not as its name says.
    required = [
        argument
        for argument, parameter in builder.parameters.items()
        if argument.endswith("_template")
        or (
            argument == "redirect_to"
            and (parameter.default is inspect.Parameter.empty or builder.name in builder.adapter.needs_redirect)
        )
    ]
    schema = {"type": "object", "properties": properties, "additionalProperties": builder.takes_any()}
    return schema | ({"required": required} if required else {})
