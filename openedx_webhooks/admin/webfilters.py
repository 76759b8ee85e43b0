"""The pages of webfilters."""

from django.contrib import admin, messages
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from ..models import Call, Webfilter
from ..operations.halt_options import halt_options_of
from ..operations.hook_figures import records_all
from ..operations.previewing import effects_of
from ..transport.breaker import State as Circuit
from ..transport.breaker import breaker
from ..webfilters import trial_call
from . import chart, options, parts, permissions, report, words
from .buttons import Button, State, hook_view
from .filters import HealthFilter, HookModeFilter, TypeFilter
from .forms import WebfilterForm
from .hooks import HookAdmin
from .trying import result_page

_RECENT = 10


@admin.register(Webfilter)
class WebfilterAdmin(HookAdmin):
    """Webfilters: list, form, report, test and circuit breaker."""

    form = WebfilterForm
    sections = options.WEBFILTER
    list_display = ["event_column", "endpoint_column", "mode_column", "health_column", "calls_column", "order"]
    list_display_links = ["event_column"]
    list_filter = [HealthFilter, HookModeFilter, TypeFilter]
    records_name = Call._meta.verbose_name_plural
    buttons = (
        *HookAdmin.buttons,
        Button(
            name="reset-breaker",
            method="reset_breaker",
            label=gettext_lazy("Call it again now"),
            when=lambda page: page.may_change and page.health.circuit.state != Circuit.CLOSED,
        ),
        Button(name="promote", method="promote"),
    )
    states = (
        State(
            "enforced",
            gettext_lazy("Enforced"),
            {"enabled": True, "mode": Webfilter.Mode.ENFORCE},
            gettext_lazy("It is enforced: its answers change the data or halt the process."),
        ),
        State(
            "observing",
            pgettext_lazy("state of a hook", "Observing"),
            {"enabled": True, "mode": Webfilter.Mode.OBSERVE},
            gettext_lazy("It observes: its answers are recorded, and change and halt nothing."),
        ),
        State(
            "disabled",
            pgettext_lazy("state of a hook", "Disabled"),
            {"enabled": False},
            gettext_lazy("It is disabled: it is not called, and nobody is stopped by it."),
        ),
    )

    # --- The list

    @admin.display(description=gettext_lazy("mode"), ordering="mode")
    def mode_column(self, hook):
        return parts.mode_badge(hook.mode)

    @admin.display(description=gettext_lazy("calls, last day"))
    def calls_column(self, hook):
        if not hook.day.tally:
            return parts.EMPTY
        return format_html(
            '{}<br><span class="owh-quiet-text">{}</span>',
            parts.number(hook.day.tally.total()),
            ", ".join(f"{label}: {count}" for label, count in chart.totals(hook.day, chart.CALLS)),
        )

    # --- The page

    def panels(self, page):
        hook = page.hook
        calls, may_see_calls = [], page.request.user.has_perm("openedx_webhooks.view_call")
        if may_see_calls:
            calls = (
                Call.objects.filter(webfilter=hook)
                .defer("request_body", "response_excerpt")
                .order_by("-started_at")[:_RECENT]
            )
        panels = super().panels(page)
        return {
            **panels,
            "kind": "webfilter",
            "show_secret": panels["show_secret"] and bool(hook.webhook_url),
            "halting": halt_options_of(hook.known_type) if hook.known_type else None,
            "calls": [
                (
                    call,
                    words.exact(call.started_at),
                    parts.call_badge(call),
                    parts.call_answered(call, in_short=not permissions.may_see_payload(page.request)),
                    parts.seconds(call.duration),
                )
                for call in calls
            ],
            "may_see_calls": may_see_calls,
            "records_all": records_all(hook),
            "note": halting_note(hook),
            "reports": report.reports(page.request, hook),
        }

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        if note := halting_note(obj):
            self.message_user(request, note, messages.WARNING)

    # --- Buttons

    @hook_view
    def send_test(self, request, hook):
        """Call with the sample payload now, and show what came back and what it would do."""
        try:
            return result_page(self, request, hook, **self.try_out(hook, None))
        except ValueError as error:
            self.message_user(request, str(error), messages.ERROR)
            return self.back(hook)

    def try_out(self, hook, payload):
        """One call, or the local answer; what it would do is not done."""
        result = trial_call.call_test(hook, payload)
        sent = None if result.request.unsendable else result.request
        return {"sent": sent, "outcome": result.outcome, "effects": effects_of(result)}

    @hook_view
    def reset_breaker(self, request, hook):
        breaker(hook.webhook_url).reset()
        self.log_change(request, hook, _("Reset the breaker."))
        self.message_user(request, _("The failures are forgotten: the endpoint is called again."), messages.SUCCESS)
        return self.back(hook)

    @hook_view
    def promote(self, request, hook):
        hook.mode = Webfilter.Mode.ENFORCE
        hook.save(update_fields=["mode", "modified"])
        self.forget_index()
        self.log_change(request, hook, [{"changed": {"fields": ["mode"]}}])
        if hook.enabled:
            self.message_user(request, _("The webfilter is enforced now: its answers count."), messages.SUCCESS)
        else:
            self.message_user(
                request, _("The webfilter will be enforced as soon as it is enabled: now it is off."), messages.WARNING
            )
        return self.back(hook)


def halting_note(hook: Webfilter) -> str:
    """What halts although halting is disabled; empty if nothing does."""
    if not hook.disable_halt or not (hook.halt_on_4xx or hook.halt_on_5xx or hook.halt_on_request_exception):
        return ""
    return _(
        "Disable halting ignores the exceptions in answers only: what is ticked under “If the endpoint fails” still "
        "halts. Untick it, too, if nothing shall ever be halted."
    )
