"""Webhooks: tell an endpoint, after the fact, that an event happened."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from .. import catalog
from .history import HookHistory
from .hook import Hook
from .json_fields import JSONTextField
from .validators import validate_schedule

# What is true of a webhook to which deliveries are sent.
ACTIVE = {"enabled": True, "paused": False, "removing_since": None}


class Webhook(Hook):
    """
    An endpoint's subscription to an event: one POST for each, asynchronously, until it is accepted.

    .. no_pii:
    """

    paused = models.BooleanField(
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
    receiver_access = models.BooleanField(
        _("the receiver may look up what it missed"),
        default=False,
        help_text=_(
            "With a token that you make below, the receiver lists its messages, fetches those that are kept and asks "
            "for them again: after it has lost its data, for instance."
        ),
    )
    # The state of the endpoint: see webhooks/health.py.
    consecutive_failures = models.PositiveIntegerField(_("failures in a row"), default=0, editable=False)
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True, editable=False)
    warned_at = models.DateTimeField(_("warned at"), null=True, blank=True, editable=False)
    disabled_reason = models.CharField(_("disabled because"), max_length=255, blank=True, default="", editable=False)

    history = HookHistory()

    find_type = staticmethod(catalog.find_event)

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        ordering = ["pk"]
