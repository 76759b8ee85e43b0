"""From a file to what there is: all of it, or nothing."""

import contextlib
import random
import time
from collections.abc import Callable, Collection

from django.db import IntegrityError, OperationalError, router, transaction
from django.utils.translation import gettext as _

from ...models import Hook
from ...models.history import LONGEST_REASON
from .. import hook_saving, removal
from . import plan as plans
from .document import SECTIONS, read
from .plan import Plan, Step

# Two that start at once, such as the initialisation of two replicas: one of them is told by the database to begin anew.
_TRIES = 5


def apply(
    text: str | bytes,
    source: str,
    *,
    prune: bool = False,
    may_refer: bool = True,
    models: Collection[type[Hook]] | None = None,
    is_dry: bool = False,
    agrees: Callable[[Plan], bool] = lambda plan: True,
) -> Plan:
    """
    Make the hooks what a file says; done twice, the second time changes nothing.

    Args:
        text: as of :func:`.document.read`.
        source: what the file is called; hooks remember it.
        prune: delete the hooks that this file once had and has no more.
        may_refer: follow references to the environment and to files.
        models: the kinds of hooks that are looked at; None: all.
        is_dry: only say what would be done.
        agrees: is asked with the plan, when nobody else can change a hook any more, whether to go on.

    Returns:
        what was done, or would be.

    Raises:
        Mistakes: nothing was done.
    """
    source = source[: SECTIONS["webhooks"]._meta.get_field("applied_from").max_length]
    options = {"prune": prune, "may_refer": may_refer, "models": models}
    if is_dry:
        return plans.make(read(text, source), **options, is_locking=False)
    for left in reversed(range(_TRIES)):
        try:
            with _transactions():
                plan = plans.make(read(text, source), **options, is_locking=True)
                if not agrees(plan):
                    return plan
                _carry_out(plan)
            break
        except (IntegrityError, OperationalError):
            if not left:
                raise
            time.sleep(random.uniform(0.05, 0.5))  # noqa: S311 (no secret)
    for step in plan.steps:
        if step.verb == plans.DELETE:
            # Its records go in transactions of their own, or in the background.
            removal.remove(step.hook)
    return plan


@contextlib.contextmanager
def _transactions():
    with contextlib.ExitStack() as stack:
        for using in {router.db_for_write(model) for model in SECTIONS.values()}:
            stack.enter_context(transaction.atomic(using=using))
        yield


def _carry_out(plan: Plan) -> None:
    for step in plan.steps:
        # pylint: disable-next=protected-access
        step.hook._change_reason = (_("Applied from the file %s.") % plan.source)[:LONGEST_REASON]
        _take(step)
    for hook in plan.adopted:
        # No change of the hook, and so none of its history.
        type(hook).objects.filter(pk=hook.pk).update(applied_from=plan.source)


def _take(step: Step) -> None:
    if step.verb == plans.DELETE:
        removal.disable(step.hook)
    elif step.verb == plans.ADD:
        step.hook.save()
    else:
        hook_saving.save_changes(
            step.hook, {*(change.field.attname for change in step.changes), "applied_from"}, step.old_secret
        )
