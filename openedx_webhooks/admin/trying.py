"""The page that shows what a test sent and what came back."""

from typing import Any

from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from ..app_settings import app_settings
from ..models import Hook
from ..payloads import encode, redact
from ..transport.client import USER_AGENT, Outcome
from . import parts

_MOST_HEADERS = 50
_LONGEST_HEADER = 300
_LONGEST_EFFECT = 2000
_HIDDEN = "••••••••"


def result_page(model_admin, request, hook: Hook, *, body: Any, outcome: Outcome, effects: list[str] | None = None):
    """
    The result of a test.

    Args:
        body: what was sent, as JSON data.
        effects: sentences about what the answer would do, for webfilters.
    """
    sent = list((hook.headers or {}).values())
    encoded, content_type = encode.encode(body, hook.use_www_form_encoding)
    is_local = not hook.webhook_url
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "original": hook,
        "title": _("Test"),
        "outcome": outcome,
        "is_local": is_local,
        "verdict": parts.badge(_("local answer"), "good")
        if is_local
        else parts.answer_badge(outcome.status_code, outcome.error, needs_body=effects is not None),
        "duration": parts.seconds(outcome.duration),
        # A halt's message is the endpoint's, too.
        "effects": [redact.excerpt(effect.encode(), _LONGEST_EFFECT, sent) for effect in effects or ()],
        "test_url": reverse(f"admin:{model_admin.url_name('test')}", args=[hook.pk]),
        "request_headers": request_headers(hook, content_type),
        "request_body": parts.excerpt(encoded.decode()),
        "response_headers": [
            redact.excerpt(f"{name}: {text}".encode(), _LONGEST_HEADER, sent)
            for name, text in list(outcome.headers.items())[:_MOST_HEADERS]
        ],
        "response_body": parts.excerpt(redact.excerpt(outcome.body, app_settings.RESPONSE_EXCERPT_BYTES, sent)),
    }
    return TemplateResponse(request, "admin/openedx_webhooks/test_result.html", context)


def request_headers(hook: Hook, content_type: str) -> list[str]:
    """The headers as lines; the operator's own without their values."""
    lines = [f"Content-Type: {content_type}", f"User-Agent: {USER_AGENT}", "webhook-id: …", "webhook-timestamp: …"]
    if hook.secret:
        lines.append("webhook-signature: v1,…")
    return lines + [f"{name}: {_HIDDEN}" for name in hook.headers or {}]
