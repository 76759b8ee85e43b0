"""Whom and what a search means: terms become the primary keys of rows, each by an index and in bounded number."""

import uuid
from collections.abc import Sequence

import attrs
from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from ..batches import batched
from ..models import Call, CapturedEvent, Delivery, Webhook
from ..operations import newest

_MOST_WORDS = 4
# A search that means more learners than this means none of them.
MOST_LEARNERS = 20
_MOST_COURSES = 10_000
_LONGEST_TERM = 255
# As many primary keys as one statement takes well.
_AT_ONCE = 500


@attrs.define
class Term:
    """
    What somebody looks for.

    Attributes:
        sees_personal: may find learners by name or e-mail; others find them by number only, and would else guess who is
            who, letter by letter.
        notes: what the person should know of the result.
    """

    text: str
    sees_personal: bool = False
    notes: list[str] = attrs.field(factory=list)

    @property
    def as_uuid(self) -> uuid.UUID | None:
        """An event or message id, with or without hyphens."""
        try:
            return uuid.UUID(self.text)
        except ValueError:
            return None

    @property
    def as_number(self) -> int | None:
        return _number(self.text)

    @property
    def as_sequence(self) -> int | None:
        """The number of a message: each webhook has one of it."""
        return _number(self.text[1:]) if self.text.startswith("#") else None

    @property
    def is_text(self) -> bool:
        return 0 < len(self.text) <= _LONGEST_TERM and "\0" not in self.text


def _number(text: str) -> int | None:
    is_number = text.isascii() and text.isdecimal() and len(text) < 19
    return int(text) if is_number else None


def events(term: Term) -> list[int]:
    """The newest captured events that a term means: by number, event id, learner, course (also in part)."""
    rows = CapturedEvent.objects.all()
    found = _by_ids(rows, "event_id", term)
    if term.as_uuid or not term.is_text:
        return sorted(found)
    for username in _usernames(term):
        found.update(_newest(rows, "username", [username]))
    for column in ("course_key", "org"):
        if values := _containing(column, term.text):
            found.update(_newest(rows, column, values))
            # The key of a course names its organisation.
            break
    return sorted(found or _of_words(term), reverse=True)[: newest.COUNTED]


def _of_words(term: Term) -> set[int]:
    """What all words mean together, such as a learner and a course; nothing of a single one."""
    words = dict.fromkeys(term.text.split())
    if not 2 <= len(words) <= _MOST_WORDS:
        return set()
    of_word = {word: set(events(attrs.evolve(term, text=word))) for word in words}
    found = min(of_word.values(), key=len)
    for chunk in batched(sorted(found), _AT_ONCE):
        for pk, course_key in CapturedEvent.objects.filter(pk__in=chunk).values_list("pk", "course_key"):
            # Of a course that has many, only the newest are at hand: its key is asked, too.
            course = (course_key or "").casefold()
            if not all(pk in of_word[word] or word.casefold() in course for word in words):
                found = found - {pk}
    return found


def deliveries(term: Term) -> list[int]:
    """
    The newest deliveries that a term means: by number or message id, by the number of the message (``#12``), or of the
    events that it means.
    """
    rows, found = Delivery.objects.all(), []
    if term.as_sequence is not None:
        # The index begins with the webhook.
        webhooks = list(Webhook.objects.order_by().values_list("pk", flat=True))
        found += rows.filter(webhook_id__in=webhooks, sequence=term.as_sequence).values_list("pk", flat=True)
    if term.as_uuid:
        found += rows.filter(message_id=term.as_uuid).values_list("pk", flat=True)
    if term.as_number is not None:
        found += rows.filter(pk=term.as_number).values_list("pk", flat=True)
    for chunk in batched(events(term), _AT_ONCE):
        # By their own index; the order comes later, else the optimizer may begin with it.
        found += sorted(rows.filter(event_id__in=chunk).order_by().values_list("pk", flat=True), reverse=True)
        if len(found) >= newest.COUNTED:
            break
    return sorted(set(found), reverse=True)[: newest.COUNTED]


def calls(term: Term) -> list[int]:
    """The newest calls that a term means: by number, message id or learner."""
    return sorted(_by_ids(Call.objects.all(), "message_id", term), reverse=True)[: newest.COUNTED]


def _by_ids(rows: QuerySet, column: str, term: Term) -> set[int]:
    """The rows whose UUID in a column the term is; of another term those of its number, and the learners' newest."""
    if term.as_uuid:
        return set(rows.filter(**{column: term.as_uuid}).values_list("pk", flat=True))
    if not term.is_text:
        return set()
    found = set()
    if term.as_number is not None:
        found.update(rows.filter(pk=term.as_number).values_list("pk", flat=True))
    for user_id in learners(term):
        found.update(_newest(rows, "user_id", [user_id]))
    return found


def learners(term: Term) -> list[int]:
    """
    The users that a term means: by number, the beginning of a username, an e-mail address in full, or the beginning of
    a name. Of these, what has an index.
    """
    users = get_user_model().objects.order_by()
    found = set() if term.as_number is None else {term.as_number}
    wanted = []
    if term.sees_personal and "@" in term.text:
        wanted.append(Q(email__iexact=term.text))
    elif term.sees_personal:
        wanted += [_begins(term), Q(**{_name_field(): term.text})]
    for condition in wanted:
        found.update(users.filter(condition).values_list("pk", flat=True)[: MOST_LEARNERS + 1])
    return _not_too_many(term, sorted(found))


def _begins(term: Term) -> Q:
    """With a username; a number is one in full."""
    return Q(**{"username__istartswith" if term.as_number is None else "username": term.text})


def _name_field() -> str:
    """Of the platform's profile, where there is one: there the name has an index, and the user's own is empty."""
    user = get_user_model()
    try:
        user._meta.get_field("profile").related_model._meta.get_field("name")
    except (FieldDoesNotExist, AttributeError):
        return "last_name__istartswith"
    return "profile__name__istartswith"


def _usernames(term: Term) -> list[str]:
    """Usernames of events that begin so, of deleted users too; none for who may not see whose they are."""
    if not term.sees_personal:
        return []
    named = CapturedEvent.objects.filter(_begins(term)).order_by()
    return _not_too_many(term, list(named.values_list("username", flat=True).distinct()[: MOST_LEARNERS + 1]))


def _not_too_many(term: Term, found: list) -> list:
    if len(found) <= MOST_LEARNERS:
        return found
    note = _("“%(term)s” fits more than %(most)d learners, of whom only some are shown: type more of the name.")
    note %= {"term": term.text[:50], "most": MOST_LEARNERS}
    if note not in term.notes:
        term.notes.append(note)
    return found[:MOST_LEARNERS]


def _containing(column: str, text: str) -> list[str]:
    """The values of a column of which the text is a part. A site has few courses, and their index tells all of them."""
    values = CapturedEvent.objects.order_by().values_list(column, flat=True).distinct()[:_MOST_COURSES]
    wanted = text.casefold()
    return [value for value in values if value and wanted in value.casefold()]


def _newest(rows, column: str, values: Sequence) -> list[int]:
    is_single = len(values) == 1
    q = Q(**{column: values[0]}) if is_single else Q(**{f"{column}__in": values})
    time_field = "started_at" if rows.model is Call else "created"
    return newest.newest(rows, [newest.Condition(q, column, is_single)], time_field).ids
