"""
What an answer would change, worked out before anything is changed.

A plan is made on copies. Only when it stands are its effects carried out (a profile saved, a fragment's content set),
so that a failure halfway changes nothing, and a webfilter in observe mode can be asked what it would have done.
"""

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from ..payloads.redact import is_sensitive

Path = tuple[str, ...]
_MAX_REASON = 200
# Refused keys that are named; the rest is counted, so that an answer can't fill the log.
_MAX_REFUSED = 50


class Refused(ValueError):
    """A value that does not fit; the text says why, without repeating the value."""


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
        values: argument name → its new value.
        effects: what to do in place, each with the key it belongs to.
        changed: the keys that change, such as ``context.title``.
        refused: the first keys that were refused, each with the reason.
        refused_more: how many other keys were refused.
    """

    kwargs: Mapping[str, Any]
    protected: frozenset[str] = frozenset()
    values: dict[str, Any] = attrs.field(factory=dict)
    effects: list[tuple[Path, Callable[[], None]]] = attrs.field(factory=list)
    changed: list[Path] = attrs.field(factory=list)
    refused: list[tuple[Path, str]] = attrs.field(factory=list)
    refused_more: int = 0

    def argument(self, name: str) -> Any:
        """The argument as it will be: its new value, else the received one, else None."""
        return self.values.get(name, self.kwargs.get(name))

    def refuse(self, path: Path, reason: object) -> None:
        """Note that a key is left alone, and why."""
        if len(self.refused) < _MAX_REFUSED:
            self.refused.append((path, str(reason)[:_MAX_REASON]))
        else:
            self.refused_more += 1

    def check_name(self, name: str) -> None:
        """
        Check that a key may be set at all.

        Raises:
            Refused: what is never sent is never taken back either.
        """
        if name in self.protected or is_sensitive(name):
            raise Refused("it is protected")
