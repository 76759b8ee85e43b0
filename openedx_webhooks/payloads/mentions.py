"""
Whether a person is named in a payload or a text: by number, username, e-mail address, full name, or an id that stands
for them elsewhere.

For erasing and for telling what is stored of somebody, so in doubt they are named; but what is said of courses, and
words out of a list, name nobody: whoever is called "audit" takes nobody else's records away.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import attrs

from .. import catalog
from .limits import METADATA
from .treatments import USER_MARK, Member, Treatment, member, members_of

# Under these names stands a user's number.
_ID_NAME = re.compile(r"(?:^|_)(?:user|actor|learner|student)_?ids?$", re.I)
# Under these, or within an object under one, somebody.
_PERSON_NAME = re.compile(
    r"(?:(?:user|author|replier|learner|student|nick|screen)(?:_?name)?|email|subject|member|owner|by|to)s?$", re.I
)
# Keys of content have the name of an organisation in them, which somebody may have, too.
_KEYS = re.compile(r"\b(?:course|ccx|library|block|ccx-block|asset|lib|lb)(?:-v1)?:[^\s/?#&\"'<>]{1,255}")
_TOKEN = re.compile(r"[0-9A-Za-z-]{16,64}", re.ASCII)
_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)")
# Shorter words are too much else to be found in a text; as the value of a username they are.
_SHORTEST_WORD = 3


@attrs.frozen(slots=False)
class Person:
    """
    By what somebody is known.

    Attributes:
        user_id: the platform's; None if it isn't known.
        names: usernames and e-mail addresses.
        full_names: of several words each; others are too much else.
        codes: ids that stand for the person, such as the anonymous ones of their courses.
    """

    user_id: int | None = None
    # Not in what is logged, nor in the page of an error.
    names: tuple[str, ...] = attrs.field(default=(), repr=False)
    full_names: tuple[str, ...] = attrs.field(default=(), repr=False)
    codes: frozenset[str] = attrs.field(default=frozenset(), repr=False)

    def may_be_in(self, text: str) -> bool:
        """Whether a closer look at stored JSON, or another text, can find anything: much quicker than that look."""
        lowered = text.lower()
        if any(needle in lowered for needle in self._needles):
            return True
        return bool(self.codes) and self._has_code(_ESCAPE.sub(" ", lowered))

    def is_in_json(self, text: str, event_type: str = "") -> bool:
        """:meth:`is_in` of stored JSON; what is none is a text."""
        if not self.may_be_in(text):
            return False
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return self.is_in_text(text)
        return self.is_in(value, event_type)

    def is_in(self, value: Any, event_type: str = "") -> bool:
        """
        Whether the person is named somewhere in JSON data.

        Args:
            event_type: the dotted type whose payload it is; what its members are for is known then.
        """
        return any(self._is_named(leaf) for leaf in _leaves(value, event_type))

    def is_alone_in(self, value: Any, event_type: str = "") -> bool:
        """Whether JSON data has numbers or codes of people, and none but this person's."""
        ids = [leaf.value for leaf in _leaves(value, event_type) if leaf.is_id and leaf.value not in (None, "")]
        return bool(ids) and all(self._is_id(one) for one in ids)

    def is_alone_in_json(self, text: str, event_type: str = "") -> bool:
        """:meth:`is_alone_in` of stored JSON."""
        try:
            return self.is_alone_in(json.loads(text), event_type)
        except (ValueError, RecursionError):
            return False

    def is_in_text(self, text: str) -> bool:
        """Whether the person is named in a text."""
        if self._addresses and self._addresses.search(text):
            return True
        if self.codes and self._has_code(text.lower()):
            return True
        if self._number and self._number.search(text):
            return True
        return bool(self._words and self._words.search(_KEYS.sub(" ", text)))

    def _is_named(self, leaf: "_Leaf") -> bool:
        value = leaf.value
        if not isinstance(value, str):
            return leaf.is_id and self._is_id(value)
        if leaf.is_id and self._is_id(value):
            return True
        if leaf.is_public:
            return bool(self._addresses and self._addresses.search(value))
        if value.lower().removeprefix(USER_MARK) in self._usernames and (leaf.is_person or value.startswith(USER_MARK)):
            return True
        # One word is a word out of some list, unless it stands where people stand.
        is_word = value.lower() in self._usernames
        # The name of somebody else who is called the same.
        is_namesake = leaf.is_somebodys_name and value.lower() in self._full_names
        return not is_word and not is_namesake and self.is_in_text(value)

    def _is_id(self, value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            return False
        text = str(value).lower()
        return text in self.codes or (self.user_id is not None and text == str(self.user_id))

    def _has_code(self, lowered: str) -> bool:
        return any(token in self.codes for token in _TOKEN.findall(lowered))

    @cached_property
    def _usernames(self) -> frozenset[str]:
        return frozenset(name.lower() for name in self.names if name and "@" not in name)

    @cached_property
    def _full_names(self) -> frozenset[str]:
        return frozenset(" ".join(name.lower().split()) for name in self.full_names if len(name.split()) > 1)

    @cached_property
    def _needles(self) -> tuple[str, ...]:
        """What is in the text, in lower case, if anything is; JSON may be with escapes or without."""
        texts = {str(self.user_id)} if self.user_id is not None else set()
        texts |= {name.partition("@")[0] for name in self.names}
        texts |= {max(name.split(), key=len) for name in self.full_names if len(name.split()) > 1}
        texts = {spelled for text in texts for spelled in (text, text.lower(), text.upper(), text.title())}
        forms = {json.dumps(text, ensure_ascii=escapes)[1:-1].lower() for text in texts for escapes in (True, False)}
        return tuple(sorted(form for form in forms if form))

    @cached_property
    def _addresses(self) -> re.Pattern | None:
        addresses = [re.escape(name).replace("@", "(?:@|%40)") for name in self.names if "@" in name]
        if not addresses:
            return None
        # ``email%3Dada%40example.com``; and not ``ada@example.com.evil.example``.
        before = r"(?:(?<![\w.+\-])|(?<=%[0-9A-Fa-f]{2}))"
        return re.compile(rf"{before}(?:{'|'.join(addresses)})(?![\w\-]|\.\w)", re.I)

    @cached_property
    def _words(self) -> re.Pattern | None:
        """Usernames and full names as words: Ada is no part of Canada, nor of ada@another.example."""
        words = [re.escape(one) for one in self.names if "@" not in one and len(one) >= _SHORTEST_WORD]
        parts = [name.split() for name in self.full_names]
        words += [r"\s+".join(map(re.escape, some)) for some in parts if len(some) > 1]
        if not words:
            return None
        return re.compile(rf"(?:(?<![\w\-.])|(?<=%[0-9A-Fa-f]{{2}}))(?:{'|'.join(words)})(?![\w\-@]|%40|\.\w)", re.I)

    @cached_property
    def _number(self) -> re.Pattern | None:
        if self.user_id is None:
            return None
        return re.compile(rf"user_?id(?:[^\w\n]|%3D){{1,6}}{self.user_id}(?![\w.])", re.I)


@attrs.frozen
class _Leaf:
    """
    A value that is neither an object nor a list.

    Attributes:
        is_id: a number or code of somebody stands here.
        is_person: somebody stands here.
        is_public: it says nothing of anybody, such as a mode or the title of a course.
        is_somebodys_name: the name of a person whom the things beside it tell from others.
    """

    value: Any
    is_id: bool = False
    is_person: bool = False
    is_public: bool = False
    is_somebodys_name: bool = False


_TELLING = frozenset(("id", "user", "user_id", "username", "email", "lms_user_id"))


def _leaves(value: Any, event_type: str) -> Iterator[_Leaf]:
    """All values, and the names of members, which may be usernames, too."""
    known = catalog.find_event(event_type) if event_type else None
    members = {name: member(name, kind) for name, kind in known.init_data.items()} if known else {}
    if isinstance(value, Mapping):
        value = {name: item for name, item in value.items() if name != METADATA}
    # A value, its name, the name of what it is in, what is beside it, what is known of it, and of its members.
    left: list[tuple] = [(value, "", "", {}, None, members)]
    while left:
        value, name, above, beside, one, members = left.pop()
        if isinstance(value, Mapping):
            for key, item in value.items():
                inner = members.get(key)
                inside = members_of(inner.type) if inner and inner.treatment == Treatment.INSIDE else {}
                left.append((item, str(key), name, value, inner, inside))
                if key not in members:
                    # Some hold something of each user under their names.
                    yield _Leaf(key, is_person=_PERSON_NAME.search(name) is not None)
        elif isinstance(value, (list, tuple)):
            left += [(item, name, above, beside, one, members) for item in value]
        else:
            yield _leaf(value, name, above, beside, one)


def _leaf(value: Any, name: str, above: str, beside: Mapping, one: Member | None) -> _Leaf:
    is_person = _PERSON_NAME.search(name) is not None
    kinds = one.kinds if one else ()
    is_public = one is not None and one.treatment == Treatment.CLEAR
    is_id = _ID_NAME.search(name) is not None or "id" in kinds
    is_id = is_id or (
        name == "id" and (_PERSON_NAME.search(above) is not None or not {"pii", "username"}.isdisjoint(beside))
    )
    return _Leaf(
        value,
        is_id=is_id,
        # What is not known to be harmless may be anything.
        is_person=is_person or (one is not None and not is_public),
        is_public=is_public,
        is_somebodys_name=name in ("name", "full_name", "fullname") and not _TELLING.isdisjoint(beside),
    )
