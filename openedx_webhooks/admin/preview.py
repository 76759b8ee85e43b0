"""
Beside the form of a hook: what it would do as it is typed, and a test of it, before anything is saved.

With a script the form is posted to the address below while one types, and JSON comes back. Without one a button posts
it there, and the page comes back with the preview; neither saves.
"""

import logging
from typing import Any

from django import forms
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from ..models import Hook
from . import parts, payload_choice
from .preview_content import preview_of
from .trying import result_of

log = logging.getLogger(__name__)
_TEMPLATES = "admin/openedx_webhooks/"
_TEST = "_owh_test"


class PreviewMixin:
    """For the pages of hooks. Each kind says in :meth:`try_out` how it is tested."""

    @property
    def media(self):
        own = {"css": {"all": ["openedx_webhooks/preview.css"]}, "js": ["openedx_webhooks/preview.js"]}
        return super().media + forms.Media(**own)

    def try_out(self, hook: Hook, payload: dict[str, Any] | None) -> dict[str, Any]:
        """
        Send a test.

        Args:
            hook: as it is typed, saved or not.
            payload: None: a made-up one.

        Returns:
            the arguments of :func:`.trying.result_of`.
        """
        raise TypeError("a page of hooks says how they are tested")

    def get_urls(self):
        # A test waits for the endpoint: not in a transaction.
        view = transaction.non_atomic_requests(self.admin_site.admin_view(self.preview_view))
        name = self.url_name("preview")
        return [
            path("add/preview/", view, {"object_id": None}, name=f"{name}_new"),
            path("<path:object_id>/preview/", view, name=name),
            *super().get_urls(),
        ]

    def _url(self, page, hook=None):
        return reverse(f"{self.admin_site.name}:{self.url_name(page)}", args=[hook.pk] if hook else [])

    @method_decorator(sensitive_post_parameters())
    def preview_view(self, request, object_id):
        """What is typed, and what comes of it; nothing is saved."""
        hook = self.get_object(request, unquote(object_id)) if object_id else None
        if object_id and hook is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not (self.has_change_permission(request, hook) if hook else self.has_add_permission(request)):
            raise PermissionDenied
        page = self._url("change", hook) if hook else self._url("add")
        if request.method != "POST":
            return HttpResponseRedirect(page)
        if request.headers.get("Accept") == "application/json":
            return self._as_json(request, hook)
        if _TEST in request.POST:
            form = self._form(request, hook)
            request.owh_test = self._tested(request, form)
        request.owh_looks_only = True
        return self.change_view(request, object_id, page) if hook else self.add_view(request, page)

    def _form(self, request, hook):
        form = self.get_form(request, hook, change=hook is not None)(request.POST, request.FILES, instance=hook)
        form.is_valid()
        return form

    def _as_json(self, request, hook):
        form = self._form(request, hook)
        test = self._tested(request, form) if _TEST in request.POST else None
        context = self._context(request, form, test)
        texts = {
            name: render_to_string(f"{_TEMPLATES}preview_{name}.html", context, request)
            for name in ("answers", "choice", "result", "test")
        }
        made = context["preview"]
        status = context["test_status"] or (made.status if made else _("The preview failed."))
        flags = (
            {"may_search": made.choice.may_search, "is_local": made.is_local, "examples": made.examples} if made else {}
        )
        return JsonResponse({"examples": {}, **texts, **flags, "status": status})

    def _context(self, request, form, test) -> dict[str, Any]:
        try:
            made = preview_of(request, form)
        except Exception as error:  # pylint: disable=broad-exception-caught
            # Whatever somebody is about to type, the form must stay usable.
            log.error("A preview of %s failed: %s", self.opts.model_name, type(error).__name__)
            made = None
        return {"preview": made, "test": test, "test_status": test["status"] if test else ""}

    def _tested(self, request, form) -> dict[str, Any]:
        """What the template of a test shows, and the most important of it in one line."""
        if not form.is_valid():
            return {"status": _("Correct the mistakes first: nothing was sent.")}
        hook = form.instance
        try:
            result = self.try_out(hook, payload_choice.choice_of(request, hook).payload)
        except ValueError as error:
            return {"status": str(error)}
        shown = result_of(hook, **result)
        outcome, effects = result["outcome"], shown["effects"]
        if shown["is_local"]:
            return {**shown, "status": _("Tried: %s") % effects[0]}
        answered = parts.answered(outcome.status_code, outcome.error, needs_body=bool(effects))
        next_step = (
            _("Look there whether it is what you want, and save.") if outcome.is_accepted and not hook.pk else ""
        )
        said = " ".join(filter(None, (shown["meaning"], next_step)))
        return {**shown, "meaning": said, "status": _("Test: %s") % answered}

    # --- The page

    def get_form(self, request, obj=None, change=False, **kwargs):
        """For a page that only looks, a form that is never good enough to be saved."""
        form = super().get_form(request, obj, change=change, **kwargs)
        if getattr(request, "owh_looks_only", False):
            form.is_valid = _look
        return form

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        """The page, with the preview for those who may change what it shows."""
        may = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        if may and "adminform" in context:
            context |= self._context(request, context["adminform"].form, getattr(request, "owh_test", None))
            context["preview_url"] = self._url("preview", obj) if obj else self._url("preview_new")
        return super().render_change_form(request, context, add, change, form_url, obj)


def _look(form) -> bool:
    forms.ModelForm.is_valid(form)
    return False
