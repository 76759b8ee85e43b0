"""What is wrong with a hook's own settings: with one of these, nothing is called or sent, or not as it was meant."""

from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from .. import wiring
from ..models import Hook, KeyLost, Webfilter, Webhook, signing_secrets


def malformed(hook: Hook) -> dict[str, str]:
    """
    What is stored for a hook and no form would have taken: it is older than a rule, or was written past the form.

    Returns:
        name of a field → a sentence.
    """
    found = {}
    for field in hook._meta.get_fields():
        try:
            if getattr(field, "validators", None) and field.editable and not field.primary_key:
                value = getattr(hook, field.attname)
                if value not in field.empty_values:
                    field.run_validators(value)
        except ValidationError as error:
            name = str(field.verbose_name)
            found[field.name] = f"{name[:1].upper()}{name[1:]}: {' '.join(error.messages)}"
    return found


def problems_of(hooks: Iterable[Hook]) -> dict[int, list[str]]:
    """Primary key → the problems of a hook, in sentences; hooks without any are left out."""
    found = {hook.pk: list(_problems(hook)) for hook in hooks}
    return {pk: problems for pk, problems in found.items() if problems}


def unknown_type(hook: Hook) -> str:
    """What it means that no installed library has the hook's event or filter; empty if one has it."""
    if hook.known_type:
        return ""
    return (
        _(
            "This installation does not know “%s”: no installed library has it. The hook is kept, but it never "
            "runs. Choose another event, or install the library again."
        )
        % hook.event
    )


def _problems(hook: Hook) -> Iterable[str]:
    if unknown := unknown_type(hook):
        yield unknown
    elif isinstance(hook, Webfilter) and hook.enabled and (never := wiring.problem_of(hook.dotted_type)):
        yield never
    yield from malformed(hook).values()
    if signing_secrets.is_malformed(hook):
        yield _("The signing secret is malformed: make another.")
    if hook.lost and not (isinstance(hook, Webfilter) and hook.local_answer):
        waits = _("What is owed waits; nothing is lost.") if isinstance(hook, Webhook) else ""
        yield f"{hook.lost_sentence} {waits}".strip()
    try:
        _needed = hook.credentials_to_send, hook.let_out({})
    except KeyLost:
        # If they are needed, said above.
        return
    except ValueError as error:
        yield str(error)
