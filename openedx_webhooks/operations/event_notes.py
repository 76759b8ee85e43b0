"""
What the libraries say about their events: the annotations in comments above each (``# .. event_description: …``).

OEP-49 and the events library's own rules ask for them; a library without them, or without its source, costs a sentence.
"""

import functools
import inspect
import re
import sys

from ..catalog import EventType

_LINE = re.compile(r"# \.\. (?P<name>event_\w+): ?(?P<text>.*)")
_CONTINUED = re.compile(r"#\s{2,}(?P<text>\S.*)")


def notes(event_type: EventType) -> dict[str, str]:
    """The annotations of an event without their prefix: ``description``, ``warning``, ``trigger_repository``, …"""
    module = _module_of(event_type)
    return _annotations(module).get(event_type.event_type, {}) if module else {}


@functools.cache
def _module_of(event_type):
    # A signal doesn't know where it was defined; modules that import it come later in this order.
    modules = sorted(sys.modules.items(), key=lambda item: not item[0].endswith("signals"))
    return next(
        (name for name, module in modules if getattr(module, "__dict__", {}).get(event_type.name) is event_type.signal),
        None,
    )


@functools.cache
def _annotations(module_name: str) -> dict[str, dict[str, str]]:
    try:
        source = inspect.getsource(sys.modules[module_name])
    except (OSError, TypeError):
        return {}
    found: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    last = None
    for line in source.splitlines():
        if match := _LINE.fullmatch(line.strip()):
            last = match["name"].removeprefix("event_")
            if last == "type":
                current = found.setdefault(match["text"].strip(), {})
            current[last] = match["text"].strip()
        elif last and (match := _CONTINUED.fullmatch(line.strip())):
            current[last] = f"{current[last]} {match['text']}".strip()
        else:
            last = None
    return found
