"""What the receiver was sent, ready for the page."""

import json
import threading
from collections import deque
from datetime import UTC, datetime
from urllib.parse import parse_qsl

KEPT = 500
_SHOWN_BYTES = 512 * 1024


class Record:
    """The last requests, numbered from 1; safe to use from all threads."""

    def __init__(self):
        self._lock = threading.Lock()
        self._requests: deque[dict] = deque(maxlen=KEPT)
        self._last = 0

    def add(self, entry: dict) -> dict:
        """Number a request and keep it; the oldest goes."""
        with self._lock:
            self._last += 1
            entry = {"number": self._last, "time": datetime.now(UTC).isoformat(), **entry}
            self._requests.append(entry)
            return entry

    def after(self, number: int) -> list[dict]:
        """Those with a higher number, oldest first."""
        with self._lock:
            return [entry for entry in self._requests if entry["number"] > number]

    def first(self) -> int:
        """The lowest number kept; what a page shows with a lower one is gone."""
        with self._lock:
            return self._requests[0]["number"] if self._requests else self._last + 1

    def clear(self) -> None:
        """Forget all; the numbers go on."""
        with self._lock:
            self._requests.clear()


def describe_body(body: bytes, content_type: str) -> dict:
    """
    A body for people.

    Returns:
        ``format`` ("empty", "json", "form", "text" or "binary"), ``bytes``, ``text`` (JSON indented), and for forms
        ``fields``, for JSON ``json``.
    """
    result = {"format": "text", "bytes": len(body), "text": ""}
    if not body:
        return {**result, "format": "empty"}
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return {**result, "format": "binary", "text": body[:1024].hex(" ")}
    if "x-www-form-urlencoded" in content_type:
        return {**result, "format": "form", "text": text, "fields": parse_qsl(text, keep_blank_values=True)}
    try:
        value = json.loads(text)
    except ValueError:
        return {**result, "text": text[:_SHOWN_BYTES]}
    indented = json.dumps(value, indent=2, ensure_ascii=False)
    return {**result, "format": "json", "json": value, "text": indented[:_SHOWN_BYTES]}
