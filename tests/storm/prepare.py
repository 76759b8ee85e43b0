"""``python -m tests.storm.prepare URL TIMEOUT``: a database with one learner and a webfilter for logins."""

import sys

import django
from django.core.management import call_command


def main(url: str, timeout: str) -> None:
    """Make the tables and fill them."""
    # pylint: disable=import-outside-toplevel
    django.setup()
    from django.contrib.auth import get_user_model
    from openedx_filters.learning.filters import StudentLoginRequested

    from demo.minilms.models import UserProfile
    from openedx_webhooks.models import Webfilter

    call_command("migrate", verbosity=0)
    user = get_user_model().objects.create_user("ada", "ada@example.com", "lovelace")
    UserProfile.objects.create(user=user, name="Ada")
    Webfilter.objects.create(event=StudentLoginRequested.filter_type, webhook_url=url, timeout=float(timeout))


if __name__ == "__main__":
    main(*sys.argv[1:])
