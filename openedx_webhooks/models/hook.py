"""What webhooks and webfilters have in common."""

from collections.abc import Callable
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from model_utils.models import TimeStampedModel

from ..payloads import shape
from ..transport import signing
from .encrypted_fields import EncryptedTextField, HeadersField
from .validators import validate_endpoint, validate_expression, validate_headers


class Hook(TimeStampedModel):
    """
    A subscription of one endpoint to one type of event or filter.

    The type is stored dotted (``org.openedx.….v1``). A type that this installation doesn't know, because the library
    that defined it was downgraded or removed, is kept: the hook is shown as unknown and never runs.

    .. no_pii:
    """

    # The published plugin made AutoFields; changing the type would rewrite the operator's tables for nothing.
    id = models.AutoField(primary_key=True)
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
    enabled = models.BooleanField(_("enabled"), default=True)
    use_www_form_encoding = models.BooleanField(
        _("use WWW form encoding"),
        default=False,
        help_text=_("Send application/x-www-form-urlencoded with flattened names instead of JSON."),
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
    headers = HeadersField(
        _("headers"),
        blank=True,
        default=dict,
        validators=[validate_headers],
        help_text=_('Sent with every request, for example {"Authorization": "Bearer …"}. Stored encrypted.'),
    )
    secret = EncryptedTextField(
        _("signing secret"),
        blank=True,
        default=signing.new_secret,
        help_text=_("Signs every request (Standard Webhooks). Give it to the receiver's developer."),
    )
    previous_secret = EncryptedTextField(_("previous signing secret"), blank=True, default="", editable=False)
    previous_secret_expires_at = models.DateTimeField(null=True, blank=True, editable=False)
    # It was deleted by an operator and goes, with what was recorded of it, in the background: operations/removal.py.
    removing_since = models.DateTimeField(null=True, blank=True, editable=False)

    # Where the model's types are catalogued: dotted type or short name → entry or None.
    find_type: ClassVar[Callable[[str], Any]]

    class Meta:
        abstract = True

    def __str__(self):
        # The server only: the rest of an address may hold a token.
        return f"{self._meta.verbose_name} {self.pk}: {self.event_name} → {self.server}"

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
        try:
            return urlsplit(self.webhook_url).netloc.rpartition("@")[2]
        except ValueError:
            return ""

    @property
    def headers_to_send(self) -> dict[str, str]:
        """
        The headers, without those whose stored value no key opens any more (the site's SECRET_KEY was changed).

        An empty ``Authorization`` would look like an attempt to get in; without it the receiver says what it misses.

        Raises:
            ValueError: what is stored is not an object of names and texts.
        """
        if self.readable_headers != (self.headers or {}):
            raise ValueError(gettext("The stored headers can't be read: enter them again."))
        return {name: value for name, value in self.readable_headers.items() if value}

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
        Check the type.

        Raises:
            ValidationError: for a hook whose type was changed to one this installation doesn't know. A stored unknown
            type may stay, so that the rest of its hook can still be edited.
        """
        super().clean()
        if self.known_type:
            self.event = self.known_type.dotted
        elif self.event and not (self.pk and type(self).objects.filter(pk=self.pk, event=self.event).exists()):
            raise ValidationError({"event": _("This installation has no “%s”. Choose one from the list.") % self.event})
