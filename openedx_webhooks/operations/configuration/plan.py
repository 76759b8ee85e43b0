"""What a file would change: found out before anything is."""

import copy
from collections.abc import Collection, Iterator, Mapping

import attrs
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models, router
from django.utils.translation import gettext as _

from ...models import Hook
from ...models.addresses import is_another_place
from ...transport import authentication
from .. import hook_rules
from .difference import Change, change_of, lines
from .document import SECTIONS, Document, Entry, Mistake, unknown
from .values import STATE, Reading, is_default, must_be_said, options_of, written

ADD, CHANGE, DELETE = "add", "change", "delete"


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


def make(
    document: Document, *, prune: bool, may_refer: bool, is_locking: bool, models: Collection[type[Hook]] | None = None
) -> Plan:
    """
    Compare a file with what there is.

    Args:
        prune: delete what this file once had and has no more. What people made on the pages is never deleted.
        may_refer: as of :class:`.values.Reading`.
        models: the kinds of hooks that are looked at; None: all.
        is_locking: nobody else may change a hook until the end of the transaction.

    Raises:
        Mistakes: something in the file can't be used; all that is.
    """
    plan = Plan(document.source)
    for section, model in SECTIONS.items():
        if models is not None and model not in models:
            continue
        rows = model.objects.using(router.db_for_write(model)).filter(removing_since=None).order_by("pk")
        there = list(rows.select_for_update() if is_locking else rows)
        named = {hook.name: hook for hook in there if hook.name}
        entries = [entry for entry in document.entries if entry.section == section]
        for entry in entries:
            _compare(plan, document, entry, named.get(entry.name), may_refer)
        names = {entry.name for entry in entries}
        left = [hook for hook in there if hook.applied_from == document.source and hook.name not in names]
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
        changes = [change_of(field, stored, hook, reading) for field in shown]
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


def in_words(plan: Plan, *, is_done: bool) -> list[str]:
    """The plan for a terminal, line by line."""
    said = []
    for step in plan.steps:
        said.append(f"{_SIGNS[step.verb]} {step.hook._meta.verbose_name} {step.hook.name}")
        said += [line for change in step.changes for line in lines(change)]
    for hook in plan.left:
        text = _("%s is no longer in the file and stays as it is; --prune deletes it.")
        said.append("  " + text % f"{hook._meta.verbose_name} {hook.name}")
    count = {verb: sum(step.verb == verb for step in plan.steps) for verb in _SIGNS}
    if is_done:
        text = _("%(add)d added, %(change)d changed, %(delete)d deleted; %(kept)d were so already.")
    else:
        text = _("%(add)d would be added, %(change)d changed, %(delete)d deleted; %(kept)d are so already.")
    return [*said, text % {**count, "kept": plan.kept}]


_SIGNS = {ADD: "+", CHANGE: "~", DELETE: "-"}
