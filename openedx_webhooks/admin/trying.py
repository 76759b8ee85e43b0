"""The page that shows what a test sent and what came back."""

from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from ..app_settings import app_settings
from ..hook_request import HookRequest
from ..models import Attempt, Hook
from ..payloads import redact
from ..transport.client import USER_AGENT, Outcome
from . import parts, words

_MOST_HEADERS = 50
_LONGEST_HEADER = 300
_LONGEST_EFFECT = 2000


def result_page(
    model_admin, request, hook: Hook, *, sent: HookRequest | None, outcome: Outcome, effects: list[str] | None = None
):
    """
    The result of a test.

    Args:
        sent: what was sent; None if nothing was.
        effects: sentences about what the answer would do, for webfilters.
    """
    secrets = sent.secrets() if sent else []
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
        "effects": [redact.excerpt(effect.encode(), _LONGEST_EFFECT, secrets) for effect in effects or ()],
        "meaning": _meaning(outcome, secrets),
        "test_url": reverse(f"admin:{model_admin.url_name('test')}", args=[hook.pk]),
        "sent": sent,
        "request_headers": header_lines({**sent.shown_headers(), "User-Agent": USER_AGENT}) if sent else [],
        "request_body": parts.excerpt(sent.body.decode("utf-8", "replace")) if sent else "",
        "response_headers": [
            redact.excerpt(line.encode(), _LONGEST_HEADER, secrets)
            for line in header_lines(outcome.headers)[:_MOST_HEADERS]
        ],
        "response_body": parts.excerpt(redact.excerpt(outcome.body, app_settings.RESPONSE_EXCERPT_BYTES, secrets)),
    }
    return TemplateResponse(request, "admin/openedx_webhooks/test_result.html", context)


def _meaning(outcome: Outcome, secrets: list[str]) -> str:
    """What a refusal means; empty if there is none."""
    if outcome.is_accepted or not (outcome.status_code or outcome.error):
        return ""
    moved_to = redact.excerpt(outcome.headers.get("location", "").encode(), _LONGEST_HEADER, secrets)
    return words.meaning(Attempt(status_code=outcome.status_code, error=outcome.error, detail=moved_to))


def header_lines(headers: dict[str, str]) -> list[str]:
    """``Name: value`` of each."""
    return [f"{name}: {value}" for name, value in headers.items()]
