"""The OpenAPI description: complete, valid, and true of whatever a client may send."""

import json

import pytest
import requests
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import validate

from openedx_webhooks.models import Webfilter, Webhook

from ..admin.conftest import LOGIN, MAY_LOGIN, make_delivery
from ..conftest import TIMES
from .conftest import BASE

URL = f"{BASE}schema/?format=json"
_EXAMPLES = 25 * TIMES


@pytest.fixture
def described(admin_client):
    """The description."""
    return json.loads(admin_client.get(URL).content)


@pytest.mark.django_db
def test_the_description_is_valid_and_says_where_the_api_is(described):
    validate(described)
    assert described["servers"] == [{"url": f"http://testserver{BASE.rstrip('/')}"}]


@pytest.mark.django_db
def test_every_operation_and_field_is_described(described):
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            assert operation.get("description") or method == "get", (method, path)
    webhook = described["components"]["schemas"]["WebhookRequest"]["properties"]
    options = {field.name for field in Webhook._meta.concrete_fields if field.editable and not field.primary_key}
    assert webhook.keys() == options


@pytest.mark.django_db
def test_what_is_not_shown_is_described_as_nullable(described):
    schemas = described["components"]["schemas"]
    for name, field in (("Webhook", "webhook_url"), ("Webhook", "secret"), ("CapturedEvent", "username"),
                        ("CapturedEventDetail", "payload"), ("CallDetail", "response_excerpt")):  # fmt: skip
        assert schemas[name]["properties"][field].get("nullable"), (name, field)


@pytest.fixture
def records(transactional_db, receiver):  # pylint: disable=unused-argument
    """A function: makes one of each with the numbers that the cases ask for, if it is gone."""

    def make():
        if not Webhook.objects.filter(removing_since=None).exists():
            make_delivery(Webhook.objects.create(event=LOGIN, webhook_url=receiver.url()), "failed")
        if not Webfilter.objects.filter(removing_since=None).exists():
            Webfilter.objects.create(event=MAY_LOGIN, webhook_url=receiver.url())

    return make


@pytest.mark.thorough
def test_no_request_that_the_description_allows_fails_the_server(live_server, admin_user, records, receiver, settings):
    """Of the running site, with what schemathesis makes up, half of it made so that it gets further."""
    schemathesis = pytest.importorskip("schemathesis")
    settings.OPENEDX_WEBHOOKS = {"API_REQUESTS_PER_MINUTE": 0, "API_TESTS_PER_MINUTE": 0}
    session = _logged_in(live_server, admin_user)
    schema = schemathesis.openapi.from_dict(session.get(live_server.url + URL).json())
    as_described = [schemathesis.checks.CHECKS.get_one("response_schema_conformance")]
    statuses = set()
    for operation in (result.ok() for result in schema.get_all_operations()):
        for case in _cases(operation, receiver.url()):
            records()
            response = case.call(session=session, base_url=live_server.url + BASE)
            statuses.add(response.status_code)
            assert response.status_code < 500, case.as_curl_command()
            if response.status_code < 300:
                case.validate_response(response, checks=as_described)
    assert {200, 201, 204, 400, 404, 409} <= statuses


def _logged_in(live_server, user) -> requests.Session:
    client, session = Client(), requests.Session()
    client.force_login(user)
    session.cookies.update({"sessionid": client.cookies["sessionid"].value, "csrftoken": "c" * 32})
    session.headers["X-CSRFToken"] = "c" * 32
    assert session.get(f"{live_server.url}{BASE}webhooks/").status_code == 200
    return session


def _cases(operation, url: str) -> list:
    """Random ones; many with numbers that there are, and with a hook that could be."""
    found = []

    @settings(max_examples=_EXAMPLES, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(), is_near=st.booleans(), pk=st.integers(1, 4))
    def collect(case, is_near, pk):
        if is_near:
            # Not the credentials that it made up: those of the session.
            case.headers = {name: text for name, text in (case.headers or {}).items() if name != "Authorization"}
            case.cookies = {}
            if "id" in (case.path_parameters or {}):
                case.path_parameters["id"] = pk
            hook = case.body.get("hook", case.body) if isinstance(case.body, dict) else None
            if isinstance(hook, dict) and "event" in hook:
                hook |= {"event": LOGIN, "webhook_url": url}
                if "webfilter" in operation.path:
                    hook |= {"event": MAY_LOGIN, "mode": "observe"}
                for name in ("credentials", "authentication", "secret", "headers", "condition", "shape"):
                    hook.pop(name, None)
        found.append(case)

    collect()
    return found
