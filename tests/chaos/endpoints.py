"""Endpoints with bad days, which write down all that they accept."""

import contextlib
import json
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

PATHS = ("/steady", "/flaps", "/hangs", "/busy", "/hostile")
_HANGING = 12
_BUSY_SECONDS = 8


class Endpoints:
    """
    ``/steady`` takes 10 ms; ``/flaps`` fails every other second; ``/hangs`` never answers its first requests; ``/busy``
    says 429 with ``Retry-After`` for a while, and ``/hostile`` with dates that no calendar has.
    """

    def __init__(self):
        self.secrets: dict[str, str] = {}
        # (path, event id) → webhook-ids that were accepted, and how often.
        self.accepted: dict[tuple[str, str], Counter] = {}
        self.refused: Counter = Counter()
        self.bad_signatures = 0
        self._lock = threading.Lock()
        self._first_at: float | None = None
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
                status, headers = endpoints.answer(self.path, body, dict(self.headers.items()))
                if status is None:
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in {"Content-Length": "0", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *args):
                """Be quiet."""

        class Server(ThreadingHTTPServer):
            """Takes many connections at once, and callers that are killed."""

            request_queue_size = 256
            daemon_threads = True

            def handle_error(self, request, client_address):
                """They come back."""

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, path: str) -> str:
        """The address of a path."""
        return f"http://127.0.0.1:{self._server.server_address[1]}{path}"

    def answer(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int | None, dict[str, str]]:
        """Status and headers; no status means that the connection is dropped after hanging."""
        with self._lock:
            status, extra = self._mood(path)
            if status != 200:
                self.refused[path] += 1
        if status == 200:
            time.sleep(0.01)
            with self._lock:
                self._accept(path, body, headers)
        elif status is None:
            time.sleep(5)
        return status, extra

    def _mood(self, path):
        now = time.monotonic()
        self._first_at = self._first_at or now
        age = now - self._first_at
        if path == "/flaps" and int(age) % 2:
            return 503, {}
        if path == "/busy" and age < _BUSY_SECONDS:
            return 429, {"Retry-After": "1"}
        if path == "/hostile" and age < _BUSY_SECONDS:
            return 503, {"Retry-After": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"}
        if path == "/hangs" and self.refused[path] < _HANGING:
            return None, {}
        return 200, {}

    def _accept(self, path, body, headers) -> None:
        with contextlib.suppress(WebhookVerificationError):
            Verifier(self.secrets[path]).verify(body, headers)
            event = json.loads(body)["event_metadata"]["id"]
            self.accepted.setdefault((path, event), Counter())[headers["webhook-id"]] += 1
            return
        self.bad_signatures += 1
