"""Captured events: what happened, kept once for any number of webhooks."""

from collections.abc import Iterable

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .json_fields import JSONTextField
from .row_fields import MomentField, SwitchField, UuidField


class CapturedEventQuerySet(models.QuerySet):
    """Captured events."""

    def hold(self, ids: Iterable[int]) -> list[int]:
        """Of these, the ones whose payload is kept; locked, so that nobody empties it before the transaction ends."""
        kept = self.filter(pk__in=list(ids), payload__isnull=False, keep_payload=True)
        return list(kept.order_by("pk").select_for_update().values_list("pk", flat=True))


class CapturedEvent(models.Model):
    """
    One event as it happened, before any condition or shape.

    Written in the transaction of the event together with the deliveries that are owed for it, so all of them commit or
    vanish with it. The event's own id is unique: an event that arrives a second time, over the event bus for instance,
    is refused here, by the database.

    .. pii: The payload may hold any personal data of the event. Emptied after RETENTION_PAYLOAD_DAYS, or once it was
        delivered if no webhook keeps it, and when the user is retired; the receivers have what was sent to them.
    .. pii_types: id, name, username, email_address, ip, other
    .. pii_retirement: local_api, third_party
    """

    event_id = UuidField(_("event id"), unique=True, help_text=_("The id in the event's own metadata."))
    event_type = models.CharField(_("event type"), max_length=255)
    time = MomentField(_("time"), help_text=_("When it happened, in the event's own words."))
    created = MomentField(_("captured"), default=timezone.now, db_index=True)
    # What operators look for: each is empty where the event has none.
    user_id = models.BigIntegerField(_("user id"), null=True, blank=True, db_index=True)
    username = models.CharField(_("username"), max_length=150, blank=True, default="", db_index=True)
    course_key = models.CharField(_("course"), max_length=255, blank=True, default="", db_index=True)
    org = models.CharField(_("organisation"), max_length=255, blank=True, default="", db_index=True)
    # No condition matched it: kept to try conditions on.
    is_sample = SwitchField(_("sample"), default=False)
    # The user was retired while it was still owed, and the site has such events sent: the payload goes after that.
    keep_payload = SwitchField(default=True, editable=False)
    # None once its time is over, no webhook keeps it, or the user is retired.
    payload = JSONTextField(_("payload"), null=True, blank=True)

    objects = CapturedEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("captured event")
        verbose_name_plural = _("captured events")
        ordering = ["-pk"]
        # Of everything that was recorded: see admin/permissions.py.
        permissions = [("view_payload", "Can see personal data: payloads, bodies, names and e-mail addresses")]
        indexes = [models.Index(fields=["event_type", "created"], name="owh_event_type_created")]

    def __str__(self):
        return f"{self.pk}: {self.event_type}"
