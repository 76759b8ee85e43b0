"""Webfilters: call an endpoint in the middle of a request, or answer by a rule, when a filter runs."""

import uuid

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from .. import catalog, wiring
from ..payloads.local_answer import LocalAnswer
from .history import HookHistory
from .hook import Hook
from .json_fields import JSONTextField
from .row_fields import MomentField, SwitchField, UuidField
from .validators import validate_endpoint, validate_local_answer, validate_redirect


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
    What is called whenever a filter runs, and whose answer may change the data or halt the process: an endpoint, or a
    local answer.

    .. no_pii:
    """

    class Mode(models.TextChoices):
        """Whether answers count."""

        ENFORCE = "enforce", _("Enforce: answers change the data or halt the process")
        OBSERVE = "observe", _("Observe: answers are recorded and nothing else")

    class CallLog(models.TextChoices):
        """Which calls are recorded."""

        NONE = "none", pgettext_lazy("recorded calls", "None")
        PROBLEMS = "problems", _("Problems and halts")
        ALL = "all", pgettext_lazy("recorded calls", "All")

    webhook_url = models.CharField(
        _("webhook URL"),
        max_length=2000,
        blank=True,
        default="",
        validators=[validate_endpoint],
        help_text=_("The address that receives the POST, such as https://example.com/hooks. Empty for a local answer."),
    )
    local_answer = models.TextField(
        _("local answer"),
        blank=True,
        default="",
        validators=[validate_local_answer],
        help_text=_(
            "Instead of an address: what is answered, without a server. JSON, or a JMESPath expression over the "
            "payload whose result is the answer: an object with data, exception or both; null lets everything pass. "
            "The condition says when."
        ),
    )
    disable_filtering = SwitchField(
        _("disable filtering"),
        default=False,
        help_text=_("Ignore the data of answers: nothing is changed. It may still halt."),
    )
    disable_halt = SwitchField(
        _("disable halting"),
        default=False,
        help_text=_(
            "Ignore the exceptions in answers: their data still counts. Halt on 4xx, 5xx and request exception stand "
            "on their own: they halt all the same."
        ),
    )
    halt_on_4xx = SwitchField(_("halt on 4xx"), default=False)
    redirect_on_4xx = _redirect_field(_("redirect on 4xx"))
    halt_on_5xx = SwitchField(_("halt on 5xx"), default=False)
    redirect_on_5xx = _redirect_field(_("redirect on 5xx"))
    halt_on_request_exception = SwitchField(
        _("halt on request exception"),
        default=False,
        help_text=_(
            "No usable response: the endpoint could not be reached, did not answer in time, is not called for a while "
            "after failures, or the answer could not be understood."
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
    send_profile = SwitchField(
        _("send the profile"),
        default=True,
        help_text=_("The learner's profile beside the user. Without it the rest of the payload is the same."),
    )
    send_file_urls = SwitchField(
        _("send usable file URLs"),
        default=False,
        help_text=_(
            "Addresses of a learner's files keep their signature: whoever has one gets the file. Without this the "
            "signature is masked, and the receiver can't fetch the files."
        ),
    )
    mode = models.CharField(_("mode"), max_length=10, choices=Mode.choices, default=Mode.ENFORCE)
    call_log = models.CharField(_("call log"), max_length=10, choices=CallLog.choices, default=CallLog.PROBLEMS)
    cache_answers = SwitchField(
        _("cache answers"),
        default=False,
        help_text=_("Keep an answer for as long as its Cache-Control: max-age says, for the same payload."),
    )
    serve_stale_answers = SwitchField(
        _("serve stale answers"),
        default=False,
        help_text=_("While the endpoint is not called after failures, use its last cached answer."),
    )

    history = HookHistory()

    find_type = staticmethod(catalog.find_filter)

    class Meta:
        verbose_name = _("webfilter")
        verbose_name_plural = _("webfilters")
        ordering = ["order", "pk"]

    @property
    def server(self) -> str:
        """Host and port of the endpoint; that there is none for a local answer."""
        return super().server if self.webhook_url else str(_("local answer"))

    @cached_property
    def compiled_local_answer(self) -> LocalAnswer | None:
        """The local answer, compiled once per instance; None if there is none."""
        return LocalAnswer(self.local_answer) if self.local_answer else None

    def clean(self):
        """
        Check the type, that this site runs the filter with our step, and that there is a URL or a local answer.

        Raises:
            ValidationError: the webfilter is enabled and would never be called; there is neither or both; or there is a
                shape, which is for what is sent.
        """
        super().clean()
        if self.enabled and self.event and (problem := wiring.problem_of(self.dotted_type)):
            hint = _("Until then, the webfilter can be saved only if it is not enabled.")
            raise ValidationError({"event": f"{problem} {hint}"})
        if not self.webhook_url and not self.local_answer:
            raise ValidationError(
                {"webhook_url": _("Enter the address of the endpoint, or a local answer below instead.")}
            )
        if self.webhook_url and self.local_answer:
            raise ValidationError(
                {"local_answer": _("There is a webhook URL, too: clear one of them. Only one can give the answer.")}
            )
        if self.local_answer and self.shape:
            raise ValidationError({"shape": _("Clear this: with a local answer nothing is sent.")})


class Call(models.Model):
    """
    One call of a webfilter, and what came of it.

    .. pii: The payload may hold any personal data of the filter's arguments. Emptied after RETENTION_PAYLOAD_DAYS and
        when the user is retired; the receiver has what was sent to it.
    .. pii_types: id, name, username, email_address, location, birth_date, gender, biography, image, ip, other
    .. pii_retirement: local_api, third_party
    """

    class Result(models.TextChoices):
        """What the answer did, or in observe mode would have done."""

        PASSED = "passed", _("Passed")
        CHANGED = "changed", _("Changed data")
        HALTED = "halted", _("Halted")
        IGNORED = "ignored", _("Ignored: no usable answer")

    # No usable answer. A 4xx that halts is what the operator asked for, the endpoint's way to say no.
    FAILED = ~Q(error="") & ~Q(result=Result.HALTED, status_code__range=(400, 499))

    webfilter = models.ForeignKey(Webfilter, on_delete=models.CASCADE, related_name="calls")
    message_id = UuidField(_("message id"), default=uuid.uuid4)
    mode = models.CharField(_("mode"), max_length=10, choices=Webfilter.Mode.choices)
    result = models.CharField(_("result"), max_length=10, choices=Result.choices)
    changed_keys = models.CharField(_("changed keys"), max_length=255, blank=True, default="")
    started_at = MomentField(_("started at"), default=timezone.now)
    duration = models.FloatField(_("duration in seconds"), default=0)
    is_cached = SwitchField(
        _("cached"), default=False, help_text=_("No request was made: an earlier answer still held.")
    )
    status_code = models.PositiveIntegerField(_("status code"), null=True, blank=True)
    error = models.CharField(_("error"), max_length=255, blank=True, default="")
    note = models.CharField(
        _("note"),
        max_length=255,
        blank=True,
        default="",
        help_text=_("Such as when the changes were applied, or what was missing in an exception."),
    )
    request_body = JSONTextField(_("request body"), null=True, blank=True)
    response_excerpt = models.TextField(_("response"), blank=True, default="")
    user_id = models.BigIntegerField(_("user id"), null=True, blank=True, db_index=True)

    class Meta:
        verbose_name = _("webfilter call")
        verbose_name_plural = _("webfilter calls")
        ordering = ["-pk"]
        # Calls are written in the background: these cost no learner anything.
        indexes = [
            models.Index(fields=["webfilter", "started_at"], name="owh_call_webfilter_started"),
            models.Index(fields=["started_at"], name="owh_call_started"),
            models.Index(fields=["message_id"], name="owh_call_message"),
        ]

    def __str__(self):
        return str(_("Call %(call)s of webfilter %(webfilter)s") % {"call": self.pk, "webfilter": self.webfilter_id})

    @classmethod
    def is_failure(cls, result: str, error: str, status_code: int | None) -> bool:
        """What :attr:`FAILED` says of a row."""
        is_answer = result == cls.Result.HALTED and status_code is not None and 400 <= status_code <= 499
        return bool(error) and not is_answer
