"""
Typed, lazy access to the plugin's settings.

Operators set a dict ``OPENEDX_WEBHOOKS`` that overrides single keys of :data:`DEFAULTS`. Nothing is read at import, and
a changed setting (tests) is seen at once.
"""

from collections.abc import Mapping
from os import PathLike
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed

DEFAULTS: dict[str, Any] = {
    # --- Webhooks: from event to delivery
    # Celery queue for deliveries; None is the default queue of the service (LMS or Studio).
    "DELIVERY_QUEUE": None,
    # Longest time for one POST, connecting included, and for connecting alone.
    "DELIVERY_TIMEOUT_SECONDS": 15.0,
    "DELIVERY_CONNECT_TIMEOUT_SECONDS": 3.0,
    # How many workers deliver at the same time; the others are left to the platform's own tasks.
    "DELIVERY_WORKERS": 2,
    # In one worker: how many due deliveries one claim takes, how many are sent at once, and how many at once to one
    # endpoint. An endpoint also never has more than half of the threads.
    "DELIVERY_BATCH_SIZE": 200,
    "DELIVERY_THREADS": 80,
    "DELIVERY_THREADS_PER_ENDPOINT": 40,
    # A claimed delivery whose worker died is free again after this time. Must exceed the timeout.
    "DELIVERY_LEASE_SECONDS": 120,
    # A task stops claiming after this time and hands on to a new one, so that other tasks get their turn.
    "DELIVERY_TASK_SECONDS": 30,
    # Each web process has a worker look for due deliveries this often, as long as requests come.
    "HEARTBEAT_SECONDS": 60,
    # Waits before the second, third, … attempt; after the last one the delivery has failed.
    "DELIVERY_SCHEDULE_SECONDS": [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400],
    # Each wait is lengthened or shortened by up to this share.
    "DELIVERY_JITTER_RATIO": 0.2,
    # The longest wait that a receiver may ask for with Retry-After.
    "DELIVERY_RETRY_AFTER_MAX_SECONDS": 86400,
    # Deliveries of a replay that become due per second.
    "REPLAY_PER_SECOND": 20,
    # A webhook with nothing but failures is warned about, then disabled, after these times.
    "FAILING_WARN_AFTER_SECONDS": 24 * 3600,
    "FAILING_DISABLE_AFTER_SECONDS": 5 * 24 * 3600,
    # E-mail addresses told of failing hooks and of an old backlog; empty: settings.ADMINS.
    "ALERT_EMAILS": [],
    # The backlog is old, which is told and makes the plugin unhealthy, if a delivery that could be sent has waited for
    # this time; 0: never.
    "BACKLOG_ALERT_SECONDS": 900,
    # Days after which the payloads of finished deliveries and of calls are removed, with what is kept of the responses,
    # and after which the records themselves are deleted; 0 keeps them for ever. What failed is kept, with its payload,
    # for RETENTION_FAILED_DAYS at least; None: like the rest. What is pending is never touched. A hook may say
    # otherwise.
    "RETENTION_PAYLOAD_DAYS": 7,
    "RETENTION_ROW_DAYS": 30,
    "RETENTION_FAILED_DAYS": None,
    # When the platform retires a user: what is still owed about them is cancelled; or else sent, without being kept.
    "RETIREMENT_CANCELS_PENDING": True,
    # Then whatever still has content is looked through for their names, addresses and ids, which takes about a minute
    # for a million events, with as many attempts. Without it, what others' events say of them goes by its age.
    "RETIREMENT_SEARCHES_TEXTS": True,
    # --- Webfilters: inside the request
    # Longest time for one call (a webfilter may set its own), for connecting alone, and for all webfilters of a
    # request.
    "WEBFILTER_TIMEOUT_SECONDS": 5.0,
    "WEBFILTER_CONNECT_TIMEOUT_SECONDS": 1.0,
    "WEBFILTER_REQUEST_BUDGET_SECONDS": 10.0,
    # Threads per process that help a request with its second, third, … webfilter. The first is called by the request's
    # own thread, and so is what no thread has taken.
    "WEBFILTER_THREADS": 16,
    # Failures in a row after which an endpoint's circuit is open (0: never), and how long nobody calls it then.
    "BREAKER_FAILURES": 5,
    "BREAKER_OPEN_SECONDS": 30,
    # --- Both
    # A process sees hooks that another process saved after at most this time.
    "INDEX_REFRESH_SECONDS": 5.0,
    # Limits of a payload. What exceeds them is cut and marked as cut.
    "PAYLOAD_MAX_BYTES": 256 * 1024,
    "PAYLOAD_MAX_DEPTH": 12,
    "PAYLOAD_MAX_ITEMS": 1000,
    # How much of a response is read, and how much of it is kept in the record.
    "RESPONSE_MAX_BYTES": 1024 * 1024,
    "RESPONSE_EXCERPT_BYTES": 4096,
    # Keys that never leave, besides the built-in ones; matched as whole words, case-insensitively, at any depth.
    "SENSITIVE_KEYS": [],
    # Model fields that no answer may change, besides the built-in ones.
    "PROTECTED_FIELDS": [],
    # Headers that the answer of a webfilter may set on a page, besides those that describe the page itself
    # (Content-Type, Cache-Control, Location and their like). Never cookies, lengths and connections.
    "ALLOWED_RESPONSE_HEADERS": [],
    # Log who opens a page with personal data, and of which record, to the logger openedx_webhooks.access (level INFO).
    "LOG_PAYLOAD_ACCESS": False,
    # --- The REST API
    # Whether there is one, where Django REST framework and drf-spectacular are installed.
    "API": True,
    # How its clients are recognised: paths of classes of Django REST framework; empty: by the platform's JWT, bearer
    # tokens and sessions, where it is the platform, else by sessions alone.
    "API_AUTHENTICATION_CLASSES": [],
    # Of one user; 0: no limit. A test is a request to somebody else's server.
    "API_REQUESTS_PER_MINUTE": 300,
    "API_TESTS_PER_MINUTE": 20,
    # --- Addresses and TLS
    # Refuse private networks (10/8, 192.168/16, loopback, …) except those allowed below.
    "DENY_PRIVATE_ADDRESSES": False,
    # Host names (.example.com: all below it) and networks (CIDR) that are allowed all the same, whatever is refused.
    "ALLOWED_HOSTS": [],
    "ALLOWED_NETWORKS": [],
    # Certificate bundle (path), and whether certificates are verified at all. None: what the environment names in
    # REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE or SSL_CERT_FILE, in this order, or certifi's.
    "CA_BUNDLE": None,
    "VERIFY_TLS": True,
    # --- Monitoring
    # Tokens that may read /openedx_webhooks/health and /metrics (Authorization: Bearer …), besides users with the
    # permission. Long and random; two while one is replaced.
    "MONITORING_TOKENS": [],
    # --- Secrets
    # Keys for secrets at rest, newest first; empty: derived from settings.SECRET_KEY.
    "ENCRYPTION_KEYS": [],
}


_LISTS = (list, tuple, set, frozenset)


def wanted(name: str, value: Any) -> str:
    """What the setting must be, for the operator; empty if the value is that."""
    default = DEFAULTS[name]
    if default is None and name.endswith("_DAYS"):
        return "" if value is None or _is_number(value) else "a number, not below 0, or None"
    if default is None:
        return "" if value is None or isinstance(value, (str, PathLike)) else "a text or None"
    if isinstance(default, bool):
        return "" if isinstance(value, bool) else "True or False"
    if isinstance(default, list):
        if name.endswith("_SECONDS"):
            good = isinstance(value, (list, tuple)) and all(map(_is_number, value))
            return "" if good else "a list of numbers, none below 0"
        good = isinstance(value, _LISTS) and all(isinstance(item, str) for item in value)
        return "" if good else "a list of texts"
    if isinstance(default, float) or name.endswith(("_SECONDS", "_DAYS")):
        return "" if _is_number(value) else "a number, not below 0"
    return "" if _is_number(value) and isinstance(value, int) else "a whole number, not below 0"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < float("inf")


def usable(name: str, value: Any) -> Any:
    """The value, or what comes nearest to what the operator may have meant by a wrong one."""
    if not wanted(name, value):
        return value
    default = DEFAULTS[name]
    if name.endswith("_DAYS"):
        # Whoever meant "365" must not lose what is older than 30: operations/retention.py removes nothing then.
        return value
    if isinstance(default, bool):
        # "False" is true here, which is the safe side of all settings of this kind.
        return bool(value)
    if isinstance(default, list) and not name.endswith("_SECONDS"):
        # Names that must never leave and hosts that are allowed: one mistake must not undo the others.
        items = value if isinstance(value, _LISTS) else (value,)
        return [item for item in items if isinstance(item, str)]
    return default


class AppSettings:
    """``app_settings.DELIVERY_QUEUE`` is the operator's value or the default."""

    def __getattr__(self, name: str) -> Any:
        if name not in DEFAULTS:
            raise AttributeError(f"openedx_webhooks has no setting {name!r}")
        given = getattr(settings, "OPENEDX_WEBHOOKS", None)
        # What is wrong is reported by checks.py; it must not stop the platform's own pages.
        value = usable(name, given[name]) if isinstance(given, Mapping) and name in given else DEFAULTS[name]
        # Kept as an attribute, so that hot paths pay one dict lookup.
        setattr(self, name, value)
        return value

    def reload(self) -> None:
        """Forget the values read so far."""
        self.__dict__.clear()


app_settings = AppSettings()


def _reload(*, setting, **_kwargs):
    if setting == "OPENEDX_WEBHOOKS":
        app_settings.reload()


setting_changed.connect(_reload, dispatch_uid="openedx_webhooks.app_settings")
