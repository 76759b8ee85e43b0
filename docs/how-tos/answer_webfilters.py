"""A receiver that lets one mail domain register: python answer_webfilters.py [port]"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def answer(filter_name, payload):
    """What may happen: {} lets it pass."""
    if filter_name != "StudentRegistrationRequested":
        return {}
    form = payload["form_data"]
    if not form.get("email", "").endswith("@example.com"):
        return {"exception": {"PreventRegistration": "Register with the address of your company."}}
    return {"data": {"form_data": {"name": form.get("name", "").title()}}}


class Handler(BaseHTTPRequestHandler):
    """Answers 200 with JSON."""

    protocol_version = "HTTP/1.1"  # Keeps the connection: the next learner waits less.

    def do_POST(self):
        payload = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))
        body = json.dumps(answer(payload["event_metadata"]["event_name"], payload)).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
    ThreadingHTTPServer(("", port), Handler).serve_forever()
