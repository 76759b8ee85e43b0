"""Trying a hook out: what would be sent of a payload, and a test that is sent."""

# Nothing is saved by a serializer here.
# pylint: disable=abstract-method

from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _
from rest_framework import serializers

from ..admin import words
from ..admin.permissions import may_see_payload, sees_payload_of
from ..app_settings import app_settings
from ..hook_request import HookRequest
from ..models import Attempt, CapturedEvent, Hook, Webhook
from ..operations import previewing
from ..payloads import explain, redact, samples
from ..transport.client import USER_AGENT, Outcome
from ..webfilters import trial_call
from ..webhooks import trial_delivery
from .base import StrictMixin
from .pages import Number

_MOST_HEADERS, _LONGEST_TEXT, _LONGEST_BODY = 50, 2000, 20_000


class TestSerializer(StrictMixin, serializers.Serializer):
    """What is sent."""

    captured_event = Number(required=False, allow_null=True, help_text="Its number. Empty: a sample, made up.")


class PreviewSerializer(TestSerializer):
    """What is tried on what."""

    hook = serializers.JSONField(default=dict, help_text="The fields of the hook; of a stored one, what is changed.")


class RequestSerializer(serializers.Serializer):
    """A request; what the operator entered is masked in its headers."""

    headers = serializers.DictField(child=serializers.CharField())
    body = serializers.CharField()


class TestedSerializer(serializers.Serializer):
    """What a test sent, what came back, and what that means."""

    accepted = serializers.BooleanField()
    status_code = serializers.IntegerField(allow_null=True)
    error = serializers.CharField(help_text="Empty, or the kind of error.")
    detail = serializers.CharField()
    meaning = serializers.CharField(help_text="What it means, and what to do.")
    duration = serializers.FloatField(help_text="Seconds.")
    request = RequestSerializer(allow_null=True)
    response = RequestSerializer()
    effects = serializers.ListField(
        child=serializers.CharField(), help_text="Of a webfilter: what the answer would do."
    )


class ReasonSerializer(serializers.Serializer):
    """A part of the condition that has decided."""

    text = serializers.CharField()
    holds = serializers.BooleanField()
    error = serializers.CharField()


class WarningSerializer(serializers.Serializer):
    """What is probably not meant so."""

    field = serializers.CharField()
    message = serializers.CharField()
    suggestion = serializers.CharField()
    start = serializers.IntegerField(help_text="Of the part of the expression that is meant.")
    end = serializers.IntegerField()


class PreviewedSerializer(serializers.Serializer):
    """What a hook would make of a payload."""

    matches = serializers.BooleanField(allow_null=True, help_text="The condition; null: it fails on this payload.")
    reasons = ReasonSerializer(many=True)
    warnings = WarningSerializer(many=True)
    request = RequestSerializer(allow_null=True, help_text="What would be sent if the condition matches.")
    nothing = serializers.CharField(help_text="Why nothing would be sent.")
    effects = serializers.ListField(child=serializers.CharField(), help_text="Of a local answer: what it would do.")


def payload_of(request, hook: Hook, number: int | None) -> dict[str, Any]:
    """
    The payload of a captured event, or a sample.

    Raises:
        PermissionDenied: this person may not see personal data.
        ValidationError: there is no such event, or it can't be used.
    """
    known = hook.known_type
    if known is None:
        raise serializers.ValidationError({"event": [_("This installation has no “%s”.") % hook.event]})
    if number is None:
        return samples.sample_payload(known)
    if not may_see_payload(request):
        raise PermissionDenied(_("A captured event holds personal data, which you may not see: leave it empty."))
    event = CapturedEvent.objects.filter(pk=number).first() if isinstance(hook, Webhook) else None
    if event is None or event.event_type != hook.dotted_type or not isinstance(event.payload, dict):
        text = _("There is no such event of this type, or its payload was removed.")
        raise serializers.ValidationError({"captured_event": [text]})
    sees_payload_of(request, event)
    return event.payload


def test(request, hook: Hook, number: int | None) -> dict[str, Any]:
    """
    Send a test of a stored hook.

    Raises:
        as :func:`payload_of`; ValidationError if nothing can be made of the payload.
    """
    payload = payload_of(request, hook, number)
    effects: list[str] = []
    if isinstance(hook, Webhook):
        sent, outcome = trial_delivery.send_test(hook, payload)
    else:
        try:
            trial = trial_call.call_test(hook, payload)
        except ValueError as error:
            raise serializers.ValidationError({"shape": [str(error)]}) from error
        outcome, effects = trial.outcome, previewing.effects_of(trial)
        sent = None if trial.request.unsendable or not hook.webhook_url else trial.request
    return _tested(sent, outcome, effects)


def _tested(sent: HookRequest | None, outcome: Outcome, effects: list[str]) -> dict[str, Any]:
    secrets = sent.secrets() if sent else []

    def masked(text: str, most: int = _LONGEST_TEXT) -> str:
        return redact.excerpt(text.encode("utf-8", "replace"), most, secrets)

    said = Attempt(
        status_code=outcome.status_code, error=outcome.error, detail=masked(outcome.headers.get("location", ""))
    )
    headers = list(outcome.headers.items())[:_MOST_HEADERS]
    body = redact.excerpt(outcome.body, app_settings.RESPONSE_EXCERPT_BYTES, secrets)
    return {
        "accepted": outcome.is_accepted,
        "status_code": outcome.status_code,
        "error": outcome.error,
        "detail": masked(outcome.detail),
        "meaning": words.meaning(said) if outcome.status_code or outcome.error else "",
        "duration": outcome.duration,
        "request": _request({**sent.shown_headers(), "User-Agent": USER_AGENT}, sent.body) if sent else None,
        "response": {"headers": {name: masked(text) for name, text in headers}, "body": body},
        "effects": [masked(effect) for effect in effects],
    }


def preview(request, hook: Hook, number: int | None) -> dict[str, Any]:
    """
    What a hook, saved or not, would make of a payload. Its settings were checked.

    Raises:
        as :func:`payload_of`.
    """
    payload = payload_of(request, hook, number)
    texts = {name: getattr(hook, name, "") for name in previewing.EXPRESSIONS}
    matches, reasons = True, []
    if hook.compiled_condition is not None:
        matches = previewing.matches(hook.compiled_condition, payload)
        reasons = explain.explain(hook.compiled_condition, payload)
    sent, nothing, effects = None, "", []
    if texts["local_answer"]:
        effects = previewing.effects_of(trial_call.call_test(hook, payload))
    else:
        sent, nothing = previewing.request_for(hook, payload)
    return {
        "matches": matches,
        "reasons": [{"text": each.text, "holds": each.holds, "error": each.error} for each in reasons],
        "warnings": [
            {
                "field": name,
                "message": each.message,
                "suggestion": each.suggestion,
                "start": each.start,
                "end": each.end,
            }
            for name, each in previewing.findings(hook.known_type, texts, payload)
        ],
        "request": _request(previewing.headers_of(sent), sent.body) if sent else None,
        "nothing": nothing,
        "effects": effects,
    }


def _request(headers: dict[str, str], body: bytes) -> dict[str, Any]:
    return {"headers": headers, "body": body[:_LONGEST_BODY].decode("utf-8", "replace")}
