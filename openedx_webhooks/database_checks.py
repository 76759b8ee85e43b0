"""
System checks that read the tables: of ``manage.py check --database default``, and never of other commands.

Each is left out as long as there are no tables, of which W011 tells.
"""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator

from django.core import checks
from django.db import DatabaseError, router

from . import wiring
from .catalog import find_filter
from .models import Hook, Webfilter, Webhook
from .models.lost_keys import hooks_without_key
from .operations import status
from .operations.finding import Level
from .operations.hook_problems import malformed
from .platform_facts import facts_of
from .platform_facts.filters import OFTEN

_Check = Callable[[str], Iterator[checks.Warning]]


def _of_database(check: _Check) -> _Check:
    """Register a check that is called with the alias of the database that has our tables."""

    @checks.register(checks.Tags.database)
    def registered(databases=None, **_kwargs):
        using = router.db_for_read(Webhook)
        # ``migrate`` checks its database, too, before it makes the tables.
        if using not in (databases or ()) or sys.argv[1:2] == ["migrate"]:
            return []
        try:
            return list(check(using))
        except DatabaseError:
            return []

    registered.__doc__ = check.__doc__
    return check


def _hooks(using: str, **which) -> Iterator[Hook]:
    for model in (Webhook, Webfilter):
        yield from model.objects.using(using).filter(removing_since=None, **which)


def _named(hook: Hook) -> str:
    return f"{hook._meta.verbose_name} {hook.pk}"


@_of_database
def check_stored_secrets(using):
    """openedx_webhooks.W006: secrets that no key opens."""
    for model in (Webhook, Webfilter):
        if numbers := sorted(hooks_without_key(model.objects.using(using).filter(removing_since=None))):
            yield checks.Warning(
                f"No key opens what is stored for these {model._meta.verbose_name_plural}: "
                f"{', '.join(map(str, numbers))}. Nothing is sent for them, and what is owed waits.",
                hint='Add the key that they were encrypted with to OPENEDX_WEBHOOKS["ENCRYPTION_KEYS"], or the '
                "old SECRET_KEY to SECRET_KEY_FALLBACKS; or enter the secrets again on their pages.",
                id="openedx_webhooks.W006",
            )


@_of_database
def check_types(using):
    """openedx_webhooks.W007: enabled hooks of a type that no installed library has."""
    for hook in _hooks(using, enabled=True):
        if not hook.known_type:
            yield checks.Warning(
                f"This installation does not know “{hook.event}”, so {_named(hook)} never runs.",
                hint="Choose another event on its page, install the library again, or disable it.",
                id="openedx_webhooks.W007",
            )


@_of_database
def check_wired(using):
    """openedx_webhooks.W008: enabled webfilters that a setting of the site keeps from being called."""
    concerned = defaultdict(list)
    for webfilter in Webfilter.objects.using(using).filter(enabled=True, removing_since=None):
        if problem := wiring.problem_of(webfilter.dotted_type):
            concerned[problem].append(webfilter.pk)
    for problem, numbers in concerned.items():
        yield checks.Warning(
            f"These webfilters are enabled and never called: {', '.join(map(str, numbers))}. {problem}",
            id="openedx_webhooks.W008",
        )


@_of_database
def check_stored_values(using):
    """openedx_webhooks.W009: what was written past the form, and no form would have taken."""
    for hook in _hooks(using, enabled=True):
        for problem in malformed(hook).values():
            yield checks.Warning(
                f"What is stored for {_named(hook)} can't be used. {problem}",
                hint="Correct it on its page.",
                id="openedx_webhooks.W009",
            )


@_of_database
def check_running(using):  # pylint: disable=unused-argument
    """openedx_webhooks.W010: nobody serves the queue, or the database and this machine have different times."""
    found = status.look(is_full=False)
    for finding in found.findings:
        # Of one that was seen some time ago and asked just now, nothing is known.
        is_open = finding.level is Level.WARN and finding.name == "worker" and found.worker
        if finding.name in ("worker", "backlog", "clock") and finding.level is not Level.OK and not is_open:
            yield checks.Warning(finding.words, hint=finding.remedy, id="openedx_webhooks.W010")


@_of_database
def check_tables(using):
    """openedx_webhooks.W011: migrations that were not applied."""
    if missing := status.missing_migrations(using):
        finding = status.not_migrated(missing)
        yield checks.Warning(finding.words, hint=finding.remedy, id="openedx_webhooks.W011")


@_of_database
def check_hot_filters(using):
    """openedx_webhooks.W012: a server is asked many times for one page, and no answer is remembered."""
    asked = Webfilter.objects.using(using).filter(enabled=True, removing_since=None, cache_answers=False)
    for webfilter in asked.exclude(webhook_url=""):
        known = find_filter(webfilter.event)
        if known and OFTEN in facts_of(known.filter_type).notes:
            yield checks.Warning(
                f"The filter of webfilter {webfilter.pk} ({webfilter.event_name}) runs many times for one page, and "
                "each time its endpoint is called.",
                hint="Tick “Cache answers” and have the endpoint send Cache-Control: max-age; or use a local answer.",
                id="openedx_webhooks.W012",
            )
