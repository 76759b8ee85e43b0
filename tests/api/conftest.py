"""The API as a client sees it."""

import json

import attrs
import pytest
from django.db import connection

# pylint: disable-next=unused-import
from ..admin.conftest import _fresh_figures, call, delivery, staff, webfilter, webhook  # noqa: F401

BASE = "/openedx_webhooks/api/v1/"


@attrs.frozen
class Api:
    """Sends JSON, and gets it: ``(status, value)``."""

    client: object

    def get(self, path, **query):
        return _read(self.client.get(BASE + path, query))

    def post(self, path, data=None):
        return _read(self.client.post(BASE + path, json.dumps(data or {}), "application/json"))

    def patch(self, path, data):
        return _read(self.client.patch(BASE + path, json.dumps(data), "application/json"))

    def delete(self, path):
        return _read(self.client.delete(BASE + path))


def _read(response):
    return response.status_code, json.loads(response.content) if response.content else None


@pytest.fixture
def api(admin_client):
    """Of somebody who may do everything."""
    return Api(admin_client)


@pytest.fixture
def api_as(staff):
    """A function: of staff with the given permissions."""
    return lambda *codenames: Api(staff(*codenames))


@pytest.fixture(autouse=True)
def _transactions(request, monkeypatch):
    """Django REST framework rolls back what is around a view that refuses: here it would be the test's transaction."""
    if not {"transactional_db", "live_server"} & set(request.fixturenames):
        monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", False)
