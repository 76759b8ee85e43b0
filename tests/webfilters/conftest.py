"""What the tests of webfilters share."""

import pytest
from django.core.cache import cache

from openedx_webhooks.models import Webfilter


@pytest.fixture(autouse=True)
def _alone():
    """No test sees another's circuits or cached answers."""
    cache.clear()


@pytest.fixture
def make_webfilter(db, receiver):
    """Make an enabled webfilter for a filter type whose endpoint gives ``reply``."""

    # pylint: disable=unused-argument
    def make(event, reply=None, path="/hook", **fields):
        url = receiver.on(path, reply) if reply is not None else receiver.url(path)
        return Webfilter.objects.create(event=event, webhook_url=url, **fields)

    return make
