"""Copies of hooks: everything but the name, the secret and the state, disabled until somebody has looked at it."""

from django.contrib import admin, messages
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ..models import Hook
from ..transport import signing
from . import secrets_once

_MOST = 50


def copy_of(hook: Hook, **other) -> Hook:
    """
    A hook with all that was entered for another one, but its name and what is given here; not saved.

    Header values and credentials are copied, for the address is the same; to send them elsewhere the form asks for them
    again, as it does for the original.
    """
    entered = (field for field in hook._meta.concrete_fields if field.editable and not field.unique)
    return type(hook)(**{field.attname: getattr(hook, field.attname) for field in entered} | other)


def may_clone(model_admin, request, hook: Hook | None = None) -> bool:
    """Whether somebody may add hooks, and change this one: its address and credentials are used again."""
    return model_admin.has_add_permission(request) and model_admin.has_change_permission(request, hook)


def clone(model_admin, request, hook: Hook):
    copy = make(model_admin, request, hook)
    text = _(
        "This is a copy of %s, with a signing secret of its own. It is disabled: change what shall differ, save, and "
        "enable it."
    )
    model_admin.message_user(request, text % hook, messages.SUCCESS)
    return model_admin.back(copy)


def make(model_admin, request, hook: Hook) -> Hook:
    """Save a copy, whose secret this session can show once."""
    copy = copy_of(
        hook,
        secret=signing.new_secret(),
        enabled=False,
        description=_("Copy of %s") % (hook.description or hook.event_name),
    )
    # pylint: disable-next=protected-access
    copy._change_reason = _("Copy of %s") % hook
    copy.save()
    model_admin.forget_index()
    model_admin.log_addition(request, copy, [{"added": {}}])
    secrets_once.remember(request, copy)
    return copy


@admin.action(description=gettext_lazy("Clone selected %(verbose_name_plural)s"), permissions=["clone"])
def clone_hooks(model_admin, request, queryset):
    hooks = list(queryset.filter(removing_since=None).order_by("pk")[:_MOST])
    if len(hooks) == 1:
        return clone(model_admin, request, hooks[0])
    for hook in hooks:
        make(model_admin, request, hook)
    text = ngettext("%d copy was made.", "%d copies were made.", len(hooks)) % len(hooks)
    model_admin.message_user(request, text + " " + _("They are disabled, each with a secret of its own."))
    return None
