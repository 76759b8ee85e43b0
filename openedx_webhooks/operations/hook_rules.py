"""
What an operator may not choose although each value is well-formed: switches without effect, a secret that does not fit
its signature. Rows that are older than a rule may break it and work all the same, so these are no models' ``clean``.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from .. import catalog
from ..models import Hook, Webfilter
from ..models.encrypted_fields import is_lost
from ..models.validators import validate_endpoint
from ..payloads.local_answer import LocalAnswer
from ..payloads.shape import ExpressionError
from ..transport import authentication, signing
from ..webfilters import local_answers
from .halt_options import halt_options_of

_ON = ("4xx", "5xx", "request_exception")


def problems_of(hook: Hook) -> Iterator[tuple[str, str]]:
    """Name of a field and a sentence, for each rule that a hook breaks which is well-formed otherwise."""
    if isinstance(hook, Webfilter):
        yield from of_webfilter(hook.known_type, vars(hook))
    if hook.secret and (problem := of_signature(hook.signature, hook.secret)):
        yield "secret", problem
    if not is_lost(hook.credentials):
        for problem in of_credentials(hook.authentication, hook.credentials):
            yield "credentials", problem


def of_webfilter(known: catalog.FilterType | None, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """
    The same of a webfilter's options.

    Args:
        known: its type, None if this installation does not know it.
        values: field → value; some may be missing.
    """
    if known:
        can = halt_options_of(known)
        for on in _ON:
            if problem := can.problem(values.get(f"halt_on_{on}"), values.get(f"redirect_on_{on}")):
                yield f"{problem[0]}_on_{on}", problem[1]
        if problem := _of_local_answer(known, values.get("local_answer")):
            yield "local_answer", problem
    if values.get("serve_stale_answers") and not values.get("cache_answers"):
        yield "serve_stale_answers", _("Tick “cache answers” too: without it there is no old answer.")


def _of_local_answer(known, text) -> str:
    try:
        return local_answers.problem_of(known, LocalAnswer(text)) if text else ""
    except ExpressionError:
        # The field's own validator says so.
        return ""


def of_signature(kind_name: str, secret: str) -> str:
    """What a secret has to be for a kind of signature; empty if it is that, or the kind needs none."""
    kind = signing.KINDS.get(kind_name)
    try:
        if kind:
            kind.key(secret)
    except ValueError:
        return str(kind.secret_help)
    return ""


def of_credentials(kind_name: str, found: Mapping[str, str]) -> list[str]:
    """What is wrong with the credentials of a kind of authentication, a sentence each that says what to do."""
    problems = []
    for one in authentication.KINDS[kind_name].credentials:
        try:
            if one.is_address and found.get(one.name):
                validate_endpoint(found[one.name])
        except ValidationError as error:
            problems.append(f"{one.label}: {' '.join(error.messages)}")
    return [*problems, *authentication.problems_of(kind_name, found)]
