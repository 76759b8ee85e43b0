"""The plan of what one run of a filter changes: made in full before anything is changed, or only looked at."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import attrs

from ..payloads.secret_names import is_sensitive
from . import restore
from .kinds.convert import Refused

Path = tuple[str, ...]

_MAX_REASON = 200
# Refused keys that are named; the rest is counted, so that an answer can't fill the log.
_MAX_REFUSED = 50


def dotted(path: Path) -> str:
    """``("context", "title")`` → ``context.title``, fit for a log line and a database column."""
    return ".".join("".join(char if char.isprintable() else "?" for char in part)[:80] for part in path)


@attrs.define
class Plan:
    """
    The changes of one run of a filter.

    Attributes:
        kwargs: the filter's arguments as received.
        protected: names that no answer may set in this filter, at any depth, besides the sensitive ones.
        data: what the answer gives.
        payload: what was sent.
        incomplete: paths of it that were masked or cut, or have such a value inside.
        values: argument name → its new value.
        effects: what to do in place, each with the key it belongs to.
        changed: the keys that change, such as ``context.title``.
        refused: the first keys that were refused, each with the reason.
        refused_more: how many other keys were refused.
    """

    kwargs: Mapping[str, Any]
    protected: frozenset[str] = frozenset()
    data: Mapping[str, Any] = attrs.field(factory=dict)
    payload: Mapping[str, Any] = attrs.field(factory=dict)
    incomplete: Collection[Path] = ()
    values: dict[str, Any] = attrs.field(factory=dict)
    effects: list[tuple[Path, Callable[[], None]]] = attrs.field(factory=list)
    changed: list[Path] = attrs.field(factory=list)
    refused: list[tuple[Path, str]] = attrs.field(factory=list)
    refused_more: int = 0

    def argument(self, name: str) -> Any:
        """The argument as it will be: its new value, else the received one, else None."""
        return self.values.get(name, self.kwargs.get(name))

    def refuse(self, path: Path, reason: object) -> None:
        """Note that a key stays as it is, and why."""
        if len(self.refused) < _MAX_REFUSED:
            self.refused.append((path, str(reason)[:_MAX_REASON]))
        else:
            self.refused_more += 1

    def undo(self, path: Path, reason: str) -> None:
        """Note that a key, and what is in it, does not change after all."""
        self.refuse(path, reason)
        self.changed = [key for key in self.changed if key[: len(path)] != path]

    def check_name(self, name: str) -> None:
        """Refuse what is never sent: it is never taken back either."""
        if name in self.protected or is_sensitive(name):
            raise Refused("it is protected")

    def restored(self, current: Any, given: Any, path: Path) -> Any:
        """What the answer means by a value of which parts were masked or cut when it was sent, if that can be told."""
        if path not in self.incomplete:
            return given
        sent: Any = self.payload
        for name in path:
            if isinstance(sent, Mapping) and name in sent:
                sent = sent[name]
            elif isinstance(sent, list) and name.isdecimal() and int(name) < len(sent):
                sent = sent[int(name)]
            else:
                return given
        return restore.restored(current, sent, given)
