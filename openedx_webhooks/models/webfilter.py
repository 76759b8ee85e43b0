"""Webfilters: ask an endpoint, in the middle of a request, about a filter."""

import uuid

import jsonfield
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .. import catalog, wiring
from .hook import Hook
from .validators import validate_redirect


def _redirect_field(label):
    return models.CharField(
        label,
        max_length=255,
        blank=True,
        default="",
        validators=[validate_redirect],
        help_text=_(
            "Where to send the learner when this halts: a full address, or a path on this site such as /dashboard. "
            "Counts only together with its halt, and only for filters that can redirect."
        ),
    )


class Webfilter(Hook):
    """
    An endpoint that is asked whenever a filter runs, and whose answer may change the data or halt the process.

    .. no_pii:
    """

    class Mode(models.TextChoices):
        """Whether answers count."""

        ENFORCE = "enforce", _("Enforce: answers change the data or halt the process")
        OBSERVE = "observe", _("Observe: answers are recorded and nothing else")

    class CallLog(models.TextChoices):
        """Which calls are recorded."""

        NONE = "none", _("None")
        PROBLEMS = "problems", _("Problems and halts")
        ALL = "all", _("All")

    disable_filtering = models.BooleanField(
        _("disable filtering"),
        default=False,
        help_text=_("Ignore the data of answers: nothing is changed. It may still halt."),
    )
    disable_halt = models.BooleanField(
        _("disable halting"),
        default=False,
        help_text=_(
            "This webfilter never halts anything: the exceptions in its answers and the halts on 4xx, 5xx and request "
            "exception are all ignored. Its data still counts."
        ),
    )
    halt_on_4xx = models.BooleanField(_("halt on 4xx"), default=False)
    redirect_on_4xx = _redirect_field(_("redirect on 4xx"))
    halt_on_5xx = models.BooleanField(_("halt on 5xx"), default=False)
    redirect_on_5xx = _redirect_field(_("redirect on 5xx"))
    halt_on_request_exception = models.BooleanField(
        _("halt on request exception"),
        default=False,
        help_text=_(
            "No usable response: the endpoint could not be reached, did not answer in time, is left alone after "
            "failures, or its answer could not be understood."
        ),
    )
    redirect_on_request_exception = _redirect_field(_("redirect on request exception"))
    order = models.IntegerField(
        _("order"), default=0, help_text=_("Answers are combined in this order; a later one wins where they differ.")
    )
    timeout = models.FloatField(
        _("timeout"),
        null=True,
        blank=True,
        validators=[MinValueValidator(0.1), MaxValueValidator(30)],
        help_text=_(
            "Seconds that the learner waits at most. Empty: the site's default, which is 5 unless the site's settings "
            "say otherwise. All webfilters of one request together have 10 seconds."
        ),
    )
    mode = models.CharField(_("mode"), max_length=10, choices=Mode.choices, default=Mode.ENFORCE)
    call_log = models.CharField(_("call log"), max_length=10, choices=CallLog.choices, default=CallLog.PROBLEMS)
    cache_answers = models.BooleanField(
        _("cache answers"),
        default=False,
        help_text=_("Keep an answer for as long as its Cache-Control: max-age says, for the same payload."),
    )
    serve_stale_answers = models.BooleanField(
        _("serve stale answers"),
        default=False,
        help_text=_("While the endpoint is left alone after failures, use its last cached answer."),
    )

    find_type = staticmethod(catalog.find_filter)

    class Meta:
        verbose_name = _("webfilter")
        verbose_name_plural = _("webfilters")
        ordering = ["order", "pk"]

    def clean(self):
        """
        Check the type, and that this site runs the filter with our step.

        Raises:
            ValidationError: the webfilter is enabled and would never be called; the text says why.
        """
        super().clean()
        if self.enabled and self.event and (problem := wiring.problem_of(self.dotted_type)):
            hint = _("Until then, the webfilter can be saved only if it is not enabled.")
            raise ValidationError({"event": f"{problem} {hint}"})


class Call(models.Model):
    """
    One request of a webfilter, and what came of it.

    .. pii: The payload may hold any personal data of the filter's arguments. Emptied after RETENTION_PAYLOAD_DAYS and
        when the user is retired; the receiver has what was sent to it.
    .. pii_types: id, name, username, email_address, other
    .. pii_retirement: local_api, third_party
    """

    class Result(models.TextChoices):
        """What the answer did, or in observe mode would have done."""

        PASSED = "passed", _("Passed")
        CHANGED = "changed", _("Changed data")
        HALTED = "halted", _("Halted")
        IGNORED = "ignored", _("Ignored: no usable answer")

    webfilter = models.ForeignKey(Webfilter, on_delete=models.CASCADE, related_name="calls")
    message_id = models.UUIDField(_("message id"), default=uuid.uuid4)
    mode = models.CharField(_("mode"), max_length=10, choices=Webfilter.Mode.choices)
    result = models.CharField(_("result"), max_length=10, choices=Result.choices)
    changed_keys = models.CharField(_("changed keys"), max_length=255, blank=True, default="")
    started_at = models.DateTimeField(_("started at"), default=timezone.now)
    duration = models.FloatField(_("duration in seconds"), default=0)
    is_remembered = models.BooleanField(
        _("remembered"), default=False, help_text=_("No request was made: an earlier answer still held.")
    )
    status_code = models.PositiveIntegerField(_("status code"), null=True, blank=True)
    error = models.CharField(_("error"), max_length=255, blank=True, default="")
    request_body = jsonfield.JSONField(_("request body"), null=True, blank=True)
    response_excerpt = models.TextField(_("response"), blank=True, default="")
    user_id = models.BigIntegerField(_("user id"), null=True, blank=True, db_index=True)

    class Meta:
        verbose_name = _("webfilter call")
        verbose_name_plural = _("webfilter calls")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["webfilter", "started_at"], name="owh_call_webfilter_started")]

    def __str__(self):
        return str(_("Call %(call)s of webfilter %(webfilter)s") % {"call": self.pk, "webfilter": self.webfilter_id})
