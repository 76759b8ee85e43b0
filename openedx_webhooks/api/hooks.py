"""Webhooks and webfilters: list, add, change, delete; test, preview, rotate a secret, send again."""

# Nothing is saved by a serializer here.
# pylint: disable=abstract-method

import contextlib
from datetime import timedelta

from django.db import router, transaction
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, extend_schema_view, inline_serializer
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response

from ..models import signing_secrets
from ..operations import hook_health, hook_saving, removal
from ..operations.hook_problems import problems_of
from ..transport.breaker import breaker
from . import sending, trying
from .access import REPLAY, TestsPerUser, page_of
from .base import ApiMixin, Conflict, documented
from .hook_serializers import (
    HealthSerializer,
    MadeSecretSerializer,
    RotateSerializer,
    WebfilterSerializer,
    WebhookSerializer,
)
from .pages import Filters

_TRIES = 5
_GONE = {
    204: OpenApiResponse(description="It is deleted, with what was recorded of it."),
    202: OpenApiResponse(description="It is disabled; its many records are deleted in the background."),
}


class HookFilters(Filters):
    """Of webhooks and webfilters."""

    event = serializers.CharField(required=False, max_length=255, help_text="Dotted.")
    enabled = serializers.BooleanField(required=False)
    lookups = {"event": "event", "enabled": "enabled"}


class HookViews(ApiMixin, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """What both have in common."""

    filters, time_field = HookFilters, "modified"
    lookup_value_regex = "[0-9]{1,9}"
    rights = {
        "create": "add",
        "partial_update": "change",
        "destroy": "delete",
        "rotate_secret": "change",
        "test": "change",
        "preview": "add",
        "preview_change": "change",
        "reset_breaker": "change",
        "replay": REPLAY,
        "send_past_events": REPLAY,
    }

    @classmethod
    def as_view(cls, actions=None, **initkwargs):
        """Each says itself what is one transaction: a test waits for an endpoint, a removal commits step by step."""
        return transaction.non_atomic_requests(super().as_view(actions, **initkwargs))

    def get_queryset(self):
        """All, those that are being removed, too."""
        return self.serializer_class.Meta.model.objects.order_by("-pk")

    def get_throttles(self):
        """Tests are requests to others."""
        throttles = super().get_throttles()
        return [*throttles, TestsPerUser()] if self.action == "test" else throttles

    def check_object_permissions(self, request, obj):
        if obj.removing_since and self.rights.get(self.action):
            raise Conflict(_("It is being removed: nothing can be done with it."))
        super().check_object_permissions(request, obj)

    def _read(self, serializer_class):
        serializer = serializer_class(data=self.request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        return serializer

    def create(self, request):
        """Add one. The answer has its signing secret, this once, if it was made here."""
        wanted = self._read(self.serializer_class).wanted
        with self._one_transaction():
            wanted.hook.save()
            page_of(type(wanted.hook)).log_addition(request, wanted.hook, [{"added": {}}])
        shown = self.get_serializer(wanted.hook).data
        if not request.data.get("secret"):
            shown["secret"] = wanted.hook.secret
        return Response(shown, status=status.HTTP_201_CREATED)

    def partial_update(self, request, **_pk):
        """Change what is given, and leave the rest as it is. To pause a webhook: `{"paused": true}`."""
        self._as_read(lambda hook: self._change(hook, request))
        return Response(self.get_serializer(self.get_object()).data)

    def _change(self, hook, request):
        serializer = self.get_serializer(hook, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        wanted = serializer.wanted
        if wanted.changed:
            with self._one_transaction():
                hook_saving.lock_as_read(hook)
                hook_saving.save_changes(wanted.hook, wanted.changed, wanted.stored_secret)
                self._log(hook, [{"changed": {"fields": sorted(wanted.changed)}}])

    def _as_read(self, change):
        """Change the hook; again with what is there then, if somebody else has changed it at the same time."""
        for _try in range(_TRIES):
            hook = self.get_object()
            with contextlib.suppress(hook_saving.ChangedMeanwhile):
                change(hook)
                return hook
        raise Conflict(_("Others change it all the time. Try again."))

    @documented(responses=_GONE)
    def destroy(self, request, **_pk):
        """Delete it, with all that was recorded of it."""
        is_gone = removal.remove(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT if is_gone else status.HTTP_202_ACCEPTED)

    @documented(responses=HealthSerializer)
    @action(detail=True)
    def health(self, request, **_pk):
        """How it is, in a word, and why it can't run."""
        hook = self.get_object()
        word = hook_health.of(hook).word
        return Response({"word": word, "title": word.label, "problems": problems_of([hook]).get(hook.pk, [])})

    @documented(request=RotateSerializer, responses=MadeSecretSerializer)
    @action(detail=True, methods=["post"])
    def rotate_secret(self, request, **_pk):
        """Make a new signing secret. Requests are signed with both for a while, unless the old one leaked."""
        self.get_object()
        asked = self._read(RotateSerializer).validated_data

        def rotate(hook):
            with self._one_transaction():
                hook_saving.lock_as_read(hook)
                signing_secrets.rotate(hook, timedelta() if asked["leaked"] else signing_secrets.overlap_of(hook))
                self._log(hook, [{"changed": {"fields": ["secret"]}}])

        hook = self._as_read(rotate)
        return Response({"secret": hook.secret, "previous_secret_expires_at": hook.previous_secret_expires_at})

    @documented(request=trying.TestSerializer, responses=trying.TestedSerializer)
    @action(detail=True, methods=["post"])
    def test(self, request, **_pk):
        """Send a test now, marked as one, whatever the condition says, and say what came back."""
        hook, asked = self.get_object(), self._read(trying.TestSerializer).validated_data
        return Response(trying.test(request, hook, asked.get("captured_event")))

    @documented(responses=trying.PreviewedSerializer)
    @action(detail=False, methods=["post"])
    def preview(self, request):
        """What a new hook would make of a payload; nothing is saved or sent."""
        return self._preview(None)

    @documented(responses=trying.PreviewedSerializer)
    @action(detail=True, methods=["post"], url_path="preview")
    def preview_change(self, request, **_pk):
        """What this hook, with the given changes, would make of a payload; nothing is saved or sent."""
        return self._preview(self.get_object())

    def _preview(self, hook):
        asked = self._read(trying.PreviewSerializer).validated_data
        serializer = self.get_serializer(hook, data=asked["hook"], partial=hook is not None)
        if not serializer.is_valid():
            raise serializers.ValidationError({"hook": serializer.errors})
        return Response(trying.preview(self.request, serializer.wanted.hook, asked.get("captured_event")))

    def _one_transaction(self):
        return transaction.atomic(using=router.db_for_write(self.serializer_class.Meta.model))

    def _log(self, hook, message):
        """For Django's log; what is a sentence has its line in the hook's history, too."""
        page_of(type(hook)).log_change(self.request, hook, message)


def _documented(serializer: type[serializers.ModelSerializer]):
    """What differs by the kind of hook in the OpenAPI description."""
    name = serializer.Meta.model.__name__
    more = trying.TestSerializer().get_fields()
    preview = inline_serializer(f"{name}Preview", {"hook": serializer(), **more})
    change = inline_serializer(f"{name}ChangePreview", {"hook": serializer(partial=True, required=False), **more})
    return extend_schema_view(
        list=documented(parameters=[HookFilters]),
        preview=documented(request=preview),
        preview_change=documented(request=change),
    )


@_documented(WebhookSerializer)
class WebhookViews(HookViews):
    """Tell an endpoint, after the fact, that an event happened."""

    serializer_class = WebhookSerializer

    @documented(request=sending.ReplaySerializer, responses=sending.ProgressSerializer)
    @action(detail=True, methods=["post"])
    def replay(self, request, **_pk):
        """Send its deliveries again, try them now, or cancel them: those of a time, in certain states."""
        return Response(sending.carry_on(request, self.get_object(), self._read(sending.ReplaySerializer)))

    @documented(request=sending.PastEventsSerializer, responses=sending.ProgressSerializer)
    @action(detail=True, methods=["post"])
    def send_past_events(self, request, **_pk):
        """Send it captured events that it was not owed: those from before it was made."""
        return Response(sending.carry_on(request, self.get_object(), self._read(sending.PastEventsSerializer)))


@_documented(WebfilterSerializer)
class WebfilterViews(HookViews):
    """Call an endpoint in the middle of a request, or answer by a rule."""

    serializer_class = WebfilterSerializer

    @documented(request=None, responses={204: None})
    @action(detail=True, methods=["post"])
    def reset_breaker(self, request, **_pk):
        """Call the endpoint again at once, whatever its failures."""
        hook = self.get_object()
        breaker(hook.webhook_url).reset()
        self._log(hook, _("Reset the breaker."))
        return Response(status=status.HTTP_204_NO_CONTENT)
