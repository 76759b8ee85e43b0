"""Deliveries: which captured event is owed to which webhook, and every attempt to pay."""

import uuid

import attrs
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .delivery_verbs import DeliveryQuerySet
from .event import CapturedEvent
from .json_fields import JSONTextField
from .row_fields import NO_UUID, IndexedMomentField, MomentField, UuidField
from .webhook import Webhook


class Delivery(models.Model):
    """
    One captured event owed to one webhook.

    The row is the outbox: it is written in the transaction of the event, so it commits or vanishes with it, and as long
    as it is pending the event is owed. The Celery message that follows is only a nudge. What is sent is made when it is
    sent, by the webhook as it is then, from the captured event. What is done with a delivery is in
    :class:`~.delivery_verbs.DeliveryQuerySet`; nothing about the HTTP exchange belongs here: that is in
    :class:`Attempt`.

    .. no_pii:
    """

    class State(models.TextChoices):
        """The life of a delivery; what each state means to pages and figures is in :data:`STATES`."""

        PENDING = "pending", _("Pending")
        DELIVERED = "delivered", _("Delivered")
        FAILED = "failed", _("Failed")
        SKIPPED = "skipped", _("Skipped")
        CANCELLED = "cancelled", _("Cancelled")

    # No constraints in the database: they would take a shared lock on the webhook's row for as long as the platform's
    # transaction lasts, and, where constraints are checked at COMMIT (PostgreSQL, SQLite), a webhook that was deleted
    # a moment ago would fail the platform's COMMIT.
    # Nor indexes of their own: those below begin with each of them, and every index is paid for in the request.
    webhook = models.ForeignKey(
        Webhook, on_delete=models.CASCADE, related_name="deliveries", db_constraint=False, db_index=False
    )
    event = models.ForeignKey(
        CapturedEvent, on_delete=models.CASCADE, related_name="deliveries", db_constraint=False, db_index=False
    )
    message_id = UuidField(
        _("message id"), default=uuid.uuid4, help_text=_("Sent as webhook-id; the same in every attempt and replay.")
    )
    # Of the webhook's messages: see webhooks/numbering.py. None until it is about to be sent for the first time.
    sequence = models.BigIntegerField(_("number"), null=True, blank=True, editable=False)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.PENDING)
    attempt_count = models.PositiveIntegerField(_("attempts"), default=0)
    # Attempts since the delivery was created or last replayed: the position in the retry schedule.
    schedule_position = models.PositiveIntegerField(default=0, editable=False)
    # Due from then on. A claim moves it to the end of its lease, so that "due" is one range of one index, and what a
    # killed worker had claimed becomes due again by itself.
    next_attempt_at = IndexedMomentField(_("next attempt at"), null=True, blank=True, default=timezone.now)
    # When next_attempt_at was set. In the future it tells of a clock that was wrong then.
    scheduled_at = MomentField(default=timezone.now, editable=False)
    # A claim: who sends it now, and until when nobody else may.
    claimed_by = UuidField(null=True, blank=True, editable=False)
    claimed_until = MomentField(null=True, blank=True, editable=False)
    created = MomentField(_("created"), default=timezone.now, db_index=True)
    finished_at = MomentField(_("finished at"), null=True, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ["-pk"]
        permissions = [("replay_delivery", "Can replay, retry and cancel deliveries")]
        constraints = [models.UniqueConstraint(fields=["event", "webhook"], name="owh_delivery_once_per_event")]
        indexes = [
            models.Index(fields=["state", "next_attempt_at", "webhook"], name="owh_delivery_due"),
            models.Index(fields=["webhook", "state", "next_attempt_at"], name="owh_delivery_webhook_due"),
            models.Index(fields=["webhook", "created"], name="owh_delivery_webhook_new"),
            models.Index(fields=["message_id"], name="owh_delivery_message"),
            # With the time, so that "since" reads no rows.
            models.Index(fields=["webhook", "sequence", "created"], name="owh_delivery_sequence"),
        ]

    def __str__(self):
        return f"{self.pk} ({self.get_state_display()})"

    @property
    def sent_id(self) -> uuid.UUID:
        """The message id; of a row that has none, for somebody wrote to it, one that no other row gets."""
        return self.message_id if self.message_id != NO_UUID else uuid.uuid5(NO_UUID, str(self.pk))

    @property
    def traits(self) -> "StateTraits":
        """What its state means; a state that somebody wrote past us is as good as cancelled."""
        return STATES.get(self.state, STATES[Delivery.State.CANCELLED])


@attrs.frozen
class StateTraits:
    """
    What a state means to everything that shows or counts deliveries.

    Attributes:
        is_final: nothing more happens by itself; an operator may have it sent again.
        counts_as: True for a success, False for a failure in rates and health, None for neither.
        tone: of its badge and its part of a chart: good, bad, info or quiet.
    """

    is_final: bool
    counts_as: bool | None
    tone: str


# In the order in which charts stack them and lists name them.
STATES: dict[str, StateTraits] = {
    Delivery.State.DELIVERED: StateTraits(is_final=True, counts_as=True, tone="good"),
    Delivery.State.PENDING: StateTraits(is_final=False, counts_as=None, tone="info"),
    Delivery.State.SKIPPED: StateTraits(is_final=True, counts_as=None, tone="quiet"),
    Delivery.State.CANCELLED: StateTraits(is_final=True, counts_as=None, tone="quiet"),
    Delivery.State.FAILED: StateTraits(is_final=True, counts_as=False, tone="bad"),
}
FINAL_STATES = [state for state, traits in STATES.items() if traits.is_final]
FAILED_STATES = [state for state, traits in STATES.items() if traits.counts_as is False]


class Attempt(models.Model):
    """
    One try of a delivery: what was really sent, and what came back.

    .. pii: The beginnings of the body that was sent and of the response may hold any personal data of the event.
        Emptied with the payload.
    .. pii_types: id, name, username, email_address, ip, other
    .. pii_retirement: local_api
    """

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempts", db_constraint=False)
    started_at = MomentField(_("started at"))
    duration = models.FloatField(_("duration in seconds"), default=0)
    status_code = models.PositiveIntegerField(_("status code"), null=True, blank=True)
    # A short kind, such as timeout or shape_failed, and a sentence about it.
    error = models.CharField(_("error"), max_length=50, blank=True, default="")
    detail = models.TextField(_("detail"), blank=True, default="")
    # The operator's own values are masked.
    request_headers = JSONTextField(_("request headers"), blank=True, default=dict)
    request_excerpt = models.TextField(_("request"), blank=True, default="")
    request_bytes = models.PositiveIntegerField(_("bytes sent"), default=0)
    response_bytes = models.PositiveIntegerField(_("bytes received"), default=0)
    response_excerpt = models.TextField(_("response"), blank=True, default="")

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        ordering = ["pk"]

    def __str__(self):
        return f"{self.delivery_id}: {self.status_code or self.error}"
