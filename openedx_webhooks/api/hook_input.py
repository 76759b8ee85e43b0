"""A hook as somebody wants it, checked as the form of the admin checks it."""

from collections.abc import Mapping
from typing import Any

import attrs
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.utils.translation import gettext as _
from rest_framework import serializers

from ..models import Hook, Webfilter
from ..operations import hook_rules, personal_report
from ..operations.hook_problems import malformed
from ..operations.hook_rules import StoredCredentials
from ..transport import authentication

_LONGEST_SECRET, _LONGEST_CREDENTIAL = 200, 4096


@attrs.frozen
class Wanted:
    """
    Attributes:
        hook: as it would be; not saved.
        changed: the names of its fields that are not as they are stored; of a new hook all that were given.
        stored_secret: the one before; empty if there was none.
    """

    hook: Hook
    changed: set[str]
    stored_secret: str = ""


def wanted(model: type[Hook], stored: Hook | None, given: Mapping[str, Any]) -> Wanted:
    """
    The hook with what was given.

    Args:
        stored: None for a new one.
        given: values of fields; of headers, credentials and secret None stands for what is stored.

    Raises:
        serializers.ValidationError: field → what to do.
    """
    # Anew, for an instance keeps its compiled expressions.
    hook = model.objects.get(pk=stored.pk) if stored else model()
    problems: dict[str, list[str]] = {}
    for name, value in given.items():
        if name not in ("headers", "credentials", "secret"):
            setattr(hook, name, value)
    _set_headers(hook, stored, given.get("headers"), problems)
    _set_credentials(hook, stored, given.get("credentials"), problems)
    _set_secret(hook, stored, given.get("secret"), problems)
    names = [field.attname for field in model._meta.concrete_fields if field.editable]
    changed = {name for name in names if not stored or getattr(hook, name) != getattr(stored, name)}
    # It must not stand in the way of the rest: what was malformed before stays until somebody changes it.
    left_alone = malformed(stored).keys() - changed if stored else set()
    try:
        hook.full_clean(exclude=left_alone | problems.keys())
    except ValidationError as error:
        for name, texts in error.message_dict.items():
            problems.setdefault("non_field_errors" if name == NON_FIELD_ERRORS else name, []).extend(texts)
    if isinstance(hook, Webfilter):
        for name, problem in hook_rules.webfilter_problems(
            hook.known_type, {name: getattr(hook, name) for name in names}
        ):
            problems.setdefault(name, []).append(problem)
    elif not problems and (problem := personal_report.problem_of_shape(hook)):
        problems["shape"] = [problem]
    if problems:
        raise serializers.ValidationError(problems)
    return Wanted(hook, changed, stored.secret if stored else "")


def _set_headers(hook: Hook, stored: Hook | None, entered: Mapping[str, str | None] | None, problems) -> None:
    before = stored.readable_headers if stored else {}
    kept = (
        before if entered is None else {name: before[name] for name in entered if not entered[name] and name in before}
    )
    if entered is not None:
        missing = [name for name, text in entered.items() if not text and name not in kept]
        twice = len({name.lower() for name in entered}) < len(entered)
        problems_here = [_("“%s” has no value: enter it or remove the name.") % name for name in missing]
        if twice:
            problems_here.append(_("A header appears twice, in other letters: remove one."))
        hook.headers = {name: kept.get(name, text) for name, text in entered.items()}
        if problems_here:
            problems["headers"] = problems_here
    if moved := hook_rules.headers_moved(before, kept, stored.webhook_url if stored else "", hook.webhook_url):
        problems.setdefault("headers", []).append(moved)


def _set_credentials(hook: Hook, stored: Hook | None, entered: Mapping[str, str | None] | None, problems) -> None:
    kind = authentication.KINDS.get(hook.authentication)
    if kind is None:
        # The field's own choices say so.
        return
    names = [one.name for one in kind.credentials]
    if unknown := sorted((entered or {}).keys() - set(names)):
        text = _("“%(kind)s” needs no “%(name)s”. It needs: %(names)s.")
        said = {"kind": kind.title, "name": unknown[0][:100], "names": ", ".join(names) or _("nothing")}
        problems["credentials"] = [text % said]
        return
    if any(len(text or "") > _LONGEST_CREDENTIAL for text in (entered or {}).values()):
        problems["credentials"] = [_("Enter at most %d characters.") % _LONGEST_CREDENTIAL]
        return
    before = StoredCredentials.of(stored) if stored else StoredCredentials()
    texts = None if entered is None else {name: (text or "").strip() for name, text in entered.items()}
    found = before.merged(hook.authentication, texts)
    if texts is not None or before.kind != hook.authentication:
        hook.credentials = found
    address = stored.webhook_url if stored else ""
    moved = before.moved(hook.authentication, found, texts, address, hook.webhook_url)
    if texts := [*hook_rules.credentials_problems(hook.authentication, found), *filter(None, [moved])]:
        problems["credentials"] = texts


def _set_secret(hook: Hook, stored: Hook | None, entered: str | None, problems) -> None:
    if entered:
        hook.secret = entered
    if not entered and stored and hook.signature == stored.signature:
        return
    problem = hook_rules.signature_problem(hook.signature, hook.secret, is_entered=bool(entered))
    if entered and len(entered) > _LONGEST_SECRET:
        problem = _("Enter at most %d characters.") % _LONGEST_SECRET
    if problem:
        problems["secret"] = [problem]
