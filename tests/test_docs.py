"""What the documentation says is true: its receivers run, its references are complete."""

import json
import os
import re
import runpy
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from django.utils import timezone
from standardwebhooks import Webhook as Signer

from openedx_webhooks import catalog, skips
from openedx_webhooks.models import Call, CapturedEvent, Delivery, Webfilter, Webhook
from openedx_webhooks.operations import receiver_access
from openedx_webhooks.payloads import shape
from openedx_webhooks.payloads.samples import sample_payload
from openedx_webhooks.transport.client import Outcome
from openedx_webhooks.webhooks.deliver import deliver_due

ROOT = Path(__file__).resolve().parent.parent
HOW_TOS = ROOT / "docs" / "how-tos"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = json.dumps({"user": {"id": 5}, "event_metadata": {"event_name": "SESSION_LOGIN_COMPLETED"}}).encode()


@pytest.fixture(name="run")
def run_a_receiver():
    """Starts a receiver of the how-tos on a free port, and gives its process and address."""
    started = []

    def run(*command):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        process = subprocess.Popen(
            [*command, str(port)],
            env={**os.environ, "WEBHOOK_SECRET": SECRET}, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(process)
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        return process, f"http://127.0.0.1:{port}/"

    yield run
    for process in started:
        process.terminate()
        process.communicate(timeout=10)


RECEIVERS = [
    pytest.param(sys.executable, "receive_webhooks.py", id="python"),
    pytest.param(
        "node", "receive_webhooks.mjs", id="node",
        marks=pytest.mark.skipif(not shutil.which("node"), reason="Node is not installed"),
    ),
]  # fmt: skip


def signed(timestamp=None, body=BODY):
    """The headers of a message, made by an independent implementation of the scheme."""
    timestamp = int(time.time()) if timestamp is None else timestamp
    signature = Signer(SECRET).sign("msg_1", datetime.fromtimestamp(timestamp, UTC), body.decode())
    return {"webhook-id": "msg_1", "webhook-timestamp": str(timestamp), "webhook-signature": signature}


@pytest.mark.parametrize(("program", "script"), RECEIVERS)
def test_receiver_takes_what_is_signed_and_refuses_the_rest(run, program, script):
    process, url = run(program, HOW_TOS / script)
    once = signed()
    rotated = {**once, "webhook-signature": "v1,AAAA " + once["webhook-signature"]}
    answers = {
        "signed": requests.post(url, BODY, headers=signed(), timeout=5),
        "again": requests.post(url, BODY, headers=signed(), timeout=5),
        "rotated": requests.post(url, BODY, headers=rotated, timeout=5),
        "changed": requests.post(url, BODY + b" ", headers=signed(), timeout=5),
        "old": requests.post(url, BODY, headers=signed(timestamp=int(time.time()) - 3600), timeout=5),
        "unsigned": requests.post(url, BODY, timeout=5),
    }
    assert {name: answer.status_code for name, answer in answers.items()} == {
        "signed": 204, "again": 204, "rotated": 204, "changed": 400, "old": 400, "unsigned": 400,
    }  # fmt: skip
    process.terminate()
    printed, _ = process.communicate(timeout=10)
    assert printed == "SESSION_LOGIN_COMPLETED 5\n", "a message that comes again is acted on once"


@pytest.mark.parametrize(
    ("email", "expected"),
    [
        ("ada@example.com", {"data": {"form_data": {"name": "Ada Lovelace"}}}),
        ("eve@example.org", {"exception": {"PreventRegistration": "Register with the address of your company."}}),
    ],
)
def test_webfilter_receiver_answers_as_the_how_to_says(run, email, expected):
    _, url = run(sys.executable, HOW_TOS / "answer_webfilters.py")
    payload = {
        "form_data": {"email": email, "name": "ada lovelace"},
        "event_metadata": {"event_name": "StudentRegistrationRequested"},
    }
    body = json.dumps(payload).encode()
    assert requests.post(url, body, headers=signed(body=body), timeout=5).json() == expected


def test_webfilter_receiver_answers_nobody_but_the_lms(run):
    _, url = run(sys.executable, HOW_TOS / "answer_webfilters.py")
    once = signed()
    rotated = {**once, "webhook-signature": "v1,AAAA " + once["webhook-signature"]}
    answers = {
        "signed": requests.post(url, BODY, headers=signed(), timeout=5),
        "rotated": requests.post(url, BODY, headers=rotated, timeout=5),
        "changed": requests.post(url, BODY + b" ", headers=signed(), timeout=5),
        "old": requests.post(url, BODY, headers=signed(timestamp=int(time.time()) - 3600), timeout=5),
        "unsigned": requests.post(url, BODY, timeout=5),
    }
    assert {name: answer.status_code for name, answer in answers.items()} == {
        "signed": 200, "rotated": 200, "changed": 401, "old": 401, "unsigned": 401,
    }  # fmt: skip


def test_settings_reference_is_current():
    """If this fails: make references."""
    generator = runpy.run_path(str(ROOT / "docs" / "references" / "generate_settings.py"))
    expected = generator["render"](generator["SOURCE"].read_text())
    assert generator["TARGET"].read_text() == expected, "make references"


def test_every_system_check_is_documented():
    code = {id_ for path in (ROOT / "openedx_webhooks").rglob("*.py") for id_ in _check_ids(path)}
    assert code == _check_ids(ROOT / "docs" / "references" / "checks.rst")


def _check_ids(path):
    return set(re.findall(r"openedx_webhooks\.[WEI]\d{3}", path.read_text()))


def test_readme_and_docs_link_to_files_that_exist():
    for path in [ROOT / "README.rst", ROOT / "CHANGELOG.rst", *(ROOT / "docs").rglob("*.rst")]:
        for target in re.findall(r"<((?!\w+:|#)[^<>\s]+)>`_", path.read_text()):
            assert (path.parent / target.split("#")[0]).exists(), f"{path.name}: {target}"


def test_the_map_names_what_is_there():
    text = (ROOT / "docs" / "concepts" / "map.rst").read_text()
    names = set(re.findall(r"``([\w/]+(?:/|\.py))``", text))
    assert len(names) > 40
    assert [name for name in names if not any((at / name).exists() for at in (ROOT / "openedx_webhooks", ROOT))] == []


def test_every_folder_of_the_package_is_in_the_list_of_modules(tmp_path):
    """With what each module says about itself."""
    runpy.run_path(str(ROOT / "docs" / "references" / "generate_map.py"))["main"](tmp_path)
    text = (tmp_path / "modules.rst").read_text()
    folders = {path.parent for path in (ROOT / "openedx_webhooks").rglob("*.py")}
    assert set(re.findall(r"^(openedx_webhooks/.*)$", text, re.M)) == {f"{path.relative_to(ROOT)}/" for path in folders}
    assert "   * - ``capture.py``\n     - From an event to the rows" in text
    assert "(nothing)" not in text, "a module without a docstring"


def test_the_glossary_has_every_word_that_is_stored_or_shown():
    """States, results, modes, kinds of error, reasons."""
    text = (ROOT / "docs" / "references" / "glossary.rst").read_text()
    words = {*Delivery.State.values, *Call.Result.values, *Webfilter.Mode.values, *skips.Reason.values}
    words |= set(re.findall(r"``(\w+)``", Outcome.__doc__))
    words -= {"status_code", "is_accepted"}
    assert [word for word in sorted(words) if word not in re.findall(r"\w+", text)] == []


def test_every_management_command_is_documented():
    commands = {path.stem for path in (ROOT / "openedx_webhooks/management/commands").glob("webhooks_*.py")}
    text = (ROOT / "docs" / "references" / "commands.rst").read_text()
    assert set(re.findall(r"^``(\w+)``$", text, re.M)) == commands


def _expressions():
    """The examples of conditions and shapes, from every page that has some."""
    found = []
    for page in ("how-tos/conditions_and_shapes", "references/payload"):
        text = (ROOT / "docs" / f"{page}.rst").read_text(encoding="utf-8")
        found += re.findall(r"\.\. code-block:: text\n\n    (.+)\n", text)
    return found


@pytest.mark.parametrize("text", _expressions())
def test_an_expression_of_the_pages_has_a_result_on_a_sample(text):
    """Compiled as the admin does, on the sample payload of some event or filter."""
    expression = shape.compile_expression(text)
    payloads = (sample_payload(entry) for entry in (*catalog.events().values(), *catalog.filters().values()))
    assert any(_result(expression, payload) for payload in payloads)


def _result(expression, payload):
    try:
        return shape.evaluate(expression, payload)
    except shape.ExpressionError:
        return None


def test_each_rule_of_the_threat_model_has_a_proof_that_exists():
    """Three columns: rule, attack, and tests by their file and name."""
    text = (ROOT / "docs" / "concepts" / "threat-model.rst").read_text()
    table = text.partition("and its proof\n")[2].partition("\nAddresses\n")[0]
    rules = table.split("\n   * - ")[2:]
    assert len(rules) > 30
    for rule in rules:
        proofs = re.findall(r"``([\w/]+\.py)::(test_\w+)``", rule.rpartition("\n     - ")[2])
        assert proofs, rule
        for file, name in proofs:
            assert f"def {name}(" in (ROOT / "tests" / file).read_text(), (file, name)


@pytest.mark.django_db(transaction=True)
def test_receiver_that_lost_its_database_gets_all_that_is_kept_and_names_the_rest(live_server, receiver, tmp_path):
    webhook = Webhook.objects.create(
        event="org.openedx.learning.auth.session.login.completed.v1",
        webhook_url=receiver.url(), secret=SECRET, receiver_access=True,
    )  # fmt: skip
    for number in range(6):
        event = CapturedEvent.objects.create(
            event_id=uuid.uuid4(), event_type=webhook.event, time=timezone.now(), payload={"n": number}
        )
        Delivery.objects.create(webhook=webhook, event=event)
    deliver_due()
    CapturedEvent.objects.filter(deliveries__sequence=2).update(payload=None)
    Delivery.objects.filter(sequence=3).delete()
    Delivery.objects.filter(sequence=4).update(state="pending")
    environment = {"LMS": live_server.url, "WEBHOOK_TOKEN": receiver_access.make_token(webhook)}

    def reconcile():
        command = [sys.executable, HOW_TOS / "reconcile.py", tmp_path / "inbox.db"]
        environ = {**os.environ, "WEBHOOK_SECRET": SECRET, **environment}
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, done.stdout.splitlines(), done.stderr

    lost = ["message 2 can't be had: payload_removed", "message 3 can't be had: removed"]
    assert reconcile() == (1, ["of 6 messages: 0 were here, 3 fetched, 1 coming", *lost], "")
    with sqlite3.connect(tmp_path / "inbox.db") as inbox:
        kept = {number: json.loads(body) for number, body in inbox.execute("SELECT sequence, body FROM messages")}
    inbox.close()
    sent = {int(one.headers["webhook-sequence"]): one.json for one in receiver.received}
    assert kept == {number: sent[number] for number in (1, 5, 6)}
    assert reconcile() == (1, ["of 6 messages: 3 were here, 0 fetched, 1 coming", *lost], "")
