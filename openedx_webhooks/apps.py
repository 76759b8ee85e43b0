"""
The plugin as the platform sees it.

This module is imported while the platform's settings are still half-built and before the app registry exists
(``edx_django_utils.plugins.get_plugin_apps``). If importing it fails, stevedore drops the plugin with one log line and
nobody notices. So it imports nothing that can fail, and everything else happens in :meth:`ready`, guarded.
"""

import sys

from django.apps import AppConfig

from . import startup_problems

_HOOK_RECEIVERS = [
    {
        "receiver_func_name": "forget_index",
        "signal_path": f"django.db.models.signals.{signal}",
        "sender_path": f"openedx_webhooks.models.{model}",
        "dispatch_uid": f"openedx_webhooks.index.{signal}.{model}",
    }
    for signal in ("post_save", "post_delete")
    for model in ("Webhook", "Webfilter")
]
_PROJECTS = ("lms.djangoapp", "cms.djangoapp")


class OpenedxWebhooksConfig(AppConfig):
    """Open edX plugin that tells other systems about events and calls them when filters run."""

    name = "openedx_webhooks"
    verbose_name = "OPENEDX_WEBHOOKS"
    default_auto_field = "openedx_webhooks.models.row_fields.BigIdField"

    plugin_app = {
        "url_config": {
            project: {"namespace": "openedx_webhooks", "regex": r"^openedx_webhooks/", "relative_path": "urls"}
            for project in _PROJECTS
        },
        "settings_config": {project: {"common": {"relative_path": "settings.common"}} for project in _PROJECTS},
        "signals_config": {project: {"relative_path": "index", "receivers": _HOOK_RECEIVERS} for project in _PROJECTS},
    }

    def ready(self):
        """Register the system checks, wire every filter, connect every event, and look around."""
        for what, step in (
            ("registering the system checks", _register_checks),
            ("wiring the filters", _wire_filters),
            ("connecting the events", _connect_events),
            ("listening to retirements of users", _connect_retirement),
            ("listening to logins", _connect_logins),
            ("looking at the web server", _check_web_server),
        ):
            try:
                step()
            except Exception as error:  # pylint: disable=broad-exception-caught
                startup_problems.note(what, error)


def _register_checks():
    from . import checks, database_checks  # noqa: F401  pylint: disable=import-outside-toplevel,unused-import


def _wire_filters():
    from . import wiring  # pylint: disable=import-outside-toplevel

    wiring.connect()


def _connect_events():
    from . import catalog  # pylint: disable=import-outside-toplevel
    from .webhooks import receivers  # pylint: disable=import-outside-toplevel

    receivers.connect()
    for problem in catalog.import_problems:
        startup_problems.note(problem)


def _connect_retirement():
    from .operations import retirement  # pylint: disable=import-outside-toplevel

    retirement.connect()


def _connect_logins():
    from .webfilters import after_login  # pylint: disable=import-outside-toplevel

    after_login.connect()


def _check_web_server():
    # Not a system check: those run in ``manage.py check``, and only uWSGI itself knows how it was started.
    uwsgi = sys.modules.get("uwsgi")
    if uwsgi is not None and not getattr(uwsgi, "has_threads", True):
        startup_problems.note(
            "uWSGI runs without enable-threads, so that threads stand still between requests: deliveries start late, "
            "and calls of webfilters are recorded late or not at all. Set enable-threads = true"
        )
