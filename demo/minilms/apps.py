"""The mini LMS as a Django app; it loads plugins the way the platform does."""

from django.apps import AppConfig
from django.conf import settings


class MiniLmsConfig(AppConfig):
    """Connects the plugins' receivers, as the platform's ``PluginsConfig`` does."""

    name = "demo.minilms"
    label = "minilms"
    verbose_name = "Mini LMS"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        from edx_django_utils.plugins import connect_plugin_receivers  # pylint: disable=import-outside-toplevel

        connect_plugin_receivers(settings.PROJECT_TYPE)
