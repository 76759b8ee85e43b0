"""Our signatures, verified by the standardwebhooks package for Node (``npm ci --prefix tests/node``)."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from openedx_webhooks.models import signing_secrets
from openedx_webhooks.transport import signing
from openedx_webhooks.webhooks.deliver import deliver_due

from .conftest import owe

NODE = Path(__file__).parent.parent / "node"
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        not shutil.which("node") or not (NODE / "node_modules" / "standardwebhooks").exists(),
        reason="needs Node and `npm ci --prefix tests/node`",
    ),
]
PAYLOAD = {"user": {"id": 5, "name": "Ζωή 🙂"}}


@pytest.fixture
def request_sent(webhook, receiver):
    """A request during a rotation, and the secrets by their role."""
    old = webhook.secret
    new = signing_secrets.rotate(webhook)
    owe(webhook, payload=PAYLOAD)
    deliver_due()
    return receiver.received[0], {"old": old, "new": new, "other": signing.new_secret()}


def verify(secret, headers, body):
    given = json.dumps({"secret": secret, "headers": headers, "body": body.decode()})
    return subprocess.run(["node", "verify.mjs"], cwd=NODE, input=given, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("role", ["old", "new"])
def test_verified_during_a_rotation(request_sent, role):
    request, known = request_sent
    assert json.loads(verify(known[role], request.headers, request.body).stdout) == PAYLOAD


@pytest.mark.parametrize("role, tail", [("other", b""), ("new", b" ")])
def test_other_secret_and_changed_body_are_refused(request_sent, role, tail):
    request, known = request_sent
    result = verify(known[role], request.headers, request.body + tail)
    assert result.returncode
    assert "WebhookVerificationError" in result.stderr
