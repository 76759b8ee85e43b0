"""
The columns of hooks beyond what the published plugin had, and what has changed about those that it had.

For two migrations: hooks have all of them, and the versions of hooks most. Each use takes a clone.
"""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from openedx_webhooks.models import encrypted_fields, json_fields, validators
from openedx_webhooks.payloads import formats, personal_modes
from openedx_webhooks.transport import authentication, signing


def _text(label, help_text, *checks, **options):
    return models.TextField(
        blank=True, default="", help_text=help_text, validators=list(checks), verbose_name=label, **options
    )


def _url(help_text, **options):
    return models.CharField(
        help_text=help_text,
        max_length=2000,
        validators=[validators.validate_endpoint],
        verbose_name="webhook URL",
        **options,
    )


def _choice(label, choices, default, help_text="", max_length=20):
    return models.CharField(
        choices=choices, default=default, help_text=help_text, max_length=max_length, verbose_name=label
    )


def _switch(label, help_text="", default=False):
    return models.BooleanField(default=default, help_text=help_text, verbose_name=label)


def _days(label, help_text):
    return models.PositiveIntegerField(
        blank=True,
        help_text=help_text,
        null=True,
        validators=[
            MinValueValidator(1, "At least 1 day. To keep nothing that was delivered, untick “keep payloads”."),
            MaxValueValidator(36500),
        ],
        verbose_name=label,
    )


def _hidden_time(**options):
    return models.DateTimeField(blank=True, editable=False, null=True, **options)


def _hidden_secret(label):
    return encrypted_fields.EncryptedTextField(blank=True, default="", editable=False, verbose_name=label)


def _redirect(label):
    return models.CharField(
        blank=True,
        default="",
        help_text="Where to send the learner when this halts: a full address, or a path on this site such as /dashboard. Counts only together with its halt, and only for filters that can redirect.",
        max_length=255,
        validators=[validators.validate_redirect],
        verbose_name=label,
    )


HOOK = {
    "applied_from": models.CharField(blank=True, default="", editable=False, max_length=255),
    "authentication": _choice(
        "authentication",
        authentication.choices(),
        "none",
        "What the Authorization header holds, if the receiver wants one.",
    ),
    "condition": _text(
        "condition",
        "A JMESPath expression over the payload. The hook is called only if its result is true, for example enrollment.mode == 'verified'.",
        validators.validate_expression,
    ),
    "credentials": encrypted_fields.EncryptedJSONField(
        blank=True, default=dict, help_text="Stored encrypted.", verbose_name="credentials"
    ),
    "description": _text("description", "What this hook is for, in your own words."),
    "enabled": _switch("enabled", default=True),
    "event": models.CharField(max_length=255, verbose_name="event"),
    "failed_days": _days(
        "days to keep failures",
        "How long at least what failed is kept, with its payload. Empty: as long as the rest, unless the site's settings say otherwise.",
    ),
    "headers": encrypted_fields.HeadersField(
        blank=True,
        default=dict,
        help_text='Sent with every request, for example {"Authorization": "Bearer …"}. Stored encrypted.',
        validators=[validators.validate_headers],
        verbose_name="headers",
    ),
    "keep_payloads": _switch(
        "keep payloads",
        "Without this, nothing is kept of what was delivered and answered but when, and with which result. What failed is kept, so that it can be sent again; what other webhooks keep, they keep.",
        default=True,
    ),
    "name": models.CharField(
        blank=True,
        help_text="By which a configuration file knows this hook, such as crm-logins. Leave it empty: it gets one when the configuration is downloaded.",
        max_length=100,
        null=True,
        unique=True,
        validators=[validators.validate_name],
        verbose_name="name",
    ),
    "payload_days": _days(
        "days to keep payloads",
        "How long what was sent and answered is kept. Empty: 7, unless the site's settings say otherwise.",
    ),
    "payload_format": _choice(
        "payload format",
        formats.choices(),
        "current",
        "What the body looks like. Receivers that were written for openedx-webhooks 22.0.0 or older expect what that sent, and answers are read as it read them.",
    ),
    "previous_secret": _hidden_secret("previous signing secret"),
    "previous_secret_expires_at": _hidden_time(),
    "recovered_at": _hidden_time(),
    "removing_since": _hidden_time(),
    "row_days": _days(
        "days to keep records",
        "How long it is kept that it was sent, and when. Empty: 30, unless the site's settings say otherwise.",
    ),
    "secret": encrypted_fields.EncryptedTextField(
        blank=True,
        default=signing.new_secret,
        help_text="Signs every request. Give it to the receiver's developer.",
        verbose_name="signing secret",
    ),
    "shape": _text(
        "shape",
        "A JMESPath expression over the payload. Its result is sent instead of the whole payload.",
        validators.validate_expression,
    ),
    "signature": _choice(
        "signature",
        signing.choices(),
        "standard",
        "How the receiver can verify that a request comes from here, and is as it was sent.",
    ),
    "use_www_form_encoding": _switch(
        "use WWW form encoding",
        "Send application/x-www-form-urlencoded with flattened names instead of JSON. Verify the signature over the body as it arrives, before it is parsed.",
    ),
}

WEBHOOK = {
    **HOOK,
    "consecutive_failures": models.PositiveIntegerField(default=0, editable=False, verbose_name="failures in a row"),
    "disabled_reason": models.CharField(
        blank=True, default="", editable=False, max_length=255, verbose_name="disabled because"
    ),
    "failing_since": _hidden_time(verbose_name="failing since"),
    "paused": _switch(
        "paused",
        "Events are captured and nothing is sent. When this is unticked, what waits is sent, the oldest first.",
    ),
    "personal_data": _choice(
        "personal data",
        personal_modes.choices(),
        "full",
        "How much of what the event says about people is sent. The shape works on what is left; the condition on everything, since it sends nothing.",
    ),
    "pseudonym_key": _hidden_secret("key of the pseudonyms"),
    "receiver_access": _switch(
        "the receiver may look up what it missed",
        "With a token that you make below, the receiver lists its messages, fetches those that are kept and asks for them again: after it has lost its data, for instance.",
    ),
    "retry_schedule": json_fields.JSONTextField(
        blank=True,
        default=list,
        help_text="Waits in seconds before the second, third, … attempt. Empty: the site's schedule.",
        validators=[validators.validate_schedule],
        verbose_name="retry schedule",
    ),
    "warned_at": _hidden_time(verbose_name="warned at"),
    "webhook_url": _url("The address that receives the POST, such as https://example.com/hooks."),
}

WEBFILTER = {
    **HOOK,
    "cache_answers": _switch(
        "cache answers", "Keep an answer for as long as its Cache-Control: max-age says, for the same payload."
    ),
    "call_log": _choice(
        "call log", [("none", "None"), ("problems", "Problems and halts"), ("all", "All")], "problems", max_length=10
    ),
    "disable_filtering": _switch(
        "disable filtering", "Ignore the data of answers: nothing is changed. It may still halt."
    ),
    "disable_halt": _switch(
        "disable halting",
        "Ignore the exceptions in answers: their data still counts. Halt on 4xx, 5xx and request exception stand on their own: they halt all the same.",
    ),
    "halt_on_4xx": _switch("halt on 4xx"),
    "halt_on_5xx": _switch("halt on 5xx"),
    "halt_on_request_exception": _switch(
        "halt on request exception",
        "No usable response: the endpoint could not be reached, did not answer in time, is not called for a while after failures, or the answer could not be understood.",
    ),
    "local_answer": _text(
        "local answer",
        "Instead of an address: what is answered, without a server. JSON, or a JMESPath expression over the payload whose result is the answer: an object with data, exception or both; null lets everything pass. The condition says when.",
        validators.validate_local_answer,
    ),
    "mode": _choice(
        "mode",
        [
            ("enforce", "Enforce: answers change the data or halt the process"),
            ("observe", "Observe: answers are recorded and nothing else"),
        ],
        "enforce",
        max_length=10,
    ),
    "order": models.IntegerField(
        default=0,
        help_text="Answers are combined in this order; a later one wins where they differ.",
        verbose_name="order",
    ),
    "redirect_on_4xx": _redirect("redirect on 4xx"),
    "redirect_on_5xx": _redirect("redirect on 5xx"),
    "redirect_on_request_exception": _redirect("redirect on request exception"),
    "send_file_urls": _switch(
        "send usable file URLs",
        "Addresses of a learner's files keep their signature: whoever has one gets the file. Without this the signature is masked, and the receiver can't fetch the files.",
    ),
    "send_profile": _switch(
        "send the profile",
        "The learner's profile beside the user. Without it the rest of the payload is the same.",
        default=True,
    ),
    "serve_stale_answers": _switch(
        "serve stale answers", "While the endpoint is not called after failures, use its last cached answer."
    ),
    "timeout": models.FloatField(
        blank=True,
        help_text="Seconds that the learner waits at most. Empty: the site's default, which is 5 unless the site's settings say otherwise. All webfilters of one request together have 10 seconds.",
        null=True,
        validators=[MinValueValidator(0.1), MaxValueValidator(30)],
        verbose_name="timeout",
    ),
    "webhook_url": _url(
        "The address that receives the POST, such as https://example.com/hooks. Empty for a local answer.",
        blank=True,
        default="",
    ),
}
