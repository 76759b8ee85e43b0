"""
Kinds of filter argument: how a JSON value of an answer becomes what the call site needs.

Nothing here changes anything: containers are merged on a copy, and :mod:`.plan` notes what would change.
"""

import copy
import re
from collections.abc import Mapping
from typing import Any

import attrs
from django.http import QueryDict
from django.template.loader import get_template
from django.utils.functional import LazyObject, Promise
from django.utils.translation import gettext as _

from .convert import append, check_links, check_text, check_url, convert
from .plan import Path, Plan, Refused

_MAX_KEYS = 1000
# Names that Mako's own rendering takes: a context that has them ends in an error page.
_RESERVED_CONTEXT_NAMES = frozenset(
    (
        "self",
        "context",
        "loop",
        "args",
        "data",
        "template",
        "capture",
        "caller",
        "pageargs",
        "UNDEFINED",
        "next",
        "parent",
        "local",
    )
)
_MODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")


class Kind:
    """How one argument takes a value from an answer."""

    def fits(self, current: Any) -> bool:  # pylint: disable=unused-argument
        """Whether this kind can handle the value that the platform handed in."""
        return True

    def plan(self, current: Any, given: Any, path: Path, plan: Plan) -> Any:
        """
        Work out the argument's new value; the current one itself if nothing changes. Changes nothing.

        Raises:
            Refused: the given value does not fit; keys inside it that do not fit are noted in the plan instead.
        """
        raise Refused("it can't be changed")

    def schema(self) -> dict[str, Any] | None:
        """The JSON Schema of what an answer may give; None if nothing."""
        return None


@attrs.frozen
class Fixed(Kind):
    """Never changes."""

    reason: str = "it can't be changed"

    def plan(self, current, given, path, plan):
        raise Refused(self.reason)


@attrs.frozen
class Value(Kind):
    """A value that keeps its type: text, number, boolean, key, date, list."""

    json_schema: Mapping[str, Any] = attrs.field(factory=dict)
    types: tuple[type, ...] = (object,)
    minimum: int | None = None

    def fits(self, current):
        return current is None or isinstance(current, self.types)

    def plan(self, current, given, path, plan):
        if current is None:
            # Nothing there to compare with: the annotation says what the call site expects.
            current, was_none = _example(self.types), True
        else:
            was_none = False
        new = convert(current, given, path, plan)
        if self.minimum is not None and new < self.minimum:
            raise Refused(f"it must be at least {self.minimum}")
        if was_none and path not in plan.changed:
            plan.changed.append(path)
        return new

    def schema(self):
        return {**self.json_schema, **({} if self.minimum is None else {"minimum": self.minimum})}


def _example(types):
    for candidate in (str, bool, int):
        if types and types[0] is candidate:
            return candidate()
    raise Refused("it is empty (null) here")


@attrs.frozen
class Url(Kind):
    """An address: http(s), or a path on this site unless it must be absolute."""

    absolute: bool = False

    def fits(self, current):
        return current is None or isinstance(current, (str, Promise))

    def plan(self, current, given, path, plan):
        if not isinstance(given, str):
            raise Refused("it must be a text")
        if given == current:
            return current
        check_url(given, self.absolute)
        plan.changed.append(path)
        return given

    def schema(self):
        about = _("An absolute http or https URL.") if self.absolute else _("An http or https URL, or a path.")
        return {"type": "string", "format": "uri" if self.absolute else "uri-reference", "description": about}


@attrs.frozen
class Template(Kind):
    """The path of a template; one that does not exist would end in an error page."""

    def fits(self, current):
        return current is None or isinstance(current, str)

    def plan(self, current, given, path, plan):
        if given == current and isinstance(given, str):
            return current
        check_template(given)
        plan.changed.append(path)
        return given

    def schema(self):
        return {"type": "string", "description": _("The path of a template that exists on this site.")}


def check_template(name: Any) -> None:
    """
    Check that a template can be loaded.

    Raises:
        Refused: it can't.
    """
    if not isinstance(name, str) or not name or "\0" in name:
        raise Refused("it must be the path of a template")
    try:
        get_template(name)
    except Exception as error:
        # Any engine's own errors: whatever keeps the template from loading would keep the page from rendering.
        raise Refused("no such template can be loaded") from error


@attrs.frozen
class Mode(Kind):
    """A course mode: one that the course has, where the platform's course modes can be asked."""

    def fits(self, current):
        return current is None or isinstance(current, str)

    def plan(self, current, given, path, plan):
        if not isinstance(given, str) or not _MODE.fullmatch(given):
            raise Refused("it must be the name of a course mode")
        if given == current:
            return current
        known = _course_modes(plan.argument("course_key"))
        if known is not None and given not in known:
            raise Refused("the course has no such mode")
        plan.changed.append(path)
        return given

    def schema(self):
        return {"type": "string", "pattern": f"^{_MODE.pattern}$", "description": _("A mode that the course has.")}


def _course_modes(course_key):
    """The names of the course's modes; None where there is no such app to ask."""
    from django.apps import apps  # pylint: disable=import-outside-toplevel
    from django.db import transaction  # pylint: disable=import-outside-toplevel

    try:
        model = apps.get_model("course_modes", "CourseMode")
    except LookupError:
        return None
    with transaction.atomic():
        return set(model.modes_for_course_dict(course_key, include_expired=True))


@attrs.frozen
class Context(Kind):
    """A dict that is merged, key by key and at any depth, into a copy of the current one."""

    scalars_only: bool = False
    append: frozenset[str] = frozenset()

    def fits(self, current):
        return isinstance(current, dict) and not isinstance(current, QueryDict)

    def plan(self, current, given, path, plan):
        if not isinstance(current, dict):
            raise Refused("there is nothing to merge into")
        if not isinstance(given, Mapping):
            raise Refused("it must be an object")
        return self._merge(current, given, path, plan)

    def _merge(self, current, given, path, plan):
        merged = copy.copy(current)
        names = _Names(current)
        for name, value in given.items():
            here = (*path, name)
            try:
                plan.check_name(name)
                key = names.key(name)
                if self.scalars_only and isinstance(value, (dict, list)):
                    raise Refused("only texts, numbers and booleans can be set here")
                if key not in merged and len(merged) >= _MAX_KEYS:
                    raise Refused("there are too many keys already")
                merged[key] = self._one(current, key, value, here, plan)
            except Refused as error:
                plan.refuse(here, error)
        same = len(merged) == len(current) and all(merged[key] is current[key] for key in current)
        return current if same else merged

    def _one(self, current, key, value, path, plan):
        if key not in current:
            check_links(path[-1], value)
            _check_new(key, value, path)
            plan.changed.append(path)
            return value
        old = current[key]
        if issubclass(type(old), LazyObject):
            # isinstance() below would wake it, which can cost a query.
            raise Refused("it can't be changed")
        if len(path) == 2 and key in self.append and type(old) is list:  # pylint: disable=unidiomatic-typecheck
            return append(old, value, path, plan)
        if isinstance(old, dict) and not isinstance(old, QueryDict) and isinstance(value, Mapping):
            return self._merge(old, value, path, plan)
        check_links(path[-1], value, old)
        return convert(old, value, path, plan)

    def schema(self):
        return {
            "type": "object",
            "additionalProperties": True,
            "description": _("Merged key by key. Existing values keep their type; objects that are not data stay."),
        }


def _check_new(name, value, path):
    if len(path) == 2 and (not name.isidentifier() or name.startswith("_") or name in _RESERVED_CONTEXT_NAMES):
        raise Refused("a new key must be a plain name")
    if isinstance(value, str):
        check_text(value)


class _Names:
    """
    The keys of a dict by the names that they were sent under: platform contexts have dicts whose keys are course keys,
    numbers or None.
    """

    def __init__(self, current: Mapping):
        self._current = current
        others = [key for key in current if not isinstance(key, str)]
        self._takes_texts = not others or len(others) < len(current)
        # Made once: the text of a key costs microseconds, and an answer may have thousands of names.
        self._others = {str(key): key for key in reversed(others)}

    def key(self, name: str) -> Any:
        """
        The key, or the name itself for a new one.

        Raises:
            Refused: a text does not fit among the keys.
        """
        if name in self._current:
            return name
        if name not in self._others and not self._takes_texts:
            raise Refused("there is no such key")
        return self._others.get(name, name)


@attrs.frozen
class Form(Kind):
    """A submitted form: each field has a list of texts."""

    def fits(self, current):
        return isinstance(current, (QueryDict, dict))

    def plan(self, current, given, path, plan):
        if not isinstance(given, Mapping):
            raise Refused("it must be an object")
        # QueryDict.copy() is deep and mutable, even if the original is not.
        form = current.copy()
        changed = False
        for name, value in given.items():
            here = (*path, name)
            try:
                plan.check_name(name)
                texts = _form_texts(value)
            except Refused as error:
                plan.refuse(here, error)
                continue
            old = current.getlist(name) if isinstance(current, QueryDict) else [current.get(name)]
            if texts != old:
                changed = True
                plan.changed.append(here)
                if isinstance(form, QueryDict):
                    form.setlist(name, texts)
                else:
                    form[name] = texts[-1]
        return form if changed else current

    def schema(self):
        text = {"type": ["string", "boolean", "number"]}
        return {
            "type": "object",
            "additionalProperties": {"anyOf": [text, {"type": "array", "items": text}]},
            "description": _("Field name → value, or a list of values. Other fields stay as they are."),
        }


def _form_texts(value) -> list[str]:
    values = value if isinstance(value, list) else [value]
    if not values:
        raise Refused("a field needs a value")
    texts = []
    for one in values:
        if isinstance(one, bool):
            one = "true" if one else "false"
        elif isinstance(one, (int, float)):
            one = str(one)
        texts.append(check_text(one))
    return texts


@attrs.frozen
class TextSet(Kind):
    """A set of texts, to which an answer can add."""

    def fits(self, current):
        return isinstance(current, (set, frozenset))

    def plan(self, current, given, path, plan):
        return convert(current, given, path, plan)

    def schema(self):
        return {"type": "array", "items": {"type": "string"}, "description": _("Added to what is there.")}
