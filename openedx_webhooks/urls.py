"""URLs of the plugin, below ``/openedx_webhooks/``."""

from django.urls import path

from . import monitoring

urlpatterns = [path("health", monitoring.health, name="health"), path("metrics", monitoring.metrics, name="metrics")]
