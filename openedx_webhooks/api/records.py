"""What happened: captured events, deliveries with their attempts, calls of webfilters."""

# Nothing is saved by a serializer here.
# pylint: disable=abstract-method

from typing import Any

from django.db.models import Prefetch
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, extend_schema_view
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response

from ..admin import sending_again, words
from ..admin.deliveries import OPERATIONS
from ..admin.permissions import may_see_payload, sees_payload_of
from ..models import Attempt, Call, CapturedEvent, Delivery
from ..rows import related
from .access import REPLAY, page_of
from .base import ApiMixin, Conflict, StoredJSONField, documented
from .pages import Filters, Moment, Newest, Number

_MOST_ATTEMPTS = 100


class RecordSerializer(serializers.ModelSerializer):
    """
    A row; personal data only for those who may see it: others get null.

    Attributes:
        personal: names of fields.
    """

    personal: tuple[str, ...] = ()

    def to_representation(self, instance):
        """The row; that somebody was shown it is logged where the operator wants it."""
        shown = super().to_representation(instance)
        if not self.sees(instance):
            shown |= dict.fromkeys(self.personal)
        return shown

    def sees(self, _instance) -> bool:
        """Whether this person sees the personal data."""
        return may_see_payload(self.context["request"])


class _Whole(RecordSerializer):
    """One row with its payload."""

    def sees(self, _instance):
        return sees_payload_of(self.context["request"], _instance)


def _nullable(*names: str) -> dict[str, dict[str, bool]]:
    """For the OpenAPI description: what is null for those who may not see it."""
    return {name: {"allow_null": True} for name in names}


class CapturedEventSerializer(RecordSerializer):
    """An event as it happened; its payload stands on its own page."""

    personal = ("username",)

    class Meta:
        model = CapturedEvent
        exclude = ["payload"]
        extra_kwargs = _nullable("username")


class CapturedEventDetailSerializer(_Whole):
    """An event with its payload; null once that was removed."""

    personal = ("username", "payload")
    payload = StoredJSONField(read_only=True, allow_null=True)

    class Meta:
        model = CapturedEvent
        fields = "__all__"
        extra_kwargs = _nullable("username")


class AttemptSerializer(_Whole):
    """One try of a delivery."""

    # The reason may quote the payload.
    personal = ("request_headers", "request_excerpt", "response_excerpt", "detail")
    request_headers = StoredJSONField(read_only=True, allow_null=True)

    class Meta:
        model = Attempt
        exclude = ["delivery"]
        extra_kwargs = _nullable("request_excerpt", "response_excerpt", "detail")

    def sees(self, _instance):
        """As of its delivery, which is asked once."""
        return self.context["sees"]


class DeliverySerializer(serializers.ModelSerializer):
    """An event owed to a webhook."""

    webhook = serializers.IntegerField(source="webhook_id", read_only=True)
    event = serializers.IntegerField(source="event_id", read_only=True, help_text="The captured event's number.")
    event_type = serializers.SerializerMethodField()

    class Meta:
        model = Delivery
        fields = [
            *("id", "webhook", "event", "event_type", "message_id", "state", "attempt_count"),
            *("next_attempt_at", "created", "finished_at"),
        ]

    def get_event_type(self, delivery) -> str | None:
        """Null if the event is gone."""
        event = related(delivery, "event")
        return event and event.event_type


class DeliveryDetailSerializer(DeliverySerializer):
    """A delivery with its attempts."""

    attempts = serializers.SerializerMethodField()

    class Meta(DeliverySerializer.Meta):
        fields = [*DeliverySerializer.Meta.fields, "attempts"]

    def get_attempts(self, delivery) -> list[dict[str, Any]]:
        """The latest, in their order."""
        attempts = list(delivery.attempts.order_by("-pk")[:_MOST_ATTEMPTS])[::-1]
        context = {**self.context, "sees": sees_payload_of(self.context["request"], delivery)}
        return AttemptSerializer(attempts, many=True, context=context).data


class _CallSerializer(RecordSerializer):
    def to_representation(self, instance):
        """The row; of an error only its kind for those who may not see what it quotes."""
        shown = super().to_representation(instance)
        if shown["note"] is None and shown["error"]:
            kind = shown["error"].partition(": ")[0]
            shown["error"] = kind if kind in words.KINDS else "bad_response"
        return shown


class CallSerializer(_CallSerializer):
    """A call of a webfilter, and what came of it."""

    personal = ("note",)
    webfilter = serializers.IntegerField(source="webfilter_id", read_only=True)

    class Meta:
        model = Call
        exclude = ["request_body", "response_excerpt"]
        extra_kwargs = _nullable("note")


class CallDetailSerializer(_CallSerializer, _Whole):
    """A call with what was sent and answered."""

    personal = ("note", "request_body", "response_excerpt")
    webfilter = serializers.IntegerField(source="webfilter_id", read_only=True)
    request_body = StoredJSONField(read_only=True, allow_null=True)

    class Meta:
        model = Call
        fields = "__all__"
        extra_kwargs = _nullable("note", "response_excerpt")


# --- Filters


class _SpanFilters(Filters):
    since = Moment(required=False)
    until = Moment(required=False)


class CapturedEventFilters(_SpanFilters):
    """Of captured events."""

    event_type = serializers.CharField(required=False, max_length=255, help_text="Dotted.")
    event_id = serializers.UUIDField(required=False)
    user_id = Number(required=False)
    username = serializers.CharField(required=False, max_length=150, help_text="For those who see personal data.")
    course_key = serializers.CharField(required=False, max_length=255)
    org = serializers.CharField(required=False, max_length=255)
    lookups = {
        **{name: name for name in ("event_type", "event_id", "user_id", "username", "course_key", "org")},
        "since": "created__gte",
        "until": "created__lte",
    }

    def validate_username(self, value: str) -> str:
        """What is found tells who is who."""
        if not may_see_payload(self.context["request"]):
            raise serializers.ValidationError(_("Give user_id instead: you may not see usernames."))
        return value


class DeliveryFilters(_SpanFilters):
    """Of deliveries."""

    webhook = Number(required=False)
    event = Number(required=False, help_text="The captured event's number.")
    message_id = serializers.UUIDField(required=False)
    state = serializers.ChoiceField(Delivery.State.choices, required=False)
    lookups = {
        "webhook": "webhook_id",
        "event": "event_id",
        "message_id": "message_id",
        "state": "state",
        "since": "created__gte",
        "until": "created__lte",
    }


class CallFilters(_SpanFilters):
    """Of calls."""

    webfilter = Number(required=False)
    message_id = serializers.UUIDField(required=False)
    result = serializers.ChoiceField(Call.Result.choices, required=False)
    user_id = Number(required=False)
    lookups = {
        "webfilter": "webfilter_id",
        "message_id": "message_id",
        "result": "result",
        "user_id": "user_id",
        "since": "started_at__gte",
        "until": "started_at__lte",
    }


# --- Views


class RecordViews(ApiMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """What the plugin writes: nobody adds, changes or deletes one."""

    pagination_class = Newest
    lookup_value_regex = "[0-9]{1,18}"
    time_field = "created"


@extend_schema_view(list=documented(parameters=[CapturedEventFilters]))
class CapturedEventViews(RecordViews):
    """Events as they happened, before any condition or shape."""

    queryset = CapturedEvent.objects.all()
    filters = CapturedEventFilters

    def get_queryset(self):
        """A list needs no payloads."""
        return self.queryset.all() if self.action == "retrieve" else self.queryset.defer("payload")

    def get_serializer_class(self):
        return CapturedEventDetailSerializer if self.action == "retrieve" else CapturedEventSerializer


@extend_schema_view(list=documented(parameters=[CallFilters]))
class CallViews(RecordViews):
    """Calls of webfilters, as their call log keeps them."""

    queryset = Call.objects.all()
    filters, time_field = CallFilters, "started_at"

    def get_queryset(self):
        """A list needs no bodies."""
        return (
            self.queryset.all()
            if self.action == "retrieve"
            else self.queryset.defer("request_body", "response_excerpt")
        )

    def get_serializer_class(self):
        return CallDetailSerializer if self.action == "retrieve" else CallSerializer


_CONFLICT = OpenApiResponse(description="Its state does not allow it; the answer says why.")


def _operation(verb: str, description: str):
    """The view of one thing that can be done with a delivery."""

    @documented(request=None, responses={200: DeliveryDetailSerializer, 409: _CONFLICT}, description=description)
    def view(self, request, **_pk):
        delivery = self.get_object()
        operate, _done, cannot = OPERATIONS[verb]
        if not operate(Delivery.objects.filter(pk=delivery.pk)):
            raise Conflict(cannot)
        page_of(Delivery).log_change(request, delivery, str(sending_again.VERBS[verb][0]))
        return Response(DeliveryDetailSerializer(self.get_object(), context=self.get_serializer_context()).data)

    view.__name__ = verb
    view.__doc__ = description
    return action(detail=True, methods=["post"])(view)


@extend_schema_view(list=documented(parameters=[DeliveryFilters]))
class DeliveryViews(RecordViews):
    """Which event is owed to which webhook, and every attempt."""

    queryset = Delivery.objects.all()
    filters = DeliveryFilters
    rights = dict.fromkeys(OPERATIONS, REPLAY)

    def get_queryset(self):
        """With the types of the events, by a query of its own, as in the admin."""
        return self.queryset.prefetch_related(Prefetch("event", CapturedEvent.objects.only("event_type")))

    def get_serializer_class(self):
        return DeliverySerializer if self.action == "list" else DeliveryDetailSerializer

    replay = _operation("replay", "Send a finished delivery again, from the start of its schedule.")
    retry = _operation("retry", "Try a pending delivery now.")
    cancel = _operation("cancel", "Give up a pending delivery.")
