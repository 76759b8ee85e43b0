"""An endpoint for a process of its own, so that it doesn't share the interpreter's lock with what is measured."""

import asyncio
import re
import ssl

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


def serve(ports, certificate: str = "") -> None:
    """
    Answer every POST until killed, those to ``/slow`` after 50 ms, to ``/slow300`` after 300.

    Args:
        ports: a queue that gets the port, and with a certificate a second one, for TLS.
        certificate: path of certificate and key.
    """
    contexts = [None]
    if certificate:
        contexts.append(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        contexts[1].load_cert_chain(certificate)

    async def run():
        servers = [await asyncio.start_server(_answer, "127.0.0.1", 0, backlog=512, ssl=tls) for tls in contexts]
        for server in servers:
            ports.put(server.sockets[0].getsockname()[1])
        await asyncio.Event().wait()

    asyncio.run(run())
