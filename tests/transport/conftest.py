"""What the tests of the transport share."""

import os
import socket
from functools import partial

import pytest

from openedx_webhooks.transport import client, connections
from openedx_webhooks.transport.resolver import Resolver

from .servers import Authority, RawServer


@pytest.fixture(autouse=True)
def _own_pool(monkeypatch):
    """No test uses the connections of another, nor the proxies of the machine that it runs on."""
    for name in os.environ:
        if name.lower() in ("http_proxy", "https_proxy", "all_proxy", "no_proxy") or name in connections.CA_VARIABLES:
            monkeypatch.delenv(name)
    client.parse.cache_clear()
    forget_connections()
    yield
    forget_connections()


def forget_connections() -> None:
    """Close what is idle, and begin anew, with the certificates that the settings and the environment then name."""
    connections.pool().close()
    connections.tls_context.cache_clear()


def use_resolver(monkeypatch, resolver: Resolver) -> None:
    """Let the pool look names up with a resolver of the test's own."""
    monkeypatch.setattr(connections.pool(), "_resolver", resolver)


@pytest.fixture
def names(monkeypatch):
    """A function that makes names known to the client: ``names({"example.test": ["127.0.0.1"]})``."""

    def set_names(table: dict[str, list[str]]) -> None:
        def lookup(host):
            if host not in table:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return [
                row for address in table[host] for row in socket.getaddrinfo(address, None, type=socket.SOCK_STREAM)
            ]

        use_resolver(monkeypatch, Resolver(lookup))

    return set_names


@pytest.fixture
def raw():
    """A function that starts a :class:`RawServer` for the time of the test."""
    servers = []

    def start(script, *args, **kwargs) -> RawServer:
        server = RawServer(script, *args, **kwargs).__enter__()  # pylint: disable=unnecessary-dunder-call
        servers.append(server)
        return server

    yield start
    connections.pool().close()
    for server in servers:
        server.__exit__(None, None, None)


@pytest.fixture(scope="session")
def authority(tmp_path_factory) -> Authority:
    """A certificate authority of the tests' own."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def raw_tls(raw, authority):
    """A function that starts a :class:`RawServer` with a certificate for 127.0.0.1, or the names and days given."""

    def start(script, *names, **options) -> RawServer:
        return raw(script, authority.server_context(*(names or ("127.0.0.1",)), **options))

    return start


@pytest.fixture
def post():
    """``client.post`` with short times."""
    return partial(quick_post, client.post)


def quick_post(function, url, *, body=b"{}", headers=None, timeout=2.0, connect_timeout=1.0, **kwargs):
    """POST with what most tests want."""
    return function(url, body, headers or {}, timeout=timeout, connect_timeout=connect_timeout, **kwargs)
