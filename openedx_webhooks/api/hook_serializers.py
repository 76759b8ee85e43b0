"""Webhooks and webfilters as JSON: their models' own fields, and of secrets only that there are any."""

# Nothing is saved by a serializer here.
# pylint: disable=abstract-method

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ..models import Hook, Webfilter, Webhook
from ..models.history import is_encrypted
from ..models.json_fields import JSONTextField
from ..operations import hook_health
from ..transport import authentication
from .access import page_of
from .base import StoredJSONField, StrictMixin
from .hook_input import Wanted, wanted

_KEPT = "Values are never shown: null stands for one that is stored, and null keeps it."

_NOT_SHOWN = {"webhook_url": {"allow_null": True, "help_text": "Null for those who may not change the hook."}}


class _Kept(serializers.DictField):
    """Name → text; None keeps what is stored."""

    child = serializers.CharField(allow_null=True, allow_blank=True, trim_whitespace=True, max_length=4096)


class HeadersField(_Kept):
    """The headers: their names."""

    def to_representation(self, value):
        return dict.fromkeys(value if isinstance(value, dict) else {})


class CredentialsField(_Kept):
    """The credentials: those that are no secrets, of which None stands for each."""

    def to_representation(self, value):
        texts = authentication.texts_in(value)
        return {name: None if authentication.is_secret(name) else text for name, text in texts.items()}


class SecretField(serializers.CharField):
    """A secret that is never shown."""

    def to_representation(self, value):
        return None


@extend_schema_field({"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 2592000}})
class WaitsField(StoredJSONField):
    """A list of seconds, or what somebody has written past us; the model checks it."""


class HookSerializer(StrictMixin, serializers.ModelSerializer):
    """What both have in common."""

    serializer_field_mapping = {**serializers.ModelSerializer.serializer_field_mapping, JSONTextField: WaitsField}
    headers = HeadersField(required=False, allow_null=True, help_text=f"Name and value of each. {_KEPT}")
    credentials = CredentialsField(required=False, allow_null=True, help_text=f"What the authentication needs. {_KEPT}")
    secret = SecretField(
        required=False,
        allow_null=True,
        allow_blank=True,
        help_text="Signs every request. Shown once: in the answer to what made it.",
    )
    server = serializers.CharField(read_only=True, help_text="Host and port of the address.")
    event_name = serializers.CharField(read_only=True, help_text="The short name of the type.")

    class Meta:
        model: type[Hook]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The hook as it would be, as ``wanted``, unless the form of the admin would refuse it, too."""
        return {"wanted": wanted(self.Meta.model, self.instance, attrs)}

    @property
    def wanted(self) -> Wanted:
        return self.validated_data["wanted"]

    def to_representation(self, instance: Hook) -> dict[str, Any]:
        """Of the address only the server for those who may not change it: many services keep a secret in its path."""
        shown = super().to_representation(instance)
        if not self._may_change():
            shown |= {"webhook_url": None, "credentials": None}
        return shown

    def _may_change(self) -> bool:
        return page_of(self.Meta.model).has_change_permission(self.context["request"])


def fields_of(model: type[Hook]) -> list[str]:
    """The fields: all that somebody can set, and what the plugin says of a hook, but of secrets only the newest."""
    own = [field.name for field in model._meta.concrete_fields if field.editable or not is_encrypted(field)]
    return sorted([*own, "server", "event_name"], key=lambda name: name != "id")


class WebhookSerializer(HookSerializer):
    """A webhook."""

    class Meta:
        model = Webhook
        fields = fields_of(Webhook)
        extra_kwargs = _NOT_SHOWN


class WebfilterSerializer(HookSerializer):
    """A webfilter."""

    class Meta:
        model = Webfilter
        fields = fields_of(Webfilter)
        # Who adds one chooses with open eyes: from its first call on it may halt learners.
        extra_kwargs = {**_NOT_SHOWN, "mode": {"required": True}}


class HealthSerializer(serializers.Serializer):
    """How a hook is, in a word, as the lists of the admin say it."""

    word = serializers.ChoiceField(hook_health.Word.choices)
    title = serializers.CharField(help_text="The word in the language of the request.")
    problems = serializers.ListField(child=serializers.CharField(), help_text="Of its own settings, in sentences.")


class MadeSecretSerializer(serializers.Serializer):
    """A secret that was just made; it is shown this once."""

    secret = serializers.CharField()
    previous_secret_expires_at = serializers.DateTimeField(
        allow_null=True, help_text="Until then requests are signed with the one before, too."
    )


class RotateSerializer(StrictMixin, serializers.Serializer):
    """How a secret is replaced."""

    leaked = serializers.BooleanField(default=False, help_text="The old one ends at once.")
