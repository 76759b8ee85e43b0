"""
Check a Standard Webhooks signature, step by step, as a receiver would.

Written from the specification (https://www.standardwebhooks.com), not with the plugin's code: if both made the same
mistake, the demo would show a wrong signature as a good one.
"""

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Iterable, Mapping

TOLERANCE_SECONDS = 5 * 60


def check(headers: Mapping[str, str], body: bytes, secrets: Iterable[str], now: float | None = None) -> dict:
    """
    Check one request.

    Args:
        headers: by lower-case name.
        body: exactly as received.
        secrets: the ones this receiver knows, each ``whsec_`` and base64; one that fits is enough.
        now: seconds since the epoch; the present if not given.

    Returns:
        ``verdict`` ("valid", "invalid" or "unsigned") and ``steps``: each with ``ok`` and a sentence, up to the first
        that failed.
    """
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    missing = [name for name in names if not headers.get(name)]
    if "webhook-signature" in missing:
        return {"verdict": "unsigned", "steps": [_step(False, "There is no webhook-signature header.")]}
    if missing:
        return {"verdict": "invalid", "steps": [_step(False, f"There is no {' and no '.join(missing)} header.")]}
    steps = [_step(True, "The headers webhook-id, webhook-timestamp and webhook-signature are there.")]
    for test in (_timestamp, _signature):
        steps.append(test(headers, body, list(secrets), time.time() if now is None else now))
        if not steps[-1]["ok"]:
            return {"verdict": "invalid", "steps": steps}
    return {"verdict": "valid", "steps": steps}


def _step(passed: bool, sentence: str) -> dict:
    return {"ok": passed, "text": sentence}


def _timestamp(headers, _body, _secrets, now):
    text = headers["webhook-timestamp"]
    if not (text.isascii() and text.isdigit()):
        return _step(False, f"webhook-timestamp is “{text}”: it must be a whole number of seconds.")
    age = now - int(text)
    if abs(age) > TOLERANCE_SECONDS:
        when = f"{age:.0f} seconds old" if age > 0 else f"{-age:.0f} seconds in the future"
        return _step(False, f"The timestamp is {when}: more than {TOLERANCE_SECONDS} are not accepted.")
    return _step(True, f"The timestamp is {max(age, 0):.0f} s old; up to {TOLERANCE_SECONDS} s are accepted.")


def _signature(headers, body, secrets, _now):
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    given = [part.removeprefix("v1,") for part in headers["webhook-signature"].split(" ") if part.startswith("v1,")]
    if not given:
        return _step(False, "webhook-signature holds no signature of version v1.")
    if not secrets:
        return _step(False, "This receiver knows no secret. Add the hook's signing secret below.")
    for secret in secrets:
        key = decode(secret)
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() if key else ""
        if expected and any(hmac.compare_digest(expected.encode(), one.encode()) for one in given):
            return _step(True, f"The HMAC-SHA256 of id, timestamp and body fits the secret {masked(secret)}.")
    return _step(
        False, f"The HMAC-SHA256 fits none of the {len(secrets)} secrets known here: wrong secret, or a changed body."
    )


def decode(secret: str) -> bytes | None:
    """The key in a secret, or None if it is not ``whsec_`` and base64."""
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True) if secret.startswith("whsec_") else None
    except binascii.Error:
        return None


def masked(secret: str) -> str:
    """Enough of a secret to recognise it."""
    return f"{secret[:9]}…{secret[-3:]}"
