"""
What is done with several hooks at once, each after a page that names them and says what follows.

An operation is declared in :data:`OPERATIONS`; the actions of the lists are made from it.
"""

from collections.abc import Mapping

import attrs
from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.db.models import QuerySet
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from ..models import Webfilter, Webhook

# So many are named and changed at a time: a site has tens of hooks, and a page is read.
_MOST = 200


@attrs.frozen
class Operation:
    """
    Attributes:
        label: of the action.
        field: which it changes.
        value: to what.
        question: the heading of the page, with the count.
        consequences: model → what follows, in sentences.
        button: what is pressed.
        done: the message afterwards, with the count.
    """

    label: str
    field: str
    value: bool
    question: str
    consequences: Mapping[type, str]
    button: str
    done: str


OPERATIONS = {
    "enable_hooks": Operation(
        gettext_lazy("Enable selected %(verbose_name_plural)s"),
        "enabled",
        True,
        ngettext_lazy("Enable %d hook?", "Enable %d hooks?"),
        {
            Webhook: gettext_lazy(
                "From now on their events are captured and sent. What waits is sent at once, and the failures of the "
                "past are forgotten."
            ),
            Webfilter: gettext_lazy(
                "From now on they are called whenever their filter runs. The answers of those in the mode “enforce” "
                "change data or halt learners at once."
            ),
        },
        gettext_lazy("Enable"),
        ngettext_lazy("%d hook enabled.", "%d hooks enabled."),
    ),
    "disable_hooks": Operation(
        gettext_lazy("Disable selected %(verbose_name_plural)s"),
        "enabled",
        False,
        ngettext_lazy("Disable %d hook?", "Disable %d hooks?"),
        {
            Webhook: gettext_lazy(
                "Events that happen from now on are not recorded for them, and cannot be sent later. What is pending "
                "waits. To lose nothing, pause them instead."
            ),
            Webfilter: gettext_lazy(
                "They are not called any more: learners go on as if they did not exist, also where they halt today."
            ),
        },
        gettext_lazy("Disable"),
        ngettext_lazy("%d hook disabled.", "%d hooks disabled."),
    ),
    "pause_webhooks": Operation(
        gettext_lazy("Pause selected %(verbose_name_plural)s: capture, send later"),
        "paused",
        True,
        ngettext_lazy("Pause %d webhook?", "Pause %d webhooks?"),
        {Webhook: gettext_lazy("Events are captured, and nothing is sent until you resume them. Nothing is lost.")},
        gettext_lazy("Pause"),
        ngettext_lazy("%d webhook paused.", "%d webhooks paused."),
    ),
    "resume_webhooks": Operation(
        gettext_lazy("Resume selected %(verbose_name_plural)s: send what waits"),
        "paused",
        False,
        ngettext_lazy("Resume %d webhook?", "Resume %d webhooks?"),
        {
            Webhook: gettext_lazy(
                "What has waited is sent now, the oldest first; what is new, as it happens. One that is disabled sends "
                "nothing until it is enabled, too."
            )
        },
        gettext_lazy("Resume"),
        ngettext_lazy("%d webhook resumed.", "%d webhooks resumed."),
    ),
}


def action(name: str):
    """The action of a list, for those who may change hooks."""
    operation = OPERATIONS[name]

    @admin.action(description=operation.label, permissions=["change"])
    def run(model_admin, request, queryset):
        chosen = queryset.filter(removing_since=None).order_by("pk")
        hooks = list(chosen.exclude(**{operation.field: operation.value})[:_MOST])
        if not hooks:
            model_admin.message_user(request, _("Nothing to do: all of them are so already."), messages.WARNING)
            return None
        if request.POST.get("post"):
            return _do(model_admin, request, name, [hook.pk for hook in hooks])
        return _ask(model_admin, request, name, hooks, chosen)

    run.__name__ = name
    return run


def _ask(model_admin, request, name: str, hooks: list, chosen: QuerySet):
    """The page that names the hooks and says what follows."""
    operation = OPERATIONS[name]
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": operation.question % len(hooks),
        "consequence": operation.consequences[model_admin.model],
        "hooks": hooks,
        "already": chosen.filter(**{operation.field: operation.value}).count(),
        "is_cut": len(hooks) == _MOST,
        "button": operation.button,
        "is_dangerous": name == "disable_hooks",
        "action": name,
        "checkbox": helpers.ACTION_CHECKBOX_NAME,
    }
    return TemplateResponse(request, "admin/openedx_webhooks/hooks_confirm.html", context)


def _do(model_admin, request, name: str, numbers: list[int]) -> None:
    operation = OPERATIONS[name]
    chosen = model_admin.model.objects.filter(pk__in=numbers)
    count = model_admin.change_each(
        request, chosen, operation.field, lambda hooks: model_admin.set_state(hooks, operation.field, operation.value)
    )
    model_admin.message_user(request, operation.done % count, messages.SUCCESS)
