"""The addresses that monitoring reads: health as JSON, and Prometheus' metrics."""

from collections.abc import Callable
from functools import wraps

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from .app_settings import app_settings
from .operations import health_report
from .operations.finding import Level

_PERMISSION = "openedx_webhooks.view_monitoring"
_HOW = (
    "Send “Authorization: Bearer …” with one of MONITORING_TOKENS in OPENEDX_WEBHOOKS, or log in with the permission "
    "“Can read health and metrics”."
)
_NOT_INSTALLED = "Metrics need a package that is not installed: pip install prometheus-client"


def _for_monitoring(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """For whoever has a token or the permission; without a transaction, to tell of a database that is away."""

    @never_cache
    @require_safe
    @wraps(view)
    def guarded(request):
        if _has_token(request):
            return view(request)
        user = getattr(request, "user", None)
        if user is None or not user.is_authenticated:
            return HttpResponse(_HOW, status=401, content_type="text/plain; charset=utf-8", headers=_challenge())
        if not user.has_perm(_PERMISSION):
            return HttpResponse(_HOW, status=403, content_type="text/plain; charset=utf-8")
        return view(request)

    return transaction.non_atomic_requests(guarded)


def _challenge() -> dict[str, str]:
    return {"WWW-Authenticate": 'Bearer realm="openedx_webhooks"'}


def _has_token(request: HttpRequest) -> bool:
    scheme, _space, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return False
    tokens = filter(None, app_settings.MONITORING_TOKENS)
    return any(constant_time_compare(given.strip(), token) for token in tokens)


@_for_monitoring
def health(_request: HttpRequest) -> HttpResponse:
    """:func:`openedx_webhooks.operations.health_report.report`; 503 if something is bad."""
    report = health_report.report()
    return _quietly(JsonResponse(report, status=503 if report["status"] == Level.BAD else 200))


@_for_monitoring
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' text, or what else the scraper accepts; 501 without the library."""
    try:
        from .operations.metrics import render  # pylint: disable=import-outside-toplevel
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "prometheus_client":
            raise
        return _quietly(HttpResponse(_NOT_INSTALLED, status=501, content_type="text/plain; charset=utf-8"))
    body, content_type = render(request.headers.get("Accept", ""))
    return HttpResponse(body, content_type=content_type)


def _quietly(response: HttpResponse) -> HttpResponse:
    """Without an error in the log, of which Django would send the admins an e-mail, each time that somebody asks."""
    # pylint: disable-next=protected-access
    response._has_been_logged = True
    return response
