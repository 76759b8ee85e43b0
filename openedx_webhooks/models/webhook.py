"""Webhooks: tell an endpoint, after the fact, that an event happened."""

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .. import catalog
from ..payloads import personal_modes
from .encrypted_fields import EncryptedTextField, is_lost
from .history import HookHistory
from .hook import Hook, KeyLost
from .json_fields import JSONTextField
from .row_fields import MomentField, SwitchField
from .validators import validate_schedule

# What is true of a webhook to which deliveries are sent.
ACTIVE = {"enabled": True, "paused": False, "removing_since": None}


class Webhook(Hook):
    """
    An endpoint's subscription to an event: one POST for each, asynchronously, until it is accepted.

    .. no_pii:
    """

    paused = SwitchField(
        _("paused"),
        default=False,
        help_text=_(
            "Events are captured and nothing is sent. When this is unticked, what waits is sent, the oldest first."
        ),
    )
    retry_schedule = JSONTextField(
        _("retry schedule"),
        blank=True,
        default=list,
        validators=[validate_schedule],
        help_text=_("Waits in seconds before the second, third, … attempt. Empty: the site's schedule."),
    )
    personal_data = models.CharField(
        _("personal data"),
        max_length=20,
        choices=personal_modes.choices(),
        default=personal_modes.FULL,
        help_text=_(
            "How much of what the event says about people is sent. The shape works on what is left; the condition on "
            "everything, since it sends nothing."
        ),
    )
    # A second webhook has another: two receivers can't tell that they know the same learner.
    pseudonym_key = EncryptedTextField(_("key of the pseudonyms"), blank=True, default="", editable=False)
    receiver_access = SwitchField(
        _("the receiver may look up what it missed"),
        default=False,
        help_text=_(
            "With a token that you make below, the receiver lists its messages, fetches those that are kept and asks "
            "for them again: after it has lost its data, for instance."
        ),
    )
    # The state of the endpoint: see webhooks/health.py.
    consecutive_failures = models.PositiveIntegerField(_("failures in a row"), default=0, editable=False)
    failing_since = MomentField(_("failing since"), null=True, blank=True, editable=False)
    warned_at = MomentField(_("warned at"), null=True, blank=True, editable=False)
    disabled_reason = models.CharField(_("disabled because"), max_length=255, blank=True, default="", editable=False)

    # It was made since the webhook was read.
    _has_new_key = False

    history = HookHistory()

    find_type = staticmethod(catalog.find_event)

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        ordering = ["pk"]

    def save(self, *args, update_fields=None, **kwargs):
        """Save, with a key for pseudonyms if they need one."""
        self._make_pseudonym_key()
        if self._has_new_key and update_fields is not None:
            update_fields = {*update_fields, "pseudonym_key"}
        super().save(*args, update_fields=update_fields, **kwargs)
        self._has_new_key = False

    def _make_pseudonym_key(self) -> None:
        """Give pseudonyms a key if there is none, and let a lost one go that nobody needs."""
        if "pseudonym_key" in self.get_deferred_fields():
            return
        is_needed, has_lost = self.personal_data == personal_modes.PSEUDONYMOUS, is_lost(self.pseudonym_key)
        if not self.pseudonym_key and is_needed != has_lost:
            self.pseudonym_key, self._has_new_key = personal_modes.new_key() if is_needed else "", True

    def clean(self):
        """As of hooks; a form's preview needs the key before anything is saved."""
        super().clean()
        self._make_pseudonym_key()

    def let_out(self, payload):
        """As the personal-data mode wants it."""
        if self.personal_data == personal_modes.PSEUDONYMOUS and is_lost(self.pseudonym_key):
            raise KeyLost(self.lost_sentence)
        return personal_modes.restrict(payload, self.personal_data, self.pseudonym_key)

    def _lost_labels(self) -> list[str]:
        is_needed = self.personal_data == personal_modes.PSEUDONYMOUS
        own = [gettext("key of the pseudonyms")] if is_needed and is_lost(self.pseudonym_key) else []
        return [*super()._lost_labels(), *own]
