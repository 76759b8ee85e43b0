"""Caches in trouble."""

import contextlib
from collections.abc import Callable, Iterator

from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache


class AwayCache(BaseCache):
    """Its server is away, and its client raises."""

    def __init__(self, *_args):
        super().__init__({})

    def _raise(self, *_args, **_kwargs):
        raise ConnectionError("no cache")

    add = get = set = touch = delete = clear = _raise


class DeafCache(AwayCache):
    """Its server is away, and its client ignores that, as django-redis does on the platform."""

    def _ignore(self, *_args, **_kwargs):
        return None

    add = get = set = touch = delete = clear = _ignore


class LocalCache(LocMemCache):
    """A sound one, in which something can happen at the moment at which a key is deleted."""

    _do: Callable[[], object] | None = None

    def __init__(self, _location, params):
        super().__init__("LocalCache", params)

    @classmethod
    @contextlib.contextmanager
    def before_delete(cls, do: Callable[[], object]) -> Iterator[None]:
        """Do something before the next key is deleted, once."""
        cls._do = do
        try:
            yield
        finally:
            cls._do = None

    def delete(self, *args, **kwargs):
        do, LocalCache._do = LocalCache._do, None
        if do is not None:
            do()
        return super().delete(*args, **kwargs)
