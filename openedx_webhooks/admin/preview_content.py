"""What a preview shows: mistakes, whether the condition matches and why, the request, and what an answer would do."""

import copy
import json
from typing import Any

import attrs
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .. import catalog
from ..models import Hook, Webfilter, Webhook
from ..operations import hook_problems, personal_report, previewing, schema
from ..payloads import explain, expression_examples, formats, published, shape
from ..webfilters import trial_call
from . import parts, payload_choice, preview_parts
from .expression_widgets import Entered
from .payload_choice import Choice
from .permissions import may_see_payload, sees_payload_of
from .reference import title_of_answer

MOST_PAST = 50
_MOST_ANSWER = 64 * 1024
_MOST_MORE = 5
# Names of the fields without which no request can be shown.
_OF_REQUEST = {"credentials", "headers", "payload_format", "personal_data", "secret", "shape", "use_www_form_encoding"}


@attrs.define
class Preview:
    """
    Attributes:
        status: the most important of it, in one line.
        problems: what must be corrected before it can be saved: (name of the field, sentence).
        missing: the fields that must be filled in.
        warnings: what is probably not meant so.
        condition: a badge; empty without a condition, or without a payload.
        reasons: what has decided.
        request: what would be sent; None if nothing could.
        in_current: of a format of the published plugin: what would be sent in the current one.
        nothing: why nothing would be sent.
        past: how many of the latest events match, and each of them.
        effects: of webfilters: what the answer would do; None if there is no answer to judge.
        examples: id of a field → an expression for the chosen type.
        answer: of a webfilter's endpoint, as typed, or the local answer.
        answers: (title, text) of those that can be tried.
        about: which event it is about; empty if only one is chosen.
    """

    choice: Choice
    status: str = ""
    problems: list[tuple[str, str]] = attrs.field(factory=list)
    missing: list[str] = attrs.field(factory=list)
    warnings: list[dict[str, Any]] = attrs.field(factory=list)
    condition: str = ""
    reasons: list[dict[str, Any]] = attrs.field(factory=list)
    request: dict[str, Any] | None = None
    in_current: dict[str, Any] | None = None
    nothing: str = ""
    past: dict[str, Any] | None = None
    effects: list[str] | None = None
    examples: dict[str, str] = attrs.field(factory=dict)
    about: str = ""
    is_filter: bool = False
    is_local: bool = False
    answer: str = ""
    answers: list[tuple[str, str]] = attrs.field(factory=list)

    @property
    def payload(self):
        """The chosen payload, as HTML; its beginning if it is long."""
        return preview_parts.pretty(self.choice.payload)


def preview_of(request, form) -> Preview:
    """
    The preview of what is typed into a form, or of what is stored.

    Args:
        form: of a hook; bound ones have been validated. Nothing is saved.
    """
    hook: Hook = form.instance
    if not form.is_bound and not hook.event:
        hook.event = str(form.initial.get("event") or "")
    made = Preview(payload_choice.choice_of(request, hook), is_filter=isinstance(hook, Webfilter))
    more = [catalog.find_event(dotted) for dotted in getattr(form, "more_events", ())[:_MOST_MORE]]
    texts = {name: _text_of(form, name) for name in previewing.EXPRESSIONS if name in form.fields}
    for name, errors in form.errors.as_data().items():
        label = str(form.fields[name].label or name) if name in form.fields else ""
        for error in errors:
            if name in form.fields and form[name].value() in (None, "", []):
                # Nobody has made a mistake by not having come to it yet.
                made.missing.append(label)
            else:
                made.problems += [(label, preview_parts.clean(str(message))) for message in error.messages]
    if hook.known_type is None:
        typed = hook_problems.unknown_type(hook) if hook.event else ""
        made.status = typed or _("Choose an event: then it is shown here what would be sent.")
        made.missing, made.problems = [], []
        return made
    # A form takes what it was given unchanged, however old it is: nothing is sent with it all the same.
    made.problems += [
        ("", sentence) for name, sentence in hook_problems.malformed(hook).items() if name not in form.errors
    ]
    _Writer(request, hook, texts, set(form.errors), made).write([known for known in more if known])
    return made


def _text_of(form, name: str) -> str:
    """An expression as it is typed, or, of a field with a way of its own to enter it, as it was understood."""
    text = form[name].value()
    if isinstance(text, Entered):
        try:
            # Not what has been cleaned: what is no expression yet has mistakes, too.
            text = form.fields[name].expression(text)
        except ValidationError:
            text = ""
    elif not isinstance(text, str):
        text = form.cleaned_data.get(name) if form.is_bound else getattr(form.instance, name)
    # Browsers send other line ends than their scripts count.
    return str(text or "").replace("\r\n", "\n")


class _Writer:
    """Fills in one preview."""

    def __init__(self, request, hook: Hook, texts: dict[str, str], wrong: set[str], made: Preview):
        self._request, self._hook, self._texts, self._wrong, self._made = request, hook, texts, wrong, made
        self._known = hook.known_type
        self._payload = made.choice.payload or {}
        self._schema = schema.payload_schema(self._known)

    def write(self, more: list[catalog.EventType]) -> None:
        """
        All parts.

        Args:
            more: the other events that are chosen beside the hook's, of which only mistakes are told.
        """
        made = self._made
        made.about = self._known.name if more else ""
        made.warnings = [*self._warnings(), *(warning for known in more for warning in self._warnings_of(known))]
        made.examples = expression_examples.examples(self._schema, self._payload)
        matches = self._condition()
        self._write_request()
        if isinstance(self._known, catalog.EventType) and may_see_payload(self._request):
            made.past = self._past()
        if isinstance(self._hook, Webfilter):
            self._effects()
        made.status = self._status(matches)

    def _status(self, matches) -> str:
        made = self._made
        if made.problems:
            count = len(made.problems)
            status = ngettext("%d mistake to correct.", "%d mistakes to correct.", count) % count
        elif matches is None:
            status = _("The condition cannot be applied to this payload.")
        elif not matches and made.choice.event is None:
            status = _("The condition does not match the sample. Its data is made up: what really happens may match.")
        elif not matches:
            status = _("The condition does not match: nothing would be sent.")
        elif made.is_local:
            status = _("This would be answered.")
        else:
            status = made.nothing or _("This would be sent.")
        count = len(made.warnings)
        return status + " " + ngettext("%d warning.", "%d warnings.", count) % count if count else status

    # --- Warnings

    def _warnings(self):
        labels = {name: str(self._hook._meta.get_field(name).verbose_name) for name in self._texts}
        found = list(previewing.findings(self._known, self._texts, self._payload))
        if isinstance(self._hook, Webhook):
            mode, text = self._hook.personal_data, self._texts.get("shape", "")
            found += [("shape", finding) for finding in personal_report.withheld_in(text, self._known, mode)]
        return [preview_parts.marked(labels[name], name, self._texts[name], finding) for name, finding in found]

    def _warnings_of(self, known):
        """Of another event: what fits the one need not fit the other."""
        texts = {name: self._texts.get(name, "") for name in ("condition", "shape")}
        labels = {name: f"{self._hook._meta.get_field(name).verbose_name}, {known.name}" for name in texts}
        return [
            preview_parts.marked(labels[name], name, texts[name], finding)
            for name, finding in previewing.findings(known, texts)
        ]

    # --- Condition

    def _condition(self) -> bool | None:
        """Whether the condition is true of the chosen payload; None if that can't be told."""
        expression = self._compiled("condition")
        if not self._texts.get("condition", "").strip():
            return True
        if expression is None or self._made.choice.payload is None:
            return None
        matches = previewing.matches(expression, self._payload)
        if matches is None:
            self._made.condition = parts.badge(_("fails"), "bad")
        else:
            self._made.condition = parts.badge(_("matches"), "good") if matches else parts.badge(_("no match"), "warn")
        self._made.reasons = [preview_parts.reason_of(reason) for reason in explain.explain(expression, self._payload)]
        return matches

    def _compiled(self, name):
        text = self._texts.get(name, "")
        try:
            return shape.compile_expression(text) if text.strip() else None
        except shape.ExpressionError:
            return None

    # --- Request

    def _write_request(self) -> None:
        made = self._made
        made.is_local = bool(self._texts.get("local_answer", "").strip())
        if _OF_REQUEST & self._wrong:
            made.nothing = _("Correct the mistakes: then the request is shown.")
            return
        request, made.nothing = previewing.request_for(self._hook, self._payload)
        if request is None:
            return
        made.request = preview_parts.shown(request)
        if self._hook.payload_format in published.VERSIONS:
            switched = copy.copy(self._hook)
            switched.payload_format = formats.CURRENT
            request, _why = previewing.request_for(switched, self._payload)
            made.in_current = preview_parts.shown(request) if request else None

    # --- The latest events

    def _past(self) -> dict[str, Any] | None:
        expression = self._compiled("condition")
        if expression is None:
            return None
        rows = [
            {
                "label": payload_choice.label_of(event),
                "url": reverse("admin:openedx_webhooks_capturedevent_change", args=[event.pk]),
                "matches": previewing.matches(expression, payload),
            }
            for event, payload in payload_choice.read_latest(self._known, MOST_PAST)
            if sees_payload_of(self._request, event)
        ]
        if not rows:
            return None
        found = [row["matches"] for row in rows]
        return {"rows": rows, "count": len(rows), "matching": found.count(True), "failing": found.count(None)}

    # --- Webfilters

    def _effects(self) -> None:
        made, hook = self._made, self._hook
        answers = schema.sample_answers(self._known)
        if "halt" in answers:
            made.examples["id_local_answer"] = json.dumps(answers["halt"], ensure_ascii=False)
        made.answers = [(title_of_answer(name), json.dumps(answer)) for name, answer in answers.items()]
        made.answer = self._request.POST.get("owh_answer", "")[:_MOST_ANSWER]
        if made.is_local and "local_answer" not in self._wrong:
            trial = trial_call.call_test(hook, made.choice.payload)
            made.answer = trial.outcome.body.decode("utf-8", "replace")
        elif made.answer.strip() and not made.is_local:
            trial = trial_call.effect_of(hook, made.answer.encode("utf-8", "replace"), made.choice.payload)
        else:
            return
        made.effects = previewing.effects_of(trial)
