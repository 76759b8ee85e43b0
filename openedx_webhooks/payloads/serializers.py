"""
How the platform's objects are sent: which fields of which class.

Classes are known by name, so that nothing of the platform is imported, and read by :func:`held`: a field that isn't
loaded, or a relation that nobody followed, is left out instead of fetched.
"""

import functools
from typing import Any

from django.utils.functional import Promise

from .handlers import primary_key
from .registry import register, type_name

_MISSING = object()


def held(instance: Any, name: str, default: Any = None) -> Any:
    """
    The value that an object holds in memory under ``name``: an attribute of its own or a relation already loaded.

    Runs no property, no descriptor and no query.
    """
    state = _state(instance)
    value = state.get(name, _MISSING)
    if value is _MISSING:
        cache = getattr(state.get("_state"), "fields_cache", {})
        value = cache.get(name, _MISSING)
    return default if value is _MISSING else value


def _state(instance):
    try:
        # Past what a class makes of attributes; a lazy object stays asleep.
        return object.__getattribute__(instance, "__dict__")
    except Exception:  # pylint: disable=broad-exception-caught
        return {}


def held_fields(instance: Any, *names: str) -> dict[str, Any]:
    found = {name: held(instance, name, _MISSING) for name in names}
    return {name: value for name, value in found.items() if value is not _MISSING}


def related(instance: Any, name: str) -> Any:
    """A related object if it is loaded, else ``{"id": …}`` of it, else None."""
    value = held(instance, name)
    if value is not None:
        return value
    key = held(instance, f"{name}_id")
    return None if key is None else {"id": key}


def _user(user):
    return held_fields(
        user, "id", "username", "email", "first_name", "last_name", "is_active", "is_staff", "date_joined", "last_login"
    )


def _profile(profile):
    fields = held_fields(
        profile,
        "name",
        "country",
        "language",
        "level_of_education",
        "gender",
        "year_of_birth",
        "city",
        "state",
        "goals",
        "bio",
    )
    if "country" in fields:
        # django-countries' Country object holds the code.
        fields["country"] = held(fields["country"], "code", fields["country"])
    return fields


def _enrollment(enrollment):
    return {
        "id": primary_key(enrollment),
        "user": related(enrollment, "user"),
        **held_fields(enrollment, "course_id", "mode", "is_active", "created"),
    }


def _cohort_membership(membership):
    return {
        "id": primary_key(membership),
        "user": related(membership, "user"),
        **held_fields(membership, "course_id"),
        "course_user_group": related(membership, "course_user_group"),
    }


def _certificate(certificate):
    return {
        "id": primary_key(certificate),
        "user": related(certificate, "user"),
        **held_fields(certificate, "course_id", "mode", "status", "grade", "name"),
    }


def _provider(provider):
    """A login provider: its public id and name, nothing of its configuration, which holds the client's secret."""
    provider_id = held(provider, "provider_id")
    keys = getattr(type(provider), "KEY_FIELDS", None)
    prefix = getattr(type(provider), "prefix", None)
    if provider_id is None and isinstance(prefix, str) and keys:
        parts = [held(provider, name) for name in keys]
        if None not in parts:
            provider_id = "-".join([prefix, *map(str, parts)])
    return {"provider_id": provider_id, "name": held(provider, "name")}


def _block(block):
    """An XBlock: what it is, not what it contains. Its fields may sit in a store, and hold the answers."""
    scope_ids = held(block, "scope_ids")
    key = _first(getattr(scope_ids, "usage_id", None), held(block, "usage_key"), held(block, "location"))
    block_type = _first(getattr(scope_ids, "block_type", None), held(block, "block_type"), held(block, "category"))
    return {
        "usage_key": key,
        "course_key": _first(_part(key, "context_key"), held(block, "course_key")),
        "block_type": _first(block_type, _part(key, "block_type")),
        "display_name": _display_name(block),
    }


def _first(*values):
    """The first that is there. The truth of a key is its length, for which it makes its text."""
    return next((value for value in values if value is not None), None)


def _part(key, name):
    """A part of an opaque key; some kinds of key refuse some parts."""
    try:
        return getattr(key, name, None)
    except (NotImplementedError, ValueError):
        return None


def _display_name(block):
    name = _first(held(block, "display_name"), (held(block, "_field_data_cache") or {}).get("display_name"))
    if name is None:
        name = _stored_name(block)
    return name if issubclass(type(name), (str, Promise)) else None


# Where XBlock's and the platform's field data have the one that they wrap.
_WRAPPED = ("_source", "_authored_data", "fallback")


def _stored_name(block):
    """The name that nothing has read in this request: an author's settings are in memory all the same."""
    data = held(block, "_deprecated_per_instance_field_data") or held(block, "_field_data")
    if data is None:
        data = (held(held(block, "runtime"), "_services") or {}).get("field-data")
    for _ in range(6):
        store = held(data, "_kvs")
        # XBlock's own field data over a dict, and the modulestore's.
        fields = held(data, "_data", held(store, "_fields"))
        if issubclass(type(fields), dict):
            # Of a block made from a template, the store has the defaults.
            return fields.get("display_name") or (held(store, "_defaults") or {}).get("display_name") or _default(block)
        data = next((inner for name in _WRAPPED if (inner := held(data, name)) is not None), None)
    return None


def _default(block):
    """What the class declares: the value of a setting that nobody has set."""
    fields = getattr(type(block), "fields", None)
    field = fields.get("display_name") if issubclass(type(fields), dict) else None
    return field.default if getattr(getattr(field, "scope", None), "name", None) == "settings" else None


def _response(response):
    headers = held(response, "headers") or {}
    return {
        # Redirects and errors have it as an attribute of the class.
        "status_code": held(response, "status_code", getattr(type(response), "status_code", None)),
        "headers": {name: value for name, value in headers.items() if name.lower() != "set-cookie"},
    }


def _only(*names):
    return functools.partial(_fields_of, names=names)


def _fields_of(instance, names):
    fields = held_fields(instance, *names)
    return fields or {"type": type_name(type(instance))}


for _target, _serializer in {
    "AbstractBaseUser": _user,
    # An anonymous visitor is nobody.
    "AnonymousUser": lambda user: None,
    "UserProfile": _profile,
    "CourseOverview": _only("id", "display_name", "start", "end"),
    "CourseEnrollment": _enrollment,
    "CourseUserGroup": _only("id", "name", "course_id", "group_type"),
    "CohortMembership": _cohort_membership,
    "GeneratedCertificate": _certificate,
    "CertificateTemplate": _only("id", "name"),
    "CourseGrade": _only("percent", "letter_grade", "passed"),
    "CourseGradeBase": _only("percent", "letter_grade", "passed"),
    "ProviderConfig": _provider,
    "XBlock": _block,
    "Fragment": _only("content"),
    "FormDescription": _only("method", "submit_url", "fields"),
    "HttpResponseBase": _response,
    # django-countries: shown as its code everywhere.
    "Country": lambda country: held(country, "code"),
}.items():
    register(_target, _serializer)
