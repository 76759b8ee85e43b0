"""URLs of the plugin, below ``/openedx_webhooks/``."""

import importlib.util

from django.urls import include, path

from . import monitoring, receivers_api, startup_problems
from .app_settings import app_settings

_NEEDED = ("rest_framework", "drf_spectacular")

urlpatterns = [path("health", monitoring.health, name="health"), path("metrics", monitoring.metrics, name="metrics")]


def _api() -> list:
    """The REST API, where it is wanted and what it needs is installed; the platform has both."""
    if not app_settings.API or not all(importlib.util.find_spec(name) for name in _NEEDED):
        return []
    try:
        return [path("api/v1/", include("openedx_webhooks.api.urls"))]
    except Exception as error:  # pylint: disable=broad-exception-caught
        # Whatever it is, the platform's own pages must be found.
        startup_problems.note("loading the REST API", error)
        return []


urlpatterns += _api()

# For receivers, each with the token of its webhook.
urlpatterns += [
    path("receiver/messages", receivers_api.messages, name="receiver_messages"),
    path("receiver/messages/<int:sequence>", receivers_api.message, name="receiver_message"),
    path("receiver/send-again", receivers_api.send_again, name="receiver_send_again"),
]
