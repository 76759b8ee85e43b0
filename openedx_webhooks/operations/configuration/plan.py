"""What a file would change: found out before anything is."""

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

import attrs
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models, router
from django.utils.translation import gettext as _

from ...models import Hook
from ...models.addresses import is_another_place, server_of
from ...models.history import is_encrypted
from ...models.validators import validate_endpoint
from ...transport import authentication
from .. import hook_rules
from .document import SECTIONS, Document, Entry, Mistake, unknown
from .values import STATE, Reading, is_default, must_be_said, options_of, written

ADD, CHANGE, DELETE = "add", "change", "delete"


@attrs.frozen
class Change:
    """
    One option that differs.

    Attributes:
        old: None for a new hook.
        note: stands instead of values that are not shown.
    """

    field: models.Field
    old: Any = None
    new: Any = None
    note: str = ""


@attrs.frozen
class Step:
    """
    What is done with one hook.

    Attributes:
        verb: add, change or delete.
        hook: as it will be, not saved.
        changes: what differs; of a new hook what is not as usual.
        old_secret: of what is stored.
    """

    verb: str
    hook: Hook
    changes: tuple[Change, ...] = ()
    old_secret: str = ""


@attrs.define
class Plan:
    """
    What is done.

    Attributes:
        source: what the file is called.
        kept: how many hooks are as the file says.
        adopted: those of them that were not this file's until now; no difference.
        left: hooks that this file once had and has no more; with *prune* they are deleted instead.
    """

    source: str
    steps: list[Step] = attrs.field(factory=list)
    kept: int = 0
    adopted: list[Hook] = attrs.field(factory=list)
    left: list[Hook] = attrs.field(factory=list)


def make(document: Document, *, prune: bool, may_refer: bool, is_locking: bool) -> Plan:
    """
    Compare a file with what there is.

    Args:
        prune: delete what this file once had and has no more. What people made on the pages is never deleted.
        may_refer: as of :class:`.values.Reading`.
        is_locking: nobody else may change a hook until the end of the transaction.

    Raises:
        Mistakes: something in the file can't be used; all that is.
    """
    plan = Plan(document.source)
    for section, model in SECTIONS.items():
        rows = model.objects.using(router.db_for_write(model)).filter(removing_since=None).order_by("pk")
        there = list(rows.select_for_update() if is_locking else rows)
        named = {hook.name: hook for hook in there if hook.name}
        entries = [entry for entry in document.entries if entry.section == section]
        for entry in entries:
            _compare(plan, document, entry, named.get(entry.name), may_refer)
        gone = {hook.name for hook in there if hook.applied_from == document.source} - {e.name for e in entries}
        left = [hook for hook in there if hook.applied_from == document.source and hook.name in gone]
        if prune:
            plan.steps += [Step(DELETE, hook) for hook in left]
        else:
            plan.left += left
    document.check()
    return plan


def _compare(plan: Plan, document: Document, entry: Entry, stored: Hook | None, may_refer: bool) -> None:
    before = stored or SECTIONS[entry.section](name=entry.name)
    reading, known = Reading(before, may_refer), len(document.texts)
    hook = _wanted(document, entry, reading)
    fields = options_of(type(hook)).values()
    changed = [field for field in fields if _differs(field, hook, before)]
    if stored is None or changed:
        if len(document.texts) == known:
            _check(document, entry, reading, hook)
        shown = changed if stored else [field for field in fields if not is_default(field, written(field, hook))]
        changes = [_change(field, stored, hook, reading) for field in shown]
        hook.applied_from = plan.source
        plan.steps.append(Step(CHANGE if stored else ADD, hook, tuple(changes), before.secret))
        return
    plan.kept += 1
    if before.applied_from != plan.source:
        plan.adopted.append(before)


def _differs(field: models.Field, hook: Hook, before: Hook) -> bool:
    new, old = getattr(hook, field.attname), getattr(before, field.attname)
    # There are several ways to store nothing.
    return new != old and not (new in field.empty_values and old in field.empty_values)


def _wanted(document: Document, entry: Entry, reading: Reading) -> Hook:
    """The hook as the file has it, as far as it can be read."""
    hook, fields = copy.copy(reading.stored), options_of(type(reading.stored))
    for name in entry.options.keys() - fields.keys():
        text = _("“%(name)s” is no option of a %(kind)s.") % {"name": name[:100], "kind": hook._meta.verbose_name}
        document.note(entry.path, unknown(name, fields, text, entry.options[name], f".{name}"))
    for name, field in fields.items():
        try:
            if name in entry.options:
                setattr(hook, field.attname, reading.value(field, entry.options[name]))
            elif not _is_left_alone(field):
                setattr(hook, field.attname, field.get_default())
            elif hook.pk is None and must_be_said(field):
                choices = " / ".join(value for value, _label in field.choices)
                text = _("“%(name)s” is missing: write one of %(choices)s.") % {"name": name, "choices": choices}
                raise Mistake(text, entry.node)
        except Mistake as mistake:
            document.note(f"{entry.path}.{name}", mistake)
    # A short name is the same as the dotted one.
    hook.event = hook.dotted_type
    return hook


def _is_left_alone(field: models.Field) -> bool:
    return field.name in STATE or field.name == "secret"


def _check(document: Document, entry: Entry, reading: Reading, hook: Hook) -> None:
    """Note all that a form would refuse."""
    for name, text in [*_moved(reading, hook), *_problems(hook)]:
        path = entry.path if name == NON_FIELD_ERRORS else f"{entry.path}.{name}"
        document.note(path, Mistake(text, entry.options.get(name, entry.node)))


def _problems(hook: Hook) -> Iterator[tuple[str, str]]:
    try:
        hook.full_clean()
    except ValidationError as error:
        for name, texts in error.message_dict.items():
            yield name, " ".join(texts)
    else:
        yield from hook_rules.problems_of(hook)


def _moved(reading: Reading, hook: Hook) -> Iterator[tuple[str, str]]:
    """What was kept stays with the address that it was entered for: models/addresses.py."""
    before = reading.stored
    is_moved = is_another_place(before.webhook_url if before.pk else "", hook.webhook_url)
    text = _("The address was changed. Enter the values again that may be sent to it: %s.")
    for name, kept in reading.kept.items():
        if kept and (is_moved or (name == "credentials" and _is_token_server_moved(before, hook))):
            yield name, text % ", ".join(kept)


def _is_token_server_moved(before: Hook, hook: Hook) -> bool:
    old, new = (_texts(each).get(authentication.TOKEN_URL, "") for each in (before, hook))
    return is_another_place(old, new)


def _texts(hook: Hook) -> Mapping[str, str]:
    return hook.credentials if isinstance(hook.credentials, Mapping) else {}


# --- What is shown of it


def _change(field: models.Field, stored: Hook | None, hook: Hook, reading: Reading) -> Change:
    old, new = getattr(stored, field.attname, None), getattr(hook, field.attname)
    if is_encrypted(field):
        return Change(field, note=_secrets(old, new) if isinstance(new, dict) else _secret(reading, new))
    if validate_endpoint in field.validators:
        # The server only: the rest of an address may hold a token.
        old, new = server_of(old or ""), server_of(new)
        return Change(field, note=_("another path or query on %s") % new) if old == new else Change(field, old, new)
    if field.name in reading.hidden:
        return Change(field, note=_("as it is referred to; it is not shown"))
    return Change(field, old, new)


def _secret(reading: Reading, new: str) -> str:
    if new == reading.stored.secret:
        return _("made now; rotate it on the hook's page to see one")
    return _("another one; it is not shown")


def _secrets(old: Any, new: dict) -> str:
    """Which pieces differ."""
    old = old if isinstance(old, Mapping) else {}
    found = {
        _("new: %s"): [name for name in new if name not in old],
        _("another value: %s"): [name for name in new if name in old and new[name] != old[name]],
        _("removed: %s"): [name for name in old if name not in new],
    }
    return "; ".join(text % ", ".join(names) for text, names in found.items() if names)


def in_words(plan: Plan, *, is_done: bool) -> list[str]:
    """The plan for a terminal, line by line."""
    lines = []
    for step in plan.steps:
        lines.append(f"{_SIGNS[step.verb]} {step.hook._meta.verbose_name} {step.hook.name}")
        lines += [line for change in step.changes for line in _lines(change)]
    for hook in plan.left:
        text = _("%s is no longer in the file and stays as it is; --prune deletes it.")
        lines.append("  " + text % f"{hook._meta.verbose_name} {hook.name}")
    count = {verb: sum(step.verb == verb for step in plan.steps) for verb in _SIGNS}
    if is_done:
        text = _("%(add)d added, %(change)d changed, %(delete)d deleted; %(kept)d were so already.")
    else:
        text = _("%(add)d would be added, %(change)d changed, %(delete)d deleted; %(kept)d are so already.")
    return [*lines, text % {**count, "kept": plan.kept}]


_SIGNS = {ADD: "+", CHANGE: "~", DELETE: "-"}


def _lines(change: Change) -> list[str]:
    name = change.field.name
    if change.note:
        return [f"    {name}: {change.note}"]
    texts = [text if isinstance(text, str) else "" for text in (change.old, change.new)]
    if any("\n" in text for text in texts):
        signed = [f"      {sign} {line}" for sign, text in zip("-+", texts, strict=True) for line in text.splitlines()]
        return [f"    {name}:", *signed]
    new = _plain(change.new)
    return [f"    {name}: {new}" if change.old is None else f"    {name}: {_plain(change.old)} → {new}"]


def _plain(value: Any) -> str:
    """As the file has it, near enough."""
    is_plain = isinstance(value, str) and value and value.isprintable()
    return value if is_plain else json.dumps(value, ensure_ascii=False)
