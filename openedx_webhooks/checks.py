"""
System checks: every misconfiguration that would otherwise be silent, with what to do about it.

All are warnings: an error would end every ``manage.py`` command, ``migrate`` included, because of a plugin that the
site can run without.
"""

import importlib
from collections.abc import Mapping

from django.conf import settings
from django.core import checks

from . import app_settings, startup_problems, wiring

# As Django asks of SECRET_KEY.
_SHORTEST_KEY = 50
_SHORTEST_TOKEN = 20


@checks.register("openedx_webhooks")
def check_startup(**_kwargs):
    """openedx_webhooks.W001: something failed while the platform loaded the plugin."""
    # Django runs checks in any order, and loads the addresses in one of its own: what fails there is told, too.
    importlib.import_module("openedx_webhooks.urls")
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


@checks.register("openedx_webhooks", deploy=True)
def check_encryption_keys(**_kwargs):
    """openedx_webhooks.W005: the keys of secrets at rest are Django's, or weak. Of ``check --deploy``."""
    keys = app_settings.app_settings.ENCRYPTION_KEYS
    hint = (
        'Set OPENEDX_WEBHOOKS["ENCRYPTION_KEYS"] to a list of long random texts, the newest first, then the '
        "SECRET_KEY of until now; then run manage.py webhooks_rotate_keys."
    )
    if not keys:
        return [
            checks.Warning(
                "The secrets of webhooks and webfilters are encrypted with a key made of SECRET_KEY: whoever changes "
                "that one loses them, and whoever knows it can read them.",
                hint=hint,
                id="openedx_webhooks.W005",
            )
        ]
    if len(keys[0]) < _SHORTEST_KEY:
        return [
            checks.Warning(
                f'The newest of OPENEDX_WEBHOOKS["ENCRYPTION_KEYS"] has fewer than {_SHORTEST_KEY} characters.',
                hint="Put a longer one before it, such as from openssl rand -base64 48; then run "
                "manage.py webhooks_rotate_keys.",
                id="openedx_webhooks.W005",
            )
        ]
    return []


@checks.register("openedx_webhooks", deploy=True)
def check_production(**_kwargs):
    """openedx_webhooks.W013: settings that are for development. Of ``check --deploy``."""
    from .webhooks import wakeups  # pylint: disable=import-outside-toplevel  # the app registry may not be ready before

    given = app_settings.app_settings
    found = {
        "CELERY_ALWAYS_EAGER is on: deliveries are made in learners' requests, and failed ones wait for a command.": (
            wakeups.is_eager() and "Set it to False, and run Celery workers."
        ),
        'OPENEDX_WEBHOOKS["VERIFY_TLS"] is False: whoever is between this site and a receiver can read and answer.': (
            not given.VERIFY_TLS and 'Name the certificates of your own authority in OPENEDX_WEBHOOKS["CA_BUNDLE"].'
        ),
        "DEBUG is on: error pages show visitors what a webhook's code was working on, and workers keep every query.": (
            settings.DEBUG and "Set DEBUG to False."
        ),
        'One of OPENEDX_WEBHOOKS["MONITORING_TOKENS"] is shorter than 20 characters: it can be guessed.': (
            any(len(token) < _SHORTEST_TOKEN for token in given.MONITORING_TOKENS)
            and "Take a longer one, such as from openssl rand -hex 32."
        ),
    }
    return [checks.Warning(text, hint=hint, id="openedx_webhooks.W013") for text, hint in found.items() if hint]
