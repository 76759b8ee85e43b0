"""Many deliveries of a webhook at once: counted, then done step by step, so that no request takes long."""

# Nothing is saved by a serializer here.
# pylint: disable=abstract-method

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from ..admin import past_events, sending_again
from ..admin.permissions import may_see_payload
from ..models import Delivery, Webhook
from ..operations import progress_tokens
from ..webhooks import resending
from .access import page_of
from .base import StrictMixin
from .pages import Moment

# One request works no longer; the step with which this is over is finished.
_SECONDS = 0.5


class _ManySerializer(StrictMixin, serializers.Serializer):
    """What both have in common."""

    since = Moment(required=False, allow_null=True, help_text="Empty: the oldest kept.")
    until = Moment(required=False, allow_null=True, help_text="Empty: until now.")
    dry_run = serializers.BooleanField(default=False, help_text="Only count.")
    token = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=100_000,
        help_text="Of the answer before, to go on. Send it with the same fields until `is_over` is true.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A time that does not end before it begins, and a token of this person's."""
        if attrs.get("since") and attrs.get("until") and attrs["since"] >= attrs["until"]:
            raise serializers.ValidationError({"until": [_("This is not after the beginning.")]})
        progress = progress_tokens.load(self.context["request"].user.pk, attrs.get("token", ""))
        if progress is None:
            raise serializers.ValidationError({"token": [_("This is too old, or not yours: begin without it.")]})
        return {**attrs, "progress": progress}

    # What was chosen; for valid data.
    choice: Callable[[Webhook], resending.Choice]


class ReplaySerializer(_ManySerializer):
    """Which deliveries of a webhook, and what is done with them."""

    verb = serializers.ChoiceField([*sending_again.VERBS], default="replay")
    states = serializers.MultipleChoiceField(
        choices=[*sending_again.NEVER_DELIVERED], required=False, help_text="To replay. Empty: all of these."
    )
    with_delivered = serializers.BooleanField(default=False, help_text="Replay also what was accepted before.")

    def choice(self, webhook):
        given = self.validated_data
        states = tuple(sorted(given.get("states") or sending_again.NEVER_DELIVERED))
        if given["verb"] != "replay":
            states = (Delivery.State.PENDING,)
        elif given["with_delivered"]:
            states += (Delivery.State.DELIVERED,)
        return resending.Choice(
            verb=given["verb"],
            webhook_id=webhook.pk,
            states=states,
            since=given.get("since"),
            until=given.get("until"),
            with_delivered=given["with_delivered"],
        )


class PastEventsSerializer(_ManySerializer):
    """Which captured events are sent to a webhook that was not there when they happened."""

    learner = serializers.CharField(
        required=False, allow_blank=True, max_length=150, help_text="A username or the number of a user, in full."
    )
    course_key = serializers.CharField(required=False, allow_blank=True, max_length=255)
    limit = serializers.IntegerField(min_value=1, max_value=past_events.MOST, default=past_events.DEFAULT)

    def validate_learner(self, value: str) -> str:
        """A count would tell who is who."""
        is_number = value.isascii() and value.isdecimal()
        if value and not is_number and not may_see_payload(self.context["request"]):
            raise serializers.ValidationError(_("Enter the number of the user: you may not see usernames."))
        return value

    def choice(self, webhook):
        given = self.validated_data
        chosen = {name: given.get(name) or None for name in ("since", "until")}
        chosen |= {name: given.get(name, "") for name in ("learner", "course_key")}
        past = resending.Past(webhook.dotted_type, **chosen)
        return resending.Choice(past=past, to=webhook, limit=given["limit"])


class ProgressSerializer(serializers.Serializer):
    """What came of it so far."""

    done = serializers.IntegerField(help_text="How many will be sent, are due now, or were cancelled.")
    left = serializers.DictField(child=serializers.IntegerField(), help_text="Reason → how many were left alone.")
    is_over = serializers.BooleanField(help_text="Else send the same again, with the token.")
    is_cut = serializers.BooleanField(help_text="There are more than the limit.")
    token = serializers.CharField()


def carry_on(request, webhook: Webhook, serializer: _ManySerializer) -> dict[str, Any]:
    """Take steps for a moment, and say how far it is; the webhook's history has what was done."""
    given, choice = serializer.validated_data, serializer.choice(webhook)
    progress, was_over = given["progress"], given["progress"].is_over
    resending.advance(choice, progress, act=not given["dry_run"], seconds=_SECONDS)
    count = progress.tally[resending.DONE]
    if count and progress.is_over and not was_over and not given["dry_run"]:
        page_of(Webhook).log_change(request, webhook, sending_again.said(choice, count))
    return {
        "done": count,
        "left": {reason: number for reason, number in progress.tally.items() if reason != resending.DONE and number},
        "is_over": progress.is_over,
        "is_cut": progress.is_cut,
        "token": progress_tokens.dump(request.user.pk, progress),
    }
