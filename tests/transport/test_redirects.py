"""An endpoint of the published plugin's time sends on: what goes where."""

import pytest

from openedx_webhooks.transport import redirects
from tests.receiver import Receiver, Reply

from .servers import says

HEADERS = {"Content-Type": "application/json", "webhook-signature": "v1,x", "X-Own": "secret", "Authorization": "y"}
LIMITS = {"timeout": 5, "connect_timeout": 1}


def post(url, most=10):
    return redirects.post(url, b"body", HEADERS, {"X-Own"}, most, **LIMITS)


@pytest.mark.parametrize(
    "status, method, body",
    [(301, "GET", b""), (302, "GET", b""), (303, "GET", b""), (307, "POST", b"body"), (308, "POST", b"body")],
)
def test_what_the_next_request_is(receiver, status, method, body):
    url = receiver.on("/hook", Reply(status=status, headers={"Location": "/other"}))
    assert post(url).status_code == 200
    (second,) = receiver.at("/other")
    assert (second.method, second.body, second.headers.get("X-Own")) == (method, body, "secret")
    assert ("webhook-signature" in second.headers) == (method == "POST")


def test_another_server_gets_no_header_of_the_operators(receiver):
    with Receiver() as other:
        url = receiver.on("/hook", Reply(status=307, headers={"Location": other.url("/there")}))
        assert post(url).status_code == 200
        (second,) = other.received  # pylint: disable=unbalanced-tuple-unpacking
    assert not {"X-Own", "Authorization"} & set(second.headers)


@pytest.mark.parametrize(
    "location", ["ftp://a.example/", "javascript:alert(1)", "http://[", "http://169.254.169.254/latest/"]
)
def test_where_nobody_goes(receiver, location):
    """The guard looks at every address."""
    url = receiver.on("/hook", Reply(status=302, headers={"Location": location}))
    outcome = post(url)
    assert outcome.error == ("refused_address" if "169" in location else "bad_response")
    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    "location, path",
    [
        ("/%6fther?a=%62", "/other?a=b"),
        ("  /other ", "/other"),
        ("/a b/%2F%zz", "/a%20b/%252F%25zz"),
        # HTTP has bytes, which are shown as Latin-1.
        ("/caf\u00c3\u00a9", "/caf%C3%A9"),
        ("/caf\u00e9", "/caf%C3%A9"),
    ],
)
def test_how_an_address_is_written(location, path, receiver):
    """As requests, which the published plugin used, writes it: receivers may compare paths."""
    url = receiver.on("/hook", Reply(status=307, headers={"Location": location}))
    assert post(url).status_code == 200
    assert receiver.received[1].path == path


def test_blanks_before_a_hooks_address(receiver):
    assert post(" " + receiver.url("/%68ook")).status_code == 200
    assert receiver.received[0].path == "/hook"


@pytest.mark.parametrize("status, headers", [(302, {}), (302, {"Location": ""}), (304, {"Location": "/other"})])
def test_a_redirect_to_nowhere_is_an_answer(status, headers, receiver):
    url = receiver.on("/hook", Reply(status=status, headers=headers))
    outcome = post(url)
    assert (outcome.status_code, outcome.error, len(receiver.received)) == (status, "", 1)


def test_a_circle_ends(receiver):
    url = receiver.on("/hook", Reply(status=307, headers={"Location": "/hook"}))
    outcome = post(url, most=3)
    assert (outcome.status_code, outcome.error) == (307, "bad_response")
    assert len(receiver.received) == 4


def test_nothing_that_was_sent_encrypted_is_sent_on_in_clear(receiver, raw_tls, settings):
    """Whoever is on the way would read it."""
    settings.OPENEDX_WEBHOOKS = {"VERIFY_TLS": False}
    answer = f"HTTP/1.1 307 Elsewhere\r\nLocation: {receiver.url('/clear')}\r\nContent-Length: 0\r\n\r\n"
    assert post(raw_tls(says(answer.encode())).url()).status_code == 307
    assert not receiver.received
