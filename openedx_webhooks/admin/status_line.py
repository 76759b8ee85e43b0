"""Whether it is running at all, above the lists of hooks: one line if it is, and if not, what to do."""

from typing import Any

from ..operations import status
from ..operations.finding import Finding, Level

TONES = {Level.OK: "good", Level.WARN: "warn", Level.BAD: "bad"}


def context() -> dict[str, Any]:
    """What ``status_line.html`` needs: what must be said, or else that a worker delivers."""
    found = status.look(is_full=False).findings
    troubles = [finding for finding in found if finding.level is not Level.OK]
    return {"owh_troubles": [(finding, TONES[finding.level]) for finding in troubles], "owh_running": _running(found)}


def _running(found: list[Finding]) -> Finding | None:
    return next((finding for finding in found if finding.name == "worker" and finding.level is Level.OK), None)
