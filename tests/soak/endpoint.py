"""``python -m tests.soak.endpoint PORT FILE``: takes what hooks send, and writes down what it accepted."""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TextIO

# As an endpoint in the same data centre.
_SECONDS = 0.005
_HANGING_SECONDS = 15


class Endpoint(ThreadingHTTPServer):
    """``/hanging`` does not answer while its mood is bad; ``/webfilter`` answers nothing that counts."""

    request_queue_size = 256
    daemon_threads = True

    def __init__(self, port: int, file: TextIO):
        super().__init__(("127.0.0.1", port), _Handler)
        self.hangs = False
        self._file = file
        self._lock = threading.Lock()

    def accept(self, path: str, body: bytes) -> None:
        """A line for each event: path, type, number of the user, id of the event."""
        payload = json.loads(body)
        metadata = payload["event_metadata"]
        about = payload.get("user") or payload.get("enrollment", {}).get("user") or {}
        user = about.get("id") or payload["grade"]["user_id"]
        with self._lock:
            self._file.write(f"{path} {metadata['event_type']} {user} {metadata['id']}\n")
            self._file.flush()

    def handle_error(self, request, client_address):
        """Workers that are killed leave connections behind."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Endpoint

    def do_POST(self):  # pylint: disable=invalid-name,missing-function-docstring
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return
        if self.path == "/mood":
            self.server.hangs = body == b"bad"
        elif self.path == "/hanging" and self.server.hangs:
            time.sleep(_HANGING_SECONDS)
            self.close_connection = True
            return
        else:
            time.sleep(_SECONDS)
            if self.path != "/webfilter":
                self.server.accept(self.path, body)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *args):
        """Be quiet."""


if __name__ == "__main__":
    with open(sys.argv[2], "w", encoding="utf-8") as accepted:
        Endpoint(int(sys.argv[1]), accepted).serve_forever()
