"""
System checks: every misconfiguration that would otherwise be silent, with what to do about it.

All are warnings: an error would end every ``manage.py`` command, ``migrate`` included, because of a plugin that the
site can run without.
"""

from collections.abc import Mapping

from django.conf import settings
from django.core import checks

from . import app_settings, startup_problems, wiring


@checks.register("openedx_webhooks")
def check_startup(**_kwargs):
    """openedx_webhooks.W001: something failed while the platform loaded the plugin."""
    return [
        checks.Warning(
            f"The plugin could not start fully: {problem}",
            hint="The site runs without the part that failed. The log has the traceback of the first occurrence.",
            id="openedx_webhooks.W001",
        )
        for problem in startup_problems.found
    ]


@checks.register("openedx_webhooks")
def check_setting_names(**_kwargs):
    """openedx_webhooks.W002: a key in OPENEDX_WEBHOOKS that no setting has."""
    given = getattr(settings, "OPENEDX_WEBHOOKS", None) or {}
    if not isinstance(given, Mapping):
        return [
            checks.Warning(
                f"OPENEDX_WEBHOOKS is a {type(given).__name__}, so it is ignored.",
                hint='Make it a dict, such as {"DELIVERY_QUEUE": "webhooks"}.',
                id="openedx_webhooks.W002",
            )
        ]
    return [
        checks.Warning(
            f"OPENEDX_WEBHOOKS has no setting {name!r}.",
            hint="Known are: " + ", ".join(sorted(app_settings.DEFAULTS)),
            id="openedx_webhooks.W002",
        )
        for name in sorted(map(str, set(given) - set(app_settings.DEFAULTS)))
    ]


@checks.register("openedx_webhooks")
def check_setting_values(**_kwargs):
    """openedx_webhooks.W004: a setting of the wrong kind, instead of which something else is used."""
    given = getattr(settings, "OPENEDX_WEBHOOKS", None)
    if not isinstance(given, Mapping):
        return []
    return [
        checks.Warning(
            # Not the value itself: some settings are secrets.
            f"OPENEDX_WEBHOOKS[{name!r}] must be {app_settings.wanted(name, value)}; it is {_kind(value)}.",
            hint=f"Correct it. Until then {_used_instead(name, value)}.",
            id="openedx_webhooks.W004",
        )
        for name, value in given.items()
        if name in app_settings.DEFAULTS and app_settings.wanted(name, value)
    ]


def _kind(value):
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return "a list with something else in it" if isinstance(value, (list, tuple)) else f"a {type(value).__name__}"


def _used_instead(name, value):
    used = app_settings.usable(name, value)
    if used is value:
        return "nothing is removed"
    if isinstance(used, bool):
        return f"it counts as {used}"
    if used == app_settings.DEFAULTS[name]:
        return "the default is used"
    return "it counts as a list of one" if used == [value] else "only its texts are used"


@checks.register("openedx_webhooks")
def check_wiring(**_kwargs):
    """openedx_webhooks.W003: what a setting of the site says keeps webfilters from being called."""
    return [checks.Warning(problem, id="openedx_webhooks.W003") for problem in wiring.problems()]
