"""JSON Schema (Draft 2020-12) of what payloads hold: from the events' data classes and from the filters' arguments."""

import enum
import inspect
import io
import re
import types
import typing
from collections.abc import Collection, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import QueryDict
from django.utils.translation import gettext as _
from opaque_keys import OpaqueKey
from opaque_keys.edx.keys import UsageKey

from .. import platform_facts
from ..catalog import EventType, FilterType
from ..payloads import personal_data, sample_arguments
from ..payloads.data_classes import data_fields, is_data_class, unwrapped
from ..payloads.samples import sample_payload
from ..payloads.secret_names import is_sensitive
from ..payloads.walk import Walk

Schema = dict[str, Any]
_NULL = {"type": "null"}
# Without the second, TypeScript's generators make an object that may have no member.
_ANY_OBJECT = {"type": "object", "additionalProperties": True}
# Members of the platform's objects that are objects of it themselves.
_MEMBERS = {"user": "User", "profile": "UserProfile", "course_user_group": "CourseUserGroup"}
_OPTIONAL = re.compile(r"\(optional|optional\.|, optional|if available", re.I)
_FORMATS = ((re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"), "date-time"), (re.compile(r"https?://"), "uri"))


class Components:
    """
    The named schemas of a document, made when they are first referred to.

    Attributes:
        schemas: name → schema, as under ``components/schemas`` of an OpenAPI document.
    """

    def __init__(self):
        self.schemas: dict[str, Schema] = {}

    @staticmethod
    def owners(filter_type: FilterType) -> dict[str, str]:
        """Argument of a filter → the class of the platform that it is an object of, ``profile`` included."""
        kinds = {name: type(value).__name__ for name, value in sample_arguments.filter_arguments(filter_type).items()}
        return {name: kind for name, kind in kinds.items() if platform_facts.is_known(kind)} | _MEMBERS

    def ref(self, name: str, make=None) -> Schema:
        """A reference to a component, which ``make`` makes if it isn't there."""
        if name not in self.schemas and make is not None:
            self.schemas[name] = {}  # A class may contain itself.
            self.schemas[name] = make()
        return {"$ref": f"#/components/schemas/{name}"}

    def named(self, hook_type: EventType | FilterType, suffix: str, make) -> Schema:
        """A reference to what is sent or answered to a type, by its short name; by the dotted one if that is taken."""
        name = f"{hook_type.name}{suffix}"
        if name in self.schemas:
            name = re.sub(r"[^A-Za-z0-9_-]", "_", f"{hook_type.dotted}{suffix}")
        return self.ref(name, make)

    def event_payload(self, event_type: EventType) -> Schema:
        arguments = {name: self.of_type(cls) for name, cls in event_type.init_data.items() if not is_sensitive(name)}
        arguments = {name: with_notes(schema, self._about(schema), ()) for name, schema in arguments.items()}
        time = platform_facts.event_facts_of(event_type.event_type).time
        return self._payload(arguments, event_type.event_type, event_type.name, time=time)

    def filter_payload(self, filter_type: FilterType) -> Schema:
        """The payload of a filter, with ``profile`` where it has a user."""
        kwargs, payload = sample_arguments.filter_arguments(filter_type), sample_payload(filter_type)
        about = described(getattr(filter_type.filter_class, "run_filter", None), "Arguments")
        arguments = {}
        for name, parameter in filter_type.arguments.items():
            if name in payload:
                schema = self._argument(name, kwargs[name], payload[name])
                if _may_be_null(filter_type.name, name, parameter.annotation):
                    schema = nullable(schema)
                note = platform_facts.meaning(filter_type.name, name) or about.get(name, "")
                note = with_values(note, filter_type.name, name)
                arguments[name] = with_notes(schema, note, self.personal(name, schema))
        optional = tuple(sample_arguments.filter_extra(filter_type))
        for name in optional:
            schema = self._argument(name, payload[name], payload[name])
            arguments[name] = with_notes(schema, platform_facts.meaning(filter_type.name, name), ())
        if "user" in arguments:
            schema = self._platform_object("UserProfile", payload["profile"])
            note = _("The user's profile, where it is loaded or the filter loads it.")
            arguments["profile"] = with_notes(schema, note, self.personal("profile", schema))
            optional += ("profile",)
        return self._payload(arguments, filter_type.filter_type, filter_type.name, optional)

    def _payload(self, arguments, type_, name, optional=(), time=""):
        metadata = self.ref("EventMetadata", _metadata)
        metadata |= {"properties": {"event_type": {"const": type_}, "event_name": {"const": name}}}
        if time:
            metadata["properties"]["time"] = {"description": str(time)}
        return {
            "type": "object",
            "properties": {**arguments, "event_metadata": metadata},
            "required": [name for name in (*arguments, "event_metadata") if name not in optional],
        }

    # --- Data classes of events

    def of_type(self, annotation: Any) -> Schema:
        """The schema of an annotation; an annotation that says nothing allows everything."""
        annotation = unwrapped(annotation)
        origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
        if origin is typing.Literal:
            return {"enum": list(arguments)}
        if origin in (typing.Union, types.UnionType):
            inner = [self.of_type(argument) for argument in arguments if argument is not type(None)]
            schema = inner[0] if len(inner) == 1 else {"anyOf": inner}
            return nullable(schema) if type(None) in arguments else schema
        base = origin or annotation
        return self._of_class(base, arguments, annotation) if isinstance(base, type) else {}

    def _of_class(self, base, arguments, annotation):
        if is_data_class(base):
            return self.ref(component_name(base), lambda: self._data_class(base))
        if issubclass(base, enum.Enum):
            return {"enum": [member.value for member in base]}
        if issubclass(base, OpaqueKey):
            return {"type": "string", "x-opaque-key": base.__name__}
        if base is typing.BinaryIO or issubclass(base, io.IOBase):
            return self.ref("File", _file)
        if issubclass(base, Mapping):
            # The classes are not checked by the sender, and what stands in here is up to plugins and settings.
            schema = {"type": "object", "additionalProperties": True}
            return schema | ({"x-declared-as": inspect.formatannotation(annotation)} if arguments else {})
        if issubclass(base, Collection) and not issubclass(base, (str, bytes)):
            items = self.of_type(arguments[0]) if arguments else {}
            return {"type": "array", "items": items}
        return next((dict(schema) for known, schema in _SCALARS if issubclass(base, known)), {})

    def _data_class(self, cls):
        about = described(cls, "Attributes")
        properties = {}
        for field in data_fields(cls):
            name = field.name
            if is_sensitive(name) or name.startswith("_"):
                continue
            schema = self.of_type(field.type)
            note = about.get(name) or platform_facts.meaning(cls.__name__, name) or self._about(schema)
            known = platform_facts.may_be_null(cls.__name__, name)
            if known is False:
                schema = never_null(schema)
            elif known or field.default is None or _OPTIONAL.search(note or ""):
                schema = nullable(schema)
            note = with_values(note, cls.__name__, name)
            properties[name] = with_notes(schema, note, self.personal(name, schema, cls.__name__, cls))
        schema = {"type": "object", "properties": properties, "required": list(properties)}
        return with_notes(schema, summary(cls), ())

    # --- Arguments of filters

    def _argument(self, name, value, sample):
        if isinstance(value, QueryDict):
            text = {"type": "string"}
            one_or_more = {"anyOf": [text, {"type": "array", "items": text}]}
            return {"type": "object", "additionalProperties": one_or_more}
        if name == "running_pipeline":
            return self._platform_object("RunningPipeline", sample)
        if isinstance(value, dict):
            return {"type": "object", "additionalProperties": True}
        if isinstance(value, OpaqueKey):
            return {"type": "string", "x-opaque-key": "UsageKey" if isinstance(value, UsageKey) else "CourseKey"}
        if isinstance(value, datetime):
            return {"type": "string", "format": "date-time"}
        if isinstance(sample, dict):
            return self._platform_object(type(value).__name__, sample)
        # Without a format: the sample's text may be a URL where the next one is a path.
        return {key: item for key, item in self._inferred(name, sample).items() if key != "format"}

    def _platform_object(self, name, sample):
        """
        An object of the platform, by what the serializers make of a stand-in.

        Nothing of it is required: a field that the platform has not loaded is left out.
        """

        def make():
            properties = {}
            for member, item in sample.items():
                schema = self._inferred(member, item)
                if platform_facts.may_be_null(name, member) is not False:
                    schema = nullable(schema)
                note = platform_facts.meaning(name, member)
                properties[member] = with_notes(schema, note, self.personal(member, schema, name))
            return {"type": "object", "properties": properties}

        return self.ref(name, make)

    def _inferred(self, name, sample):
        known = _MEMBERS.get(name)
        if sample is None and known == "User":
            sample = Walk().json(sample_arguments.user())
        if isinstance(sample, dict):
            return self._platform_object(known, sample) if known else dict(_ANY_OBJECT)
        if isinstance(sample, list):
            return _inferred_list(sample)
        if isinstance(sample, str):
            form = next((form for pattern, form in _FORMATS if pattern.match(sample)), None)
            return {"type": "string", "format": form} if form else {"type": "string"}
        for known, kind in ((bool, "boolean"), (int, "integer"), (float, "number")):
            if isinstance(sample, known):
                return {"type": kind}
        return {}

    def _about(self, schema: Schema) -> str:
        """What the class says of itself that a schema refers to, alone or beside null."""
        targets = [schema, *schema.get("anyOf", ())]
        found = (self.schemas[each["$ref"].rpartition("/")[2]].get("description") for each in targets if "$ref" in each)
        return next(filter(None, found), "")

    def personal(self, name: str, schema: Schema, owner: str = "", cls: type | None = None) -> tuple[str, ...]:
        """Which kinds of personal data a member holds, itself or inside; OEP-30's names for them."""
        own = personal_data.kinds(name, owner, cls)
        inner = [kind for target in _references(schema) for kind in self._inside(target)]
        return tuple(dict.fromkeys([*own, *sorted(inner)]))

    def _inside(self, name):
        members = self.schemas.get(name, {}).get("properties", {})
        return {kind for member in members.values() for kind in member.get("x-personal-data", ())}


_SCALARS: tuple[tuple[type, Schema], ...] = (
    (bool, {"type": "boolean"}),
    (int, {"type": "integer"}),
    # NaN and the infinities have no form in JSON.
    (float, {"type": ["number", "null"]}),
    (Decimal, {"type": ["string", "null"]}),
    (str, {"type": "string"}),
    (datetime, {"type": "string", "format": "date-time"}),
    (date, {"type": "string", "format": "date"}),
    (UUID, {"type": "string", "format": "uuid"}),
)


def component_name(cls: type) -> str:
    """``learning_UserData`` for the libraries' own classes, the full name for others; code generators take no dots."""
    module = re.sub(r"^openedx_events\.|\.data$", "", cls.__module__)
    return re.sub(r"[^A-Za-z0-9_-]", "_", f"{module}.{cls.__qualname__}")


def nullable(schema: Schema) -> Schema:
    kind = schema.get("type")
    if kind is None:
        # An empty schema allows null already.
        choices = schema.get("anyOf", [schema] if schema else [_NULL])
        return schema if _NULL in choices or not schema else {"anyOf": [*choices, _NULL]}
    kinds = kind if isinstance(kind, list) else [kind]
    return {**schema, "type": kinds if "null" in kinds else [*kinds, "null"]}


def never_null(schema: Schema) -> Schema:
    """The schema of a scalar, without null."""
    kind = schema.get("type")
    return {**schema, "type": kind[0]} if isinstance(kind, list) and kind[1:] == ["null"] else schema


def with_notes(schema: Schema, description: str | None, personal: Collection[str]) -> Schema:
    """The schema with its description and the mark of personal data, as far as there is any."""
    notes: Schema = {"description": description} if description else {}
    if personal:
        notes["x-personal-data"] = list(personal)
    return {**schema, **notes}


def explained(schema: Schema, owner: str) -> Schema:
    """
    The schema of what may be given for an object, or for several of them, with what its members mean.

    Args:
        owner: the name of the object's class, or of the argument.
    """
    if "items" in schema:
        return {**schema, "items": explained(schema["items"], owner)}
    if isinstance(schema.get("additionalProperties"), dict):
        schema = {**schema, "additionalProperties": explained(schema["additionalProperties"], f"{owner}.*")}
    if "anyOf" in schema:
        schema = {**schema, "anyOf": [explained(inner, owner) for inner in schema["anyOf"]]}
    if "properties" not in schema:
        return schema
    properties = {
        name: with_notes(inner, inner.get("description") or platform_facts.meaning(owner, name), ())
        for name, inner in schema["properties"].items()
    }
    return {**schema, "properties": properties}


def summary(documented: Any) -> str:
    """The first paragraph of a docstring."""
    return " ".join((inspect.getdoc(documented) or "").partition("\n\n")[0].split())


def paragraph(documented: Any, section: str) -> str:
    """The first paragraph of a docstring's section; empty without it."""
    _before, _found, rest = (inspect.getdoc(documented) or "").partition(f"\n{section}:\n")
    return " ".join(rest.partition("\n\n")[0].split())


_EXAMPLE = re.compile(r",? (e\.g\.|For example)[:,]*$")
_ENTRY = re.compile(r"(?P<indent> +)(?P<name>\w+)(?: \((?P<kind>[^)]*(?:\([^)]*\))?[^)]*)\))?: ?(?P<text>.*)")


def described(documented: Any, section: str) -> dict[str, str]:
    """
    What a docstring's section says about each name.

    Args:
        section: ``Attributes`` or ``Arguments``; each entry is ``name (type): text``, continued by deeper lines.
    """
    doc = (documented is not None and inspect.getdoc(documented)) or ""
    _before, found, rest = doc.partition(f"{section}:\n")
    entries: dict[str, list[str]] = {}
    current, indent = None, None
    for line in rest.splitlines() if found else ():
        if line and not line.startswith(" "):
            break
        entry = _ENTRY.fullmatch(line)
        if entry and (indent is None or entry["indent"] == indent):
            indent = entry["indent"]
            current = entries.setdefault(entry["name"], [])
            current.append(entry["text"])
        elif not line.strip():
            current = None
        elif current is not None and not line.strip().startswith(">>>"):
            current.append(line.strip())
    # Without the beginning of an example that is no sentence.
    return {name: _EXAMPLE.sub("", " ".join(lines).strip()) for name, lines in entries.items()}


def with_values(note: str | None, owner: str, name: str) -> str | None:
    """What a member means, and as a further sentence which values it has, if somebody wrote that down."""
    values = platform_facts.values_of(owner, name)
    return f"{(note or '').rstrip('.')}. {values}".removeprefix(". ") if values else note


def _may_be_null(filter_name, name, annotation):
    if (known := platform_facts.may_be_null(filter_name, name)) is not None:
        return known
    return annotation in (Any, inspect.Parameter.empty) or type(None) in typing.get_args(annotation)


def _references(schema):
    if "$ref" in schema:
        yield schema["$ref"].rpartition("/")[2]
    for inner in (*schema.get("anyOf", ()), *filter(None, [schema.get("items")])):
        yield from _references(inner)


def _inferred_list(sample):
    kinds = {type(item) for item in sample}
    items = {str: {"type": "string"}, dict: dict(_ANY_OBJECT)}.get(kinds.pop(), {}) if len(kinds) == 1 else {}
    return {"type": "array", "items": items}


def _file():
    kinds = {"name": "string", "size": "integer"}
    return {
        "type": ["object", "null"],
        "description": _("A file: its content is not sent."),
        "properties": {
            name: with_notes({"type": [kind, "null"]}, platform_facts.meaning("File", name), ())
            for name, kind in kinds.items()
        },
    }


def _metadata():
    text = {"type": "string"}
    properties = {
        "event_type": text | {"description": _("The dotted type.")},
        "event_name": text | {"description": _("The short name.")},
        "id": text | {"format": "uuid", "description": _("Identifies the event; the same in every attempt.")},
        "time": text | {"format": "date-time", "description": _("When it happened, in UTC.")},
        "source": text | {"description": _("The service and what it did, such as openedx/lms/web.")},
        "sourcehost": text | {"description": _("The machine.")},
        "minorversion": {"type": "integer", "description": _("The minor version of the type.")},
        "sourcelib": {
            "type": "array",
            "items": {"type": "integer"},
            "description": _("The version of the library that defines the type."),
        },
    }
    return {
        "type": "object",
        "description": _("Where the payload comes from."),
        "properties": properties
        | {
            "cut": {
                "type": "array",
                "items": text,
                "description": _("Where something was left out because of a limit; not there if nothing was."),
            },
            "test": {"const": True, "description": _("An operator tries the hook out; else it is not there.")},
        },
        "required": list(properties),
    }
