"""
What the platform does around its filters and events, where the libraries that declare them don't say it.

Kept by hand: it was read in the platform's own code (Verawood), and nothing in an installation could tell it; or, of
many events, in the library, which says it in English only. A filter or event without an entry has no facts, and what
its library says is shown instead. Nothing else may depend on a name that is here; what an answer may change is in
:mod:`openedx_webhooks.webfilters.adapters`.
"""

from .codes import values_of
from .events import EVENTS
from .facts import EventFacts, ExceptionFacts, FilterFacts, Message, Redirect
from .filters import FILTERS
from .members import is_known, meaning
from .nulls import may_be_null

__all__ = [
    "EventFacts", "ExceptionFacts", "FilterFacts", "Message", "Redirect", "event_facts_of", "facts_of",
    "is_known", "may_be_null", "meaning", "values_of",
]  # fmt: skip


def facts_of(filter_type: str) -> FilterFacts:
    """The facts of a filter, by its dotted type; empty ones if nothing is known."""
    return FILTERS.get(filter_type, _NO_FILTER)


def event_facts_of(event_type: str) -> EventFacts:
    """The facts of an event, by its dotted type; empty ones if nothing is known."""
    return EVENTS.get(event_type, _NO_EVENT)


_NO_FILTER, _NO_EVENT = FilterFacts(), EventFacts()
