"""Accounts and profiles: the model fields that an answer may change, validated and saved."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import FieldDoesNotExist, ObjectDoesNotExist, ValidationError
from django.db import models, router
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_aware
from django.utils.translation import gettext as _

from ...app_settings import app_settings
from ...payloads.secret_names import is_sensitive
from ...savepoint import savepoint
from ..plan import Path, Plan
from .convert import Refused, Replaced, added, check_links, check_text, is_addition
from .values import Kind

# Identity, privileges and what the platform keeps for itself. Primary keys, relations, fields that are not editable
# and fields with a sensitive name are protected without being listed.
_PROTECTED_FIELDS = frozenset(
    (
        "username email password is_staff is_superuser is_active last_login date_joined meta courseware "
        "profile_image_uploaded_at lms_user_id"
    ).split()
)
# Of these, what an answer may replace if its webfilter's format says so.
IDENTITY = frozenset(("email", "username"))


@attrs.frozen
class Account(Kind):
    """A user, whose harmless fields can be changed; who it is never changes."""

    def fits(self, current):
        return current is None or isinstance(current, AbstractBaseUser)

    def plan(self, current, given, path, plan):
        if not isinstance(current, AbstractBaseUser) or current.pk is None:
            raise Refused("there is no account to change")
        plan_fields(current, given, path, plan)
        return current

    def schema(self):
        return {
            "type": "object",
            "properties": {"first_name": {"type": "string"}, "last_name": {"type": "string"}},
            "description": _("Fields of the account, which are saved. Who it is can't be changed."),
        }


@attrs.frozen
class Profile(Kind):
    """What ``profile`` beside ``user`` in the payload takes back."""

    def plan(self, current, given, path, plan):
        if not isinstance(current, AbstractBaseUser) or current.pk is None:
            raise Refused("there is no account to change")
        try:
            profile = current.profile
        except (AttributeError, ObjectDoesNotExist) as error:
            raise Refused("the account has no profile") from error
        plan_fields(profile, given, path, plan)
        return current

    def schema(self):
        text = {"type": "string"}
        names = ("name", "country", "language", "level_of_education", "gender", "city", "state", "goals", "bio")
        return {
            "type": "object",
            "properties": {**dict.fromkeys(names, text), "year_of_birth": {"type": ["integer", "null"]}},
            "description": _("Fields of the learner's profile, which are saved."),
        }


def plan_fields(instance: models.Model, given: Any, path: Path, plan: Plan) -> None:
    """Validate new values for the fields of a model instance and note that it is to be saved."""
    if not isinstance(given, Mapping):
        raise Refused("it must be an object")
    values = {}
    for name, value in given.items():
        here = (*path, name)
        try:
            is_free = isinstance(value, Replaced)
            value = value.value if is_free else value
            field = _writable(instance, name, path[-1], is_free)
            cleaned = _clean(field, _meant(getattr(instance, field.attname), value, here, plan), instance)
        except Refused as error:
            plan.refuse(here, error)
            continue
        if cleaned != getattr(instance, field.attname):
            values[field.attname] = cleaned
            plan.changed.append(here)
    if values:
        plan.effects.append((path, Save(instance, values)))


def _meant(current, given, path, plan):
    """What the answer means: added to the text, or with what was masked when it was sent."""
    if is_addition(given) and (current is None or isinstance(current, str)):
        new: Any = added(current or "", given)
    else:
        new = plan.restored(current, given, path)
    check_links(path[-1], new, current)
    return new


def _writable(instance, name, owner, is_free):
    more = set(app_settings.PROTECTED_FIELDS or ())
    try:
        field = instance._meta.get_field(name)
    except FieldDoesNotExist as error:
        raise Refused("there is no such field") from error
    if not isinstance(field, models.Field) or field.primary_key or field.is_relation or not field.editable:
        raise Refused("it is protected")
    if name in _PROTECTED_FIELDS and not (is_free and name in IDENTITY):
        raise Refused("it is protected")
    if is_sensitive(name) or name in more or f"{owner}.{name}" in more:
        raise Refused("it is protected")
    return field


def _clean(field, value, instance):
    if isinstance(field, (models.CharField, models.TextField)) and value is not None:
        check_text(value)
    elif isinstance(field, models.BooleanField) and not isinstance(value, bool):
        raise Refused("it must be true or false")
    elif isinstance(field, models.IntegerField) and isinstance(value, (bool, str, float)):
        raise Refused("it must be a whole number")
    elif isinstance(field, models.DateTimeField) and value is not None:
        value = _aware(value)
    try:
        return field.clean(value, instance)
    except ValidationError as error:
        # Not the messages: they may quote the value, which is somebody's data and none of the log's business.
        codes = sorted({str(one.code) for one in error.error_list})
        raise Refused(f"it does not fit the field ({', '.join(codes)})") from error
    except (TypeError, ValueError, OverflowError) as error:
        raise Refused("it does not fit the field") from error


def _aware(value) -> datetime:
    try:
        moment = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or not is_aware(moment):
        raise Refused("it must be a date and time with time zone in ISO 8601")
    return moment


@attrs.frozen
class Save:
    """
    Save new values of a model's fields, all or none.

    Attributes:
        instance: the account or the profile.
        values: attribute → value.
    """

    instance: models.Model
    values: Mapping[str, Any]

    def __call__(self) -> None:
        before = {name: getattr(self.instance, name) for name in self.values}
        try:
            for name, value in self.values.items():
                setattr(self.instance, name, value)
            with savepoint(router.db_for_write(type(self.instance), instance=self.instance)):
                self.instance.save(update_fields=list(self.values))
        except BaseException:
            # The call site goes on with this very object: it must not see what the database does not have.
            for name, value in before.items():
                setattr(self.instance, name, value)
            raise
