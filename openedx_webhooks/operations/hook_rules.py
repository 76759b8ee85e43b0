"""
What a hook must be before it is saved, beside what its fields and :meth:`~..models.Hook.clean` check: what depends on
the hook as it was. The form and the API ask here, each in its own way of entering things.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import attrs
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from .. import catalog
from ..models import Hook, Webfilter
from ..models.addresses import is_another_place
from ..models.encrypted_fields import is_lost
from ..models.validators import validate_endpoint
from ..payloads.local_answer import LocalAnswer
from ..payloads.shape import ExpressionError
from ..transport import authentication, signing
from ..webfilters import local_answers
from . import personal_report
from .halt_options import halt_options_of

_ON = ("4xx", "5xx", "request_exception")


def problems_of(hook: Hook) -> Iterator[tuple[str, str]]:
    """Name of a field and a sentence, for each rule that a hook breaks which is well-formed otherwise."""
    if isinstance(hook, Webfilter):
        yield from webfilter_problems(hook.known_type, vars(hook))
    elif problem := personal_report.problem_of_shape(hook):
        yield "shape", problem
    if problem := signature_problem(hook.signature, hook.secret, is_entered=True):
        yield "secret", problem
    for problem in credentials_problems(hook.authentication, hook.credentials):
        yield "credentials", problem


@attrs.define
class StoredCredentials:
    """
    The credentials that a hook has, into which new ones are entered.

    Attributes:
        kind: of authentication.
        texts: name → text, of those that can be used.
        lost: what is stored and no key opens; it is kept if nothing is entered. None if there is none.
    """

    kind: str = authentication.NONE
    texts: Mapping[str, str] = attrs.field(factory=dict)
    lost: Any = None

    @classmethod
    def of(cls, hook: Hook) -> "StoredCredentials":
        """Those of a hook, saved or not."""
        kind = authentication.KINDS.get(hook.authentication)
        if kind is None:
            return cls()
        texts = authentication.texts_in(hook.credentials)
        found = {one.name: texts[one.name] for one in kind.credentials if texts.get(one.name)}
        return cls(hook.authentication, found, hook.credentials if is_lost(hook.credentials) else None)

    def merged(self, kind_name: str, entered: Mapping[str, str] | None) -> Mapping[str, str]:
        """
        The credentials of a kind: as entered, and a secret that was left empty as it is stored.

        Args:
            entered: None: nothing was said about them.
        """
        kind, stored = authentication.KINDS[kind_name], self.texts if kind_name == self.kind else {}
        if entered is None:
            return dict(stored) if self.lost is None or kind_name != self.kind else self.lost
        found = {
            one.name: entered.get(one.name) or (stored.get(one.name) if one.is_secret else "")
            for one in kind.credentials
        }
        found = {name: text for name, text in found.items() if text}
        is_kept = self.lost is not None and kind_name == self.kind and not found
        return self.lost if is_kept else found

    def moved(
        self, kind_name: str, found: Mapping[str, str], entered: Mapping[str, str] | None, before: str, now: str
    ) -> str:
        """
        Why secrets that nobody entered again may not be kept: an address was changed; empty if they may.

        Args:
            found: as of :meth:`merged`, with the same kind and the same that was entered.
            before: the hook's address until now; empty for a new hook.
            now: its new one.
        """
        if kind_name != self.kind:
            return ""
        kept = [
            str(one.label)
            for one in authentication.KINDS[self.kind].credentials
            if one.is_secret and (is_lost(found) or (found.get(one.name) and not (entered or {}).get(one.name)))
        ]
        places = [(before, now)]
        places.append((self.texts.get(authentication.TOKEN_URL, ""), found.get(authentication.TOKEN_URL, "")))
        if not kept or not any(is_another_place(*each) for each in places):
            return ""
        return _("An address was changed. Enter again what may be sent to it: %s.") % ", ".join(kept)


def credentials_problems(kind_name: str, found: Mapping[str, str]) -> list[str]:
    """What is wrong with the credentials of a kind; nothing with those that are lost."""
    if is_lost(found):
        return []
    kind, problems = authentication.KINDS[kind_name], []
    for one in kind.credentials:
        try:
            if one.is_address and found.get(one.name):
                validate_endpoint(found[one.name])
        except ValidationError as error:
            problems.append(f"{one.label}: {' '.join(error.messages)}")
    return [*problems, *authentication.problems_of(kind_name, found)]


def headers_moved(stored: Mapping[str, str], kept: Mapping[str, str], before: str, now: str) -> str:
    """
    Why stored header values may not be kept: whoever may edit a hook could otherwise read its secrets by pointing it at
    a server of their own, or at their own part of the same server. Empty if they may.

    Args:
        kept: those that nobody entered again.
        before: the hook's address until now; empty for a new hook.
        now: its new one.
    """
    names = [name for name in kept if kept[name] == stored.get(name)]
    if not names or not is_another_place(before, now):
        return ""
    return _("The address was changed. Enter the values again that may be sent to it: %s.") % ", ".join(names)


def signature_problem(kind_name: str, secret: str, *, is_entered: bool) -> str:
    """
    Why a secret does not fit a kind of signature; empty if it does.

    Args:
        is_entered: somebody has entered the secret; else it is the stored one.
    """
    kind = signing.KINDS.get(kind_name)
    try:
        if kind and secret:
            kind.key(secret)
    except ValueError:
        if is_entered:
            return str(kind.secret_help)
        return _("The stored secret does not fit this signature: enter another. %s") % kind.secret_help
    return ""


def webfilter_problems(known: catalog.FilterType | None, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """
    Switches without effect, and a local answer that could not be used: field, and what to do instead.

    Args:
        known: the type; None if this installation doesn't know it.
        values: of the webfilter's fields.
    """
    if known:
        can = halt_options_of(known)
        for on in _ON:
            if problem := can.problem(values.get(f"halt_on_{on}"), values.get(f"redirect_on_{on}")):
                yield f"{problem[0]}_on_{on}", problem[1]
        if problem := _local_problem(known, values.get("local_answer")):
            yield "local_answer", problem
    if values.get("serve_stale_answers") and not values.get("cache_answers"):
        yield "serve_stale_answers", _("Tick “cache answers” too: without it there is no old answer.")


def _local_problem(known, text) -> str:
    try:
        return local_answers.problem_of(known, LocalAnswer(text)) if text else ""
    except ExpressionError:
        # The field's own validator says so.
        return ""
