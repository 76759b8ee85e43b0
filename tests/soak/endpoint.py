"""
``python -m tests.soak.endpoint PORT FILE SECRETS``: an endpoint in a process of its own, to be stopped for a while.

It appends a line to ``FILE`` for each event that it accepts; ``/webfilter`` lets everything pass. Signatures that do
not verify are lines, too.
"""

import json
import sys
import threading
from pathlib import Path

from tests.live.endpoints import Endpoints, Mood

BAD = "bad-signature"
_PASS = Mood(headers={"Content-Type": "application/json"}, body=b'{"data": {}}')


class Recording(Endpoints):
    """
    Writes down instead of remembering.

    Args:
        port: to listen on.
        file: to append to.
    """

    def __init__(self, port: int, file):
        self._file = file
        super().__init__(port)

    def answer(self, path, body, headers):
        return _PASS if path == "/webfilter" else super().answer(path, body, headers)

    def accept(self, path, event, message):
        self._write(f"{path} {event} {message}")

    def mistrust(self, path):
        self._write(f"{path} {BAD} -")

    def _write(self, line):
        self._file.write(f"{line}\n")
        self._file.flush()


def main() -> None:
    """Serve until killed."""
    port, file, secrets = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    with open(file, "a", encoding="utf-8") as stream:
        endpoint = Recording(port, stream)
        endpoint.secrets.update(json.loads(Path(secrets).read_text(encoding="utf-8")))
        threading.Event().wait()


if __name__ == "__main__":
    main()
