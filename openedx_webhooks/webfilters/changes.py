"""
What an answer may change, and what its ``data`` does change: merged, planned on copies, and carried out when the whole
plan stands.

Which :class:`~.kinds.values.Kind` takes an argument's value is said by the filter's adapter, else by the argument's
annotation, else by the type of what the platform handed in. A plan is made before anything is changed, so that a
failure halfway changes nothing, and so that observing can tell what would have been done.
"""

import inspect
import logging
import typing
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import QuerySet
from django.http import HttpResponseBase, QueryDict
from opaque_keys import OpaqueKey
from opaque_keys.edx.keys import CourseKey

from .. import catalog
from . import adapters
from .kinds.accounts import Account, Profile
from .kinds.convert import Refused, is_addition
from .kinds.objects import FormFields, ResponseVerbs, Rows
from .kinds.values import Context, Fixed, Form, Kind, TextSet, Url, Value
from .plan import Path, Plan, dotted

log = logging.getLogger(__name__)

_ABSENT = object()
_TEXT = Value({"type": "string"}, (str,))
_BOOLEAN = Value({"type": "boolean"}, (bool,))
_INTEGER = Value({"type": "integer"}, (int,))
_NUMBER = Value({"type": "number"}, (float,))
_LIST = Value({"type": "array", "items": {}}, (list, tuple))
_KEY = Value({"type": "string", "description": "course key"}, (OpaqueKey,))
_MOMENT = Value({"type": "string", "format": "date-time"}, (datetime,))
_OBJECT = Fixed("it is an object of the platform, which an answer can't make")

_BY_ANNOTATION: Mapping[Any, Kind] = {
    str: _TEXT,
    bool: _BOOLEAN,
    int: _INTEGER,
    float: _NUMBER,
    list: _LIST,
    dict: Context(),
    set: TextSet(),
    CourseKey: _KEY,
    datetime: _MOMENT,
    QueryDict: Form(),
    QuerySet: Rows(),
}
# In this order: a form is a dict too, a boolean a number.
_BY_TYPE: Iterable[tuple[Any, Kind]] = (
    (AbstractBaseUser, Account()),
    (QueryDict, Form()),
    (dict, Context()),
    ((set, frozenset), TextSet()),
    (QuerySet, Rows()),
    (HttpResponseBase, ResponseVerbs()),
    (OpaqueKey, _KEY),
    (bool, _BOOLEAN),
    (str, _TEXT),
    (int, _INTEGER),
    (float, _NUMBER),
    (datetime, _MOMENT),
    ((list, tuple), _LIST),
)


def changeable(filter_type: catalog.FilterType) -> dict[str, dict[str, Any]]:
    """
    What ``data`` of an answer may have: key → JSON Schema of its value.

    ``profile`` is one of them where the filter has a user. An argument that is missing here cannot be changed.
    """
    schemas = {name: _kind(filter_type, name).schema() for name in filter_type.arguments}
    if "user" in filter_type.arguments:
        schemas["profile"] = Profile().schema()
    return {name: dict(schema) for name, schema in schemas.items() if schema is not None}


def merge(answers: Iterable[tuple[int, Mapping[str, Any]]]) -> tuple[dict[str, Any], dict[Path, tuple[int, ...]]]:
    """
    Merge the ``data`` of several answers deeply, in order: a later value replaces an earlier one at the same key, and
    what a later one adds to a text is added to the earlier one's.

    Args:
        answers: webfilter id and data, in the hooks' order.

    Returns:
        the merged data, and which webfilters gave each key.
    """
    merged: dict[str, Any] = {}
    sources: dict[Path, tuple[int, ...]] = {}
    for webfilter_id, data in answers:
        _merge_into(merged, data, (), webfilter_id, sources)
    return merged, sources


def _merge_into(target, data, path, webfilter_id, sources):
    for name, value in data.items():
        here = (*path, name)
        old = target.get(name)
        if isinstance(value, dict) and not (isinstance(old, str) and is_addition(value)):
            sources[here] = (webfilter_id,)
            if not isinstance(old, dict):
                target[name] = {}
            _merge_into(target[name], value, here, webfilter_id, sources)
        elif isinstance(old, str) and (added := _added_up(name, old, value)) is not None:
            target[name] = added
            sources[here] = (*sources[here], webfilter_id)
        else:
            sources[here] = (webfilter_id,)
            target[name] = value


def _added_up(name, old, value):
    """What an answer adds to an earlier answer's text, or to what that one adds; None if it does not add."""
    if is_addition(value) and all(isinstance(text, str) for text in value.values()):
        return value.get("prepend", "") + old + value.get("append", "")
    if name in ("prepend", "append") and isinstance(value, str):
        return value + old if name == "prepend" else old + value
    return None


def sources_of(path: Path, sources: Mapping[Path, tuple[int, ...]]) -> tuple[int, ...]:
    """The webfilters that gave a key, or gave the value that the key is in."""
    while path:
        if path in sources:
            return sources[path]
        path = path[:-1]
    return ()


def without_echo(data: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """
    Leave out what the endpoint only sent back: many answer with the whole payload, changed here and there.

    Without this, every key that can't be changed would be refused with a log line, although nobody wants it changed.
    """
    result = {}
    for name, value in data.items():
        old = sent.get(name, _ABSENT)
        if isinstance(value, dict) and isinstance(old, dict):
            rest = without_echo(value, old)
            if rest:
                result[name] = rest
        elif type(value) is not type(old) or value != old:
            result[name] = value
    return result


def plan_changes(
    filter_type: catalog.FilterType,
    kwargs: Mapping[str, Any],
    data: Mapping[str, Any],
    payload: Mapping[str, Any] | None = None,
    withheld: Collection[Path] = (),
) -> Plan:
    """
    Work out what ``data`` changes; changes nothing yet.

    Only arguments that were received are taken, and ``profile`` beside ``user``.

    Args:
        payload: what was sent.
        withheld: paths in it of what was masked, cut or left out, so that this is not written back.
    """
    incomplete = {path[:length] for path in withheld for length in range(1, len(path) + 1)}
    plan = Plan(kwargs, adapters.of(filter_type.filter_type).protected, data, payload or {}, incomplete)
    # In the order of the arguments, since some depend on others (a mode on its course).
    names = [*(name for name in kwargs if name in data), *(name for name in data if name not in kwargs)]
    for name in names:
        try:
            if name in kwargs:
                current = kwargs[name]
                new = _kind(filter_type, name, current).plan(current, data[name], (name,), plan)
                if new is not current:
                    plan.values[name] = new
            elif name == "profile" and "user" in kwargs:
                Profile().plan(kwargs["user"], data[name], (name,), plan)
            else:
                raise Refused("the filter has no such argument")
        except Refused as error:
            plan.refuse((name,), error)
        except Exception as error:  # pylint: disable=broad-exception-caught
            # A live object that does not behave; the other keys still count.
            plan.refuse((name,), f"it failed with {type(error).__name__}")
    plan.changed = list(dict.fromkeys(plan.changed))
    return plan


def carry_out(plan: Plan) -> dict[str, Any]:
    """
    Do what a plan says: the changes in place, last of all, and the new values of arguments.

    An effect that fails is noted as refused and does not keep the others from happening.
    """
    for path, effect in plan.effects:
        try:
            effect()
        except Exception as error:  # pylint: disable=broad-exception-caught
            plan.undo(path, f"it could not be saved: {type(error).__name__}")
    return plan.values


def log_refused(filter_type: catalog.FilterType, plan: Plan, sources: Mapping[Path, tuple[int, ...]]) -> None:
    """A log line for each key that was refused: which webfilter, which key, and why; past the first ones a number."""
    for path, reason in plan.refused:
        log.warning(
            "Webfilter %s (%s): %s was not changed: %s",
            _listed(sources_of(path, sources)),
            filter_type.name,
            dotted(path),
            reason,
        )
    if plan.refused_more:
        everybody = {pk for pks in sources.values() for pk in pks}
        log.warning(
            "Webfilter %s (%s): %s more keys were not changed", _listed(everybody), filter_type.name, plan.refused_more
        )


def _listed(pks: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(set(pks))))


def _kind(filter_type, name, current: Any = _ABSENT) -> Kind:
    kind = adapters.of(filter_type.filter_type).kinds.get(name)
    if kind is not None:
        return kind
    kind = _general(filter_type, name)
    if current is _ABSENT or (kind is not _OBJECT and kind.fits(current)):
        return kind
    return _by_type(current)


def _general(filter_type, name) -> Kind:
    parameter = filter_type.arguments.get(name)
    if parameter is None:
        return Value(types=())  # fits nothing: the value's own type decides
    annotation = typing.get_origin(parameter.annotation) or parameter.annotation
    if annotation is str and (name == "url" or name.endswith("_url")):
        return Url()
    if name == "user" and annotation in (Any, inspect.Parameter.empty):
        return Account()
    if annotation in (Any, inspect.Parameter.empty):
        return _OBJECT
    return _BY_ANNOTATION.get(annotation, _OBJECT)


def _by_type(current) -> Kind:
    if FormFields().fits(current):
        return FormFields()
    return next((kind for types, kind in _BY_TYPE if isinstance(current, types)), _OBJECT)
