"""Restoring an earlier version of a hook: what would change, and then do it."""

import attrs
from django.contrib import messages
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from ..models import Hook, signing_secrets
from ..models.addresses import is_another_place
from ..models.encrypted_fields import is_lost
from ..models.history import is_encrypted
from ..models.validators import validate_endpoint
from . import words
from .history import NOT_RESTORED, Reader, kept_fields, label_of, number_of


@attrs.frozen
class _Form:
    """What :meth:`save_model` asks a form for."""

    changed_data: list[str]
    stored_secret: str


def page(model_admin, request, hook: Hook):
    """GET: what would change, and the question. POST: do it."""
    version = _version(hook, request.POST.get("version") or request.GET.get("version"))
    if version is None:
        model_admin.message_user(request, _("There is no such version of this hook."), messages.ERROR)
        return model_admin.back(hook)
    reader = Reader(model_admin.sections, True)
    changes = reader.changes(hook, version, without=NOT_RESTORED)
    problems = problems_of(hook, version)
    if request.method == "POST" and changes and not problems:
        _restore(model_admin, request, hook, version)
        return model_admin.back(hook)
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "original": hook,
        "title": _("Restore an earlier version"),
        "version": version,
        "when": words.exact(version.history_date),
        "changes": changes,
        "problems": problems,
        "history_url": reverse(f"admin:{model_admin.url_name('history')}", args=[hook.pk]),
    }
    return TemplateResponse(request, "admin/openedx_webhooks/hook_restore.html", context)


def _version(hook: Hook, number):
    return hook.history.exclude(history_type="-").filter(history_id=number_of(number or "")).first()


def _names(hook: Hook) -> list[str]:
    return [field.attname for field in kept_fields(hook) if field.name not in NOT_RESTORED]


def _restored(hook: Hook, version) -> Hook:
    """The hook as it would be, not saved."""
    restored = type(hook).objects.get(pk=hook.pk)
    for name in _names(hook):
        setattr(restored, name, getattr(version, name))
    return restored


def problems_of(hook: Hook, version) -> list[str]:
    """Why a version can't be restored, with what to do; none if it can."""
    restored, problems = _restored(hook, version), []
    moved = [
        label_of(field)
        for field in kept_fields(hook)
        if validate_endpoint in field.validators
        and is_another_place(getattr(hook, field.attname), getattr(version, field.attname))
    ]
    kept = [label_of(field) for field in hook._meta.fields if _is_credential(hook, field)]
    if moved and kept:
        # As in the form: whoever may edit a hook could else have its credentials sent to a server of their own.
        problems.append(
            _(
                "%(address)s was another in this version, and what is stored for this one (%(kept)s) must not be sent "
                "there. Enter the old address on the hook's page, with values for it."
            )
            % {"address": ", ".join(moved), "kept": ", ".join(kept)}
        )
    if signing_secrets.is_malformed(restored) and not signing_secrets.is_malformed(hook):
        signature = label_of(hook._meta.get_field("signature"))
        problems.append(_("%s: the signing secret of now does not fit it. Enter both on the hook's page.") % signature)
    try:
        restored.full_clean(exclude=[field.name for field in hook._meta.fields if is_encrypted(field)])
    except ValidationError as error:
        for name, texts in error.message_dict.items():
            label = "" if name == NON_FIELD_ERRORS else f"{label_of(hook._meta.get_field(name))}: "
            problems.append(label + " ".join(texts))
    return problems


def _is_credential(hook: Hook, field) -> bool:
    """Whether a field holds what only one address may get; the signing secret itself is sent to nobody."""
    if not field.editable or field.name == "secret" or not is_encrypted(field):
        return False
    value = getattr(hook, field.attname)
    return bool(value) or is_lost(value)


def _restore(model_admin, request, hook: Hook, version) -> None:
    restored = _restored(hook, version)
    changed = [name for name in _names(hook) if getattr(hook, name) != getattr(restored, name)]
    # pylint: disable-next=protected-access
    restored._change_reason = _("Restored: as it was at %s.") % words.exact(version.history_date)
    model_admin.save_model(request, restored, _Form(changed, hook.secret), change=True)
    log = [{"changed": {"fields": changed}}]
    model_admin.log_change(request, restored, log)
    text = _(
        "The hook is again as it was at %s. Its authentication, headers and secret, and whether it runs, were left as "
        "they are."
    )
    model_admin.message_user(request, text % words.exact(version.history_date), messages.SUCCESS)
