"""What :func:`itertools.batched` does, which Python 3.11 (Teak, Ulmo) does not have."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

_Item = TypeVar("_Item")


def batched(items: Iterable[_Item], size: int) -> Iterator[tuple[_Item, ...]]:
    """As many items at a time as were asked for; the last time, what is left."""
    iterator = iter(items)
    while batch := tuple(islice(iterator, size)):
        yield batch
