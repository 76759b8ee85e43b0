"""The receiver: its own check of signatures, its record, and the answers a person chooses."""

import base64
import hmac
import json
import threading
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest
import standardwebhooks

from demo.receiver import signature
from demo.receiver.answers import FILTERS, GARBAGE
from demo.receiver.server import ReceiverServer
from openedx_webhooks import catalog

SECRET = "whsec_" + base64.b64encode(b"a secret of 24 bytes ...").decode()
OTHER = "whsec_" + base64.b64encode(b"another one of 24 bytes.").decode()
BODY = b'{"user": {"id": 1}}'
NOW = 1_800_000_000


def signed(body=BODY, timestamp=NOW, secret=SECRET):
    """Headers as an independent library makes them."""
    moment = datetime.fromtimestamp(timestamp, UTC)
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(timestamp),
        "webhook-signature": standardwebhooks.Webhook(secret).sign("msg_1", moment, body.decode()),
    }


def test_an_independent_librarys_signature_is_valid():
    assert signature.check(signed(), BODY, [OTHER, SECRET], NOW + 10)["verdict"] == "valid"


def test_one_of_two_signatures_is_enough():
    headers = signed()
    headers["webhook-signature"] = f"v1,bm9uc2Vuc2U= v2,x {headers['webhook-signature']}"
    assert signature.check(headers, BODY, [SECRET], NOW)["verdict"] == "valid"


@pytest.mark.parametrize(
    "change, body, secrets, now, verdict, says",
    [
        ({"webhook-signature": ""}, BODY, [SECRET], NOW, "unsigned", "no webhook-signature header"),
        ({"webhook-id": ""}, BODY, [SECRET], NOW, "invalid", "no webhook-id header"),
        ({"webhook-id": "msg_2"}, BODY, [SECRET], NOW, "invalid", "fits none"),
        ({"webhook-timestamp": "soon"}, BODY, [SECRET], NOW, "invalid", "whole number"),
        ({"webhook-timestamp": "²"}, BODY, [SECRET], NOW, "invalid", "whole number"),
        ({}, BODY, [SECRET], NOW + 301, "invalid", "301 seconds old"),
        ({}, BODY, [SECRET], NOW - 301, "invalid", "in the future"),
        ({"webhook-signature": "v2,abc"}, BODY, [SECRET], NOW, "invalid", "no signature of version v1"),
        ({"webhook-signature": "v1,ü"}, BODY, [SECRET], NOW, "invalid", "fits none"),
        ({}, BODY + b" ", [SECRET], NOW, "invalid", "changed body"),
        ({}, BODY, [OTHER], NOW, "invalid", "fits none of the 1"),
        ({}, BODY, ["whsec_?"], NOW, "invalid", "fits none"),
        ({}, BODY, [], NOW, "invalid", "knows no secret"),
    ],
)
def test_the_part_that_is_wrong_is_named(change, body, secrets, now, verdict, says):
    # pylint: disable=too-many-arguments,too-many-positional-arguments
    result = signature.check({**signed(), **change}, body, secrets, now)
    assert result["verdict"] == verdict
    assert says in result["steps"][-1]["text"]
    assert SECRET not in json.dumps(result)


class Api:
    """The receiver, run in this process, and its API."""

    def __init__(self, server):
        self.server = server
        self.base = f"http://127.0.0.1:{server.server_address[1]}"

    def call(self, method, path, value=None, content_type="application/json", timeout=5, **headers):
        """Status, headers and body."""
        data = value if isinstance(value, bytes) or value is None else json.dumps(value).encode()
        request = urllib.request.Request(
            self.base + path, data, {"Content-Type": content_type, **headers}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout) as response:
                return response.status, response.headers, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

    def json(self, path):
        """A GET's answer."""
        return json.loads(self.call("GET", path)[2])


@pytest.fixture
def api():
    """A receiver that knows SECRET."""
    server = ReceiverServer(("127.0.0.1", 0), [SECRET], "http://lms.example")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield Api(server)
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_request_is_recorded_with_its_signature_and_its_answer(api):
    now = int(datetime.now(UTC).timestamp())
    api.call("POST", "/webhooks/SESSION_LOGIN_COMPLETED", BODY, **signed(timestamp=now))
    (entry,) = api.json("/api/requests")
    assert (entry["type"], entry["name"], entry["method"]) == ("webhook", "SESSION_LOGIN_COMPLETED", "POST")
    assert (entry["body"]["format"], entry["body"]["json"]) == ("json", json.loads(BODY))
    assert entry["signature"]["verdict"] == "valid"
    assert entry["answer"] == {"kind": "nothing", "status": 200, "body": ""}


@pytest.mark.parametrize(
    "body, content_type, expected",
    [
        (b"a=1&b=%C3%BC&a=", "application/x-www-form-urlencoded", {"fields": [["a", "1"], ["b", "ü"], ["a", ""]]}),
        (b"", "application/json", {"format": "empty", "text": ""}),
        (b"\xff\x00", "application/json", {"format": "binary", "text": "ff 00"}),
        (b"<script>", "text/html", {"format": "text", "text": "<script>"}),
    ],
)
def test_bodies_are_described(api, body, content_type, expected):
    api.call("POST", "/webhooks/X", body, content_type)
    described = api.json("/api/requests")[0]["body"]
    assert {name: described[name] for name in expected} == expected


@pytest.mark.parametrize(
    "kind, content, status, body",
    [
        ("nothing", None, 200, b""),
        ("data", {"user": {"ü": 1}}, 200, '{"data": {"user": {"ü": 1}}}'.encode()),
        ("exception", {"PreventLogin": "No"}, 200, b'{"exception": {"PreventLogin": "No"}}'),
        ("403", None, 403, b""),
        ("500", None, 500, b""),
        ("garbage", None, 200, GARBAGE),
    ],
)
def test_the_chosen_answer_is_given(api, kind, content, status, body):
    path = "/webfilters/StudentLoginRequested"
    assert api.call("PUT", f"/api/answers{path}", {"kind": kind, "content": content})[0] == 200
    answer = api.call("POST", path, BODY)
    assert (answer[0], answer[2]) == (status, body)
    assert api.call("POST", "/webfilters/DashboardRenderStarted", BODY)[2] == b""


def test_a_hanging_answer_never_comes_and_blocks_nobody(api):
    api.call("PUT", "/api/answers/webfilters/StudentLoginRequested", {"kind": "hang"})
    with pytest.raises(TimeoutError):
        api.call("POST", "/webfilters/StudentLoginRequested", BODY, timeout=0.3)
    assert api.json("/api/requests")[0]["answer"]["status"] is None


@pytest.mark.parametrize(
    "path, value, says",
    [
        ("/api/answers/webfilters/X", {"kind": "dance"}, "no kind of answer"),
        ("/api/answers/webfilters/X", {"kind": "data", "content": [1]}, "must be a JSON object"),
        ("/api/answers/webhooks/X", {"kind": "data", "content": {}}, "no kind of answer"),
        ("/api/answers/webfilters/X", b"[]", "Send a JSON object"),
        ("/api/answers/webfilters/X", b"{", "Expecting"),
        ("/api/secrets", {"secret": "letmein"}, "begins with whsec_"),
    ],
)
def test_a_wrong_choice_is_explained(api, path, value, says):
    status, _headers, body = api.call("PUT", path, value)
    assert status == 400
    assert says in json.loads(body)["error"]


def test_other_sites_cannot_choose(api):
    """A browser sends text/plain to other sites without asking; JSON it doesn't."""
    assert api.call("PUT", "/api/answers/webfilters/X", b'{"kind": "500"}', "text/plain")[0] == 400


def test_an_added_secret_is_known_and_never_shown(api):
    api.call("PUT", "/api/secrets", {"secret": OTHER})
    now = int(datetime.now(UTC).timestamp())
    api.call("POST", "/webhooks/X", BODY, **signed(timestamp=now, secret=OTHER))
    state = api.json("/api/state")
    assert state["requests"][0]["signature"]["verdict"] == "valid"
    assert OTHER not in json.dumps(state)
    assert SECRET not in json.dumps(state)


def test_clearing_forgets_and_numbers_go_on(api):
    api.call("POST", "/webhooks/X", BODY)
    api.call("DELETE", "/api/requests")
    assert api.json("/api/requests") == []
    api.call("POST", "/webhooks/X", BODY)
    state = api.json("/api/state?after=1")
    assert (state["first"], state["requests"][0]["number"]) == (2, 2)


@pytest.mark.parametrize("path", ["/", "/app.js", "/style.css"])
def test_the_page_is_served(api, path):
    assert api.call("GET", path)[0] == 200


@pytest.mark.parametrize("path", ["/../server.py", "/../../__main__.py", "/nothing"])
def test_nothing_else_is_served(api, path):
    assert api.call("GET", path)[0] == 404


def test_a_body_without_end_is_refused(api):
    assert api.call("POST", "/webhooks/X", b"", **{"Content-Length": str(10**9)})[0] == 413


@pytest.mark.parametrize("name", FILTERS)
def test_the_suggestions_fit_the_filters(name):
    """Every argument and every exception that the page suggests is one that the filter has."""
    known = catalog.find_filter(name)
    suggestion = FILTERS[name]
    assert set(suggestion.data) <= set(known.arguments) | {"profile"}
    assert set(suggestion.exceptions) <= set(known.exceptions)


def test_hmac_is_not_the_plugins():
    """Two implementations that share code would share their mistakes."""
    assert signature.hmac is hmac
    assert "openedx_webhooks" not in Path(signature.__file__).read_text(encoding="utf-8")
