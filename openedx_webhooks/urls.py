"""URLs of the plugin, below ``/openedx_webhooks/``."""

from django.urls import path

from .operations import health_report

urlpatterns = [path("health", health_report.view, name="health")]
