"""The hooks of the site that has some: who wants which events, and what must therefore arrive where."""

from collections.abc import Iterator

import attrs
from openedx_events.learning import signals
from openedx_filters.learning import filters

PASSED = 0.6


@attrs.frozen
class Wanted:
    """
    A webhook.

    Attributes:
        path: of its endpoint.
        event: its type.
        endpoint: which of the servers.
        passed_only: it has a condition, which only grades that pass match.
    """

    path: str
    event: str
    endpoint: str = "steady"
    passed_only: bool = False

    @property
    def condition(self) -> str:
        """As an operator writes it."""
        return f"grade.percent_grade >= `{PASSED}`" if self.passed_only else ""


WEBHOOKS = (
    Wanted("/logins", signals.SESSION_LOGIN_COMPLETED.event_type),
    Wanted("/registrations", signals.STUDENT_REGISTRATION_COMPLETED.event_type),
    Wanted("/enrollments", signals.COURSE_ENROLLMENT_CREATED.event_type),
    Wanted("/certificates", signals.CERTIFICATE_CREATED.event_type),
    Wanted("/forum", signals.FORUM_THREAD_CREATED.event_type),
    Wanted("/grades", signals.PERSISTENT_GRADE_SUMMARY_CHANGED.event_type, endpoint="hanging"),
    Wanted("/passed", signals.PERSISTENT_GRADE_SUMMARY_CHANGED.event_type, passed_only=True),
)
WEBFILTERS = (
    filters.StudentLoginRequested,
    filters.StudentRegistrationRequested,
    filters.CourseEnrollmentStarted,
    filters.CertificateCreationRequested,
)
POISONED_EVENT = signals.SESSION_LOGIN_COMPLETED.event_type


def owed(events: str, percent: float) -> Iterator[tuple[str, str]]:
    """
    What must arrive after an answer of 2xx: path and event id.

    Args:
        events: the header with what the request sent.
        percent: the grade that it brought.
    """
    for each in filter(None, events.split(",")):
        event_type, event_id = each.split(" ")
        for webhook in WEBHOOKS:
            if webhook.event == event_type and (percent >= PASSED or not webhook.passed_only):
                yield webhook.path, event_id


def make(urls: dict[str, str]) -> dict[str, str]:
    """
    Make them all; the database must be that of the site with hooks.

    Args:
        urls: addresses of the servers ``steady``, ``hanging`` and ``webfilters``, without a path.

    Returns:
        path → secret.
    """
    from openedx_webhooks.models import Webfilter, Webhook  # pylint: disable=import-outside-toplevel

    secrets = {}
    for each in WEBHOOKS:
        hook = Webhook(event=each.event, webhook_url=urls[each.endpoint] + each.path, condition=each.condition)
        hook.full_clean()
        hook.save()
        secrets[each.path] = hook.secret
    for webfilter in WEBFILTERS:
        hook = Webfilter(event=webfilter.filter_type, webhook_url=f"{urls['webfilters']}/webfilter", timeout=1)
        hook.full_clean()
        hook.save()
    return secrets


def poison(url: str) -> int:
    """A webhook as somebody's SQL left it: whatever becomes of it, the others must not notice; its primary key."""
    from django.db import connection  # pylint: disable=import-outside-toplevel

    from openedx_webhooks.models import Webhook  # pylint: disable=import-outside-toplevel

    webhook = Webhook.objects.create(event=POISONED_EVENT, webhook_url=url, condition="a ==")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE openedx_webhooks_webhook SET retry_schedule = '[\"5\"]', headers = '[' WHERE id = %s", [webhook.pk]
        )
    return webhook.pk
