"""Proxies of the environment."""

import time

import pytest

from openedx_webhooks.transport import client

from .servers import drips, keeps_alive, says, tunnels

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture
def behind(monkeypatch):
    """A function that sets the proxy for http and https."""

    def set_proxy(url: str, no_proxy: str = ""):
        monkeypatch.setenv("HTTP_PROXY", url)
        monkeypatch.setenv("HTTPS_PROXY", url)
        monkeypatch.setenv("NO_PROXY", no_proxy)
        # A process looks at its environment once for each address.
        client.parse.cache_clear()

    return set_proxy


@pytest.fixture
def trusted(settings, authority):
    """The tests' own authority is the one that is trusted."""
    settings.OPENEDX_WEBHOOKS = {"CA_BUNDLE": str(authority.path)}


def test_a_proxy_is_told_the_whole_address(raw, post, behind):
    proxy = raw(says(OK))
    behind(proxy.url(""))
    assert post("http://user:hush@endpoint.test:8080/hook?a=b").ok
    line, host = proxy.requests[0].split(b"\r\n")[:2]
    assert line == b"POST http://endpoint.test:8080/hook?a=b HTTP/1.1"
    assert host == b"Host: endpoint.test:8080"


def test_the_proxy_is_told_its_credentials(raw, post, behind):
    proxy = raw(says(OK))
    behind(f"http://us%40er:pw@127.0.0.1:{proxy.port}")
    assert post("http://endpoint.test/").ok
    assert b"\r\nproxy-authorization: Basic dXNAZXI6cHc=\r\n" in proxy.requests[0]


@pytest.mark.usefixtures("trusted")
def test_https_goes_through_a_tunnel(raw, raw_tls, post, behind):
    endpoint, proxy = raw_tls(keeps_alive()), raw(tunnels)
    behind(f"http://user:pw@127.0.0.1:{proxy.port}")
    assert [post(endpoint.url()).ok for _ in range(3)] == [True] * 3
    assert proxy.accepted == 1
    assert proxy.requests[0].startswith(b"CONNECT 127.0.0.1:%d " % endpoint.port)
    assert b"\r\nproxy-authorization: Basic dXNlcjpwdw==\r\n" in proxy.requests[0]


@pytest.mark.usefixtures("trusted")
def test_the_endpoint_does_not_see_the_credentials_of_the_proxy(raw, raw_tls, post, behind):
    endpoint, proxy = raw_tls(keeps_alive()), raw(tunnels)
    behind(f"http://user:pw@127.0.0.1:{proxy.port}")
    post(endpoint.url())
    assert b"proxy" not in endpoint.requests[0].lower()


@pytest.mark.usefixtures("trusted")
def test_the_proxy_itself_may_speak_tls(raw_tls, post, behind):
    proxy = raw_tls(says(OK))
    behind(proxy.url(""))
    assert post("http://endpoint.test/").ok
    assert proxy.requests[0].startswith(b"POST http://endpoint.test/ HTTP/1.1\r\nHost: endpoint.test\r\n")


@pytest.mark.usefixtures("trusted")
def test_tls_within_the_tls_of_the_proxy(raw_tls, post, behind):
    endpoint, proxy = raw_tls(keeps_alive()), raw_tls(tunnels)
    behind(proxy.url(""))
    assert [post(endpoint.url()).ok for _ in range(3)] == [True] * 3
    assert (proxy.accepted, len(endpoint.requests)) == (1, 3)


@pytest.mark.usefixtures("trusted")
def test_the_end_of_tcp_is_not_the_end_of_tls_within_tls_either(raw_tls, post, behind):
    def cuts_off(connection, server):
        server.read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nhello")
        connection.close()

    endpoint, proxy = raw_tls(cuts_off), raw_tls(tunnels)
    behind(proxy.url(""))
    assert post(endpoint.url()).error == "reset"


@pytest.mark.parametrize("no_proxy", ["127.0.0.1", "127.0.0.0/8", "example.org,127.0.0.1", "*"])
def test_no_proxy_goes_straight(receiver, post, behind, no_proxy):
    behind("http://127.0.0.1:1", no_proxy)
    assert post(receiver.url()).ok


@pytest.mark.parametrize(
    "answer, error",
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "proxy"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "proxy"),
        (b"hello\r\n\r\n", "bad_response"),
        (b"", "reset"),
    ],
)
def test_a_tunnel_that_is_refused_is_an_error(raw, post, behind, answer, error):
    behind(raw(says(answer, close=True)).url(""))
    assert post("https://endpoint.test/").error == error


def test_a_tunnel_that_drips_ends_at_the_deadline(raw, post, behind):
    behind(raw(drips(b"X: y\r\n", before=b"HTTP/1.1 200 OK\r\n")).url(""))
    start = time.monotonic()
    assert post("https://endpoint.test/", timeout=0.3).error == "timeout"
    assert time.monotonic() - start < 2


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1080", "http://[bad", "http://proxy.test:99999", "http://"])
def test_a_proxy_that_cannot_be_used_is_said(post, behind, proxy):
    behind(proxy)
    assert post("https://endpoint.test/").error == "proxy"


def test_a_proxy_that_is_down_is_an_error(post, behind):
    behind("127.0.0.1:1")
    assert post("http://endpoint.test/").error == "connect"


class TestGuard:
    """What is checked when somebody else connects."""

    def test_the_proxy_may_be_private(self, raw, post, behind, settings):
        settings.OPENEDX_WEBHOOKS = {"DENY_PRIVATE_ADDRESSES": True}
        behind(raw(says(OK)).url(""))
        assert post("http://endpoint.test/").ok

    @pytest.mark.parametrize(
        "host",
        [
            "169.254.169.254",
            "0xA9FEA9FE",
            "2852039166",
            "[::ffff:169.254.169.254]",
            "metadata.google.internal",
            "METADATA.",
        ],
    )
    def test_metadata_is_refused_by_address_and_by_name(self, raw, post, behind, host):
        proxy = raw(says(OK))
        behind(proxy.url(""))
        assert post(f"http://{host}/").error == "refused_address"
        assert proxy.requests == []

    @pytest.mark.parametrize("host", ["127.0.0.1:1", "10.0.0.1", "localhost", "x.localhost", "[::1]"])
    def test_private_addresses_are_refused_if_denied(self, raw, post, behind, settings, host):
        settings.OPENEDX_WEBHOOKS = {"DENY_PRIVATE_ADDRESSES": True}
        proxy = raw(says(OK))
        behind(proxy.url(""))
        assert post(f"http://{host}/").error == "refused_address"
        assert proxy.requests == []

    def test_an_allowed_host_is_allowed(self, raw, post, behind, settings):
        settings.OPENEDX_WEBHOOKS = {"ALLOWED_HOSTS": ["metadata.google.internal"]}
        behind(raw(says(OK)).url(""))
        assert post("http://metadata.google.internal/").ok
