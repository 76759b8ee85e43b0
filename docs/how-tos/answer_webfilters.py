"""A receiver that lets one mail domain register: WEBHOOK_SECRET=whsec_… python answer_webfilters.py [port]"""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))
TOLERANCE_SECONDS = 5 * 60


def answer(filter_name, payload):
    """What may happen: {} lets it pass."""
    if filter_name != "StudentRegistrationRequested":
        return {}
    form = payload["form_data"]
    if not form.get("email", "").endswith("@example.com"):
        return {"exception": {"PreventRegistration": "Register with the address of your company."}}
    return {"data": {"form_data": {"name": form.get("name", "").title()}}}


def verified(headers, body):
    """Whether it is the LMS that asks, now."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    signed = f"{message_id}.{timestamp}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256)).decode()
    # During the rotation of a secret there are two signatures, separated by a space.
    given = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(expected.encode(), one.encode()) for one in given)


class Handler(BaseHTTPRequestHandler):
    """Answers 200 with JSON, and 401 to anybody but the LMS."""

    protocol_version = "HTTP/1.1"  # Keeps the connection: the next learner waits less.

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if not verified(self.headers, body):
            return self.send(401, {})
        payload = json.loads(body)
        return self.send(200, answer(payload["event_metadata"]["event_name"], payload))

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
