"""Pieces of a preview: what the templates show of a reason, a mistake, a request and a payload."""

import json
from typing import Any

from ..hook_request import HookRequest
from ..operations import previewing
from ..payloads import condition_rows
from ..payloads.encode import FORM_TYPE
from ..payloads.explain import Reason
from ..payloads.lint_tokens import Finding
from . import parts

_MOST_SHOWN = 20_000
_MOST_VALUE = 80
_NEAR = 40


def reason_of(reason: Reason) -> dict[str, Any]:
    return {
        "holds": reason.holds,
        "text": clean(reason.text),
        "row": _row_of(reason.text),
        "error": clean(reason.error),
        "found": [(clean(path), short(value)) for path, value in reason.found],
    }


def _row_of(text: str) -> dict[str, str] | None:
    """Field, comparison and value, as the form's rows have them; None for what no row says in plainer words."""
    rows, _join = condition_rows.rows_of(text) or ([], "")
    if len(rows) != 1 or rows[0].value is None:
        return None
    row = rows[0]
    return {
        "field": clean(row.field),
        "comparison": str(condition_rows.COMPARISONS[row.comparison].title),
        "value": clean(condition_rows.text_of(row.value)),
    }


def clean(text: str) -> str:
    """What a page can hold: not half of a surrogate pair, which an escape in an expression makes."""
    return text.encode("utf-8", "replace").decode()


def short(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except RecursionError:
        return "…"
    text = clean(text)
    return text[:_MOST_VALUE] + "…" if len(text) > _MOST_VALUE else text


def pretty(value):
    """A payload, as HTML; its beginning if it is long."""
    try:
        text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    except RecursionError:
        return parts.pretty(value)
    return parts.plain(text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + "…")


def marked(label: str, name: str, text: str, finding: Finding) -> dict[str, Any]:
    """A mistake in a field's text, with what stands around it."""
    start, end = finding.start, max(finding.end, finding.start)
    return {
        "field": label,
        "name": name,
        "before": ("…" if start > _NEAR else "") + text[max(0, start - _NEAR) : start],
        "marked": text[start:end] or "▶",
        "after": text[end : end + _NEAR] + ("…" if len(text) > end + _NEAR else ""),
        "message": clean(finding.message),
        "suggestion": clean(finding.suggestion),
        # What has an ellipsis in it is for people to fill in.
        "can_apply": bool(finding.suggestion) and "…" not in finding.suggestion,
        "start": start,
        "end": end,
    }


def shown(sent: HookRequest) -> dict[str, Any]:
    """A request; what the operator entered may be a secret, and is hidden."""
    headers = previewing.headers_of(sent)
    text = sent.body[:_MOST_SHOWN].decode("utf-8", "replace")
    is_form = headers.get("Content-Type") == FORM_TYPE
    if is_form:
        body = parts.plain(text.replace("&", "&\n"))
    else:
        body = parts.excerpt(text) if len(sent.body) <= _MOST_SHOWN else parts.plain(text)
    return {
        "url": sent.url,
        "headers": [f"{header}: {value}" for header, value in headers.items()],
        "body": body,
        "bytes": len(sent.body),
        "is_cut": len(sent.body) > _MOST_SHOWN,
        "is_form": is_form,
    }
