"""What a test sent, what came back, and what that means: on a page of its own, or beside the form."""

import shlex
from typing import Any

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
# Longer commands cannot be pasted everywhere.
_LONGEST_BODY = 60_000


def result_of(
    hook: Hook, *, sent: HookRequest | None, outcome: Outcome, effects: list[str] | None = None
) -> dict[str, Any]:
    """
    What the template ``test_outcome.html`` shows.

    Args:
        hook: need not be saved.
        sent: what was sent; None if nothing was.
        effects: sentences about what the answer would do, for webfilters.
    """
    secrets = sent.secrets() if sent else []
    is_local = not hook.webhook_url
    return {
        "outcome": outcome,
        "is_local": is_local,
        "verdict": parts.badge(_("local answer"), "good")
        if is_local
        else parts.answer_badge(outcome.status_code, outcome.error, needs_body=effects is not None),
        "duration": parts.seconds(outcome.duration),
        # A halt's message is the endpoint's, too.
        "effects": [redact.excerpt(effect.encode(), _LONGEST_EFFECT, secrets) for effect in effects or ()],
        # Of a webfilter's answer, the effects tell.
        "meaning": "" if effects and outcome.ok else _meaning(outcome, secrets),
        "sent": sent,
        "request_headers": header_lines({**sent.shown_headers(), "User-Agent": USER_AGENT}) if sent else [],
        "request_body": parts.excerpt(sent.body.decode("utf-8", "replace")) if sent else "",
        "curl": curl(sent) if sent and not is_local else "",
        "response_headers": [
            redact.excerpt(line.encode(), _LONGEST_HEADER, secrets)
            for line in header_lines(outcome.headers)[:_MOST_HEADERS]
        ],
        "response_body": parts.excerpt(redact.excerpt(outcome.body, app_settings.RESPONSE_EXCERPT_BYTES, secrets)),
    }


def result_page(model_admin, request, hook: Hook, **result):
    """
    The result of a test of a saved hook, on a page of its own.

    Args:
        result: as for :func:`result_of`.
    """
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "original": hook,
        "title": _("Test"),
        "test": result_of(hook, **result),
        "test_url": reverse(f"admin:{model_admin.url_name('test')}", args=[hook.pk]),
    }
    return TemplateResponse(request, "admin/openedx_webhooks/test_result.html", context)


def curl(sent: HookRequest) -> str:
    """
    The same request as a command for a shell, with placeholders for the values that the operator entered; empty if it
    would be too long.
    """
    if len(sent.body) > _LONGEST_BODY:
        return ""
    lines = [" ".join(map(shlex.quote, ["curl", "--globoff", "--request", "POST", sent.url]))]
    headers = {
        name: value if value == sent.our_headers.get(name) else "<" + _("value of %s") % name + ">"
        for name, value in sent.shown_headers().items()
    }
    lines += [f"  --header {shlex.quote(line)}" for line in header_lines({**headers, "User-Agent": USER_AGENT})]
    # Not --data: what begins with @ would be the name of a file.
    lines.append(f"  --data-raw {shlex.quote(sent.body.decode('utf-8', 'replace'))}")
    return " \\\n".join(lines)


def _meaning(outcome: Outcome, secrets: list[str]) -> str:
    """What came back means, and what to do; empty if nothing came, as from a local answer."""
    if not (outcome.status_code or outcome.error):
        return ""
    moved_to = redact.excerpt(outcome.headers.get("location", "").encode(), _LONGEST_HEADER, secrets)
    return words.meaning(Attempt(status_code=outcome.status_code, error=outcome.error, detail=moved_to))


def header_lines(headers: dict[str, str]) -> list[str]:
    return [f"{name}: {value}" for name, value in headers.items()]
