"""What was sent last beside what would be sent now: the first thing to know before something is sent again."""

import difflib
import json

import attrs
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from ..app_settings import app_settings
from ..models import Attempt, Delivery, Webhook
from ..payloads import redact
from ..webhooks import sending
from . import words

# difflib takes the square of it in the worst case.
_MOST_LINES = 400
_CONTEXT = 3
# New in every request.
_EACH_TIME = ("webhook-timestamp", "webhook-signature", "x-hub-signature-256")


@attrs.frozen
class Difference:
    """
    Attributes:
        says: a sentence.
        lines: the changed lines and some around, marked; empty if there is nothing to compare.
    """

    says: str
    lines: SafeString | str = ""


def difference(delivery: Delivery, webhook: Webhook | None, event, last: Attempt | None) -> Difference | None:
    """
    Between the last attempt's request and the one that would be made now; None if there was none, or no webhook.

    Args:
        last: the attempt; of its body only the beginning is kept.
    """
    if webhook is None or last is None:
        return None
    try:
        request = sending.request_for(delivery, webhook, event)
    except sending.NothingToSend as reason:
        kind = words.KINDS.get(reason.kind)
        return Difference(_("Now nothing would be sent. %s") % (kind.meaning if kind else reason.kind))
    except ValueError:
        return Difference(_("Now nothing could be sent. %s") % words.KINDS["unsendable"].meaning)
    if not last.request_bytes:
        return Difference(_("The last attempt sent nothing; now there would be a request."))
    size = app_settings.RESPONSE_EXCERPT_BYTES
    if len(last.request_excerpt.encode()) < last.request_bytes:
        # Only the beginning was kept, of that length.
        size = len(last.request_excerpt)
    now = redact.excerpt(request.body, size, request.secrets())
    before = [*_headers(last.request_headers), "", *_lines(last.request_excerpt)]
    after = [*_headers(request.shown_headers()), "", *_lines(now)]
    if before == after:
        return Difference(_("The same as was sent last would be sent again, with a new time and signature."))
    shown = _marked(before, after)
    return Difference(_("Lines with − were sent last, lines with + would be sent instead."), shown)


def _headers(headers) -> list[str]:
    """One line each, in the order of their names, without what is new each time."""
    kept = headers.items() if isinstance(headers, dict) else ()
    return sorted(
        f"{name}: {value}" for name, value in kept if name.lower() not in (*_EACH_TIME, "user-agent", "content-length")
    )


def _lines(body: str) -> list[str]:
    """A body one value a line; what is cut or no JSON is broken where JSON or a form would be."""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False).split("\n")
    except (ValueError, RecursionError):
        return body.replace(',"', ',\n"').replace("&", "\n&").split("\n")


def _marked(before: list[str], after: list[str]) -> SafeString:
    compared = difflib.unified_diff(before[:_MOST_LINES], after[:_MOST_LINES], lineterm="", n=_CONTEXT)
    lines = [_line(line) for line in compared if not line.startswith(("---", "+++"))]
    if max(len(before), len(after)) > _MOST_LINES:
        lines.append(format_html("<span>{}</span>", _("Only the beginnings are compared.")))
    return format_html_join("", "{}", ((line,) for line in lines))


def _line(line: str) -> SafeString:
    text = line[1:].encode("utf-8", "replace").decode()
    if line.startswith("@@"):
        return format_html('<span class="owh-quiet-text">{}</span>', "…")
    if line.startswith("-"):
        return format_html("<del>− {}</del>", text)
    if line.startswith("+"):
        return format_html("<ins>+ {}</ins>", text)
    return format_html("<span>  {}</span>", text)
