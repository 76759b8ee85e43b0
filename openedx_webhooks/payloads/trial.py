"""The mark of a test: a receiver must not take it for something that has happened."""

import uuid
from typing import Any

from .limits import METADATA

# Sent with every test, and never otherwise.
HEADERS = {"webhook-test": "true"}
_NAME = "test"


def marked(payload: dict[str, Any]) -> dict[str, Any]:
    """The payload with the mark in its metadata, and an id of its own; of what it is made nothing is changed."""
    metadata = payload.get(METADATA)
    known = metadata if isinstance(metadata, dict) else {}
    return {**payload, METADATA: {**known, "id": str(uuid.uuid4()), _NAME: True}}
