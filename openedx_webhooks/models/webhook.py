"""Webhooks: tell an endpoint, after the fact, that an event happened."""

import jsonfield
from django.db import models
from django.utils.translation import gettext_lazy as _

from .. import catalog
from .hook import Hook
from .validators import validate_schedule


class Webhook(Hook):
    """
    An endpoint's subscription to an event: one POST for each, asynchronously, until it is accepted.

    .. no_pii:
    """

    retry_schedule = jsonfield.JSONField(
        _("retry schedule"),
        blank=True,
        default=list,
        validators=[validate_schedule],
        help_text=_("Waits in seconds before the second, third, … attempt. Empty: the site's schedule."),
    )
    # The state of the endpoint: see webhooks/health.py.
    consecutive_failures = models.PositiveIntegerField(_("failures in a row"), default=0, editable=False)
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True, editable=False)
    warned_at = models.DateTimeField(_("warned at"), null=True, blank=True, editable=False)
    disabled_reason = models.CharField(_("disabled because"), max_length=255, blank=True, default="", editable=False)

    find_type = staticmethod(catalog.find_event)

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        ordering = ["pk"]
