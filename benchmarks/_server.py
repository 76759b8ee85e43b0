"""An endpoint for a process of its own, so that it doesn't share the interpreter's lock with what is measured."""

import asyncio
import multiprocessing
import re
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.transport.servers import Authority

ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{"data": {}}'


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
            await reader.readexactly(length)
            if slow := re.match(rb"POST /slow(\d*)", head):
                await asyncio.sleep(int(slow[1] or 50) / 1000)
            writer.write(ANSWER)
    except (asyncio.IncompleteReadError, OSError):
        writer.close()


def _serve(ports, certificate: str) -> None:
    """
    Answer every POST until killed, those to ``/slow`` after 50 ms, to ``/slow300`` after 300.

    Args:
        ports: a queue that gets two ports, the second one for TLS.
        certificate: path of certificate and key.
    """
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)

    async def run():
        servers = [await asyncio.start_server(_answer, "127.0.0.1", 0, backlog=512, ssl=each) for each in (None, tls)]
        for server in servers:
            ports.put(server.sockets[0].getsockname()[1])
        await asyncio.Event().wait()

    asyncio.run(run())


@contextmanager
def serving() -> Iterator[tuple[str, str, str]]:
    """The server's addresses without and with TLS, both without a path, and the bundle of certificates to trust."""
    with tempfile.TemporaryDirectory() as directory:
        authority = Authority(Path(directory))
        authority.server_context("127.0.0.1")
        context = multiprocessing.get_context("spawn")
        ports = context.Queue()
        arguments = (ports, str(authority.certificate_path("127.0.0.1")))
        process = context.Process(target=_serve, args=arguments, daemon=True)
        process.start()
        try:
            http_port, https_port = ports.get(timeout=20), ports.get(timeout=20)
            yield f"http://127.0.0.1:{http_port}", f"https://127.0.0.1:{https_port}", str(authority.path)
        finally:
            process.terminate()
            process.join()
