"""A receiver of webhooks: WEBHOOK_SECRET=whsec_… python receive_webhooks.py [port]"""

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
seen = set()  # In production: a table with a unique index, and the work in the same transaction.


def verified(headers, body):
    """Whether the body is the LMS's, unchanged, and not a recording of last week."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    signed = f"{message_id}.{timestamp}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256)).decode()
    # During the rotation of a secret there are two signatures, separated by a space.
    given = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(expected.encode(), one.encode()) for one in given)


class Handler(BaseHTTPRequestHandler):
    """Answers 204 for what it has, 400 for what isn't the LMS's."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if not verified(self.headers, body):
            return self.answer(400)
        if (message_id := self.headers["webhook-id"]) not in seen:
            event = json.loads(body)
            is_test = event["event_metadata"].get("test")  # An operator tries the webhook out: nothing has happened.
            what = "a test" if is_test else event["event_metadata"]["event_name"]
            print(what, event.get("user", {}).get("id"), flush=True)
            seen.add(message_id)
        return self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
    ThreadingHTTPServer(("", port), Handler).serve_forever()
