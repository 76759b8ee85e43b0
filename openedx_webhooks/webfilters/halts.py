"""
HaltOptions: the filter's own exceptions, built from an answer or after a failure.

The call site catches nothing but the exceptions that its filter defines, and reads of them what it knows. So an
exception is found by name among the filter's own, and its arguments are checked one by one.
"""

import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any

import attrs
from django.utils.html import escape
from django.utils.translation import gettext as _
from openedx_filters.exceptions import OpenEdxFilterException

from .. import catalog
from . import adapters, responses
from .convert import check_links, check_text, check_url
from .kinds import check_template
from .objects import TABS_SCHEMA, check_tabs
from .plan import Refused

_MAX_MESSAGE = 2000
_ANY = inspect.Parameter.VAR_KEYWORD


def can_halt(filter_type: catalog.FilterType) -> bool:
    """Whether this filter can be halted after a failure (4xx, 5xx, request exception) without a URL to redirect to."""
    return bool(_halting(filter_type))


def can_redirect(filter_type: catalog.FilterType) -> bool:
    """Whether this filter can send the learner to a URL after a failure."""
    return bool(_redirecting(filter_type) or adapters.of(filter_type.filter_type).redirect_argument)


def accepted_exceptions(filter_type: catalog.FilterType) -> dict[str, dict[str, Any]]:
    """
    What ``exception`` of an answer may name: exception → JSON Schema of an object of its arguments.

    Instead of the object, an answer may always give just the message.
    """
    adapter = adapters.of(filter_type.filter_type)
    return {name: _schema(adapter, name, exception) for name, exception in filter_type.exceptions.items()}


def by_name(
    filter_type: catalog.FilterType, name: str, arguments: str | Mapping[str, Any], kwargs: Mapping[str, Any]
) -> OpenEdxFilterException:
    """
    The exception that an answer asks for.

    Args:
        arguments: the message (empty for the usual one), or the constructor's arguments.
        kwargs: the filter's arguments, for exceptions that replace them.

    Raises:
        Refused: the filter has no such exception, or an argument does not fit; the text says which.
    """
    exception = filter_type.exceptions.get(name)
    if exception is None:
        known = ", ".join(filter_type.exceptions) or "none"
        raise Refused(f"the filter has no exception {name[:80]!r}; it has: {known}")
    given = dict(arguments) if isinstance(arguments, Mapping) else {"message": arguments}
    return _Builder(adapters.of(filter_type.filter_type), name, exception, kwargs).build(given)


@attrs.frozen
class FailureHalt:
    """
    What a failure leads to.

    Attributes:
        exception: to raise, or None.
        data: to write back instead, where the filter has no exception but takes the URL as data.
        problem: why there is neither.
    """

    exception: OpenEdxFilterException | None = None
    data: Mapping[str, Any] = attrs.field(factory=dict)
    problem: str = ""


def after_failure(
    filter_type: catalog.FilterType, url: str, kwargs: Mapping[str, Any], status_code: int | None = None
) -> FailureHalt:
    """
    What to do when an endpoint failed, or refused with 4xx, and its webfilter says that this halts.

    Args:
        url: where to send the learner; empty if the operator configured none.
        status_code: the endpoint's, for the one filter that can pass it on.
    """
    adapter = adapters.of(filter_type.filter_type)
    if url and adapter.redirect_argument:
        return FailureHalt(data={adapter.redirect_argument: url})
    name = (url and _redirecting(filter_type)) or _halting(filter_type)
    if not name:
        return FailureHalt(problem=_cannot(filter_type))
    arguments: dict[str, Any] = {"message": _message(status_code)}
    if url and name == _redirecting(filter_type):
        arguments |= _redirect_arguments(adapter, url, arguments["message"])
    if status_code in adapter.statuses:
        arguments["status_code"] = status_code
    try:
        return FailureHalt(by_name(filter_type, name, arguments, kwargs))
    except Refused as error:
        return FailureHalt(problem=f"it could not halt with {name}: {error}")


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
        if not url.startswith("/"):
            return {}
        return {"error_code": "data_sharing_access_required", "developer_message": url}
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

    def __init__(self, adapter, name, exception, kwargs):
        self.adapter, self.name, self.exception, self.kwargs = adapter, name, exception, kwargs
        self.parameters = catalog.exception_arguments(exception)
        self.defaults = adapter.defaults.get(name, {})
        self.has_response = "response" in self.parameters

    def build(self, given: dict[str, Any]) -> OpenEdxFilterException:
        """Check the given arguments, fill in the missing ones and call the constructor."""
        message = self._message(given.pop("message", None))
        arguments: dict[str, Any] = {}
        if self.has_response:
            arguments["response"] = self._response(given, message)
        for name, value in given.items():
            arguments[name] = self._argument(name, value)
        self._fill(arguments, message)
        self._check_whole(arguments)
        if "message" in self.parameters or self.takes_any():
            arguments["message"] = escape(message) if self.adapter.escape else message
        try:
            return self.exception(**arguments)
        except Exception as error:
            # Of another package's filter, whose constructor may have rules of its own.
            raise Refused(f"its constructor failed with {type(error).__name__}") from error

    def takes_any(self):
        return any(parameter.kind is _ANY for parameter in self.parameters.values())

    @staticmethod
    def _message(value) -> str:
        if value is None or value == "":
            return _("Your request was refused.")
        if not isinstance(value, str):
            value = json.dumps(value, ensure_ascii=False)
        return check_text(value[:_MAX_MESSAGE].replace("\0", ""))

    def _response(self, given, message):
        content = given.pop("content", None)
        if self.adapter.html_response:
            return f"<p>{escape(message)}</p>" if content is None else _named("content", check_text, content)
        return responses.build(content, given.pop("status", None), given.pop("headers", None), message)

    def _argument(self, name, value):
        if name not in self.accepted():
            if not self.takes_any() or not _is_free(self.exception, name):
                raise Refused(f"{self.name} has no argument {name[:80]!r}; it has: {', '.join(self.accepted())}")
            return value
        if name == "status_code" and self.adapter.statuses:
            return self._status(value)
        return _named(name, _check_of(name, self.parameters.get(name)), value)

    def accepted(self) -> list[str]:
        names = [name for name, parameter in self.parameters.items() if parameter.kind is not _ANY]
        names += [name for name in self.defaults if name not in names]
        if self.has_response:
            names.remove("response")
            names += ["content"] if self.adapter.html_response else ["content", "status", "headers"]
        return names

    def _status(self, value):
        # One that the call site can't use must not turn a refusal into a success, or void it.
        try:
            value = responses.check_status(value)
        except Refused:
            value = None
        return value if value in self.adapter.statuses else self.adapter.statuses[0]

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

    def _replacement(self, name, given):
        """What takes the place of a filter's argument: the given value, over what was there."""
        current = self.kwargs.get(name)
        if isinstance(current, dict) and isinstance(given, Mapping):
            return {**current, **given}
        return given or current

    def _check_whole(self, arguments):
        """What the constructor lets pass and the call site chokes on."""
        parameter = self.parameters.get("redirect_to")
        required = parameter is not None and parameter.default is inspect.Parameter.empty
        if (required or self.name in self.adapter.needs_redirect) and not arguments.get("redirect_to"):
            raise Refused(f"{self.name} needs redirect_to")
        for name in self.parameters:
            if name.endswith("_template") and not arguments.get(name):
                raise Refused(f"{self.name} needs {name}")


def _insert(default, message):
    if default == adapters.MESSAGE:
        return message
    if isinstance(default, Mapping):
        return {name: _insert(value, message) for name, value in default.items()}
    return default


def _is_free(exception, name) -> bool:
    """Whether an attribute of this name can be set without hiding one that exceptions have."""
    return name.isidentifier() and not name.startswith("_") and not hasattr(exception, name) and name != "self"


def _named(name: str, check: Callable[[Any], Any], value: Any) -> Any:
    try:
        checked = check(value)
    except Refused as error:
        raise Refused(f"{name}: {error}") from error
    return value if checked is None else checked


def _check_of(name, parameter) -> Callable[[Any], Any]:
    if name == "redirect_to":
        return lambda value: "" if value in ("", None) else _checked_url(value)
    if name == "status_code":
        return lambda value: None if value is None else responses.check_status(value)
    if name == "tabs":
        return lambda value: None if value is None else check_tabs(value)
    if name.endswith("_template") or name == "template_name":
        return lambda value: None if value == "" else check_template(value)
    if name in ("context", "template_context"):
        return _object
    if parameter is None or parameter.annotation is str:
        return check_text
    return lambda value: value


def _checked_url(value):
    if not isinstance(value, str):
        raise Refused("it must be a text")
    check_url(value)
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
    "context": {"type": "object"},
    "template_context": {"type": "object"},
    "content": {"type": "string", "contentMediaType": "text/html"},
    "status": {"type": "integer", "minimum": 200, "maximum": 599},
    "headers": {"type": "object", "additionalProperties": _TEXT},
}


def _schema(adapter, name, exception) -> dict[str, Any]:
    builder = _Builder(adapter, name, exception, {})
    properties = {argument: dict(_ARGUMENT_SCHEMAS.get(argument, _TEXT)) for argument in builder.accepted()}
    if adapter.statuses and "status_code" in properties:
        properties["status_code"] = {"type": "integer", "enum": list(adapter.statuses)}
    required = [
        argument
        for argument, parameter in builder.parameters.items()
        if argument.endswith("_template")
        or (
            argument == "redirect_to"
            and (parameter.default is inspect.Parameter.empty or name in adapter.needs_redirect)
        )
    ]
    schema = {"type": "object", "properties": properties, "additionalProperties": builder.takes_any()}
    return schema | ({"required": required} if required else {})
