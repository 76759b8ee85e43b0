"""What the demo begins with: accounts, three courses, cohorts, a certificate template, and example hooks."""

import json
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path

import attrs
from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils.translation import gettext as _
from opaque_keys.edx.keys import CourseKey

from openedx_webhooks import catalog
from openedx_webhooks.models import Webfilter, Webhook

from .course_modes.models import CourseMode
from .examples import COHORTS, COURSES, EVENTS, FILTERS, FORM_ENCODED_EVENTS, LEARNERS, MODES, TEMPLATE
from .models import (
    CertificateTemplate,
    CohortMembership,
    CourseEnrollment,
    CourseOverview,
    CourseUserGroup,
    UserProfile,
)


@attrs.frozen
class Accounts:
    """Username → password of the accounts that were made, the administrator's first."""

    passwords: dict[str, str]

    @property
    def admin(self) -> str:
        """The administrator's username."""
        return next(iter(self.passwords))

    def unchanged(self, username: str) -> bool:
        """Whether the password is still the one that was made."""
        user = get_user_model().objects.filter(username=username).first()
        return bool(user and user.check_password(self.passwords[username]))


def seed(directory: Path, receiver_url: str, *, webfilter_timeout: float | None = None) -> Accounts:
    """
    Fill an empty database; in a later run, only make the example hooks point to where the receiver is now.

    Args:
        directory: keeps what was made (``demo.json``) and the signing secrets for the receiver (``secrets.json``).
        receiver_url: without a slash at the end.
        webfilter_timeout: seconds, for the example webfilters; None for the site's default.
    """
    file = directory / "demo.json"
    if file.exists():
        made = json.loads(file.read_text(encoding="utf-8"))
        _move_hooks(made["receiver_url"], receiver_url)
    else:
        made = {"accounts": {name: _password() for name in ("admin", *dict(LEARNERS))}}
        with transaction.atomic():
            _make_courses()
            _make_people(made["accounts"])
            _make_hooks(receiver_url, webfilter_timeout)
    _write_privately(file, {**made, "receiver_url": receiver_url})
    secrets_of = (model.objects.values_list("secret", flat=True) for model in (Webhook, Webfilter))
    _write_privately(directory / "secrets.json", [secret for each in secrets_of for secret in each if secret])
    return Accounts(made["accounts"])


def _password() -> str:
    """Easy to type, and not the same on every machine."""
    return "-".join("".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _i in range(4)) for _j in range(3))


def _write_privately(file: Path, value) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as stream:
        json.dump(value, stream, indent=2)


def _make_courses() -> None:
    for month, (course_id, name, description) in enumerate(COURSES, start=9):
        key = CourseKey.from_string(course_id)
        start = datetime(2026, month, 1, tzinfo=UTC)
        CourseOverview.objects.create(id=key, display_name=name, short_description=description, start=start)
        CourseUserGroup.objects.bulk_create(CourseUserGroup(name=cohort, course_id=key) for cohort in COHORTS)
        CourseMode.objects.bulk_create(
            CourseMode(course=key, mode_slug=slug, mode_display_name=name, min_price=price)
            for slug, name, price in MODES
        )
    CertificateTemplate.objects.create(name=_("Demo certificate"), template=TEMPLATE)


def _make_people(passwords: dict[str, str]) -> None:
    users = get_user_model().objects
    admin = users.create_superuser("admin", "admin@example.com", passwords["admin"])
    UserProfile.objects.create(user=admin, name="Admin")
    course = CourseOverview.objects.get(pk=CourseKey.from_string(COURSES[0][0]))
    cohort = CourseUserGroup.objects.get(course_id=course.pk, name=COHORTS[0])
    for username, name in LEARNERS:
        user = users.create_user(username, f"{username}@example.com", passwords[username])
        UserProfile.objects.create(user=user, name=name)
        CourseEnrollment.objects.create(user=user, course=course)
        cohort.users.add(user)
        CohortMembership.objects.create(user=user, course_id=course.pk, course_user_group=cohort)


def _make_hooks(receiver_url: str, webfilter_timeout: float | None) -> None:
    for event in EVENTS:
        form = event in FORM_ENCODED_EVENTS
        description = _("Example of the demo, with WWW form encoding") if form else _("Example of the demo")
        hook = Webhook(
            event=event,
            webhook_url=f"{receiver_url}/webhooks/{event}",
            description=description,
            use_www_form_encoding=form,
        )
        hook.full_clean()
        hook.save()
    # Older releases of openedx-filters lack some.
    for name in filter(catalog.find_filter, FILTERS):
        hook = Webfilter(
            event=name,
            webhook_url=f"{receiver_url}/webfilters/{name}",
            description=_("Example of the demo"),
            timeout=webfilter_timeout,
        )
        hook.full_clean()
        hook.save()


def _move_hooks(old_url: str, new_url: str) -> None:
    if old_url == new_url:
        return
    for model in (Webhook, Webfilter):
        for hook in model.objects.filter(webhook_url__startswith=f"{old_url}/"):
            hook.webhook_url = new_url + hook.webhook_url.removeprefix(old_url)
            hook.save()
