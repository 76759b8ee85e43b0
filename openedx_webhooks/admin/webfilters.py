"""The pages of webfilters."""

from django.contrib import admin, messages
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..app_settings import app_settings
from ..models import Call, Webfilter, signing_secrets
from ..transport.breaker import State, breaker, states
from ..webfilters import trial_call
from . import options, parts, permissions, report, waiting
from .filters import KnownFilter, SubdomainFilter, TypeFilter
from .forms import WebfilterForm
from .halt_options import halt_options_of
from .hooks import HookAdmin, hook_view
from .trying import result_page

_RECENT = 10


@admin.register(Webfilter)
class WebfilterAdmin(HookAdmin):
    """Webfilters: list, form, report, test and circuit breaker."""

    form = WebfilterForm
    sections = options.WEBFILTER
    list_display = ["event_column", "endpoint_column", "enabled", "mode_column", "breaker_column", "order"]
    list_display_links = ["event_column"]
    list_filter = ["enabled", "mode", SubdomainFilter, TypeFilter, KnownFilter]
    records_name = Call._meta.verbose_name_plural
    buttons = {**HookAdmin.buttons, "reset-breaker": "reset_breaker", "promote": "promote"}

    # --- The list

    @admin.display(description=gettext_lazy("mode"), ordering="mode")
    def mode_column(self, hook):
        """One word: the choice's text is a sentence."""
        return parts.mode_badge(hook.mode)

    @admin.display(description=gettext_lazy("health"))
    def breaker_column(self, hook):
        """Whether calls go out, or the circuit is open after failures."""
        return breaker_badge(hook, hook.breaker_state)

    def get_changelist_instance(self, request):
        """Attach the breakers' states: one read of the cache for the page."""
        changes = super().get_changelist_instance(request)
        hooks = list(changes.result_list)
        for hook, state in zip(hooks, states(breaker(hook.webhook_url) for hook in hooks), strict=True):
            hook.breaker_state = state
        return changes

    # --- The page

    def panels(self, request, hook):
        """What the filter can do, latest calls, breaker."""
        state = breaker(hook.webhook_url).state()
        calls, may_see_calls = [], request.user.has_perm("openedx_webhooks.view_call")
        if may_see_calls:
            calls = (
                Call.objects.filter(webfilter=hook)
                .defer("request_body", "response_excerpt")
                .order_by("-started_at")[:_RECENT]
            )
        panels = super().panels(request, hook)
        return {
            **panels,
            "kind": "webfilter",
            "show_secret": panels["show_secret"] and bool(hook.webhook_url),
            "health": breaker_badge(hook, state),
            "mode": parts.mode_badge(hook.mode),
            "breaker_open": state != State.CLOSED,
            "halting": halt_options_of(hook.known_type) if hook.known_type else None,
            "calls": [
                (
                    call,
                    parts.call_badge(call),
                    parts.call_answered(call, in_short=not permissions.may_see_payload(request)),
                    parts.seconds(call.duration),
                )
                for call in calls
            ],
            "may_see_calls": may_see_calls,
            "note": halting_note(hook),
            "reports": report.reports(request, hook),
        }

    def save_model(self, request, obj, form, change):
        """Say what still halts, although halting is disabled."""
        super().save_model(request, obj, form, change)
        if note := halting_note(obj):
            self.message_user(request, note, messages.WARNING)

    # --- Buttons

    @hook_view
    def send_test(self, request, hook):
        """Call with the sample payload now, and show what came back and what it would do."""
        try:
            result = trial_call.call_sample(hook)
        except ValueError as error:
            self.message_user(request, str(error), messages.ERROR)
            return self.back(hook, "#owh-test")
        sent = None if result.request.unsendable else result.request
        return result_page(self, request, hook, sent=sent, outcome=result.outcome, effects=effects_of(result))

    @hook_view
    def reset_breaker(self, request, hook):
        """Call the endpoint again, whatever its failures."""
        breaker(hook.webhook_url).reset()
        self.log_change(request, hook, _("Reset the breaker."))
        self.message_user(request, _("The failures are forgotten: the endpoint is called again."), messages.SUCCESS)
        return self.back(hook, "#owh-health")

    @hook_view
    def promote(self, request, hook):
        """From observe to enforce."""
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


def effects_of(result: trial_call.Trial) -> list[str]:
    """What the answer of a trial would do, in sentences."""
    # Why there is no answer at all stands beside it already.
    effects = [_("Not used: %s") % result.problem] if result.problem and not result.outcome.error else []
    if result.halt:
        effects.append(_("It would halt the process with %s") % result.halt)
    effects += [_("Note: %s") % note for note in result.notes]
    if result.changed:
        effects.append(_("It would change %s.") % ", ".join(result.changed))
    for key, reason in result.refused:
        effects.append(_("It would not change %(key)s: %(reason)s") % {"key": key, "reason": reason})
    return effects or [_("The process would go on unchanged.")]


def halting_note(hook: Webfilter) -> str:
    """What halts although halting is disabled; empty if nothing does."""
    if not hook.disable_halt or not (hook.halt_on_4xx or hook.halt_on_5xx or hook.halt_on_request_exception):
        return ""
    return _(
        "Disable halting ignores the exceptions in answers only: what is ticked under “If the endpoint fails” still "
        "halts. Untick it, too, if nothing shall ever be halted."
    )


def breaker_badge(hook: Webfilter, state: State):
    """Whether the endpoint is called, or its circuit is open after failures, or what is wrong with the hook itself."""
    if hook.removing_since:
        return waiting.removing_badge(hook)
    if not hook.known_type:
        return parts.never_runs()
    if malformed := waiting.malformed(hook):
        return parts.misconfigured(malformed.values())
    if hook.local_answer and hook.enabled:
        return parts.badge(_("answers by itself"), "good")
    if signing_secrets.is_malformed(hook):
        return parts.unsendable()
    if not hook.enabled:
        return parts.badge(_("off"), "quiet")
    if state == State.OPEN:
        return parts.badge(
            _("circuit open"),
            "bad",
            _("After several failures in a row it is not called; every %d seconds one call tries it again.")
            % app_settings.BREAKER_OPEN_SECONDS,
        )
    if state == State.HALF_OPEN:
        return parts.badge(_("being probed"), "warn", _("After failures one call at a time tries whether it is back."))
    return parts.badge(_("fine"), "good")
