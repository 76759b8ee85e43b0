"""TLS: who is trusted, and that the deadline holds in the handshake, too."""

import ssl
import subprocess
import time

import pytest
from requests.certs import where

from openedx_webhooks.transport import connections
from openedx_webhooks.transport.exchange import BoundedSocket

from .servers import keeps_alive, says

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture
def trusted(settings, authority):
    """The tests' own authority is the one that is trusted."""
    settings.OPENEDX_WEBHOOKS = {"CA_BUNDLE": str(authority.path)}


@pytest.mark.usefixtures("trusted")
class TestVerification:
    """With the certificate bundle of the setting."""

    @pytest.mark.parametrize("names, host", [(("127.0.0.1",), "127.0.0.1"), (("localhost",), "localhost")])
    def test_a_certificate_for_the_host_is_trusted(self, raw_tls, post, names, host):
        assert post(raw_tls(says(OK), *names).url(host=host)).ok

    @pytest.mark.parametrize(
        "names, options, why",
        [
            (("127.0.0.2",), {}, "mismatch"),
            (("elsewhere.test",), {}, "mismatch"),
            (("127.0.0.1",), {"days": -1}, "expired"),
            (("127.0.0.1",), {"signed_by_itself": True}, "self-signed"),
        ],
    )
    def test_any_other_certificate_is_an_error_that_says_why(self, raw_tls, post, names, options, why):
        server = raw_tls(says(OK), *names, **options)
        outcome = post(server.url())
        assert (outcome.error, why in outcome.detail) == ("tls", True), outcome.detail
        assert server.requests == []

    def test_the_name_is_what_is_verified_not_the_address(self, raw_tls, post, names):
        names({"name.test": ["127.0.0.1"]})
        server = raw_tls(says(OK), "name.test")
        assert post(server.url(host="name.test")).ok

    def test_a_connection_is_kept_alive(self, raw_tls, post):
        server = raw_tls(keeps_alive())
        assert all(post(server.url()).ok for _ in range(5))
        assert server.accepted == 1

    def test_a_large_body_arrives_as_given(self, raw_tls, post):
        server = raw_tls(keeps_alive())
        body = bytes(range(256)) * 4000
        assert post(server.url(), body=body, timeout=5).ok
        assert server.requests[0].endswith(body)

    def test_old_protocols_are_refused(self, raw, post, authority):
        context = authority.server_context("127.0.0.1")
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        assert post(raw(says(OK), context).url()).error == "tls"


def test_without_the_setting_the_authority_is_unknown(raw_tls, post):
    assert post(raw_tls(says(OK)).url()).error == "tls"


def test_verification_can_be_switched_off(raw_tls, post, settings):
    settings.OPENEDX_WEBHOOKS = {"VERIFY_TLS": False}
    assert post(raw_tls(says(OK), "elsewhere.test", signed_by_itself=True).url()).ok


@pytest.mark.parametrize("content", [None, "not a certificate"])
def test_a_bundle_that_cannot_be_read_is_said(raw_tls, post, settings, tmp_path, content):
    path = tmp_path / "bundle.pem"
    if content is not None:
        path.write_text(content)
    settings.OPENEDX_WEBHOOKS = {"CA_BUNDLE": str(path)}
    outcome = post(raw_tls(says(OK)).url())
    assert (outcome.error, "CA_BUNDLE" in outcome.detail) == ("tls", True)


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_without_the_setting_the_environment_says_whom_to_trust(raw_tls, post, authority, monkeypatch, name):
    """The published plugin did what requests does: a site with an authority of its own relies on it."""
    monkeypatch.setenv(name, str(authority.path))
    assert post(raw_tls(says(OK)).url()).ok


def test_the_setting_comes_before_the_environment(raw_tls, post, authority, monkeypatch, settings):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", where())
    settings.OPENEDX_WEBHOOKS = {"CA_BUNDLE": str(authority.path)}
    assert post(raw_tls(says(OK)).url()).ok


def test_of_the_environment_the_first_that_requests_looks_at_counts(raw_tls, post, authority, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", where())
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    assert post(raw_tls(says(OK)).url()).error == "tls"


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_bundle_of_the_environment_that_cannot_be_read_is_said(raw_tls, post, monkeypatch, tmp_path, name):
    monkeypatch.setenv(name, str(tmp_path / "lost.pem"))
    outcome = post(raw_tls(says(OK)).url())
    assert (outcome.error, name in outcome.detail) == ("tls", True), outcome.detail


def test_a_directory_of_certificates_will_do(raw_tls, post, authority, settings, tmp_path):
    (tmp_path / "authority.pem").write_bytes(authority.path.read_bytes())
    subprocess.run(["openssl", "rehash", tmp_path], check=True)
    settings.OPENEDX_WEBHOOKS = {"CA_BUNDLE": str(tmp_path)}
    assert post(raw_tls(says(OK)).url()).ok


def test_a_context_is_built_once():
    assert connections.tls_context(None, True) is connections.tls_context(None, True)


def test_a_server_without_tls_is_an_error(raw, post):
    def script(connection, _server):
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    assert post(raw(script).url(scheme="https")).error == "tls"


def _hangs(_connection, server):
    server.stopped.wait(10)


def _drips_a_record(connection, server):
    connection.recv(65536)
    # A handshake record of 16 KB whose bytes come one by one.
    connection.sendall(b"\x16\x03\x03\x40\x00")
    while not server.stopped.wait(0.02):
        connection.sendall(b"\x02")


@pytest.mark.parametrize("script", [_hangs, _drips_a_record])
def test_a_handshake_ends_at_the_deadline(raw, post, script):
    server = raw(script)
    start = time.monotonic()
    outcome = post(server.url(scheme="https"), timeout=0.3)
    assert (outcome.error, "TLS" in outcome.detail) == ("timeout", True), outcome.detail
    assert time.monotonic() - start < 2
    server.stopped.set()
    assert server.wait_for_end()


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("end, error", [("drips", "timeout"), ("closes", "reset")])
def test_a_body_over_tls_obeys_the_same_rules(raw_tls, post, end, error):
    def script(connection, server):
        server.read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
        while end == "drips" and not server.stopped.wait(0.02):
            connection.sendall(b"x")

        connection.close()

    start = time.monotonic()
    outcome = post(raw_tls(script).url(), timeout=0.3)
    assert (outcome.error, outcome.status_code) == (error, 200)
    assert time.monotonic() - start < 2


@pytest.mark.usefixtures("trusted")
def test_every_byte_of_tls_passes_the_sockets_clock_and_counter(raw_tls, post, monkeypatch):
    """What OpenSSL reads by itself, such as a flood of key updates, is under no deadline."""
    received, receive = [], BoundedSocket.recv

    def spy(sock, size):
        data = receive(sock, size)
        received.append(len(data))
        return data

    monkeypatch.setattr(BoundedSocket, "recv", spy)
    assert post(raw_tls(says(OK)).url()).ok
    # The server's handshake, with its certificate, and the response.
    assert sum(received) > 500 + len(OK)
