"""The history pages of hooks: every version with its differences, and which hooks were deleted."""

from collections.abc import Iterable, Iterator

import attrs
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from .. import catalog
from ..models.history import BEGUN, BY_PLUGIN, REASONS, REMOVAL, RETIRED
from ..models.hook import server_of
from . import options, parts, words
from .widgets import format_wait

# The newest; older ones are in the table.
_MOST = 200
# What a restored version does not bring back: the name that files know it by, whether the hook runs, what the plugin
# found out, and how it authenticates, for the credentials that go with that are in no version.
NOT_RESTORED = ("name", "enabled", "paused", "disabled_reason", "authentication")
# A removal that nobody asked for on a page was asked for by a command.
BY_ITSELF = (BEGUN, BY_PLUGIN)


@attrs.frozen
class Change:
    """One difference, as HTML or text; ``note`` stands instead of values that are not shown."""

    label: str
    old: str = ""
    new: str = ""
    note: str = ""


class Reader:
    """
    Puts versions into words for one person.

    Args:
        sections: of options.py; options with something else for viewers are not shown to those who may only look.
        may_change: whether this person may change the hook.
    """

    def __init__(self, sections: Iterable[options.Section], may_change: bool):
        self._withheld = set() if may_change else options.withheld(sections)

    def changes(self, old, new, *, without: Iterable[str] = ()) -> list[Change]:
        return [
            self._change(field, getattr(old, field.attname), getattr(new, field.attname))
            for field in kept_fields(new)
            if field.name not in without and getattr(old, field.attname) != getattr(new, field.attname)
        ]

    def secrets(self, version) -> list[Change]:
        """What was changed in it and is never kept."""
        fields = {field.name: field for field in version.instance_type._meta.fields}
        return [
            Change(label_of(fields[name]), note=_("changed; its value is never kept here"))
            for name in version.changed_secrets.split()
            if name in fields
        ]

    def _change(self, field, old, new) -> Change:
        if field.name not in self._withheld:
            return Change(label_of(field), shown(field, old), shown(field, new))
        servers = server_of(str(old)), server_of(str(new))
        if all(servers) and servers[0] != servers[1]:
            return Change(label_of(field), *map(str, servers))
        return Change(label_of(field), note=_("changed; only those who may change this hook see it"))


def kept_fields(version) -> list:
    """The fields of a version, or hook, that its history keeps."""
    model = getattr(version, "instance_type", None) or type(version)
    return [field for field in model.history.model.tracked_fields if not field.primary_key]


def label_of(field) -> str:
    name = str(field.verbose_name)
    return name[:1].upper() + name[1:]


def shown(field, value) -> SafeString | str:
    if value in field.empty_values and not isinstance(value, (bool, int, float)):
        return format_html('<span class="owh-quiet-text">{}</span>', _("empty"))
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if field.choices:
        return str(dict(field.choices).get(value, value))
    if isinstance(value, list) and all(isinstance(wait, int) for wait in value):
        return ", ".join(map(format_wait, value))
    if field.name == "event":
        known = field.model.find_type(value) or catalog.find_event(value)
        return known.name if known else value
    # Prose has no rule to follow; expressions and addresses have.
    return format_html('<code class="owh-value">{}</code>', str(value)) if field.validators else str(value)


def page(model_admin, request, object_id: str):
    """Every version of a hook, the newest first; of a hook that is gone, too."""
    hook = model_admin.get_object(request, object_id)
    if not model_admin.has_view_permission(request, hook):
        raise PermissionDenied
    number = hook.pk if hook else number_of(object_id)
    versions = list(model_admin.model.history.filter(id=number)[: _MOST + 1])
    if hook is None and not versions:
        # pylint: disable-next=protected-access
        return model_admin._get_obj_does_not_exist_redirect(request, model_admin.opts, object_id)
    may_change = model_admin.has_change_permission(request, hook)
    reader = Reader(model_admin.sections, may_change)
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "original": hook,
        "title": _("History"),
        "subtitle": str(hook) if hook else _("%(kind)s %(number)d, deleted") % _named(model_admin, number),
        "versions": list(_entries(reader, versions)),
        "restore_url": reverse(f"admin:{model_admin.url_name('restore')}", args=[number])
        if hook and may_change
        else "",
        "is_cut": len(versions) > _MOST,
        "most": _MOST,
    }
    return TemplateResponse(request, "admin/openedx_webhooks/hook_history.html", context)


def number_of(text: str) -> int:
    """A primary key in an address; 0, which none has, if it is no number."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def _named(model_admin, number: int) -> dict:
    return {"kind": str(model_admin.opts.verbose_name).capitalize(), "number": number}


def _entries(reader: Reader, versions: list) -> Iterator[dict]:
    """Each version in words: who, when, why, and what differs from the one before it."""
    users = _users(versions)
    newest = versions[0] if versions else None
    for position, version in enumerate(versions[:_MOST]):
        before = versions[position + 1] if position + 1 < len(versions) else None
        yield {
            "version": version,
            "when": words.exact(version.history_date),
            "who": users.get(version.history_user_id) or _nobody(version),
            "what": _what(version),
            "changes": [*(reader.changes(before, version) if before else ()), *reader.secrets(version)],
            "may_restore": version is not newest
            and version.history_type != "-"
            and bool(reader.changes(newest, version, without=NOT_RESTORED)),
        }


def _users(versions) -> dict[int, str]:
    numbers = {version.history_user_id for version in versions} - {None}
    users = get_user_model().objects.in_bulk(numbers)
    names = {number: users[number].get_username() if number in users else _("user %d") % number for number in numbers}
    return names | ({RETIRED: _("A retired user")} if RETIRED in numbers else {})


def who_made(version, *, in_sentence: bool = False) -> str:
    """Who made a version: a username, the plugin, or a command."""
    return _users([version]).get(version.history_user_id) or _nobody(version, in_sentence=in_sentence)


def _nobody(version, *, in_sentence: bool = False) -> str:
    if version.history_change_reason in BY_ITSELF:
        return _("the plugin") if in_sentence else _("The plugin")
    return _("a command or script") if in_sentence else _("A command or script")


def _what(version) -> str:
    reason = version.history_change_reason or ""
    if version.history_type != "~" and not reason:
        return {"+": _("Created"), "-": _("Deleted")}.get(version.history_type, "")
    return str(REASONS.get(reason, reason))


# --- Hooks that are gone


def deleted_page(model_admin, request):
    """Which hooks were deleted, when and by whom."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    versions = list(model_admin.model.history.filter(history_type="-")[:_MOST])
    users = _users(versions)
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": _("Deleted %s") % model_admin.opts.verbose_name_plural,
        "hooks": [
            {
                "number": version.id,
                "name": str(version.instance),
                "description": parts.shortened(version.description),
                "when": words.exact(version.history_date),
                "who": users.get(version.history_user_id) or _who_removed(version),
                "url": reverse(f"admin:{model_admin.url_name('history')}", args=[version.id]),
            }
            for version in versions
        ],
    }
    return TemplateResponse(request, "admin/openedx_webhooks/hooks_deleted.html", context)


def _who_removed(version) -> str:
    """Who had asked for what a worker then did."""
    asked = version.instance_type.history.filter(id=version.id, history_change_reason=REMOVAL).first()
    return (asked and _users([asked]).get(asked.history_user_id)) or _nobody(version)
