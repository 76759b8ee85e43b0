"""By what a user of the platform is known in what is recorded."""

import contextlib
from collections.abc import Iterator

from django.apps import apps
from django.core.exceptions import ObjectDoesNotExist

from ..payloads.mentions import Person

# Where the platform keeps ids that stand for a user towards others: app, model, field.
_CODES = (
    # Submissions and their grades have them instead of the user's number.
    ("student", "AnonymousUserId", "anonymous_user_id"),
    ("external_user_ids", "ExternalId", "external_user_id"),
)


def person_of(user) -> Person:
    """
    Everything that the platform knows a user by.

    A retirement has already replaced the address, and at its end replaces the username, too: the platform keeps the
    ones of before until then.

    Raises:
        django.db.Error: the platform's tables can't be read.
    """
    status = _related(user, "userretirementstatus")
    names = [getattr(user, name, "") for name in ("username", "email")]
    names += [getattr(status, name, "") for name in ("original_username", "original_email")]
    first_and_last = " ".join(filter(None, (getattr(user, name, "") for name in ("first_name", "last_name"))))
    full = [getattr(_related(user, "profile"), "name", ""), getattr(status, "original_name", ""), first_and_last]
    return Person(
        user_id=user.pk,
        names=tuple(name for name in dict.fromkeys(names) if name),
        full_names=tuple(name for name in dict.fromkeys(full) if name),
        codes=frozenset(_codes_of(user.pk)),
    )


def _related(user, name: str):
    with contextlib.suppress(AttributeError, ObjectDoesNotExist):
        return getattr(user, name)
    return None


def _codes_of(user_id: int) -> Iterator[str]:
    """As they are written in payloads, in lower case; none where there is no platform."""
    for app, name, field in _CODES:
        try:
            model = apps.get_model(app, name)
        except LookupError:
            continue
        for code in model.objects.filter(user_id=user_id).values_list(field, flat=True):
            yield str(code).lower()
