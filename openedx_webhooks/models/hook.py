"""What webhooks and webfilters have in common."""

import copy
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from model_utils.models import TimeStampedModel

from ..payloads import formats, published, shape
from ..transport import authentication, signing
from .addresses import server_of
from .encrypted_fields import EncryptedJSONField, EncryptedTextField, HeadersField, Lost, is_lost
from .history import is_encrypted
from .row_fields import CreatedField, IdField, ModifiedField, MomentField, SwitchField
from .validators import validate_endpoint, validate_expression, validate_headers, validate_name


class KeyLost(ValueError):
    """Something that a request needs is stored, and no key opens it: nothing may be sent without it."""


def _days_field(label, help_text) -> models.PositiveIntegerField:
    """For how long something is kept, where a hook has its own opinion. No 0, which people take for "not at all"."""
    shortest = MinValueValidator(1, _("At least 1 day. To keep nothing that was delivered, untick “keep payloads”."))
    return models.PositiveIntegerField(
        label, null=True, blank=True, validators=[shortest, MaxValueValidator(36_500)], help_text=help_text
    )


class Hook(TimeStampedModel):
    """
    A subscription of one endpoint to one type of event or filter.

    The type is stored dotted (``org.openedx.….v1``). A type that this installation doesn't know, because the library
    that defined it was downgraded or removed, is kept: the hook is shown as unknown and never runs.

    .. no_pii:
    """

    created = CreatedField("created")
    modified = ModifiedField("modified")
    # The published plugin made AutoFields; changing the type would rewrite the operator's tables for nothing.
    id = IdField(primary_key=True)
    description = models.TextField(
        _("description"), blank=True, default="", help_text=_("What this hook is for, in your own words.")
    )
    event = models.CharField(_("event"), max_length=255)
    webhook_url = models.CharField(
        _("webhook URL"),
        max_length=2000,
        validators=[validate_endpoint],
        help_text=_("The address that receives the POST, such as https://example.com/hooks."),
    )
    enabled = SwitchField(_("enabled"), default=True)
    use_www_form_encoding = SwitchField(
        _("use WWW form encoding"),
        default=False,
        help_text=_(
            "Send application/x-www-form-urlencoded with flattened names instead of JSON. Verify the signature over "
            "the body as it arrives, before it is parsed."
        ),
    )
    payload_format = models.CharField(
        _("payload format"),
        max_length=20,
        choices=formats.choices(),
        default=formats.CURRENT,
        help_text=_(
            "What the body looks like. Receivers that were written for openedx-webhooks 22.0.0 or older expect what "
            "that sent, and answers are read as it read them."
        ),
    )
    condition = models.TextField(
        _("condition"),
        blank=True,
        default="",
        validators=[validate_expression],
        help_text=_(
            "A JMESPath expression over the payload. The hook is called only if its result is true, for example "
            "enrollment.mode == 'verified'."
        ),
    )
    shape = models.TextField(
        _("shape"),
        blank=True,
        default="",
        validators=[validate_expression],
        help_text=_("A JMESPath expression over the payload. Its result is sent instead of the whole payload."),
    )
    authentication = models.CharField(
        _("authentication"),
        max_length=20,
        choices=authentication.choices(),
        default=authentication.NONE,
        help_text=_("What the Authorization header holds, if the receiver wants one."),
    )
    credentials = EncryptedJSONField(_("credentials"), blank=True, default=dict, help_text=_("Stored encrypted."))
    headers = HeadersField(
        _("headers"),
        blank=True,
        default=dict,
        validators=[validate_headers],
        help_text=_('Sent with every request, for example {"Authorization": "Bearer …"}. Stored encrypted.'),
    )
    signature = models.CharField(
        _("signature"),
        max_length=20,
        choices=signing.choices(),
        default=signing.STANDARD,
        help_text=_("How the receiver can verify that a request comes from here, and is as it was sent."),
    )
    secret = EncryptedTextField(
        _("signing secret"),
        blank=True,
        default=signing.new_secret,
        help_text=_("Signs every request. Give it to the receiver's developer."),
    )
    previous_secret = EncryptedTextField(_("previous signing secret"), blank=True, default="", editable=False)
    previous_secret_expires_at = MomentField(null=True, blank=True, editable=False)
    name = models.CharField(
        _("name"),
        max_length=100,
        unique=True,
        null=True,
        blank=True,
        validators=[validate_name],
        help_text=_(
            "By which a configuration file knows this hook, such as crm-logins. Leave it empty: it gets one when the "
            "configuration is downloaded."
        ),
    )
    # The name of the configuration file that last had this hook in it: operations/configuration.
    applied_from = models.CharField(max_length=255, blank=True, default="", editable=False)
    keep_payloads = SwitchField(
        _("keep payloads"),
        default=True,
        help_text=_(
            "Without this, nothing is kept of what was delivered and answered but when, and with which result. What "
            "failed is kept, so that it can be sent again; what other webhooks keep, they keep."
        ),
    )
    payload_days = _days_field(
        _("days to keep payloads"),
        _("How long what was sent and answered is kept. Empty: 7, unless the site's settings say otherwise."),
    )
    row_days = _days_field(
        _("days to keep records"),
        _("How long it is kept that it was sent, and when. Empty: 30, unless the site's settings say otherwise."),
    )
    failed_days = _days_field(
        _("days to keep failures"),
        _(
            "How long at least what failed is kept, with its payload. Empty: as long as the rest, unless the site's "
            "settings say otherwise."
        ),
    )
    # It was deleted by an operator and goes, with what was recorded of it, in the background: operations/removal.py.
    removing_since = MomentField(null=True, blank=True, editable=False)
    # When the endpoint was last well again: a test was accepted, or a delivery after failures in a row.
    recovered_at = MomentField(null=True, blank=True, editable=False)

    # Name → value, of the encrypted options, as they were read or last kept in the history.
    _secrets: Mapping[str, Any] = MappingProxyType({})

    # Where the model's types are catalogued: dotted type or short name → entry or None.
    find_type: ClassVar[Callable[[str], Any]]

    class Meta:
        abstract = True

    def __str__(self):
        # The server only: the rest of an address may hold a token.
        to = f" → {self.server}" if self.server else ""
        return f"{self._meta.verbose_name} {self.pk}: {self.event_name}{to}"

    @classmethod
    def from_db(cls, db, field_names, values, **of_newer_django):
        """Remember the secrets, so that the history can tell that they were changed."""
        hook = super().from_db(db, field_names, values, **of_newer_django)
        hook.remember_secrets()
        return hook

    def remember_secrets(self) -> None:
        """Let :meth:`changed_secrets` compare with what there is now."""
        self._secrets = {name: copy.copy(value) for name, value in self._loaded_secrets()}

    def changed_secrets(self) -> list[str]:
        """The encrypted options that were changed since they were read."""
        before = self._secrets
        return [name for name, value in self._loaded_secrets() if name in before and before[name] != value]

    def _loaded_secrets(self):
        loaded = self.__dict__
        return [
            (field.name, loaded[field.name])
            for field in self._meta.concrete_fields
            if field.editable and field.name in loaded and is_encrypted(field)
        ]

    @property
    def known_type(self):
        """The catalog's entry for :attr:`event`, or None if this installation doesn't know it."""
        return self.find_type(self.event)

    @property
    def dotted_type(self) -> str:
        """
        The type's identity, or what is stored if it is unknown.

        The two differ for a hook of the published plugin whose library came, or came back, after the upgrade: its short
        name is still stored.
        """
        return self.known_type.dotted if self.known_type else self.event

    @property
    def event_name(self) -> str:
        """The short name of the type, or what is stored if it is unknown."""
        return self.known_type.name if self.known_type else self.event

    @property
    def server(self) -> str:
        """Host and port of the endpoint, without credentials; empty if the address is malformed."""
        return server_of(self.webhook_url)

    @property
    def lost(self) -> list[str]:
        """
        What requests need, is stored, and no key opens: labels, with the names of headers. A hook that has any waits
        for its key: what went out unsigned, or without its credentials, would be refused, or taken for another's.
        """
        return self._lost_labels()

    def _lost_labels(self) -> list[str]:
        found = []
        if self.signature != signing.NONE:
            is_overlap = self.previous_secret_expires_at and self.previous_secret_expires_at > timezone.now()
            if is_lost(self.secret) or (is_overlap and is_lost(self.previous_secret)):
                found.append(gettext("signing secret"))
        if self.authentication != authentication.NONE and is_lost(self.credentials):
            found.append(gettext("credentials"))
        if is_lost(self.headers):
            names = [name for name, value in self.readable_headers.items() if isinstance(value, Lost)]
            found.append(gettext("headers (%s)") % ", ".join(names))
        return found

    @property
    def lost_sentence(self) -> str:
        """What is wrong if :attr:`lost` is not empty, what follows, and what to do."""
        return gettext(
            "The site's key was lost or changed, so that these can't be read any more: %s. Nothing is sent until you "
            "restore the key (ENCRYPTION_KEYS, SECRET_KEY_FALLBACKS), or enter them again."
        ) % ", ".join(self.lost)

    @property
    def headers_to_send(self) -> dict[str, str]:
        """
        The headers, without those that have no value.

        Raises:
            KeyLost: no key opens one of them.
            ValueError: what is stored is not an object of names and texts.
        """
        if is_lost(self.headers):
            raise KeyLost(self.lost_sentence)
        if self.readable_headers != (self.headers or {}):
            raise ValueError(gettext("The stored headers can't be read: enter them again."))
        return {name: value for name, value in self.readable_headers.items() if value}

    @property
    def credentials_to_send(self) -> dict[str, str]:
        """
        What the authentication needs.

        Raises:
            KeyLost: no key opens what is stored.
            ValueError: something is missing or malformed.
        """
        if is_lost(self.credentials):
            raise KeyLost(self.lost_sentence)
        return authentication.credentials_of(self.authentication, self.credentials)

    def let_out(self, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        """
        What of a payload may leave with this hook: all that the shape, and whoever is sent something, gets to see.

        Raises:
            KeyLost: what this needs can't be read.
            ValueError: what is stored for it is malformed.
        """
        return payload

    @property
    def readable_headers(self) -> dict[str, str]:
        """The headers as far as what is stored can be read: a row may have been written past the form."""
        headers = self.headers if isinstance(self.headers, dict) else {}
        return {name: value for name, value in headers.items() if isinstance(value, str)}

    @cached_property
    def compiled_condition(self):
        """The condition, compiled once per instance; None if there is none."""
        return shape.compile_expression(self.condition) if self.condition else None

    @cached_property
    def compiled_shape(self):
        """The shape, compiled once per instance; None if there is none."""
        return shape.compile_expression(self.shape) if self.shape else None

    def clean(self):
        """
        Check the type, and options that exclude each other.

        Raises:
            ValidationError: for a hook whose type was changed to one this installation doesn't know. A stored unknown
            type may stay, so that the rest of its hook can still be edited.
        """
        super().clean()
        known = formats.FORMATS.get(self.payload_format)
        if known is not None and self.use_www_form_encoding and not known.has_form:
            raise ValidationError(
                {
                    "payload_format": _("A form can't hold this format: choose “%s”, or untick WWW form encoding.")
                    % formats.FORMATS[formats.CURRENT].title
                }
            )
        if self.shape and self.payload_format in published.VERSIONS:
            raise ValidationError(
                {"shape": _("This payload format is sent as it is: clear the shape, or choose another.")}
            )
        own_header = any(name.lower() == "authorization" for name in self.readable_headers)
        if own_header and self.authentication != authentication.NONE:
            raise ValidationError(
                {
                    "headers": _("“Authorization” is what the authentication sets: remove it, or choose “%s” there.")
                    % authentication.KINDS[authentication.NONE].title
                }
            )
        if self.known_type:
            self.event = self.known_type.dotted
        elif self.event and not (self.pk and type(self).objects.filter(pk=self.pk, event=self.event).exists()):
            raise ValidationError({"event": _("This installation has no “%s”. Choose one from the list.") % self.event})
