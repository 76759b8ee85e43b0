"""Caches in trouble."""

from django.core.cache.backends.base import BaseCache


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
