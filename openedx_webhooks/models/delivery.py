"""Deliveries: the outbox, and the history of every attempt."""

import uuid

import jsonfield
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .webhook import Webhook


class Delivery(models.Model):
    """
    One event owed to one webhook.

    The row is the outbox: it is written in the transaction of the event, so it commits or vanishes with it, and as long
    as it is pending the event is owed. The Celery message that follows is only a nudge. Nothing about the HTTP exchange
    belongs here: that is in :class:`Attempt`.

    .. pii: The payload may hold any personal data of the event. Emptied after RETENTION_PAYLOAD_DAYS and when the
        user is retired; the receiver has what was sent to it.
    .. pii_types: id, name, username, email_address, other
    .. pii_retirement: local_api, third_party
    """

    class State(models.TextChoices):
        """The life of a delivery: pending until the endpoint accepted it, refused it for good, or somebody gave up."""

        PENDING = "pending", _("Pending")
        DELIVERED = "delivered", _("Delivered")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    # No constraint in the database: it would take a shared lock on the webhook's row for as long as the platform's
    # transaction lasts, and, where constraints are checked at COMMIT (PostgreSQL, SQLite), a webhook that was deleted
    # a moment ago would fail the platform's COMMIT.
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries", db_constraint=False)
    message_id = models.UUIDField(
        _("message id"), default=uuid.uuid4, help_text=_("Sent as webhook-id; the same in every attempt and replay.")
    )
    event_id = models.UUIDField(_("event id"), help_text=_("The id in the event's own metadata."))
    event_type = models.CharField(_("event type"), max_length=255)
    # The body as it will be sent, after the webhook's shape. None once its time is over, or the user is retired.
    payload = jsonfield.JSONField(_("payload"), null=True, blank=True)
    user_id = models.BigIntegerField(_("user id"), null=True, blank=True, db_index=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.PENDING)
    attempt_count = models.PositiveIntegerField(_("attempts"), default=0)
    # Attempts since the delivery was created or last replayed: the position in the retry schedule.
    schedule_position = models.PositiveIntegerField(default=0, editable=False)
    # Due from then on. A claim moves it to the end of its lease, so that "due" is one range of one index, and what a
    # killed worker had claimed becomes due again by itself.
    next_attempt_at = models.DateTimeField(_("next attempt at"), null=True, blank=True, default=timezone.now)
    # A claim: who sends it now, and until when nobody else may.
    claimed_by = models.UUIDField(null=True, blank=True, editable=False)
    claimed_until = models.DateTimeField(null=True, blank=True, editable=False)
    created = models.DateTimeField(_("created"), default=timezone.now, db_index=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["webhook", "event_id"], name="owh_delivery_once_per_event")]
        indexes = [
            models.Index(fields=["state", "next_attempt_at", "webhook"], name="owh_delivery_due"),
            models.Index(fields=["webhook", "state", "next_attempt_at"], name="owh_delivery_webhook_due"),
            models.Index(fields=["webhook", "created"], name="owh_delivery_webhook_new"),
            models.Index(fields=["event_id"], name="owh_delivery_event"),
            models.Index(fields=["message_id"], name="owh_delivery_message"),
        ]

    def __str__(self):
        return f"{self.pk}: {self.event_type} ({self.get_state_display()})"


class Attempt(models.Model):
    """
    One HTTP try of a delivery.

    .. pii: The response excerpt is whatever the receiver answered and may repeat personal data of the payload. Emptied
        with the payload.
    .. pii_types: id, name, username, email_address, other
    .. pii_retirement: local_api
    """

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempts")
    started_at = models.DateTimeField(_("started at"))
    duration = models.FloatField(_("duration in seconds"), default=0)
    status_code = models.PositiveIntegerField(_("status code"), null=True, blank=True)
    error = models.CharField(_("error"), max_length=255, blank=True, default="")
    request_bytes = models.PositiveIntegerField(_("bytes sent"), default=0)
    response_bytes = models.PositiveIntegerField(_("bytes received"), default=0)
    response_excerpt = models.TextField(_("response"), blank=True, default="")

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        ordering = ["pk"]

    def __str__(self):
        return f"{self.delivery_id}: {self.status_code or self.error}"
