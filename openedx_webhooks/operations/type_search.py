"""
Find an event or filter by the words that somebody types.

The ranking is here and not in the page's script, so that one table of tests over the real catalog holds it in every
language. With a hundred and some types a search takes about a millisecond.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache

import attrs
from django.utils.translation import get_language, override

from .. import catalog, platform_facts
from ..platform_facts.words import SYNONYMS
from . import schema

_MOST_CHARACTERS = 200
_MOST_WORDS = 12
# Plurals and verbs: what may go from the end of a word of four letters or more, the longest first.
_ENDINGS = ("oes", "ies", "es", "s", "ed", "ing")
_SHORTEST_STEM = 4
# Said with the words that count: they are looked for, but nothing is the worse for not having them.
_FILLERS = frozenset(
    "a an and at by for from gets in into is of on or the to when who with "
    "al cuando de del el en la las los para por que se un una y "
    "ao aos as com da das do dos e em na nas no nos o os quando um uma".split()
)
# Of a dotted type: what tells nothing about it.
_SAID_BY_ALL = frozenset(("org", "openedx", "v1"))
# What a word is worth where it is found whole; as the beginning of a word a little less.
_NAME, _SYNONYM, _DOTTED, _ABOUT, _INSIDE = 100, 80, 60, 30, 5
_ONLY_BEGINS = 0.9
_NAME_BEGINS_SO = 20
_IS_IT = 200
_WANTED = 25
_NEVER_RUNS = -60
_PER_OTHER_WORD = -2


@attrs.frozen
class Found:
    """
    Attributes:
        types: dotted types, the best first.
        is_complete: each has all that was typed; else the nearest are given.
    """

    types: list[str]
    is_complete: bool


@attrs.frozen
class _Entry:
    """A type and the words by which it is found, each with what it is worth."""

    dotted: str
    name: tuple[str, ...]
    said: tuple[str, ...]
    words: dict[str, float]
    bonus: float

    def score(self, word: str) -> float:
        """What a typed word finds here; 0 if it finds nothing."""
        best = self.words.get(word, 0)
        for start in _beginnings(word):
            begins = (worth * _ONLY_BEGINS for known, worth in self.words.items() if known.startswith(start))
            best = max(best, max(begins, default=0))
        if not best and len(word) >= _SHORTEST_STEM and word in self.dotted + "".join(self.name):
            return _INSIDE
        return best

    def as_a_whole(self, typed: list[str]) -> float:
        """What name and type as wholes are worth to somebody who typed these words."""
        worth = self.bonus + _PER_OTHER_WORD * max(0, len(self.name) - len(typed))
        if tuple(typed) in (self.name, self.said):
            return worth + _IS_IT
        return worth + _NAME_BEGINS_SO * " ".join(self.name).startswith(" ".join(typed))


def find(types: Mapping[str, schema.HookType], text: str) -> Found:
    """
    The types that fit what somebody typed, in the current language or English.

    Args:
        types: ``catalog.events()`` or ``catalog.filters()``.
        text: of any length; only its beginning counts.
    """
    typed = words_of(text[:_MOST_CHARACTERS])[:_MOST_WORDS]
    said = [word for word in typed if word not in _FILLERS | _SAID_BY_ALL] or typed
    ranked = []
    for entry in _index(types):
        scores = [entry.score(word) for word in said]
        found = sum(map(bool, scores))
        if found or not said:
            ranked.append((found, sum(scores) + entry.as_a_whole(typed), entry))
    ranked.sort(key=lambda row: (-row[0], -row[1], len(row[2].name), row[2].name, row[2].dotted))
    is_complete = bool(ranked) and ranked[0][0] == len(said)
    return Found([entry.dotted for found, _score, entry in ranked if found == ranked[0][0]], is_complete)


def words_of(text: str) -> list[str]:
    """Words as they are compared: without capitals and accents; ``CourseEnrollment`` is two."""
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", text)
    text = unicodedata.normalize("NFKD", text.replace("-mail", "mail"))
    text = "".join(character for character in text if not unicodedata.combining(character))
    return re.findall(r"[^\W_]+", text.casefold())


def _beginnings(word: str) -> Iterator[str]:
    """The word, and it without the ending of a plural or a verb: ``certificates`` finds what begins ``certificate``."""
    yield word
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            yield word.removesuffix(ending)


def _index(types: Mapping[str, schema.HookType]) -> tuple[_Entry, ...]:
    return _build(tuple(types.values()), get_language() or "en")


# Two kinds in a few languages; what a package declares later makes another.
@lru_cache(maxsize=16)
def _build(types: tuple[schema.HookType, ...], language: str) -> tuple[_Entry, ...]:
    with override(language):
        return tuple(_entry(known) for known in types)


def _entry(known: schema.HookType) -> _Entry:
    dotted = schema.dotted(known)
    name, said = tuple(words_of(known.name)), tuple(words_of(dotted))
    telling = [word for word in said if word not in _SAID_BY_ALL]
    meant = [SYNONYMS[word] for word in dict.fromkeys((*name, *telling)) if word in SYNONYMS]
    synonyms = " ".join(text for texts in meant for text in _both(texts))
    words: dict[str, float] = {}
    for found, worth in (
        (words_of(schema.about(known)), _ABOUT),
        (telling, _DOTTED),
        (words_of(synonyms), _SYNONYM),
        (name, _NAME),
    ):
        words |= dict.fromkeys(found, worth)
    # The beginnings of one letter would be found by everything.
    return _Entry(
        dotted, name, said, {word: worth for word, worth in words.items() if len(word) > 1}, _bonus(known, dotted)
    )


def _both(text) -> tuple[str, str]:
    """In the current language and as it was written."""
    with override(None):
        original = str(text)
    return str(text), original


def _bonus(known, dotted):
    is_event = isinstance(known, catalog.EventType)
    facts = (platform_facts.event_facts_of if is_event else platform_facts.facts_of)(dotted)
    if not facts.runs:
        return _NEVER_RUNS
    order = most_wanted().get(dotted)
    return 0 if order is None else _WANTED - order / 10


@lru_cache(maxsize=1)
def most_wanted() -> dict[str, int]:
    """The dotted types that operators want most, the first with 0; events and filters each in their order."""
    wanted = {}
    for facts in (platform_facts.EVENTS, platform_facts.FILTERS):
        wanted |= {dotted: order for order, dotted in enumerate(one for one in facts if facts[one].is_wanted)}
    return wanted
