"""What the pages of webhooks and webfilters have in common."""

from datetime import timedelta

from django.contrib import admin, messages
from django.db import router, transaction
from django.http import HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters

from .. import skips
from ..models import history as versions
from ..models import signing_secrets
from ..models.encrypted_fields import is_lost
from ..operations import hook_health, hook_saving
from ..transport import signing
from . import cloning, expressions, health_words, history, options, parts, picker_views, restoring, secrets_once, words
from .buttons import Button, Page, State, hook_view, posted
from .forms import CHANGED_MEANWHILE
from .hook_header import header_of
from .hook_list import HookListAdmin
from .preview import PreviewMixin
from .reference import reference_of

_without_secrets = sensitive_post_parameters()
# What a window that was opened from another page posts.
_IN_WINDOWS = {"_popup", "_to_field"}


def _previous_until(hook) -> str:
    """Until when requests are signed with the secret before, too; empty if they are not."""
    until = hook.previous_secret_expires_at
    return words.exact(until) if hook.previous_secret and until else ""


class HookAdmin(PreviewMixin, HookListAdmin):
    """List and page of hooks."""

    change_form_template = "admin/openedx_webhooks/hook_change_form.html"
    # Of options.py: what the page has. Each kind of hook has its own.
    sections: tuple[options.Section, ...] = ()

    class Media:
        css = {
            "all": [
                "openedx_webhooks/admin.css",
                "openedx_webhooks/hook_page.css",
                "openedx_webhooks/records.css",
                "openedx_webhooks/history.css",
            ]
        }
        js = ["openedx_webhooks/hook_page.js"]

    # --- The page

    def get_fieldsets(self, request, obj=None):
        return options.fieldsets(self.sections, obj is None or self.has_change_permission(request, obj))

    def get_readonly_fields(self, request, obj=None):
        return options.shown_as(self.sections)

    @admin.display(description=gettext_lazy("headers"))
    def header_names(self, hook):
        return ", ".join(hook.readable_headers) or parts.EMPTY

    @admin.display(description=gettext_lazy("credentials"))
    def credentials_kept(self, hook):
        if is_lost(hook.credentials):
            return _("They can't be read.")
        return "••••••••" if hook.credentials else parts.EMPTY

    @admin.display(description=gettext_lazy("signing secret"))
    def secret_kept(self, hook):
        if is_lost(hook.secret):
            return _("It can't be read.")
        return "••••••••" if hook.secret else _("None: requests are not signed.")

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        """The form, with what is known about the hook above it and beside it."""
        if obj and obj.pk:
            # After a mistake, obj is what was typed: the header is of what is stored.
            hook = self.get_object(request, obj.pk) if request.method == "POST" else None
            hook = hook or obj
            context["owh"] = self.panels(
                Page(self, request, hook, health_words.as_seen_by(request, hook_health.of(hook)))
            )
        rare, form = [option.name for option in options.advanced(self.sections)], context["adminform"].form
        context["advanced"] = {
            "set": options.changed_advanced(self.sections, self.form, obj) if obj else [],
            "has_errors": any(name in form.errors for name in rare),
        }
        return super().render_change_form(request, context, add, change, form_url, obj)

    def panels(self, page: Page) -> dict:
        """What the templates show around the form."""
        hook = page.hook
        return {
            "hook": hook,
            "as_read": hook.modified.isoformat(),
            "header": header_of(page),
            "may_change": page.may_change,
            "reference": reference_of(hook),
            "skipped": [(reason.label, count) for reason, count in skips.last_day(hook).items()],
            "urls": {button.method: self.url_of(button, hook) for button in self.buttons if button.method},
            "show_secret": secrets_once.may_show(page.request, hook),
            "secret_is_malformed": signing_secrets.is_malformed(hook),
            "previous_secret_until": _previous_until(hook),
            "overlap_hours": signing_secrets.overlap_of(hook) // timedelta(hours=1),
            "signs": hook.signature != signing.NONE,
        }

    def save_model(self, request, obj, form, change):
        """Save what was changed; a secret that was made can be shown once."""
        if change:
            hook_saving.lock_as_read(obj)
            hook_saving.save_changes(obj, form.changed_data, form.stored_secret)
        else:
            super().save_model(request, obj, form, change)
            if "secret" not in form.changed_data:
                secrets_once.remember(request, obj)
        self.forget_index()

    def response_add(self, request, obj, post_url_continue=None):
        """To the new hook's page, where the next steps are; the message names them."""
        if _IN_WINDOWS & request.POST.keys():
            return super().response_add(request, obj, post_url_continue)
        self.message_user(request, self.next_step(request, obj), messages.SUCCESS)
        return HttpResponseRedirect(request.path) if "_addanother" in request.POST else self.back(obj)

    def response_change(self, request, obj):
        """Where the button says; the message names the next step."""
        if (_IN_WINDOWS | {"_addanother"}) & request.POST.keys():
            return super().response_change(request, obj)
        self.message_user(request, self.next_step(request, obj), messages.SUCCESS)
        if "_continue" in request.POST:
            return HttpResponseRedirect(request.path)
        return self.response_post_save_change(request, obj)

    def next_step(self, request, hook) -> str:
        """That a hook was saved, with a link to it, and what to do next."""
        if not hook.enabled:
            then = _("It is disabled: enable it when you are ready.")
        elif secrets_once.may_show(request, hook) and hook.webhook_url:
            then = _("Next: show its signing secret once, then send a test.")
        else:
            then = _("Next: send a test.")
        name = self.opts.verbose_name
        saved = _("%s saved.") % f"{name[:1].upper()}{name[1:]}"
        return format_html("{} {} {}", saved, parts.link(hook, f"{hook.event_name} → {hook.server}"), then)

    def changeform_view(self, request, *args, **kwargs):
        """Django's; a report of an error in it shows nothing of what was typed."""
        try:
            return _without_secrets(super().changeform_view)(request, *args, **kwargs)
        except hook_saving.ChangedMeanwhile:
            self.message_user(request, CHANGED_MEANWHILE, messages.ERROR)
            return HttpResponseRedirect(request.path)

    def get_urls(self):
        urls = [
            path(
                f"<path:object_id>/{button.name}/",
                transaction.non_atomic_requests(self.admin_site.admin_view(getattr(self, button.method))),
                name=self.url_name(button.name),
            )
            for button in self.buttons
            if button.method
        ]
        deleted = path("deleted/", self.admin_site.admin_view(self.deleted_view), name=self.url_name("deleted"))
        return [deleted, *expressions.urls(self), *picker_views.urls(self), *urls, *super().get_urls()]

    # What can be pressed on the page, in the order of its header. Methods have @hook_view; each kind of hook has a
    # send_test of its own.
    buttons: tuple[Button, ...] = (
        Button(
            name="test",
            method="send_test",
            label=gettext_lazy("Send test"),
            when=lambda page: page.may_change and bool(page.hook.known_type),
        ),
        Button(name="rotate-secret", method="rotate_secret"),
        Button(name="show-secret", method="show_secret"),
        Button(
            opens="#owh-secret",
            label=gettext_lazy("Rotate secret…"),
            when=lambda page: page.may_change and bool(page.hook.webhook_url),
        ),
        Button(
            name="clone",
            method="clone",
            label=gettext_lazy("Clone"),
            when=lambda page: cloning.may_clone(page.model_admin, page.request, page.hook),
        ),
        Button(name="restore", method="restore"),
        Button(name="detach", method="detach"),
        Button(name="switch", method="switch"),
    )
    # Which states the header switches between.
    states: tuple[State, ...] = ()

    def url_of(self, button: Button, hook) -> str:
        return reverse(f"{self.admin_site.name}:{self.url_name(button.name)}", args=[hook.pk])

    def url_name(self, name: str) -> str:
        """The name of a button's URL, without ``admin:``."""
        return f"{self.opts.app_label}_{self.opts.model_name}_{name.replace('-', '_')}"

    def back(self, hook, fragment: str = "") -> HttpResponseRedirect:
        url = reverse(f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_change", args=[hook.pk])
        return HttpResponseRedirect(url + fragment)

    # --- The state

    @hook_view
    def switch(self, request, hook):
        state = next((each for each in self.states if each.name == request.POST.get("to")), None)
        if state is None or state.is_of(hook):
            return self.back(hook)
        self.apply(hook, {name: value for name, value in state.fields.items() if getattr(hook, name) != value})
        self.log_change(request, hook, [{"changed": {"fields": list(state.fields)}}])
        self.message_user(request, state.said, messages.SUCCESS)
        return self.back(hook)

    def apply(self, hook, fields: dict) -> None:
        """Store some fields of a hook, and let this process see it."""
        for name, value in fields.items():
            setattr(hook, name, value)
        hook_saving.save_changes(hook, fields, hook.secret)

    # --- History and copies

    clone = posted(cloning.clone, cloning.may_clone)
    restore = posted(
        restoring.page, lambda admin, request, hook: admin.has_change_permission(request, hook), has_page=True
    )

    @hook_view
    def detach(self, request, hook):
        """From the configuration file that it was applied from: pruning that file leaves it alone."""
        self.model.objects.filter(pk=hook.pk).update(applied_from="")
        self.log_change(request, hook, _("Detached from the file %s.") % hook.applied_from)
        text = _("It is set up here now. Remove it from the file, or it is set up from there again.")
        self.message_user(request, text, messages.SUCCESS)
        return self.back(hook)

    def history_view(self, request, object_id, extra_context=None):
        """Every version, instead of Django's log; also of a hook that is gone."""
        return history.page(self, request, object_id)

    deleted_view = history.deleted_page

    def log_change(self, request, obj, message):
        """What is no change of an option, such as a replay, has its line in the hook's history, too."""
        if isinstance(message, str):
            versions.note(self.model.objects.filter(pk=obj.pk), message)
        return super().log_change(request, obj, message)

    # --- The secret

    @hook_view
    def rotate_secret(self, request, hook):
        """Make a new secret; requests are signed with both for a while, unless the old one leaked."""
        try:
            self._rotate(request, hook)
        except hook_saving.ChangedMeanwhile:
            # Pressed twice, the second time would end the secret that the receiver has.
            self.message_user(
                request,
                _("There is no new secret: the hook was changed since this page was opened. Look at it, then decide."),
                messages.WARNING,
            )
            return self.back(hook, "#owh-secret")
        secrets_once.remember(request, hook)
        self.forget_index()
        self.message_user(request, _("There is a new signing secret. Show it now: it is shown only once."))
        return self.back(hook, "#owh-secret")

    def _rotate(self, request, hook):
        if request.POST.get("as_read", as_read := hook.modified.isoformat()) != as_read:
            raise hook_saving.ChangedMeanwhile
        with transaction.atomic(using=router.db_for_write(self.model, instance=hook)):
            hook_saving.lock_as_read(hook)
            signing_secrets.rotate(hook, timedelta() if "leaked" in request.POST else signing_secrets.overlap_of(hook))
            self.log_change(request, hook, [{"changed": {"fields": ["secret"]}}])

    @hook_view
    def show_secret(self, request, hook):
        """Show a secret that was just made, to the session that made it, once."""
        if not secrets_once.take(request, hook):
            self.message_user(
                request,
                _("A secret is shown only once, after it was made. Rotate it to get a new one."),
                messages.WARNING,
            )
            return self.back(hook, "#owh-secret")
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": hook,
            "secret": hook.secret,
            "title": _("Signing secret"),
            "previous_until": _previous_until(hook),
        }
        return TemplateResponse(request, "admin/openedx_webhooks/secret.html", context)
