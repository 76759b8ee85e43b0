"""
Find an event or filter by the words that somebody types.

The ranking is here and not in the page's script, so that one table of tests over the real catalog holds it in every
language. A search takes a few milliseconds.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from itertools import takewhile

import attrs
from django.utils.translation import get_language, override

from .. import catalog, platform_facts
from ..platform_facts.words import SYNONYMS
from . import schema

_MOST_CHARACTERS = 200
_MOST_WORDS = 12
# In our languages a plural or a form of a verb begins as the word does: ``enrolled`` and ``enrolment``, ``publicado``
# and ``publicar``. So much of what was typed must be the same.
_SAME_BEGINNING, _SHORTEST_BEGINNING = 0.75, 4
# Said with the words that count, and not looked for beside them.
_FILLERS = frozenset(
    "a an and at by for from gets in into is of on or the to when who with "
    "al cuando de del el en la las los para por que se un una y "
    "ao aos as com da das do dos e em na nas no nos o os quando um uma".split()
)
# Of a dotted type: what tells nothing about it.
_SAID_BY_ALL = frozenset(("org", "openedx", "v1"))
# What a word is worth where it is found whole; as the beginning of a word less, as another form of it less still.
_NAME, _SYNONYM, _DOTTED, _ABOUT, _INSIDE = 100, 80, 60, 30, 5
_ONLY_BEGINS, _OTHER_FORM = 0.9, 0.75
_NAME_BEGINS_SO = 20
_IS_IT = 200
_SAYS_IT = 60
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
    """
    A type and how it is found.

    Attributes:
        dotted: its dotted type.
        name: the words of its short name.
        said: the words of the dotted type.
        meanings: for each word of the name, the words that mean it.
        words: what every word by which it is found is worth.
        bonus: what it is worth to whoever finds it.
    """

    dotted: str
    name: tuple[str, ...]
    said: tuple[str, ...]
    meanings: tuple[frozenset[str], ...]
    words: dict[str, float]
    bonus: float

    def score(self, word: str) -> float:
        """What a typed word finds here; 0 if it finds nothing."""
        best = max((worth * _fit(word, known) for known, worth in self.words.items()), default=0)
        if not best and len(word) >= _SHORTEST_BEGINNING and word in self.dotted:
            return _INSIDE
        return best

    def as_a_whole(self, typed: list[str]) -> float:
        """What name and type as wholes are worth to somebody who typed these words."""
        worth = self.bonus + _PER_OTHER_WORD * max(0, len(self.name) - len(typed))
        if tuple(typed) in (self.name, self.said):
            return worth + _IS_IT
        if all(any(_fit(word, known) for word in typed for known in meaning) for meaning in self.meanings):
            return worth + _SAYS_IT
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
    if not said:
        return Found(list(types), is_complete=True)
    ranked = []
    for entry in _index(types):
        scores = [entry.score(word) for word in said]
        found = sum(map(bool, scores))
        if found:
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


def _fit(typed: str, known: str) -> float:
    """How well a typed word fits a known one: 1 for the same, 0 if it doesn't."""
    if typed[0] != known[0]:
        return 0
    if known.startswith(typed):
        return 1 if typed == known else _ONLY_BEGINS
    if typed == f"{known}s":
        return _OTHER_FORM
    same = sum(1 for _pair in takewhile(lambda pair: pair[0] == pair[1], zip(typed, known, strict=False)))
    return _OTHER_FORM * (same >= max(_SHORTEST_BEGINNING, _SAME_BEGINNING * len(typed)))


def _index(types: Mapping[str, schema.HookType]) -> tuple[_Entry, ...]:
    return _build(tuple(types.values()), get_language() or "en")


# Two kinds in a few languages; what a package declares later makes another.
@lru_cache(maxsize=16)
def _build(types: tuple[schema.HookType, ...], language: str) -> tuple[_Entry, ...]:
    with override(language):
        return tuple(_entry(known) for known in types)


def _entry(known: schema.HookType) -> _Entry:
    dotted = known.dotted
    name, said = tuple(words_of(known.name)), tuple(words_of(dotted))
    telling = [word for word in said if word not in _SAID_BY_ALL]
    meaning = {word: frozenset((word, *_synonyms(word))) for word in (*name, *telling)}
    words: dict[str, float] = {}
    for found, worth in (
        (_both(lambda: schema.about(known)), _ABOUT),
        (telling, _DOTTED),
        (frozenset().union(*meaning.values()), _SYNONYM),
        (name, _NAME),
    ):
        words |= dict.fromkeys(found, worth)
    # What has one letter begins half of all words.
    words = {word: worth for word, worth in words.items() if len(word) > 1}
    return _Entry(dotted, name, said, tuple(meaning[word] for word in name), words, _bonus(known, dotted))


def _synonyms(word):
    return _both(lambda: str(SYNONYMS.get(word, "")))


def _both(text: Callable[[], str]) -> list[str]:
    """The words of a text in the current language and as it was written."""
    with override(None):
        original = text()
    return [*words_of(original), *words_of(text())]


def _bonus(known, dotted):
    is_event = isinstance(known, catalog.EventType)
    facts = (platform_facts.event_facts_of if is_event else platform_facts.facts_of)(dotted)
    if not facts.runs:
        return _NEVER_RUNS
    order = most_wanted().get(dotted)
    return 0 if order is None else _WANTED - order / 10


@cache
def most_wanted() -> dict[str, int]:
    """The dotted types that operators want most, the first with 0; events and filters each in their order."""
    wanted = {}
    for facts in (platform_facts.EVENTS, platform_facts.FILTERS):
        wanted |= {dotted: order for order, dotted in enumerate(one for one in facts if facts[one].is_wanted)}
    return wanted
