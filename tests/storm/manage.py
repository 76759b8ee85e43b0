"""
What the site's operator does, in a process of its own: ``python -m tests.storm.manage prepare URL TIMEOUT``, and
``… disable``.
"""

import sys
import time

import django
from django.core.management import call_command


def prepare(url: str, timeout: str) -> None:
    """Make the tables, one learner, and a webfilter for logins."""
    # pylint: disable=import-outside-toplevel
    from django.contrib.auth import get_user_model
    from openedx_filters.learning.filters import StudentLoginRequested

    from demo.minilms.models import UserProfile
    from openedx_webhooks.models import Webfilter

    call_command("migrate", verbosity=0)
    user = get_user_model().objects.create_user("ada", "ada@example.com", "lovelace")
    UserProfile.objects.create(user=user, name="Ada")
    Webfilter.objects.create(event=StudentLoginRequested.filter_type, webhook_url=url, timeout=float(timeout))


def disable() -> None:
    """Disable the webfilter, as the admin does, and print when, and how many calls are recorded."""
    from openedx_webhooks.models import Call, Webfilter  # pylint: disable=import-outside-toplevel

    webfilter = Webfilter.objects.get()
    webfilter.enabled = False
    webfilter.save()
    print(time.time(), Call.objects.count())


if __name__ == "__main__":
    django.setup()
    {"prepare": prepare, "disable": disable}[sys.argv[1]](*sys.argv[2:])
