"""Servers that misbehave, a certificate authority, and a proxy, all on loopback."""

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class RawServer:
    """
    Accepts connections and hands each to ``script(connection, server)`` in a thread.

    After the script it reads on until the client closes; ``ended`` counts the clients that did.
    """

    def __init__(self, script: Callable, context: ssl.SSLContext | None = None, host: str = "127.0.0.1"):
        self._script = script
        self._context = context
        self._listener = socket.create_server(
            (host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=64
        )
        self._threads = []
        self._connections = []
        self.stopped = threading.Event()
        self.requests: list[bytes] = []
        self.accepted = 0
        self.ended = 0
        self._changed = threading.Condition()
        self.port = self._listener.getsockname()[1]

    def __enter__(self):
        self._start(self._accept)
        return self

    def __exit__(self, *exc_info):
        self.stopped.set()
        # Wakes accept(), which close() alone does not.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        for thread in self._threads:
            thread.join(5)

    def url(self, path: str = "/hook", scheme: str | None = None, host: str = "127.0.0.1") -> str:
        """The address of a path."""
        return f"{scheme or ('https' if self._context else 'http')}://{host}:{self.port}{path}"

    def wait_for_end(self, count: int = 1, seconds: float = 2.0) -> bool:
        """Whether that many clients have closed their connections."""
        with self._changed:
            return self._changed.wait_for(lambda: self.ended >= count, seconds)

    def _start(self, target, *args):
        thread = threading.Thread(target=target, args=args, daemon=True, name="raw-server")
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        while True:
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            self._connections.append(connection)
            self._start(self._serve, connection)

    def _serve(self, connection):
        try:
            with connection:
                if self._context:
                    connection = self._context.wrap_socket(connection, server_side=True)
                    self._connections.append(connection)
                with connection:
                    self._script(connection, self)
                    while connection.recv(65536):
                        pass
        except (OSError, ValueError):
            pass  # the client went away, which is what ended counts
        finally:
            with self._changed:
                self.ended += 1
                self._changed.notify_all()

    def read_request(self, connection) -> bytes:
        """Read one request, head and body, and remember it."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                raise ConnectionError
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(
            (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        while len(body) < length:
            more = connection.recv(65536)
            if not more:
                raise ConnectionError
            body += more
        self.requests.append(head + b"\r\n\r\n" + body)
        return self.requests[-1]


def says(*pieces: bytes, close: bool = False):
    """A script: read a request, send these pieces, and perhaps close."""

    def script(connection, server):
        server.read_request(connection)
        for piece in pieces:
            connection.sendall(piece)
        if close:
            connection.shutdown(socket.SHUT_WR)

    return script


def drips(data: bytes, seconds: float = 0.02, before: bytes = b""):
    """A script: send a beginning, then byte by byte, over and over."""

    def script(connection, server):
        server.read_request(connection)
        connection.sendall(before)
        while True:
            for index in range(len(data)):
                connection.sendall(data[index : index + 1])
                if server.stopped.wait(seconds):
                    return

    return script


def floods(piece: bytes, before: bytes = b""):
    """A script: send a beginning, then the same piece until the client hangs up."""

    def script(connection, server):
        server.read_request(connection)
        connection.sendall(before)
        while not server.stopped.is_set():
            connection.sendall(piece)

    return script


def keeps_alive(answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"):
    """A script: answer every request of the connection."""

    def script(connection, server):
        while True:
            server.read_request(connection)
            connection.sendall(answer)

    return script


class Authority:
    """A certificate authority in a directory, and certificates that it signs."""

    def __init__(self, directory: Path):
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "openedx-webhooks tests")])
        self.path = directory / "authority.pem"
        self.path.write_bytes(
            self._sign(self._name, self._key, [x509.BasicConstraints(ca=True, path_length=None)], days=1)
        )

    def server_context(self, *names: str, days: int = 1, signed_by_itself: bool = False) -> ssl.SSLContext:
        """A server's context with a certificate for these names or addresses, valid for some days (or no longer)."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        certificate = self._sign(
            name, key, [x509.SubjectAlternativeName([_general_name(each) for each in names])], days, signed_by_itself
        )
        path = self.certificate_path(names[0], days, signed_by_itself)
        path.write_bytes(
            certificate
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def certificate_path(self, name: str, days: int = 1, signed_by_itself: bool = False) -> Path:
        """Where :meth:`server_context` puts certificate and key."""
        return self._directory / f"{name}-{days}-{signed_by_itself}.pem"

    def _sign(self, name, key, extensions, days, by_itself=False) -> bytes:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name if by_itself else self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=10))
            .not_valid_after(now + datetime.timedelta(days=days))
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        signed = builder.sign(key if by_itself else self._key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)


def _general_name(name: str):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def tunnels(connection, server):
    """A script: a proxy that opens the tunnel it is asked for and carries bytes both ways."""
    request = server.read_request(connection)
    host, _, port = request.split(b" ")[1].decode().rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port))) as target:
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        back = threading.Thread(target=_carry, args=(target, connection), daemon=True, name="raw-server")
        back.start()
        _carry(connection, target)
        back.join(5)


def _carry(source, destination):
    try:
        while data := source.recv(65536):
            destination.sendall(data)
        destination.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # either side is gone: the tunnel is, too
