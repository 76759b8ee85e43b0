"""URLs of the plugin, below ``/openedx_webhooks/``."""

from django.urls import path

from . import receivers_api
from .operations import health_report

urlpatterns = [path("health", health_report.view, name="health")]

# For receivers, each with the token of its webhook.
urlpatterns += [
    path("receiver/messages", receivers_api.messages, name="receiver_messages"),
    path("receiver/messages/<int:sequence>", receivers_api.message, name="receiver_message"),
    path("receiver/send-again", receivers_api.send_again, name="receiver_send_again"),
]
