"""``python -m tests.soak.prepare ENDPOINT LEARNERS``: tables and people; and hooks, if an endpoint is given."""

import sys

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connection

# (path of the endpoint, event) of each webhook. One event with two, one of them on an endpoint that will hang.
WEBHOOKS = (
    ("/webhook", "org.openedx.learning.auth.session.login.completed.v1"),
    ("/webhook", "org.openedx.learning.course.enrollment.created.v1"),
    ("/webhook", "org.openedx.learning.course.persistent_grade_summary.changed.v1"),
    ("/hanging", "org.openedx.learning.course.persistent_grade_summary.changed.v1"),
)
_FILTERS = ("org.openedx.learning.student.login.requested.v1", "org.openedx.learning.course.enrollment.started.v1")
_DASHBOARD = "org.openedx.learning.dashboard.render.started.v1"


def _make_database() -> None:
    name = settings.DATABASES["default"]["NAME"]
    connection.settings_dict["NAME"] = ""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    connection.close()
    connection.settings_dict["NAME"] = name
    call_command("migrate", verbosity=0)


def _make_people(learners: int) -> None:
    # pylint: disable=import-outside-toplevel
    from django.contrib.auth import get_user_model
    from django.contrib.auth.hashers import make_password
    from opaque_keys.edx.keys import CourseKey

    from demo.minilms.models import CourseOverview, UserProfile
    from tests.soak.urls import COURSE

    User = get_user_model()
    password = make_password("soak")
    User.objects.bulk_create(
        User(username=f"learner{number}", email=f"learner{number}@example.com", password=password)
        for number in range(learners)
    )
    UserProfile.objects.bulk_create(UserProfile(user=user, name=f"Ann {user.pk}") for user in User.objects.all())
    CourseOverview.objects.create(id=CourseKey.from_string(COURSE), display_name="Soak")


def _make_hooks(endpoint: str) -> None:
    from openedx_webhooks.models import Webfilter, Webhook  # pylint: disable=import-outside-toplevel

    for path, event in WEBHOOKS:
        Webhook.objects.create(event=event, webhook_url=endpoint + path)
    for event in _FILTERS:
        Webfilter.objects.create(event=event, webhook_url=f"{endpoint}/webfilter")
    Webfilter.objects.create(event=_DASHBOARD, local_answer="{data: {context: {banner: 'x'}}}")


def main(endpoint: str, learners: int) -> None:
    """Make them."""
    _make_database()
    _make_people(learners)
    if endpoint:
        _make_hooks(endpoint)


if __name__ == "__main__":
    django.setup()
    main(sys.argv[1], int(sys.argv[2]))
