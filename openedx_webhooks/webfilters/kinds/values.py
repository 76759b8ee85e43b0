"""
Kinds of filter argument: how a JSON value of an answer becomes what the call site needs.

Nothing here changes anything: containers are merged on a copy, and the
:class:`~openedx_webhooks.webfilters.plan.Plan` notes what would change.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping
from typing import Any

import attrs
from django.http import QueryDict
from django.template import engines
from django.template.loader import get_template
from django.template.utils import InvalidTemplateEngineError
from django.utils.functional import LazyObject, Promise
from django.utils.translation import gettext as _

from ..plan import Path, Plan
from .convert import (
    Refused,
    Replaced,
    added,
    check_links,
    check_text,
    check_url,
    convert,
    convert_null,
    is_addition,
    is_named_tuple,
    plain_text,
    texts,
)

# The engine that renders the platform's pages. Its Django engine finds templates that this one can't render.
PAGES = "mako"
_MAX_KEYS = 1000
# Names that Mako's own rendering takes: a context that has them ends in an error page.
_RESERVED_CONTEXT_NAMES = frozenset(
    "self context loop args data template capture caller pageargs UNDEFINED next parent local".split()
)


# The JSON Schema of what is added to a text.
ADDITION: Mapping[str, Any] = {
    "type": "object",
    "properties": {"prepend": {"type": "string"}, "append": {"type": "string"}},
    "additionalProperties": False,
}


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


def take(current: Any, given: Any, path: Path, plan: Plan, check: Callable[[Any], None] = lambda new: None) -> Any:
    """
    The new value of one key, noted in the plan: text is added to, what was withheld put back, links are checked.

    Args:
        check: raises :class:`Refused` for a new value that does not fit for another reason.

    Raises:
        Refused: it does not fit.
    """
    if is_addition(given) and isinstance(current, (str, Promise)):
        new: Any = added(current, given)
        check_links(path[-1], str(new), str(current))
        if new == current:
            return current
    else:
        given = plan.restored(current, given, path)
        check_links(path[-1], given, current)
        new = convert(current, given)
    if new is not current:
        check(new)
        plan.changed.append(path)
    return new


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
        if current is not None:
            return take(current, given, path, plan, self._check)
        new = convert_null(self.types, given)
        if new is not None:
            check_links(path[-1], new)
            self._check(new)
            plan.changed.append(path)
        return new

    def _check(self, new):
        if self.minimum is not None and new < self.minimum:
            raise Refused(f"it must be at least {self.minimum}")

    def schema(self):
        return {**self.json_schema, **({} if self.minimum is None else {"minimum": self.minimum})}


@attrs.frozen
class Choice(Kind):
    """One of the values that the platform has for this."""

    values: Collection[str | None]

    def plan(self, current, given, path, plan):
        if not isinstance(given, (str, type(None))) or given not in self.values:
            names = ", ".join("null" if value is None else value for value in self.values)
            raise Refused(f"it must be one of the platform's own values: {names}")
        if given != current:
            plan.changed.append(path)
        return given

    def schema(self):
        return {"enum": list(self.values)}


@attrs.frozen
class Url(Kind):
    """An address: http(s), or a path on this site unless it must be absolute."""

    absolute: bool = False

    def fits(self, current):
        return current is None or isinstance(current, (str, Promise))

    def plan(self, current, given, path, plan):
        if current is not None:
            return take(current, given, path, plan, self._check)
        # Null is taken for an empty text, to which something may be added.
        return take("", given, path, plan, self._check) or None

    def _check(self, new):
        check_url(str(new), self.absolute)

    def schema(self):
        about = _("An absolute http or https URL.") if self.absolute else _("An http or https URL, or a path.")
        return {"type": "string", "format": "uri" if self.absolute else "uri-reference", "description": about}


@attrs.frozen
class Template(Kind):
    """The path of a template; one that can't be rendered would end in an error page."""

    engine: str = PAGES

    def fits(self, current):
        return current is None or isinstance(current, str)

    def plan(self, current, given, path, plan):
        if given == current and isinstance(given, str):
            return current
        check_template(given, self.engine)
        plan.changed.append(path)
        return given

    def schema(self):
        return {"type": "string", "description": _("The path of a template that exists on this site.")}


def check_template(name: Any, engine: str = PAGES) -> None:
    """
    Check that a template can be loaded.

    Args:
        engine: the one that will render it; where the site has none of this name, or it is empty, any engine.

    Raises:
        Refused: it can't.
    """
    if not isinstance(name, str) or not name or "\0" in name:
        raise Refused("it must be the path of a template")
    try:
        load: Callable = engines[engine].get_template if engine else get_template
    except InvalidTemplateEngineError:
        load = get_template
    try:
        load(name)
    except Exception as error:
        # Any engine's own errors: whatever keeps the template from loading would keep the page from rendering.
        raise Refused("no such template can be loaded by the engine that renders this page") from error


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
                plain = value.value if isinstance(value, Replaced) else value
                if self.scalars_only and isinstance(plain, (dict, list)) and not is_addition(plain):
                    raise Refused("only texts, numbers and booleans can be set here")
                if key not in merged and len(merged) >= _MAX_KEYS:
                    raise Refused("there are too many keys already")
                merged[key] = self._one(current, key, value, here, plan)
            except Refused as error:
                plan.refuse(here, error)
        same = len(merged) == len(current) and all(merged[key] is current[key] for key in current)
        return current if same else merged

    def _one(self, current, key, value, path, plan):
        if isinstance(value, Replaced):
            return self._replace(current, key, value.value, path, plan)
        if key not in current:
            check_links(path[-1], value)
            _check_new(key, value, path)
            plan.changed.append(path)
            return value
        old = current[key]
        if issubclass(type(old), LazyObject):
            # isinstance() below would wake it, which can cost a query.
            raise Refused("it is an object of the platform, which an answer can't make")
        if len(path) == 2 and key in self.append and type(old) is list:  # pylint: disable=unidiomatic-typecheck
            return _appended(old, value, path, plan)
        if isinstance(old, dict) and not isinstance(old, QueryDict) and isinstance(value, Mapping):
            return self._merge(old, value, path, plan)
        if is_named_tuple(old) and isinstance(value, Mapping):
            return self._members(old, value, path, plan)
        return take(old, value, path, plan)

    @staticmethod
    def _replace(current, key, value, path, plan):
        value = plan.restored(current.get(key), value, path)
        check_links(path[-1], value, current.get(key))
        if key not in current:
            _check_new(key, value, path)
        plan.changed.append(path)
        return value

    def _members(self, current, given, path, plan):
        """A named tuple with some members changed."""
        changed = {}
        for name, value in given.items():
            here = (*path, name)
            try:
                plan.check_name(name)
                if name not in current._fields:
                    raise Refused("there is no such member")
                old = getattr(current, name)
                new = self._one({name: old}, name, value, here, plan)
            except Refused as error:
                plan.refuse(here, error)
                continue
            if new is not old:
                changed[name] = new
        return current._replace(**changed) if changed else current

    def schema(self):
        return {
            "type": "object",
            "additionalProperties": True,
            "description": _(
                "Merged key by key. Existing values keep their type; objects that are not data stay. A text takes "
                "{prepend, append} too."
            ),
        }


def _appended(current: list, given, path, plan) -> list:
    """With the texts that are not there yet."""
    new = [text for text in texts(given) if text not in current]
    if not new:
        return current
    plan.changed.append(path)
    return [*current, *new]


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
        """The key, or the name itself for a new one."""
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
            old = current.getlist(name) if isinstance(current, QueryDict) else [current.get(name)]
            try:
                plan.check_name(name)
                new = _form_texts(old, plan.restored(old[0] if len(old) == 1 else old, value, here))
                check_links(name, new)
            except Refused as error:
                plan.refuse(here, error)
                continue
            if new != old:
                changed = True
                plan.changed.append(here)
                if isinstance(form, QueryDict):
                    form.setlist(name, new)
                else:
                    form[name] = new[-1]
        return form if changed else current

    def schema(self):
        text = {"type": ["string", "boolean", "number"]}
        return {
            "type": "object",
            "additionalProperties": {"anyOf": [text, {"type": "array", "items": text}, ADDITION]},
            "description": _(
                "Field name → value, a list of values, or {prepend, append} for its text. Other fields stay."
            ),
        }


def _form_texts(old: list, value) -> list[str]:
    if is_addition(value):
        if len(old) != 1:
            raise Refused("only a field with one value can be added to")
        return [added(old[0] or "", value)]
    values = value if isinstance(value, list) else [value]
    if not values:
        raise Refused("a field needs a value")
    return [plain_text(one) for one in values]


@attrs.frozen
class TextSet(Kind):
    """A set of texts, to which an answer can add."""

    def fits(self, current):
        return isinstance(current, (set, frozenset))

    def plan(self, current, given, path, plan):
        return take(current, given, path, plan)

    def schema(self):
        return {"type": "array", "items": {"type": "string"}, "description": _("Added to what is there.")}
