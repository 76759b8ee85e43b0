"""The HTTP server: hooks are sent here by POST, people look at ``/``, and ``/api/`` is for the page and for scripts."""

import json
import mimetypes
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from . import signature
from .answers import Answer, Answers
from .record import Record, describe_body

PAGE_DIR = Path(__file__).parent / "page"
HANG_SECONDS = 120
_LARGEST_BODY = 8 * 1024 * 1024


class ReceiverServer(ThreadingHTTPServer):
    """
    The server and all it knows.

    Args:
        address: host and port; port 0 lets the system choose.
        secrets: signing secrets of the hooks that will be sent here.
        lms_url: for the link to the mini LMS on the page; empty for none.
    """

    daemon_threads = True
    # A page's many connections, and hooks that hang, at once.
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], secrets=(), lms_url: str = ""):
        super().__init__(address, Handler)
        self.answers, self.record = Answers(), Record()
        self.secrets, self.lms_url = list(secrets), lms_url
        self.stopping = threading.Event()
        # Tells a page that this is not the receiver it has been looking at.
        self.run = uuid.uuid4().hex

    def shutdown(self):
        """Stop, and let hanging answers go."""
        self.stopping.set()
        super().shutdown()

    def handle_error(self, request, client_address):
        """A client that hung up is no news."""

    def add_secret(self, secret: str) -> None:
        """
        Know one more signing secret.

        Raises:
            ValueError: it is not ``whsec_`` and base64.
        """
        if not signature.decode(secret):
            raise ValueError("A signing secret begins with whsec_ and goes on with base64. Copy it from the hook.")
        if secret not in self.secrets:
            self.secrets.append(secret)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 300
    server: ReceiverServer

    def do_GET(self):  # pylint: disable=invalid-name
        """The page, and what the receiver knows."""
        path = urlsplit(self.path)
        if path.path == "/api/state":
            after = parse_qs(path.query).get("after", ["0"])[0]
            return self._json(self._state(int(after) if after.isdigit() else 0))
        if path.path == "/api/requests":
            return self._json(self.server.record.after(0))
        if path.path == "/api/answers":
            return self._json(self.server.answers.listed())
        file = PAGE_DIR / ("index.html" if path.path == "/" else path.path.lstrip("/"))
        if file.parent == PAGE_DIR and file.is_file():
            content_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            return self._send(200, file.read_bytes(), {"Content-Type": f"{content_type}; charset=utf-8"})
        return self._json({"error": "There is nothing at this address. The page is at /."}, 404)

    def do_DELETE(self):  # pylint: disable=invalid-name
        """Forget the requests."""
        if self.path != "/api/requests":
            return self._json({"error": "Only /api/requests can be cleared."}, 404)
        self.server.record.clear()
        return self._json({})

    def do_PUT(self):  # pylint: disable=invalid-name
        """Choose an answer, or add a secret."""
        path = urlsplit(self.path).path
        try:
            value = self._api_body()
            if path == "/api/secrets":
                self.server.add_secret(str(value.get("secret", "")).strip())
                return self._json({"secrets": self._secrets()})
            if path.startswith("/api/answers/"):
                hook = path.removeprefix("/api/answers")
                self.server.answers.choose(hook, str(value.get("kind")), value.get("content"))
                return self._json(self.server.answers.listed())
        except ValueError as error:
            return self._json({"error": str(error)}, 400)
        return self._json({"error": "Use /api/answers/webfilters/NAME, /api/answers/webhooks/NAME, /api/secrets."}, 404)

    def do_POST(self):  # pylint: disable=invalid-name
        """Record what a hook sends, and answer as chosen."""
        try:
            body = self._read_body()
        except ValueError as error:
            return self._json({"error": str(error)}, 413)
        path = urlsplit(self.path).path
        answer = self.server.answers.get(path)
        self.server.record.add(self._describe(path, body, answer))
        if answer.kind == "hang":
            self.server.stopping.wait(HANG_SECONDS)
            self.close_connection = True
            return None
        return self._send(answer.status(), answer.body(), answer.headers())

    def _describe(self, path: str, body: bytes, answer: Answer) -> dict:
        headers = {name.lower(): value for name, value in self.headers.items()}
        parts = path.strip("/").split("/")
        kinds = {"webhooks": "webhook", "webfilters": "webfilter"}
        return {
            "method": self.command,
            "path": self.path,
            "type": kinds.get(parts[0], "other"),
            "name": parts[-1] or "/",
            "headers": list(self.headers.items()),
            "body": describe_body(body, headers.get("content-type", "")),
            "signature": signature.check(headers, body, self.server.secrets),
            "answer": {
                "kind": answer.kind,
                "status": None if answer.kind == "hang" else answer.status(),
                "body": answer.body().decode(errors="replace"),
            },
        }

    def _state(self, after: int) -> dict:
        return {
            "run": self.server.run,
            "requests": self.server.record.after(after),
            "first": self.server.record.first(),
            "answers": self.server.answers.listed(),
            "secrets": self._secrets(),
            "lms_url": self.server.lms_url,
        }

    def _secrets(self) -> list[str]:
        return [signature.masked(secret) for secret in self.server.secrets]

    def _api_body(self) -> dict:
        # A page of another site could send a form or plain text to this address without asking, but not JSON.
        if self.headers.get_content_type() != "application/json":
            raise ValueError("Send Content-Type: application/json.")
        value = json.loads(self._read_body())
        if not isinstance(value, dict):
            raise ValueError("Send a JSON object.")
        return value

    def _read_body(self) -> bytes:
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > _LARGEST_BODY:
            self.close_connection = True
            raise ValueError(f"Send a Content-Length of at most {_LARGEST_BODY} bytes.")
        return self.rfile.read(int(length))

    def _json(self, value, status: int = 200) -> None:
        self._send(status, json.dumps(value, ensure_ascii=False).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format, *args):
        """The page shows what arrives; the terminal stays quiet."""
