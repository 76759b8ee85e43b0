"""A real HTTP receiver on loopback that records what it is sent and answers what a test tells it to."""

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

import attrs


@attrs.define
class Received:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        """The body as JSON, refusing what a strict parser refuses (NaN, Infinity)."""
        return json.loads(self.body, parse_constant=_refuse)

    @property
    def form(self) -> dict[str, str]:
        """The body as form fields."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True, strict_parsing=True))


def _refuse(constant):
    raise ValueError(f"{constant} is not JSON")


@attrs.define
class Reply:
    """What to answer: a JSON value or bytes, a status, headers, after a delay in seconds."""

    body: object = b""
    status: int = 200
    headers: dict[str, str] = attrs.field(factory=dict)
    delay: float = 0.0

    @property
    def content(self) -> bytes:
        """The body as bytes."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


def wait_until(is_so: Callable[[], object], seconds: float = 30.0, what: Callable[[], str] = lambda: "it") -> None:
    """
    Wait for something that another thread or process does, and fail the test after ``seconds``: many, since they are
    only spent where it fails, and a busy machine may need them.
    """
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"waited {seconds} s for {what()}"
        time.sleep(0.005)


class Receiver:
    """
    The server. ``replies`` maps a path to a :class:`Reply`, to a list of them (used up one by one, the last stays), or
    to a function of the handler that writes whatever it likes to the socket.
    """

    def __init__(self):
        self.received: list[Received] = []
        self.replies: dict[str, Reply | list[Reply] | Callable] = {}
        self.connections = 0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            """Keeps connections alive; one thread per connection."""

            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self):
                receiver.connections += 1
                super().setup()

            def do_POST(self):  # pylint: disable=invalid-name
                """Record, then answer."""
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                receiver.received.append(Received(self.command, self.path, dict(self.headers.items()), body))
                receiver.answer(self)

            do_GET = do_POST

            def log_message(self, *args):  # pylint: disable=arguments-differ
                """Be quiet."""

        class Server(ThreadingHTTPServer):
            """Takes many connections at once."""

            request_queue_size = 128

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *args: None
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc_info):
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        """The port that the system chose."""
        return self._server.server_address[1]

    def url(self, path: str = "/hook") -> str:
        """The address of a path on this server."""
        return f"http://127.0.0.1:{self.port}{path}"

    def on(self, path: str, *replies) -> str:
        """Set what a path answers, and return its address."""
        self.replies[path] = list(replies) if len(replies) > 1 else replies[0]
        return self.url(path)

    def at(self, path: str) -> list[Received]:
        """What arrived at a path."""
        return [request for request in list(self.received) if request.path == path]

    def wait_for(self, count: int, path: str | None = None, seconds: float = 30.0) -> list[Received]:
        """Wait until ``count`` requests arrived (at a path), and return them; fails the test after ``seconds``."""

        def arrived():
            return list(self.received) if path is None else self.at(path)

        wait_until(lambda: len(arrived()) >= count, seconds, lambda: f"{count} requests: {len(arrived())} came")
        return arrived()

    def answer(self, handler) -> None:
        """Write the reply for the handler's path."""
        reply = self.replies.get(handler.path, Reply())
        if isinstance(reply, list):
            reply = reply.pop(0) if len(reply) > 1 else reply[0]
        if not isinstance(reply, Reply):
            reply(handler)
            return
        if reply.delay:
            time.sleep(reply.delay)
        content = reply.content
        handler.send_response(reply.status)
        for name, value in {"Content-Type": "application/json", **reply.headers}.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)
