"""Findings about what the plugin needs besides the database; asking may take seconds."""

from collections.abc import Iterator

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .. import index
from ..app_settings import app_settings
from . import reachability
from .finding import Finding, Level

_MANY_MESSAGES = 1000


def find(*, is_worker_seen_lately: bool) -> Iterator[Finding]:
    """
    What there is to say of broker, queue, cache and e-mail.

    Args:
        is_worker_seen_lately: then a broker that this process can't reach is no outage.
    """
    yield from _broker(is_worker_seen_lately)
    yield _cache()
    if not (index.webhooks.is_empty() and index.webfilters.is_empty()):
        yield _alerts()


def _broker(is_worker_seen_lately: bool) -> Iterator[Finding]:
    queue = reachability.queue_name()
    broker = reachability.broker(queue)
    if broker.error:
        words = _("Celery's broker does not answer (%s).") % broker.error
        remedy = _("Look at the broker (Redis or RabbitMQ) and at CELERY_BROKER_URL. Until then deliveries wait.")
        yield Finding("broker", Level.WARN if is_worker_seen_lately else Level.BAD, words, remedy)
        return
    yield Finding("broker", Level.OK, _("Celery's broker answers."))
    words = _("Workers are asked through the queue “%s”.") % queue
    if broker.waiting is not None:
        waiting = ngettext("%d message waits in it.", "%d messages wait in it.", broker.waiting) % broker.waiting
        words = f"{words} {waiting}"
    if broker.waiting and broker.waiting >= _MANY_MESSAGES:
        remedy = _("Our messages wait behind these. Give DELIVERY_QUEUE a queue of its own, with a worker.")
        yield Finding("queue", Level.WARN, words, remedy)
    elif not is_worker_seen_lately and (served := _not_served(queue)):
        remedy = _(
            "Start a worker that serves it (celery … worker -Q %s), or set DELIVERY_QUEUE to one that is served."
        )
        yield Finding("queue", Level.BAD, f"{words} {served}", remedy % queue)
    else:
        yield Finding("queue", Level.OK, words)


def _not_served(queue: str) -> str:
    """Which queues the workers serve, if not this one; empty if they do, or nobody can tell."""
    workers = reachability.queues_of_workers()
    if workers is None or any(queue in queues for queues in workers.values()):
        return ""
    if not workers:
        return _("No Celery worker answers.")
    listed = "; ".join(f"{name}: {', '.join(queues)}" for name, queues in sorted(workers.items())[:10])
    return _("No worker serves it. These run: %s.") % listed


def cache_away(error: str) -> Finding:
    """That the shared cache can't be used, with the error in a word or two."""
    return Finding(
        "cache",
        Level.WARN,
        _("The default cache does not work (%s).") % error,
        _("Look at the server of CACHES. Without it every endpoint is called, however often it fails."),
    )


def _cache() -> Finding:
    if error := reachability.cache_error():
        return cache_away(error)
    if reachability.is_cache_private():
        return Finding(
            "cache",
            Level.WARN,
            _("The default cache is each process's own."),
            _("Let CACHES name Redis or memcached: circuits, cached answers and counts are shared through it."),
        )
    return Finding("cache", Level.OK, _("The default cache answers."))


def _alerts() -> Finding:
    if app_settings.ALERT_EMAILS or settings.ADMINS:
        return Finding("alerts", Level.OK, _("Operators are told of trouble by e-mail."))
    return Finding(
        "alerts",
        Level.WARN,
        _("Nobody is told by e-mail when a hook fails."),
        _("Set ALERT_EMAILS in OPENEDX_WEBHOOKS, or the site's ADMINS."),
    )


def start_workers() -> str:
    """What to do if no worker delivers, in sentences."""
    queue = app_settings.DELIVERY_QUEUE
    if queue:
        start = _(
            "Is there a worker for the queue “%(queue)s” of the setting DELIVERY_QUEUE? Start one (celery … worker -Q "
            "%(queue)s), or take the setting out."
        ) % {"queue": queue}
    else:
        start = _(
            "Start the platform's Celery workers, for the queue “%s” (with Tutor: tutor local start -d lms-worker "
            "cms-worker)."
        ) % (reachability.queue_name())
    without = _(
        "Without Celery, run manage.py webhooks_deliver --loop in a container of its own, or webhooks_deliver --once "
        "from cron. manage.py webhooks_status tells more."
    )
    return f"{start} {without}"
