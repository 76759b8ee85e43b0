"""
The page of the configuration file: download it; upload one, see what it would change, and have it applied.

Somebody may do here what they may do on the pages of the hooks, and nothing else. What is uploaded refers to nothing on
the server, and header values and credentials stay with the address that they were entered for.
"""

import contextlib
import hashlib

import attrs
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from ..models import Webhook
from ..operations import configuration
from ..operations.configuration import plan as plans
from ..operations.configuration.document import SECTIONS
from . import history, parts, secrets_once

FILE_NAME = "openedx-webhooks.yml"
_TONES = {plans.ADD: "good", plans.CHANGE: "info", plans.DELETE: "bad"}


@attrs.frozen
class _Upload:
    """A file that somebody uploaded, and what they want of it."""

    text: str | bytes
    source: str
    is_pruning: bool

    @classmethod
    def of(cls, request):
        """What a form sent; None if there is no file."""
        if file := request.FILES.get("file"):
            text = file.read(configuration.MOST_BYTES + 1)
            # What can't be read is told by whoever reads it.
            with contextlib.suppress(UnicodeDecodeError):
                text = text.decode("utf-8-sig")
            return cls(text, file.name, "prune" in request.POST)
        text = request.POST.get("text")
        return cls(text, request.POST.get("source") or FILE_NAME, "prune" in request.POST) if text else None


def page(site):

    # It begins anew if somebody else does the same, which it could not within a transaction.
    @transaction.non_atomic_requests
    @sensitive_post_parameters("text")
    def view(request):
        models = [model for model in SECTIONS.values() if _admin(site, model).has_change_permission(request)]
        if not models:
            raise PermissionDenied
        if request.method == "POST" and "download" in request.POST:
            return _download(models)
        upload = _Upload.of(request) if request.method == "POST" else None
        if upload is None:
            if request.method == "POST":
                messages.error(request, _("Choose a file first."))
            return _render(site, request, {"title": _("Configuration file")})
        return _Apply(site, request, models, upload).run()

    return view


def _download(models) -> HttpResponse:
    response = HttpResponse(configuration.export(models), content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{FILE_NAME}"'
    return response


def _render(site, request, context) -> TemplateResponse:
    context = {**site.each_context(request), "opts": Webhook._meta, **context}
    return TemplateResponse(request, "admin/openedx_webhooks/configuration.html", context)


def _admin(site, model):
    return site._registry[model]  # pylint: disable=protected-access


@attrs.frozen
class _Apply:
    """One upload by one person."""

    site: object
    request: object
    models: list
    upload: _Upload

    def run(self):
        """Show the difference; if it was shown and confirmed, and is still the same, apply it."""
        asked = self.request.POST.get("digest")
        try:
            self._check_sections()
            plan = self._apply(asked)
        except configuration.Mistakes as mistakes:
            return self._show(None, mistakes.texts)
        forbidden = self._forbidden(plan)
        if asked != _digest(plan) or forbidden:
            if asked and not forbidden:
                text = _("Something was changed meanwhile, and nothing was applied. This is the difference now.")
                messages.warning(self.request, text)
            return self._show(plan, forbidden)
        self._tell(plan)
        return HttpResponseRedirect(reverse(f"{self.site.name}:openedx_webhooks_webhook_configuration"))

    def _apply(self, asked):
        return configuration.apply(
            self.upload.text,
            self.upload.source,
            prune=self.upload.is_pruning,
            may_refer=False,
            models=self.models,
            is_dry=not asked,
            agrees=lambda plan: asked == _digest(plan) and not self._forbidden(plan),
        )

    def _check_sections(self) -> None:
        """What somebody may not see is not compared with what they write."""
        document = configuration.read(self.upload.text, self.upload.source)
        for section, model in SECTIONS.items():
            if model not in self.models and any(entry.section == section for entry in document.entries):
                name = model._meta.verbose_name_plural
                raise configuration.Mistakes([_("You may not change %s: remove them from the file.") % name])

    def _forbidden(self, plan) -> list[str]:
        """What somebody may not do of a plan."""
        may = {
            plans.ADD: lambda admin, _hook: admin.has_add_permission(self.request),
            plans.CHANGE: lambda admin, hook: admin.has_change_permission(self.request, hook),
            plans.DELETE: lambda admin, hook: admin.has_delete_permission(self.request, hook),
        }
        texts = {
            plans.ADD: _("You may not add %s."),
            plans.CHANGE: _("You may not change %s."),
            plans.DELETE: _("You may not delete %s."),
        }
        return [
            texts[step.verb] % f"{step.hook._meta.verbose_name} {step.hook.name}"
            for step in plan.steps
            if not may[step.verb](_admin(self.site, type(step.hook)), step.hook)
        ]

    def _tell(self, plan) -> None:
        for step in plan.steps:
            admin = _admin(self.site, type(step.hook))
            if step.verb == plans.ADD:
                admin.log_addition(self.request, step.hook, [{"added": {}}])
                secrets_once.remember(self.request, step.hook)
            elif step.verb == plans.CHANGE:
                fields = [change.field.name for change in step.changes]
                admin.log_change(self.request, step.hook, [{"changed": {"fields": fields}}])
        messages.success(self.request, plans.in_words(plan, is_done=True)[-1])

    def _show(self, plan, problems):
        steps = plan.steps if plan else []
        context = {
            "title": _("What %s would change") % self.upload.source,
            "upload": self.upload,
            "deletes": any(step.verb == plans.DELETE for step in steps),
            "problems": problems,
            "plan": plan,
            "steps": [(_badge(step), _name(step), [_change(change) for change in step.changes]) for step in steps],
            "digest": _digest(plan) if plan else "",
        }
        return _render(self.site, self.request, context)


def _digest(plan) -> str:
    """By which it is seen that a difference is still the one that somebody was shown."""
    return hashlib.sha256("\n".join(plans.in_words(plan, is_done=False)).encode()).hexdigest()


def _badge(step):
    words = {plans.ADD: _("new"), plans.CHANGE: _("changed"), plans.DELETE: _("deleted")}
    return parts.badge(words[step.verb], _TONES[step.verb])


def _name(step):
    kind = step.hook._meta.verbose_name
    return f"{kind} {step.hook.name}" if step.verb == plans.ADD else parts.link(step.hook, f"{kind} {step.hook.name}")


def _change(change) -> history.Change:
    label = history.label_of(change.field)
    if change.note:
        return history.Change(label, note=change.note)
    old = "" if change.old is None and not change.field.null else history.shown(change.field, change.old)
    return history.Change(label, old, history.shown(change.field, change.new))
