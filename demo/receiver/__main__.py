"""``python -m demo.receiver``: run the receiver alone."""

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from .server import ReceiverServer


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m demo.receiver", description="Show what hooks send.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--secrets", type=Path, help="file with a JSON list of signing secrets")
    parser.add_argument("--lms-url", default="", help="address of the mini LMS, for the link on the page")
    options = parser.parse_args()
    secrets = json.loads(options.secrets.read_text(encoding="utf-8")) if options.secrets else []
    try:
        server = ReceiverServer((options.host, options.port), secrets, options.lms_url)
    except OSError as error:
        sys.exit(f"The receiver cannot use port {options.port}: {error.strerror}. Choose another with --port.")
    for number in (signal.SIGTERM, signal.SIGINT):
        # In a thread: shutdown() waits for the loop, which this signal interrupts.
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.1)
    server.server_close()


if __name__ == "__main__":
    main()
