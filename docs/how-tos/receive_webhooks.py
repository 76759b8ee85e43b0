"""A receiver of webhooks: WEBHOOK_SECRET=whsec_… python receive_webhooks.py [port]"""

import base64
import hashlib
import hmac
import json
import os
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))
TOLERANCE_SECONDS = 5 * 60
MOST_BYTES = 1024 * 1024
seen, lock = set(), threading.Lock()  # In production: a table with a unique index, in the transaction of the work.


def verified(headers, body):
    """Whether the body is the LMS's, unchanged, and not a recording of last week."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not re.fullmatch("[0-9]{1,12}", timestamp) or abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    signed = f"{message_id}.{timestamp}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256)).decode()
    # During the rotation of a secret there are two signatures, separated by a space.
    given = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(expected.encode(), one.encode()) for one in given)


def receive(headers, body):
    """The status to answer. A real receiver stores the event here, and works on it after it has answered."""
    if not verified(headers, body):
        return 401
    try:
        event = json.loads(body)
    except ValueError:
        return 400  # It is the LMS's, and no JSON: the operator has ticked WWW form encoding.
    with lock:
        is_new = headers["webhook-id"] not in seen
        seen.add(headers["webhook-id"])
    if is_new:
        told = event if isinstance(event, dict) else {}  # The operator's shape may make anything.
        metadata, user = told.get("event_metadata") or {}, told.get("user") or {}
        # Of a test nothing has happened: an operator tries the webhook out.
        print("a test" if metadata.get("test") else f"{metadata.get('event_name')} {user.get('id')}", flush=True)
    return 204


class Handler(BaseHTTPRequestHandler):
    """Answers 204 for what it has, 401 for what isn't the LMS's."""

    timeout = 20  # Seconds for which somebody may say nothing.

    def do_POST(self):
        length = self.headers.get("content-length", "")
        if not re.fullmatch("[0-9]{1,12}", length):
            return self.answer(411)
        if int(length) > MOST_BYTES:
            return self.answer(413)
        body = self.rfile.read(int(length))  # The bytes as they came: parsed and written again they may differ.
        return self.answer(receive(self.headers, body) if len(body) == int(length) else 400)

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
    ThreadingHTTPServer(("", port), Handler).serve_forever()
