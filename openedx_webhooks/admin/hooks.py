"""What the pages of webhooks and webfilters have in common."""

import functools
from collections.abc import Callable
from datetime import timedelta

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import skips
from ..models import history as versions
from ..models import signing_secrets
from ..operations import hook_health
from ..transport import signing
from . import (
    bulk,
    cloning,
    expressions,
    health_words,
    history,
    options,
    parts,
    picker_views,
    restoring,
    secrets_once,
    words,
)
from .buttons import Button, Page, State
from .filters import types_of
from .hook_header import header_of
from .preview import PreviewMixin
from .reference import reference_of
from .removing import RemovingAdmin

_MOST_WORDS = 20
# What a window that was opened from another page posts.
_IN_WINDOWS = {"_popup", "_to_field"}


def _previous_until(hook) -> str:
    """Until when requests are signed with the secret before, too; empty if they are not."""
    until = hook.previous_secret_expires_at
    return words.exact(until) if hook.previous_secret and until else ""


def hook_view(method):
    """
    Make a method ``(self, request, hook)`` a view that changes things: POST only, and only for those who may change
    this hook.
    """
    return posted(method, lambda admin, request, hook: admin.has_change_permission(request, hook))


def posted(method, may, *, has_page: bool = False):
    """
    Make a method ``(self, request, hook)`` a view, but not of a hook that is being removed.

    Whoever comes to a button's address otherwise than by pressing it, after a login for instance, is led to the hook.

    Args:
        may: ``(admin, request, hook)`` → whether this person may do that with this hook.
        has_page: the method answers GET, too.
    """

    @functools.wraps(method)
    def view(self, request, object_id):
        hook = self.get_object(request, object_id)
        if hook is None:
            # pylint: disable-next=protected-access
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        may_view = self.has_view_permission(request, hook)
        if hook.removing_since and may_view:
            self.message_user(request, _("It is being removed: nothing can be done with it."), messages.ERROR)
            return self.back(hook)
        if request.method != "POST" and not has_page and may_view:
            return self.back(hook)
        if not may(self, request, hook):
            raise PermissionDenied
        return method(self, request, hook)

    return view


class HookAdmin(PreviewMixin, RemovingAdmin):
    """List and page of hooks."""

    change_form_template = "admin/openedx_webhooks/hook_change_form.html"
    change_list_template = "admin/openedx_webhooks/hook_change_list.html"
    list_per_page = 50
    search_fields = ["description", "webhook_url", "event"]
    search_help_text = gettext_lazy("Search by event, address or description.")
    actions = [bulk.action("enable_hooks"), bulk.action("disable_hooks"), cloning.clone_hooks]
    actions_selection_counter = True
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

    # --- The list

    def get_changelist_instance(self, request):
        """Attach the health of the page's hooks: a few queries for all of them."""
        changes = super().get_changelist_instance(request)
        # Who filters by health has decided it already.
        found = getattr(request, "owh_health", None) or hook_health.OF[self.model](changes.result_list)
        for hook in changes.result_list:
            hook.health = health_words.as_seen_by(request, found[hook.pk])
        return changes

    @admin.display(description=gettext_lazy("health"))
    def health_column(self, hook):
        """The word, and what it rests on."""
        return health_words.column(hook, hook.health)

    @admin.display(description=gettext_lazy("event"), ordering="event")
    def event_column(self, hook):
        """Short name, dotted type and the description's first words."""
        return parts.hook_name(hook)

    @admin.display(description=gettext_lazy("endpoint"), ordering="webhook_url")
    def endpoint_column(self, hook):
        """The server only: who may look need not know the path and query, which hold the secrets of many services."""
        return parts.with_title(parts.breakable(hook.server), hook.server)

    def get_search_fields(self, request):
        """The address for those only who may see it: a search tells what it finds, letter by letter."""
        return [field for field in self.search_fields if field != "webhook_url" or self.has_change_permission(request)]

    def get_search_results(self, request, queryset, search_term):
        """Also by short name, which the table doesn't hold."""
        # Each word is a part of the query, and databases have limits.
        search_term = " ".join(search_term.split()[:_MOST_WORDS])
        found, may_have_duplicates = super().get_search_results(request, queryset, search_term)
        term = search_term.strip().lower()
        named = [dotted for dotted, known in types_of(self.model).items() if term and term in known.name.lower()]
        if named:
            found = found | queryset.filter(Q(event__in=named))
        return found, may_have_duplicates

    def change_each(self, request, queryset, field: str, change: Callable[[QuerySet], int]) -> int:
        """
        Change a field of the chosen hooks, but not of those that are being removed; how many.

        Args:
            field: for Django's log.
            change: gets the hooks, and returns how many it changed.
        """
        hooks = list(queryset.filter(removing_since=None))
        chosen = self.model.objects.filter(pk__in=[hook.pk for hook in hooks], removing_since=None)
        count = change(chosen)
        self.forget_index()
        versions.note(chosen)
        for hook in hooks:
            self.log_change(request, hook, [{"changed": {"fields": [field]}}])
        return count

    def set_state(self, hooks, field: str, value: bool) -> int:
        """Enable or disable the hooks of a queryset; how many. A subclass may have other states."""
        return self.enable(hooks) if value else hooks.update(**{field: value}, modified=timezone.now())

    def enable(self, hooks) -> int:
        """Enable the hooks of a queryset. ``update`` keeps ``modified``, by which other processes notice a change."""
        return hooks.update(enabled=True, modified=timezone.now())

    # --- The page

    def get_fieldsets(self, request, obj=None):
        """The sections; secrets are replaced for those who may only look."""
        return options.fieldsets(self.sections, obj is None or self.has_change_permission(request, obj))

    def get_readonly_fields(self, request, obj=None):
        """What may stand there instead."""
        return options.shown_as(self.sections)

    @admin.display(description=gettext_lazy("headers"))
    def header_names(self, hook):
        """The names of the headers."""
        return ", ".join(hook.readable_headers) or parts.EMPTY

    @admin.display(description=gettext_lazy("credentials"))
    def credentials_kept(self, hook):
        """Whether there are any."""
        return "••••••••" if hook.credentials else parts.EMPTY

    @admin.display(description=gettext_lazy("signing secret"))
    def secret_kept(self, hook):
        """Whether there is a secret."""
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
        """
        Keep a secret that was replaced valid for a while; one that was made can be shown once.

        Only what was changed is written: what can't be read, such as headers under a lost key, stays as it is stored,
        and what happened to the hook meanwhile, such as its removal, is not undone.
        """
        if change:
            # A short name of the published plugin becomes the dotted type.
            changed = {*form.changed_data, "event", "modified"}
            if obj.secret != form.stored_secret:
                signing_secrets.supersede(obj, form.stored_secret)
                changed |= {"previous_secret", "previous_secret_expires_at"}
            obj.save(update_fields=changed)
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

    def get_urls(self):
        """Django's, and one for each thing that a button of the page does."""
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
        Button(name="switch", method="switch"),
    )
    # Which states the header switches between.
    states: tuple[State, ...] = ()

    def url_of(self, button: Button, hook) -> str:
        """The address of a button."""
        return reverse(f"{self.admin_site.name}:{self.url_name(button.name)}", args=[hook.pk])

    def url_name(self, name: str) -> str:
        """The name of a button's URL, without ``admin:``."""
        return f"{self.opts.app_label}_{self.opts.model_name}_{name.replace('-', '_')}"

    def back(self, hook, fragment: str = "") -> HttpResponseRedirect:
        """To the hook's page."""
        url = reverse(f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_change", args=[hook.pk])
        return HttpResponseRedirect(url + fragment)

    # --- The state

    @hook_view
    def switch(self, request, hook):
        """Put the hook into one of its states."""
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
        hook.save(update_fields=[*fields, "modified"])
        self.forget_index()

    # --- History and copies

    clone = posted(cloning.clone, cloning.may_clone)
    restore = posted(
        restoring.page, lambda admin, request, hook: admin.has_change_permission(request, hook), has_page=True
    )

    def has_clone_permission(self, request):
        """For the action of the list."""
        return cloning.may_clone(self, request)

    def history_view(self, request, object_id, extra_context=None):
        """Every version, instead of Django's log; also of a hook that is gone."""
        return history.page(self, request, object_id)

    def deleted_view(self, request):
        """The hooks that are gone."""
        return history.deleted_page(self, request)

    def log_change(self, request, obj, message):
        """What is no change of an option, such as a replay, has its line in the hook's history, too."""
        if isinstance(message, str):
            versions.note(self.model.objects.filter(pk=obj.pk), message)
        return super().log_change(request, obj, message)

    # --- The secret

    @hook_view
    def rotate_secret(self, request, hook):
        """Make a new secret; requests are signed with both for a while, unless the old one leaked."""
        signing_secrets.rotate(hook, timedelta() if "leaked" in request.POST else signing_secrets.overlap_of(hook))
        self.log_change(request, hook, [{"changed": {"fields": ["secret"]}}])
        secrets_once.remember(request, hook)
        self.forget_index()
        self.message_user(request, _("There is a new signing secret. Show it now: it is shown only once."))
        return self.back(hook, "#owh-secret")

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
