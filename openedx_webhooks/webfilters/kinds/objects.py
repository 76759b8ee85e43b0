"""
Kinds of argument that are objects of the platform: cohorts, query sets, fragments, forms, responses, records.

What must be changed in place is noted as an effect, to be carried out when the whole plan stands.
"""

import functools
import re
from collections.abc import Mapping
from typing import Any

import attrs
from django.core.exceptions import ValidationError
from django.db import models, router
from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.utils.translation import gettext as _

from ...payloads.secret_names import is_sensitive
from ...savepoint import savepoint
from ..responses import check_header, forbidden_cookies
from .convert import Refused, added, check_links, check_text, check_url, texts
from .values import Context, Kind, take

_MAX_IDS = 10_000


@attrs.frozen
class Cohort(Kind):
    """A cohort, which can be replaced by another one of the same course."""

    def plan(self, current, given, path, plan):
        if not isinstance(current, models.Model):
            raise Refused("there is no cohort")
        if not isinstance(given, Mapping):
            raise Refused("it must be an object with the id or the name of a cohort")
        wanted = self._wanted(given)
        same = {"course_id": current.course_id}
        if hasattr(current, "group_type"):
            same["group_type"] = current.group_type
        try:
            with savepoint(router.db_for_read(type(current), instance=current)):
                found = list(type(current).objects.filter(**same, **wanted)[:2])
        except (TypeError, ValueError, OverflowError) as error:
            raise Refused("the course has no such cohort") from error
        if len(found) != 1:
            raise Refused("the course has no such cohort")
        if found[0].pk == current.pk:
            return current
        plan.changed.append(path)
        return found[0]

    @staticmethod
    def _wanted(given):
        number, name = given.get("id"), given.get("name")
        if type(number) is int and abs(number) < 2**63:  # pylint: disable=unidiomatic-typecheck
            return {"pk": number}
        if isinstance(name, str) and name and "\0" not in name:
            return {"name": name}
        raise Refused("it must have the id or the name of a cohort")

    def schema(self):
        return {
            "type": "object",
            "properties": {"id": {"type": "integer"}, "name": {"type": "string"}},
            "description": _("Another cohort of the same course, by id or name."),
        }


@attrs.frozen
class Rows(Kind):
    """A lazy query set, of which an answer can choose; it is never evaluated here."""

    def fits(self, current):
        return isinstance(current, QuerySet)

    def plan(self, current, given, path, plan):
        if not isinstance(current, QuerySet):
            raise Refused("there is no query to restrict")
        if not isinstance(given, Mapping):
            raise Refused("it must be an object with include_ids or exclude_ids")
        rows = current
        for name, value in given.items():
            here = (*path, name)
            try:
                if name not in ("include_ids", "exclude_ids"):
                    raise Refused("only include_ids and exclude_ids can be given")
                choose = rows.filter if name == "include_ids" else rows.exclude
                rows = choose(pk__in=self._ids(current.model, value))
                plan.changed.append(here)
            except Refused as error:
                plan.refuse(here, error)
            except TypeError as error:
                raise Refused("the query is cut to a slice already") from error
        return rows

    @staticmethod
    def _ids(model, value):
        if not isinstance(value, list) or len(value) > _MAX_IDS:
            raise Refused(f"it must be a list of at most {_MAX_IDS} ids")
        key = model._meta.pk
        ids = []
        for one in value:
            if isinstance(one, bool) or not isinstance(one, (int, str)):
                raise Refused("an id must be a number or a text")
            try:
                one = key.to_python(one)
                key.run_validators(one)
            except (ValidationError, TypeError, ValueError, OverflowError) as error:
                raise Refused("an id does not fit") from error
            ids.append(one)
        return ids

    def schema(self):
        ids = {"type": "array", "items": {"type": ["integer", "string"]}, "maxItems": _MAX_IDS}
        return {
            "type": "object",
            "properties": {"include_ids": ids, "exclude_ids": ids},
            "additionalProperties": False,
            "description": _("Restricts the rows to some ids, or leaves some out."),
        }


@attrs.frozen
class FragmentContent(Kind):
    """The HTML of a rendered fragment; its scripts and styles stay."""

    def plan(self, current, given, path, plan):
        if not isinstance(getattr(current, "content", None), str):
            raise Refused("there is no fragment")
        if not isinstance(given, Mapping):
            raise Refused("it must be an object with prepend, append or content")
        content, names = current.content, []
        # Added to the content that the same answer may give, whatever the order.
        for name in sorted(given, key=lambda name: name in ("prepend", "append")):
            here = (*path, name)
            try:
                if name == "content":
                    new = plan.restored(current.content, check_text(given[name]), here)
                elif name in ("prepend", "append"):
                    new = added(content, {name: given[name]})
                else:
                    raise Refused("only prepend, append and content can be given")
            except Refused as error:
                plan.refuse(here, error)
                continue
            if new != content:
                names.append(here)
                content = new
        if names:
            plan.changed.extend(names)
            plan.effects.append((path, functools.partial(setattr, current, "content", content)))
        return current

    def schema(self):
        html = {"type": "string", "contentMediaType": "text/html"}
        return {
            "type": "object",
            "properties": {
                "prepend": {**html, "description": _("HTML to put before what is there.")},
                "append": {**html, "description": _("HTML to put after what is there.")},
                "content": {**html, "description": _("HTML to put in the place of what is there.")},
            },
            "additionalProperties": False,
        }


# Property of a form's field → the types it takes.
_FIELD_PROPERTIES: Mapping[str, tuple[type, ...]] = {
    "label": (str,),
    "default": (str, bool, int, float),
    "field_type": (str,),
    "placeholder": (str,),
    "instructions": (str,),
    "required": (bool,),
    "restrictions": (dict,),
    "options": (list,),
    "supplementalLink": (str,),
    "supplementalText": (str,),
}


@attrs.frozen
class FormFields(Kind):
    """A form's description, whose fields' properties can be overridden."""

    def fits(self, current):
        return callable(getattr(current, "override_field_properties", None))

    def plan(self, current, given, path, plan):
        if not self.fits(current):
            raise Refused("there is no form")
        if not isinstance(given, Mapping):
            raise Refused("it must be an object of fields")
        for field, properties in given.items():
            here = (*path, field)
            if not isinstance(properties, Mapping):
                plan.refuse(here, "it must be an object of properties")
                continue
            chosen = {}
            for name, value in properties.items():
                try:
                    self._check(field, name, value)
                    chosen[name] = value
                    plan.changed.append((*here, name))
                except Refused as error:
                    plan.refuse((*here, name), error)
            if chosen:
                plan.effects.append((here, functools.partial(current.override_field_properties, field, **chosen)))
        return current

    @staticmethod
    def _check(field, name, value):
        types = _FIELD_PROPERTIES.get(name)
        if types is None:
            raise Refused("there is no such property")
        if name == "default" and is_sensitive(field):
            raise Refused("it is protected")
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise Refused("it has the wrong type")
        if name == "supplementalLink":
            check_url(value)
        check_links(name, value)

    def schema(self):
        names = {str: "string", bool: "boolean", int: "integer", float: "number", dict: "object", list: "array"}
        properties: dict[str, Any] = {
            name: {"type": [names[one] for one in types] if len(types) > 1 else names[types[0]]}
            for name, types in _FIELD_PROPERTIES.items()
        }
        properties["options"]["items"], properties["restrictions"]["additionalProperties"] = {}, True
        return {
            "type": "object",
            "additionalProperties": {"type": "object", "properties": properties, "additionalProperties": False},
            "description": _("Field name → properties to override."),
        }


_COOKIE_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_COOKIE_VALUE = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]{0,3000}")


@attrs.frozen
class ResponseVerbs(Kind):
    """A finished response, to which headers and cookies can be added; its body stays."""

    def fits(self, current):
        return isinstance(current, HttpResponseBase)

    def plan(self, current, given, path, plan):
        if not isinstance(current, HttpResponseBase):
            raise Refused("there is no response")
        if not isinstance(given, Mapping):
            raise Refused("it must be an object of headers and cookies")
        for verb, value in given.items():
            here = (*path, verb)
            try:
                if verb in ("headers", "cookies") and isinstance(value, Mapping):
                    items = value.items()
                elif verb == "delete_cookies":
                    items = dict.fromkeys(texts(value)).items()
                else:
                    raise Refused("only headers, cookies (objects) and delete_cookies (a list) can be given")
            except Refused as error:
                plan.refuse(here, error)
                continue
            for name, one in items:
                self._one(current, verb, name, one, (*here, name), plan)
        return current

    @staticmethod
    def _one(response, verb, name, value, path, plan):  # pylint: disable=too-many-positional-arguments
        try:
            if verb == "headers":
                check_header(name, value)
                effect = functools.partial(response.headers.__setitem__, name, value)
            else:
                if not _COOKIE_NAME.fullmatch(name) or name in forbidden_cookies() or is_sensitive(name):
                    raise Refused("it is protected")
                if verb == "cookies":
                    if not isinstance(value, str) or not _COOKIE_VALUE.fullmatch(value):
                        raise Refused("it is not the value of a cookie")
                    effect = functools.partial(response.set_cookie, name, value, secure=True, samesite="Lax")
                else:
                    effect = functools.partial(response.delete_cookie, name)
        except Refused as error:
            plan.refuse(path, error)
            return
        plan.changed.append(path)
        plan.effects.append((path, effect))

    def schema(self):
        of_texts = {"type": "object", "additionalProperties": {"type": "string"}}
        return {
            "type": "object",
            "properties": {
                "headers": of_texts,
                "cookies": of_texts,
                "delete_cookies": {"type": "array", "items": {"type": "string"}},
            },
            "additionalProperties": False,
        }


@attrs.frozen
class Records(Kind):
    """A list of dicts, each found by one of its keys and merged on its own; none comes or goes."""

    key: str

    def plan(self, current, given, path, plan):
        if not isinstance(current, list):
            raise Refused("there are no records")
        if not isinstance(given, list):
            raise Refused("it must be a list of objects")
        where = {str(one[self.key]): i for i, one in enumerate(current) if isinstance(one, dict) and self.key in one}
        result = list(current)
        for position, record in enumerate(given):
            here = (*path, str(position))
            wanted = record.get(self.key) if isinstance(record, Mapping) else None
            if not isinstance(wanted, str) or wanted not in where:
                plan.refuse(here, f"no record has this {self.key}")
                continue
            index = where[wanted]
            here = (*path, str(index))
            changes = {name: value for name, value in record.items() if name != self.key}
            result[index] = Context().plan(result[index], changes, here, plan)
        return current if all(new is old for new, old in zip(result, current, strict=True)) else result

    def schema(self):
        of_key = {"properties": {self.key: {"type": "string"}}, "required": [self.key]}
        record = {"type": "object", **of_key, "additionalProperties": True}
        return {"type": "array", "items": record, "description": _("Each is merged into the record with its key.")}


@attrs.frozen
class Tabs(Kind):
    """The tabs of the instructor dashboard; the list replaces the current one."""

    def plan(self, current, given, path, plan):
        check_tabs(given)
        if not isinstance(current, list):
            raise Refused("there are no tabs")
        if given:
            return take(current, given, path, plan)
        if current:
            plan.changed.append(path)
        return []

    def schema(self):
        return TABS_SCHEMA


TABS_SCHEMA: Mapping[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "tab_id": {"type": "string"},
            "title": {"type": "string"},
            "url": {"type": "string", "format": "uri-reference"},
            "sort_order": {"type": "integer"},
        },
        "required": ["tab_id", "title", "url"],
        "additionalProperties": False,
    },
}


def check_tabs(given: Any) -> list[dict]:
    if not isinstance(given, list):
        raise Refused("it must be a list of tabs")
    for tab in given:
        if not isinstance(tab, Mapping) or not set(tab) <= {"tab_id", "title", "url", "sort_order"}:
            raise Refused("a tab has tab_id, title, url and sort_order")
        if not all(isinstance(tab.get(name), str) for name in ("tab_id", "title", "url")):
            raise Refused("tab_id, title and url of a tab must be texts")
        if type(tab.get("sort_order", 0)) is not int:  # pylint: disable=unidiomatic-typecheck
            raise Refused("sort_order of a tab must be a whole number")
        check_url(tab["url"])
    return given
