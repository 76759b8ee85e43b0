"""Hooks of the published plugin whose library was not installed during the upgrade."""

import pytest

from openedx_webhooks import index
from openedx_webhooks.models import Webfilter, Webhook

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "model, hooks, short_name, dotted",
    [
        (Webhook, index.webhooks, "SESSION_LOGIN_COMPLETED", "org.openedx.learning.auth.session.login.completed.v1"),
        (Webfilter, index.webfilters, "StudentLoginRequested", "org.openedx.learning.student.login.requested.v1"),
    ],
)
def test_they_are_called_once_the_library_is_there(model, hooks, short_name, dotted):
    """The short name that the migration had to leave is found by the type."""
    hook = model.objects.create(event=short_name, webhook_url="https://example.com/")
    assert hooks.get(dotted) == [hook]


def test_what_is_still_unknown_is_called_by_nothing():
    """It stays as it is stored."""
    hook = Webhook.objects.create(event="EVENT_OF_A_REMOVED_PLUGIN", webhook_url="https://example.com/")
    assert hook.dotted_type == "EVENT_OF_A_REMOVED_PLUGIN"
