"""URLs of the plugin, below ``/openedx_webhooks/``."""
from django.urls import path

from .operations import health

urlpatterns = [path("health", health.view, name="health")]
