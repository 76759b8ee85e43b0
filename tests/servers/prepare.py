"""``python -m tests.servers.prepare URL``: tables, one learner, and hooks for logins, in a process of its own."""

import sys

import django
from django.core.management import call_command


def main(url: str) -> None:
    """
    Make them.

    Args:
        url: of the receiver; ``/webhook`` gets the webhook's, ``/webfilter`` the two webfilters' requests.
    """
    # pylint: disable=import-outside-toplevel
    from django.contrib.auth import get_user_model
    from openedx_events.learning.signals import SESSION_LOGIN_COMPLETED
    from openedx_filters.learning.filters import StudentLoginRequested

    from demo.minilms.models import UserProfile
    from openedx_webhooks.models import Webfilter, Webhook

    call_command("migrate", verbosity=0)
    user = get_user_model().objects.create_user("ada", "ada@example.com", "lovelace")
    UserProfile.objects.create(user=user, name="Ada")
    Webhook.objects.create(event=SESSION_LOGIN_COMPLETED.event_type, webhook_url=f"{url}/webhook")
    for order in (1, 2):
        Webfilter.objects.create(
            event=StudentLoginRequested.filter_type, webhook_url=f"{url}/webfilter", order=order, call_log="all"
        )


if __name__ == "__main__":
    django.setup()
    main(sys.argv[1])
