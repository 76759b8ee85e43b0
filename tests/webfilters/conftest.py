"""What the tests of webfilters share."""

import pytest
from django.core.cache import cache

from openedx_webhooks.models import Webfilter
from openedx_webhooks.transport import breaker
from openedx_webhooks.webfilters import run


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    """No test sees another's breakers, cached answers or hourly log lines."""
    cache.clear()
    breaker.forget()
    monkeypatch.setattr(run, "_logged", {})


@pytest.fixture
def make_webfilter(db, receiver):
    """Make an enabled webfilter for a filter type whose endpoint gives ``reply``."""

    # pylint: disable=unused-argument
    def make(event, reply=None, path="/hook", **fields):
        url = receiver.on(path, reply) if reply is not None else receiver.url(path)
        return Webfilter.objects.create(event=event, webhook_url=url, **fields)

    return make
