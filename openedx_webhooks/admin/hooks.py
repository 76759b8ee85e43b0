"""What the pages of webhooks and webfilters have in common."""

import functools
from collections.abc import Callable
from datetime import timedelta

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import router, transaction
from django.db.models import Q, QuerySet
from django.http import HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import index, skips
from ..models import history as versions
from ..models import signing_secrets
from ..operations import removal
from . import bulk, cloning, history, options, parts, restoring, secrets_once, waiting
from .filters import types_of
from .reference import reference_of

_MOST_WORDS = 20


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


class HookAdmin(admin.ModelAdmin):
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
        css = {"all": ["openedx_webhooks/admin.css", "openedx_webhooks/history.css"]}

    # --- The list

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

    def forget_index(self):
        """Let this process see a change at once, also that of the transaction that is still open."""
        index.forget_index(self.model, using=router.db_for_write(self.model))

    # --- Deletion

    def has_change_permission(self, request, obj=None):
        """Nobody changes a hook that is being removed."""
        return super().has_change_permission(request, obj) and not (obj and obj.removing_since)

    def has_delete_permission(self, request, obj=None):
        """It is removed once."""
        return super().has_delete_permission(request, obj) and not (obj and obj.removing_since)

    def get_deleted_objects(self, objs, request):
        """What is deleted with the hooks: counted, not listed, for a site has hundreds of thousands of records."""
        listed, total = [], 0
        for hook in objs:
            count = removal.count_records(hook)
            total += count
            listed += [parts.link(hook, str(hook)), [parts.number_of(count, self.records_name)]]
        counts = {self.opts.verbose_name_plural: len(objs), self.records_name: total}
        return listed, counts, set() if self.has_delete_permission(request) else {self.opts.verbose_name}, []

    records_name: str = gettext_lazy("records")

    # Each step of a removal commits by itself: in one transaction the hook's row would be locked for all the time that
    # it takes, and workers and other pages would wait.
    @transaction.non_atomic_requests
    def delete_view(self, request, object_id, extra_context=None):
        """Django's, without its transaction."""
        return self._delete_view(request, object_id, extra_context)

    @transaction.non_atomic_requests
    def changelist_view(self, request, extra_context=None):
        """The same for the action that deletes several."""
        return super().changelist_view(request, extra_context)

    def delete_model(self, request, obj):
        """Disable the hook at once; it goes with its records, now or in the background."""
        is_gone = removal.remove(obj)
        self.forget_index()
        return is_gone

    def delete_queryset(self, request, queryset):
        """The same for each."""
        left = [hook for hook in queryset.filter(removing_since=None) if not self.delete_model(request, hook)]
        for hook in left:
            self._say_that_it_goes(request, str(hook))

    def response_delete(self, request, obj_display, obj_id):
        """To the list; the message says whether the hook is gone."""
        if not self.model.objects.filter(pk=obj_id).exists():
            return super().response_delete(request, obj_display, obj_id)
        self._say_that_it_goes(request, obj_display)
        url = reverse(f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_changelist")
        return HttpResponseRedirect(url)

    def _say_that_it_goes(self, request, hook: str) -> None:
        text = _(
            "%s is disabled and will not be called any more. It has many records: they are deleted in the background, "
            "and it goes with the last of them."
        )
        self.message_user(request, text % hook, messages.WARNING)

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

    @admin.display(description=gettext_lazy("signing secret"))
    def secret_kept(self, hook):
        """Whether there is a secret."""
        return "••••••••" if hook.secret else _("None: requests are not signed.")

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """The form, with what is known about the hook above and below it."""
        hook = self.get_object(request, object_id) if request.method == "GET" else None
        extra_context = {**(extra_context or {}), "owh": self.panels(request, hook) if hook else None}
        return super().change_view(request, object_id, form_url, extra_context)

    def panels(self, request, hook) -> dict:
        """What the templates show around the form."""
        return {
            "hook": hook,
            "notes": waiting.notes(hook),
            "problems": [*waiting.malformed(hook).values(), *self._secret_problem(hook)],
            "may_change": self.has_change_permission(request, hook),
            "reference": reference_of(hook),
            "skipped": [(reason.label, count) for reason, count in skips.last_day(hook).items()],
            "urls": {
                method: reverse(f"admin:{self.url_name(name)}", args=[hook.pk]) for name, method in self.buttons.items()
            },
            "may_clone": cloning.may_clone(self, request, hook),
            "show_secret": secrets_once.may_show(request, hook),
            "secret_is_malformed": signing_secrets.is_malformed(hook),
            "previous_secret_until": hook.previous_secret and hook.previous_secret_expires_at,
            "overlap_hours": signing_secrets.OVERLAP // timedelta(hours=1),
        }

    @staticmethod
    def _secret_problem(hook) -> list[str]:
        return [_("The signing secret is malformed: make another.")] if signing_secrets.is_malformed(hook) else []

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

    def get_urls(self):
        """Django's, and one for each thing that a button of the page does."""
        urls = [
            path(
                f"<path:object_id>/{name}/",
                transaction.non_atomic_requests(self.admin_site.admin_view(getattr(self, method))),
                name=self.url_name(name),
            )
            for name, method in self.buttons.items()
        ]
        deleted = path("deleted/", self.admin_site.admin_view(self.deleted_view), name=self.url_name("deleted"))
        return [deleted, *urls, *super().get_urls()]

    # Last part of the URL → method with @hook_view. Each kind of hook has a send_test of its own.
    buttons = {
        "test": "send_test",
        "rotate-secret": "rotate_secret",
        "show-secret": "show_secret",
        "clone": "clone",
        "restore": "restore",
    }

    def url_name(self, name: str) -> str:
        """The name of a button's URL, without ``admin:``."""
        return f"{self.opts.app_label}_{self.opts.model_name}_{name.replace('-', '_')}"

    def back(self, hook, fragment: str = "") -> HttpResponseRedirect:
        """To the hook's page."""
        url = reverse(f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_change", args=[hook.pk])
        return HttpResponseRedirect(url + fragment)

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
        signing_secrets.rotate(hook, timedelta() if "leaked" in request.POST else signing_secrets.OVERLAP)
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
            "previous_until": hook.previous_secret and hook.previous_secret_expires_at,
        }
        return TemplateResponse(request, "admin/openedx_webhooks/secret.html", context)
