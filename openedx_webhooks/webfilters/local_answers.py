"""Check a local answer before it is saved: what an operator would else learn from the log, or from a learner."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from .. import catalog
from ..payloads.local_answer import LocalAnswer
from . import answers, changes, halts
from .kinds.convert import Refused


def problem_of(filter_type: catalog.FilterType, answer: LocalAnswer) -> str:
    """
    What is wrong with a local answer of a filter; empty if nothing is, as far as that can be told without a payload.

    Of an expression, the names are checked that stand in it.
    """
    if answer.constant is not None:
        return _problem_of_constant(filter_type, answer.constant)
    for names in _objects(answer.parsed):
        if problem := _problem_of_names(filter_type, names):
            return problem
    return ""


def _problem_of_constant(filter_type, constant):
    parsed = answers.local(constant)
    if parsed.problem:
        return _("It can't be used: %s.") % parsed.problem
    if problem := _unknown(set(constant), {"data", "exception"}) or _unknown_data(filter_type, parsed.data):
        return problem
    if parsed.exception:
        try:
            halts.by_name(filter_type, *parsed.exception, {})
        except Refused as error:
            return _("It can't halt: %s.") % error
    return ""


def _problem_of_names(filter_type, members):
    if problem := _unknown(members, {"data", "exception"}):
        return problem
    for names in _objects(members.get("data")):
        if problem := _unknown_data(filter_type, names):
            return problem
    for names in _objects(members.get("exception")):
        if problem := _unknown(names, filter_type.exceptions):
            return problem
    return ""


def _unknown_data(filter_type, names):
    return _unknown(names, changes.changeable(filter_type))


def _unknown(names: Iterable[str], known: Iterable[str]) -> str:
    unknown = [name for name in names if name not in known]
    if not unknown:
        return ""
    return _("“%(name)s” does not belong there. It may have: %(known)s.") % {
        "name": unknown[0],
        "known": ", ".join(sorted(known)) or _("nothing"),
    }


def _objects(node: Mapping[str, Any] | None) -> Iterator[dict[str, Any]]:
    """The objects that an expression may result in, as far as they are written out: member → expression."""
    if node is None:
        return
    kind, children = node["type"], node.get("children", ())
    if kind in ("or_expression", "and_expression"):
        for child in children:
            yield from _objects(child)
    elif kind == "pipe":
        yield from _objects(children[-1])
    elif kind == "multi_select_dict":
        yield {pair["value"]: pair["children"][0] for pair in children}
