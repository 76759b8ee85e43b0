"""A receiver that lets one mail domain register: WEBHOOK_SECRET=whsec_… python answer_webfilters.py [port]"""

import base64
import hashlib
import hmac
import json
import os
import re
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))
TOLERANCE_SECONDS = 5 * 60
MOST_BYTES = 1024 * 1024


def answer(filter_name, payload):
    """What may happen: {} lets it pass."""
    if filter_name != "StudentRegistrationRequested":
        return {}
    form = payload.get("form_data")
    form = form if isinstance(form, dict) else {}  # A shape may have made something else of it.
    if not text(form.get("email")).lower().endswith("@example.com"):
        return {"exception": {"PreventRegistration": "Register with the address of your company."}}
    return {"data": {"form_data": {"name": text(form.get("name")).title()}}}


def text(value):
    """A field of a form: whoever fills in the form may send it twice (a list), or not at all."""
    return value if isinstance(value, str) else ""


def verified(headers, body):
    """Whether it is the LMS that asks, now."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not re.fullmatch("[0-9]{1,12}", timestamp) or abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    signed = f"{message_id}.{timestamp}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256)).decode()
    # During the rotation of a secret there are two signatures, separated by a space.
    given = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(expected.encode(), one.encode()) for one in given)


class Handler(BaseHTTPRequestHandler):
    """Answers 200 with JSON, and 401 to anybody but the LMS."""

    protocol_version = "HTTP/1.1"  # Keeps the connection: the next learner waits less.
    timeout = 60  # Seconds for which somebody may say nothing.

    def do_POST(self):
        length = self.headers.get("content-length", "")
        if not re.fullmatch("[0-9]{1,12}", length) or int(length) > MOST_BYTES:
            self.close_connection = True  # What follows is not read.
            return self.send(413, {})
        body = self.rfile.read(int(length))
        if len(body) < int(length) or not verified(self.headers, body):
            return self.send(401, {})
        try:
            payload = json.loads(body)
            name = payload["event_metadata"]["event_name"]
        except (ValueError, LookupError, TypeError):
            return self.send(400, {})  # A form, or what a shape has made of it.
        return self.send(200, answer(name, payload))

    def send(self, status, content):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
    ThreadingHTTPServer(("", port), Handler).serve_forever()
