"""How Python's and Django's own types are sent; the platform's are in :mod:`.serializers`."""

import io
import math
import os
import types
from collections import ChainMap, deque
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.duration import duration_iso_string
from django.utils.functional import LazyObject, Promise, empty
from opaque_keys import OpaqueKey

from .registry import container, handle, marker, type_name
from .secret_names import sensitive_here, without_sensitive_pairs
from .walk import CUT, DROPPED, MASKED, clean_text

# --- Scalars


def _as_it_is(walk, value):
    walk.spend(5)
    return value


def _text(walk, value):
    text = str.__str__(value)
    if len(text) > walk.max_text:
        # A secret that the cut would halve is masked first.
        sent = walk.mask(text[: walk.max_text + 4096])[: walk.max_text] + "…"
        walk.note(CUT)
    else:
        sent = walk.mask(text)
    walk.spend(len(sent))
    if not sent.isascii():
        sent = clean_text(sent)
    if sent != text and len(text) <= walk.max_text:
        walk.note(MASKED)
    return sent


def _integer(walk, value):
    value = int(value)
    walk.spend(8)
    # Beyond 64 bits parsers differ, and beyond 4300 digits Python itself refuses.
    return value if value.bit_length() <= 64 else (str(value) if value.bit_length() < 4096 else marker(value))


def _number(walk, value):
    walk.spend(8)
    value = float(value)
    return value if math.isfinite(value) else None


def _decimal(_walk, value):
    return str(value) if value.is_finite() else None


def _enum(walk, value):
    return walk.json(value.value)


def _plain(walk, value):
    return _text(walk, str(value))


def _datetime(walk, value):
    walk.spend(32)
    if value.tzinfo is None:
        value = value.replace(tzinfo=timezone.get_default_timezone())
    return value.isoformat()


def _iso(_walk, value):
    return value.isoformat()


def _duration(_walk, value):
    return duration_iso_string(value)


def _bytes(walk, value):
    value = bytes(value)
    try:
        return _text(walk, value.decode("utf-8"))
    except UnicodeDecodeError:
        return {"type": "bytes", "size": len(value)}


def _class(_walk, value):
    # CourseDiscussionConfigurationData.plugin_configuration is the class dict where nothing was given.
    if issubclass(value, dict):
        return {}
    if issubclass(value, (list, tuple, set, frozenset)):
        return []
    return {"type": "type", "name": type_name(value)}


# --- Containers


@container
def _dict(walk, value):
    return walk.mapping(dict.items(value), len(value), sensitive_here(value))


@container
def _mapping(walk, value):
    return walk.mapping(value.items(), len(value), sensitive_here(value))


def _multi_value_dict(walk, value):
    """A form: one value as itself, several as a list."""
    form = {key: values[0] if len(values) == 1 else values for key, values in value.lists()}
    if len(form) > _MANY_FIELDS or sum(len(field) for field in form.values()) > _LARGE_FORM:
        # It may be cut. A learner must not get a field past a webfilter by putting thousands of others before it.
        first = [name for name in (*_FIELDS, *_sites_fields()) if name in form]
        form = {name: form[name] for name in first} | form
    return walk.json(form)


_MANY_FIELDS = 100
_LARGE_FORM = 32 * 1024
# What the platform's registration reads.
_FIELDS = (
    "email username name first_name last_name country level_of_education gender year_of_birth city state "
    "mailing_address goals company title job_title profession specialty terms_of_service honor_code "
    "marketing_emails_opt_in course_id next"
).split()


def _sites_fields():
    """The names of further fields that the site's registration has."""
    for setting in ("REGISTRATION_EXTRA_FIELDS", "REGISTRATION_FIELD_ORDER", "EXTENDED_PROFILE_FIELDS"):
        yield from (name for name in getattr(settings, setting, None) or () if isinstance(name, str))


@container
def _sequence(walk, value):
    items = without_sensitive_pairs(value)
    if len(items) < len(value):
        walk.note(DROPPED)
    return walk.sequence(items, len(items))


@container
def _collection(walk, value):
    return walk.sequence(value, len(value))


@container
def _set(walk, value):
    items = walk.sequence(value, len(value))
    return sorted(items, key=_by_kind)


def _by_kind(item):
    return type(item).__name__, item if isinstance(item, str | int | float) else repr(item)


def _tuple(walk, value):
    fields = getattr(type(value), "_fields", None)
    return _named_tuple(walk, value) if isinstance(fields, tuple) else _sequence(walk, value)


@container
def _named_tuple(walk, value):
    fields = type(value)._fields
    return walk.mapping(zip(fields, tuple.__iter__(value), strict=False), len(fields))


# --- What must not be woken


def _lazy_object(walk, value):
    """A lazy user that the caller has looked at is that user; one that nobody has would cost a query."""
    wrapped = object.__getattribute__(value, "__dict__").get("_wrapped", empty)
    return {"type": type_name(type(value))} if wrapped is empty else walk.json(wrapped)


def _query_set(walk, value):
    """Never evaluated: the model; the count and the first ids if the caller has the rows already."""
    state = value.__dict__
    result = {"type": state["model"]._meta.label}
    rows = state.get("_result_cache")
    if rows is not None:
        ids = [row.get("id") if issubclass(type(row), dict) else primary_key(row) for row in walk.rows(rows)]
        result |= {"count": len(rows), "ids": [walk.json(key) for key in ids if key is not None]}
    return result


def primary_key(instance) -> int | None:
    """A model instance's number; other keys may be secrets themselves (sessions, API tokens)."""
    meta = getattr(type(instance), "_meta", None)
    key = instance.__dict__.get(meta.pk.attname) if meta is not None and meta.pk is not None else None
    return key if type(key) is int else None  # pylint: disable=unidiomatic-typecheck


def _model(_walk, value):
    result = {"type": type(value)._meta.label}
    key = primary_key(value)
    return result if key is None else result | {"id": key}


def _file(_walk, value):
    """The name without its directories, and the size where nobody has to be asked for it."""
    state = getattr(value, "__dict__", {})
    name = getattr(value, "name", None)
    size = state.get("size", state.get("_size"))
    if type(value) is io.BytesIO:  # pylint: disable=unidiomatic-typecheck
        size = value.getbuffer().nbytes
    elif size is None and issubclass(type(value), io.IOBase.__base__):
        try:
            size = os.fstat(value.fileno()).st_size
        except (OSError, ValueError):
            size = None
    return {
        "name": os.path.basename(str.__str__(name)) if issubclass(type(name), str) else None,
        "size": size if issubclass(type(size), int) else None,
    }


handle(
    {
        LazyObject: _lazy_object,
        Enum: _enum,
        str: _text,
        bool: _as_it_is,
        int: _integer,
        float: _number,
        type(None): _as_it_is,
        Decimal: _decimal,
        datetime: _datetime,
        date: _iso,
        time: _iso,
        timedelta: _duration,
        UUID: _plain,
        PurePath: _plain,
        OpaqueKey: lambda walk, value: _text(walk, walk.text_of(value)),
        Promise: _plain,
        bytes: _bytes,
        bytearray: _bytes,
        memoryview: _bytes,
        type: _class,
        types.GenericAlias: lambda walk, value: _class(walk, value.__origin__),
        dict: _dict,
        types.MappingProxyType: _mapping,
        ChainMap: _mapping,
        list: _sequence,
        tuple: _tuple,
        set: _set,
        frozenset: _set,
        deque: _collection,
        range: _collection,
        **{type(view): _collection for view in ({}.keys(), {}.values(), {}.items())},
        # The C base of every stream; io.IOBase knows the built-in ones by registration only.
        io.IOBase.__base__: _file,
        "MultiValueDict": _multi_value_dict,
        "QuerySet": _query_set,
        "RawQuerySet": _query_set,
        "Model": _model,
        "File": _file,
    }
)
