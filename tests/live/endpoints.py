"""Endpoints that verify signatures and write down all that they accept."""

import contextlib
import json
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import attrs
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError


@attrs.frozen
class Mood:
    """What an endpoint says: no status means that it hangs for some seconds and drops the connection."""

    status: int | None = 200
    headers: dict[str, str] = attrs.field(factory=dict)
    body: bytes = b""


WELL = Mood()


class Endpoints:
    """
    A server whose every path is an endpoint; to be given moods.

    Args:
        port: 0 for any.
    """

    def __init__(self, port: int = 0):
        self.secrets: dict[str, str] = {}
        # (path, event id) → webhook-ids that were accepted, and how often.
        self.accepted: dict[tuple[str, str], Counter] = {}
        self.refused: Counter = Counter()
        self.bad_signatures = 0
        self._lock = threading.Lock()
        endpoints = self

        class Handler(BaseHTTPRequestHandler):
            """Reads the body, then asks the endpoint what to say."""

            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):  # pylint: disable=invalid-name,missing-function-docstring
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if len(body) < int(self.headers["Content-Length"]):
                    # The worker was killed in the middle of its request.
                    self.close_connection = True
                    return
                mood = endpoints.answer(self.path, body, dict(self.headers.items()))
                if mood.status is None:
                    self.close_connection = True
                    return
                self.send_response(mood.status)
                for name, value in {"Content-Length": str(len(mood.body)), **mood.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(mood.body)

            def log_message(self, *args):
                """Be quiet."""

        class Server(ThreadingHTTPServer):
            """Takes many connections at once, and callers that are killed."""

            request_queue_size = 256
            daemon_threads = True

            def handle_error(self, request, client_address):
                """They come back."""

        self._server = Server(("127.0.0.1", port), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, path: str) -> str:
        """The address of a path."""
        return f"http://127.0.0.1:{self._server.server_address[1]}{path}"

    def answer(self, path: str, body: bytes, headers: dict[str, str]) -> Mood:
        """Look at a request, and say how to answer it."""
        with self._lock:
            mood = self.mood(path)
            if mood.status != 200:
                self.refused[path] += 1
        if mood.status == 200:
            time.sleep(0.01)
            with self._lock:
                self._accept(path, body, headers)
        elif mood.status is None:
            time.sleep(5)
        return mood

    def mood(self, path: str) -> Mood:
        """How an endpoint feels now."""
        del path
        return WELL

    def _accept(self, path, body, headers) -> None:
        with contextlib.suppress(WebhookVerificationError):
            Verifier(self.secrets[path]).verify(body, headers)
            event = json.loads(body)["event_metadata"]["id"]
            self.accept(path, event, headers["webhook-id"])
            return
        self.mistrust(path)

    def mistrust(self, path: str) -> None:
        """Write down that a signature did not verify."""
        del path
        self.bad_signatures += 1

    def accept(self, path: str, event: str, message: str) -> None:
        """Write down an event that was accepted, and the id of its message."""
        self.accepted.setdefault((path, event), Counter())[message] += 1
