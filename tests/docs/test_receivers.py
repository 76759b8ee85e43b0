"""The receivers of the how-tos run, in every language whose interpreter is here, against real requests."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import attrs
import pytest
import requests
from standardwebhooks import Webhook as Signer

from openedx_webhooks import catalog
from openedx_webhooks.payloads.limits import dump
from openedx_webhooks.payloads.samples import sample_payload

HOW_TOS = Path(__file__).resolve().parents[2] / "docs" / "how-tos"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = json.dumps({"user": {"id": 5}, "event_metadata": {"event_name": "SESSION_LOGIN_COMPLETED"}}).encode()


@attrs.frozen
class Language:
    """How a sample is started; ``{script}``, ``{port}`` and ``{built}``, which ``build`` makes if there is one."""

    script: str
    start: tuple[str, ...]
    build: tuple[str, ...] = ()

    @property
    def missing(self):
        return [
            program for program in (*self.build[:1], self.start[0]) if "{" not in program and not shutil.which(program)
        ]


def languages(name):
    """A receiver of this name in each of the languages."""
    mono = "-r:System.Runtime.Serialization,System.Xml.Linq,System.Xml"
    return [
        Language(f"{name}.py", (sys.executable, "{script}", "{port}")),
        Language(f"{name}.mjs", ("node", "{script}", "{port}")),
        Language(f"{name}.php", ("php", "-q", "-S", "127.0.0.1:{port}", "{script}")),
        Language(f"{name}.rb", ("ruby", "{script}", "{port}")),
        Language(f"{name}.go", ("{built}", "{port}"), ("go", "build", "-o", "{built}", "{script}")),
        Language(f"{name}.cs", ("mono", "{built}", "{port}"), ("mcs", "-out:{built}", mono, "{script}")),
    ]


LANGUAGES = languages("receive_webhooks")
WEBFILTER_LANGUAGES = languages("answer_webfilters")


@attrs.frozen
class Running:
    """A receiver that runs."""

    url: str
    output: Path

    def printed(self):
        """The lines so far."""
        return self.output.read_text(encoding="utf-8").splitlines()


@contextlib.contextmanager
def running_in(language, folder):
    """A receiver of the how-tos on a free port."""
    if language.missing:
        pytest.skip(f"{' and '.join(language.missing)}: not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    names = {"script": HOW_TOS / language.script, "port": port, "built": folder / "built.exe"}
    environment = {**os.environ, "WEBHOOK_SECRET": SECRET, "TMPDIR": str(folder)}
    if language.build:
        command = [part.format(**names) for part in language.build]
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=120)
    running = Running(f"http://127.0.0.1:{port}/", folder / "output.txt")
    with running.output.open("w") as output:
        process = subprocess.Popen(
            [part.format(**names) for part in language.start], env=environment, stdout=output, stderr=subprocess.DEVNULL
        )
    try:
        _wait_for(running.url, process)
        yield running
        assert process.poll() is None, "some request ended it"
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait_for(url, process):
    for _ in range(200):
        assert process.poll() is None, "it ended by itself"
        try:
            socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    pytest.fail("it does not listen")


@pytest.fixture(scope="module", name="receiver", params=LANGUAGES, ids=lambda language: language.script)
def run_receiver(request, tmp_path_factory):
    """One process for all claims about it: each test uses ids of its own."""
    with running_in(request.param, tmp_path_factory.mktemp("receiver")) as running:
        yield running


@pytest.fixture(scope="module", name="running")
def address(receiver):
    return receiver.url


def signed(message_id="msg_1", timestamp=None, body=BODY):
    """The headers of a message, made by an independent implementation of the scheme."""
    timestamp = int(time.time()) if timestamp is None else timestamp
    signature = Signer(SECRET).sign(message_id, datetime.fromtimestamp(timestamp, UTC), body.decode())
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature,
    }


def post(url, body=BODY, headers=None):
    return requests.post(url, body, headers=headers or {}, timeout=5).status_code


def refused():
    """Name → body and headers of what is not from the LMS, or not now."""
    now, good = int(time.time()), signed()
    return {
        "changed": (BODY + b" ", good),
        "other id": (BODY, {**good, "webhook-id": "msg_2"}),
        "old": (BODY, signed(timestamp=now - 3600)),
        "of tomorrow": (BODY, signed(timestamp=now + 86400)),
        "no time": (BODY, {**good, "webhook-timestamp": ""}),
        "no number": (BODY, {**good, "webhook-timestamp": f"{now}x"}),
        "endless number": (BODY, {**good, "webhook-timestamp": "9" * 5000}),
        "unsigned": (BODY, {}),
        "no signature": (BODY, {**good, "webhook-signature": ""}),
        "another version": (BODY, {**good, "webhook-signature": "v1a," + good["webhook-signature"][3:]}),
        "no ASCII": (BODY, {**good, "webhook-signature": "v1,ü".encode()}),
    }


def test_it_takes_what_is_signed_and_acts_once(receiver):
    before, good = len(receiver.printed()), signed()
    rotated = {**good, "webhook-signature": "v1,AAAA " + good["webhook-signature"]}
    test = json.dumps({"event_metadata": {"event_name": "X", "test": True}}).encode()
    answers = [post(receiver.url, headers=headers) for headers in (good, good, rotated)]
    assert [*answers, post(receiver.url, test, signed("msg_test", body=test))] == [204] * 4
    assert receiver.printed()[before:] == ["SESSION_LOGIN_COMPLETED 5", "a test"]


@pytest.mark.parametrize("name", list(refused()))
def test_it_refuses_what_is_not_from_the_lms(running, name):
    body, headers = refused()[name]
    assert post(running, body, headers) == 401


@pytest.mark.parametrize(
    "body, status",
    [
        (b"{}", 204), (b"[]", 204), (b"null", 204), (b'"text"', 204), (b'{"event_metadata": null, "user": null}', 204),
        (b"user_id=5&event_metadata_event_name=X", 400), (b"", 400),
        (dump({"text": "\u0645\u0631\u062d\u0628\u0627 \U0001f600 </script>"}), 204),
        (b'"' + b"x" * (1024 * 1024 - 2) + b'"', 204),
    ],
    ids=["object", "list", "null", "text", "nulls", "form", "empty", "Unicode", "1 MiB"],
)  # fmt: skip
def test_whatever_a_shape_makes_is_answered(running, body, status):
    message_id = f"msg_{len(body)}_{body[:9].hex()}"
    assert post(running, body, signed(message_id, body=body)) == status


def test_it_takes_the_sample_of_each_event(running):
    """As the LMS sends them: with a type of content that is not text, and with every kind of value."""
    session = requests.Session()
    events = list(catalog.events().values())[::12]
    assert len(events) > 3
    for event in events:
        body = dump(sample_payload(event))
        answer = session.post(running, body, headers=signed(f"msg_{event.name}", body=body), timeout=5)
        assert answer.status_code == 204, event.name


def test_it_takes_no_more_than_a_mebibyte_and_survives(running):
    send_too_much(running, 204)


def send_too_much(running, status):
    body = b"x" * (1024 * 1024 + 1)
    try:
        assert post(running, body, signed("msg_large", body=body)) == 413
    except requests.ConnectionError:
        pass  # It hung up while more was coming, which is as good.
    assert post(running, headers=signed("msg_after_large")) == status


BROKEN = {
    "aborted": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
    "negative": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n{",
    "no number": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n{",
    "no chunk": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "half a head": b"POST / HTTP/1.1\r\n",
    "TLS": b"\x16\x03\x01\x02\x00",
}


@pytest.mark.parametrize("sent", BROKEN.values(), ids=BROKEN)
def test_a_broken_request_breaks_nothing(running, sent):
    """An aborted POST ended the receiver in Node once."""
    send_broken(running, sent, 204)


def send_broken(running, sent, status):
    with socket.create_connection((urlsplit(running).hostname, urlsplit(running).port), timeout=5) as connection:
        connection.sendall(sent)
    assert post(running, headers=signed(f"msg_after_{sent.hex()[:40]}_{len(sent)}")) == status


@pytest.mark.skipif(not shutil.which("openssl") or not shutil.which("curl"), reason="openssl or curl is not installed")
def test_the_script_that_sends_without_an_lms(receiver, tmp_path):
    before, url = len(receiver.printed()), receiver.url
    (tmp_path / "event.json").write_bytes(BODY)

    def send(*more, secret=SECRET):
        done = subprocess.run(
            ["sh", HOW_TOS / "send_webhook.sh", url, tmp_path / "event.json", *more],
            env={**os.environ, "WEBHOOK_SECRET": secret}, capture_output=True, text=True, check=True, timeout=20,
        )  # fmt: skip
        return done.stdout

    other = "whsec_" + "A" * 32
    assert [send("msg_a"), send("msg_a"), send("msg_b", "1700000000"), send("msg_c", secret=other)] == [
        "204\n", "204\n", "401\n", "401\n",
    ]  # fmt: skip
    assert receiver.printed()[before:] == ["SESSION_LOGIN_COMPLETED 5"]


REFUSED = {"exception": {"PreventRegistration": "Register with the address of your company."}}


@pytest.fixture(scope="module", name="filters", params=WEBFILTER_LANGUAGES, ids=lambda language: language.script)
def run_webfilter_receiver(request, tmp_path_factory):
    with running_in(request.param, tmp_path_factory.mktemp("receiver")) as running:
        yield running.url


def ask(url, payload):
    body = json.dumps(payload).encode()
    return requests.post(url, body, headers=signed(body=body), timeout=5)


@pytest.mark.parametrize(
    "form, expected",
    [
        ({"email": "ada@example.com", "name": "ada lovelace"}, {"data": {"form_data": {"name": "Ada Lovelace"}}}),
        ({"email": "ada@EXAMPLE.com", "name": ["a", "b"]}, {"data": {"form_data": {"name": ""}}}),
        ({"email": "ada@example.com", "name": 'ada \\ "'}, {"data": {"form_data": {"name": 'Ada \\ "'}}}),
        ({"email": "eve@example.org", "name": "eve"}, REFUSED),
        ({"email": ["ada@example.com", "eve@example.org"]}, REFUSED),
        ({"email": None}, REFUSED),
        ({}, REFUSED),
        (None, REFUSED),
    ],
)
def test_webfilter_receiver_answers_as_the_how_to_says(filters, form, expected):
    answer = ask(filters, {"form_data": form, "event_metadata": {"event_name": "StudentRegistrationRequested"}})
    assert (answer.status_code, answer.json()) == (200, expected)
    # What the LMS reads: anything else would be no answer.
    assert answer.headers["content-type"].partition(";")[0] == "application/json"


@pytest.mark.parametrize("form", ["ada@example.com", ["ada@example.com"], 5])
def test_webfilter_receiver_lets_nobody_pass_whose_form_is_none(filters, form):
    answer = ask(filters, {"form_data": form, "event_metadata": {"event_name": "StudentRegistrationRequested"}})
    assert answer.status_code == 400 or (answer.status_code, answer.json()) == (200, REFUSED)


def test_webfilter_receiver_lets_every_other_filter_pass(filters):
    """With all that their samples have, in a body of the type that is sent."""
    others = [known for known in catalog.filters().values() if known.name != "StudentRegistrationRequested"][::5]
    assert len(others) > 3
    for known in others:
        answer = ask(filters, sample_payload(known))
        assert (answer.status_code, answer.json()) == (200, {}), known.name


@pytest.mark.parametrize(
    "body, status",
    [
        (BODY, 200), (b"[]", 400), (b"null", 400), (b'"text"', 400), (b"a=1", 400), (b"", 400),
        (b'{"event_metadata": null}', 400), (b'{"event_metadata": "x"}', 400),
    ],
)  # fmt: skip
def test_webfilter_receiver_answers_whatever_is_signed(filters, body, status):
    assert post(filters, body, signed(body=body)) == status


@pytest.mark.parametrize("name", list(refused()))
def test_webfilter_receiver_answers_nobody_but_the_lms(filters, name):
    body, headers = refused()[name]
    assert post(filters, body, headers) == 401


def test_webfilter_receiver_takes_no_more_than_a_mebibyte_and_survives(filters):
    send_too_much(filters, 200)


@pytest.mark.parametrize("sent", BROKEN.values(), ids=BROKEN)
def test_a_broken_request_breaks_no_webfilter_receiver(filters, sent):
    """One that is gone answers no learner any more."""
    send_broken(filters, sent, 200)
