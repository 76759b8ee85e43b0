"""Tallies: what attempts and calls came to, counted by hour and day, so that no page counts rows."""

import attrs
from django.db import models
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from .json_fields import JSONTextField
from .row_fields import MomentField
from .webfilter import Webfilter
from .webhook import Webhook


class AttemptOutcome(models.TextChoices):
    """What an attempt of a delivery came to."""

    ACCEPTED = "accepted", _("Accepted")
    REFUSED = "refused", _("Not accepted")
    NOT_SENT = "not_sent", _("Nothing to send")


class CallOutcome(models.TextChoices):
    """What a call of a webfilter came to, and what that did, or in observe mode would have done."""

    PASSED = "passed", _("Passed")
    CHANGED = "changed", _("Changed data")
    WOULD_CHANGE = "would_change", _("Would have changed data")
    HALTED = "halted", _("Halted")
    WOULD_HALT = "would_halt", _("Would have halted")
    # As the hook's switches want it when the endpoint fails.
    HALTED_BY_FAILURE = "halted_by_failure", _("Halted by a failure")
    WOULD_HALT_BY_FAILURE = "would_halt_by_failure", _("Would have halted by a failure")
    IGNORED = "ignored", _("Ignored: no usable answer")
    # Its circuit was open, or no time was left.
    NOT_CALLED = "not_called", _("Not called")


# Of an event of the site. What becomes of it is counted as attempts.
CAPTURED = "captured"


@attrs.frozen
class OutcomeTraits:
    """
    What an outcome means to everything that shows or counts it.

    Attributes:
        counts_as: True for a success, False for a failure in rates, None for neither.
        tone: of its part of a chart: good, info, warn, bad or quiet.
    """

    counts_as: bool | None
    tone: str


# In the order in which charts stack them and lists name them.
ATTEMPT_OUTCOMES: dict[str, OutcomeTraits] = {
    AttemptOutcome.ACCEPTED: OutcomeTraits(counts_as=True, tone="good"),
    AttemptOutcome.NOT_SENT: OutcomeTraits(counts_as=None, tone="quiet"),
    AttemptOutcome.REFUSED: OutcomeTraits(counts_as=False, tone="bad"),
}
CALL_OUTCOMES: dict[str, OutcomeTraits] = {
    CallOutcome.PASSED: OutcomeTraits(counts_as=True, tone="good"),
    CallOutcome.CHANGED: OutcomeTraits(counts_as=True, tone="info"),
    CallOutcome.WOULD_CHANGE: OutcomeTraits(counts_as=True, tone="info"),
    CallOutcome.HALTED: OutcomeTraits(counts_as=True, tone="warn"),
    CallOutcome.WOULD_HALT: OutcomeTraits(counts_as=True, tone="warn"),
    CallOutcome.HALTED_BY_FAILURE: OutcomeTraits(counts_as=False, tone="bad"),
    CallOutcome.WOULD_HALT_BY_FAILURE: OutcomeTraits(counts_as=False, tone="bad"),
    CallOutcome.IGNORED: OutcomeTraits(counts_as=False, tone="bad"),
    CallOutcome.NOT_CALLED: OutcomeTraits(counts_as=False, tone="bad"),
}


class Tally(models.Model):
    """
    How many attempts of a webhook, or calls of a webfilter, began in one hour or on one day, by outcome, and how long
    they took; without a hook, how many events were captured. Written by :mod:`openedx_webhooks.tally_rows`.

    .. no_pii:
    """

    class Span(models.IntegerChoices):
        """Of how much time. Days are UTC's: every database can tell them, and they never have 23 hours."""

        HOUR = 1
        DAY = 24

    # As of deliveries, no constraints in the database: nobody waits for a hook's row.
    webhook = models.ForeignKey(
        Webhook, on_delete=models.CASCADE, null=True, related_name="tallies", db_constraint=False, db_index=False
    )
    webfilter = models.ForeignKey(
        Webfilter, on_delete=models.CASCADE, null=True, related_name="tallies", db_constraint=False, db_index=False
    )
    span = models.PositiveSmallIntegerField(choices=Span.choices)
    start = MomentField()
    # Outcome → bucket of the duration → how many; see histogram.py.
    counts = JSONTextField(default=dict)

    class Meta:
        default_permissions = ()
        # Each row has at most one of the two, and nulls are no equals.
        constraints = [
            models.UniqueConstraint(fields=["webhook", "span", "start"], name="owh_tally_webhook"),
            models.UniqueConstraint(fields=["webfilter", "span", "start"], name="owh_tally_webfilter"),
        ]
        indexes = [models.Index(fields=["start"], name="owh_tally_start")]

    def __str__(self):
        return f"{self.webhook_id or self.webfilter_id}: {self.start:%Y-%m-%d %H:%M}"


class TallyMark(models.Model):
    """
    How far the rows of a table are in the tallies. Moved in the transaction that writes the tallies, so that no row is
    in them twice, and none is left out.

    .. no_pii:
    """

    source = models.CharField(max_length=20, primary_key=True)
    # Of the last row that is in the tallies.
    counted_to = models.BigIntegerField(default=0)
    # The last row there was at a moment a little while ago, and that moment.
    seen_to = models.BigIntegerField(default=0)
    seen_at = MomentField()

    class Meta:
        default_permissions = ()

    def __str__(self):
        return f"{self.source}: {self.counted_to}"


class Overview(Tally):
    """
    The overview's place in the admin, which shows models only.

    .. no_pii:
    """

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name = _("overview")
        # The admin sorts by this name: the blank, which no page shows, makes it the first of its section.
        verbose_name_plural = format_lazy(" {}", _("Overview"))
