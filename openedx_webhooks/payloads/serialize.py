"""
Payloads: what an event or a filter carries, as JSON data (``{argument: value, …, "event_metadata": {…}}``).

* Nothing here raises, and nothing runs a query: what isn't in memory isn't sent.
* Members that never leave are dropped (:mod:`.redact`).
* What has no JSON form is sent as ``{"type": "module.Class"}``; models beyond the known ones as
  ``{"type": "app.Model", "id": 1}``; query sets as ``{"type": "app.Model"}``, with ``count`` and ``ids`` if their rows
  are loaded; an anonymous user as null.
* NaN and the infinities are null. Naive datetimes are taken to be in the installation's time zone. Durations are ISO
  8601, sets sorted lists, decimals strings, bytes text if they are UTF-8.
* What exceeds a limit is cut, and ``event_metadata.cut`` lists where.
"""

from __future__ import annotations

import functools
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING, Any, NamedTuple

from ..app_settings import app_settings
from ..catalog import EventType, FilterType
from ..platform_facts import facts_of
from .limits import METADATA, dump, fit
from .serializers import held
from .walk import CUT, DROPPED, Path, Walk

if TYPE_CHECKING:
    from openedx_events.data import EventsMetadata


def to_json(value: Any) -> Any:
    """
    Any Python value as JSON data.

    Cut to the limits PAYLOAD_MAX_DEPTH and PAYLOAD_MAX_ITEMS; texts to PAYLOAD_MAX_BYTES characters, and no more is
    collected than about twice that size.
    """
    return Walk().json(value)


def event_payload(event_type: EventType, kwargs: Mapping[str, Any], metadata: EventsMetadata) -> dict[str, Any]:
    """
    The payload of an event.

    Args:
        kwargs: what the event's receivers are called with; only the arguments that the event declares are taken.
        metadata: the event's own.
    """
    arguments = {name: kwargs[name] for name in event_type.init_data if name in kwargs}
    return _payload(arguments, _metadata(metadata, event_type.name), Walk()).payload


def filter_payload(
    filter_type: FilterType, kwargs: Mapping[str, Any], extra: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The payload of a filter; arguments as for :func:`filter_message`."""
    return filter_message(filter_type, kwargs, extra).payload


class FilterMessage(NamedTuple):
    """
    What a webfilter is sent.

    Attributes:
        body: the payload in JSON, as it is sent.
        withheld: what isn't in the payload as the platform has it, so that an answer can't put it back: the path of a
            value → :data:`~.walk.MASKED` (a text with ``***`` in the place of a secret), :data:`~.walk.CUT` (a text
            that is shortened, an object or list that lacks members) or :data:`~.walk.DROPPED` (the path of a member
            that never leaves and isn't there; or a list that lacks such items). Indexes of lists are texts.
    """

    payload: dict[str, Any]
    body: bytes
    withheld: Mapping[Path, str]


def filter_message(
    filter_type: FilterType, kwargs: Mapping[str, Any], extra: Mapping[str, Any] | None = None, file_urls: bool = False
) -> FilterMessage:
    """
    The payload of a filter, and the same as it is sent in JSON.

    Args:
        kwargs: what the pipeline step is called with.
        extra: further members; they come after the filter's own and never replace them.
        file_urls: let the signatures of pre-signed URLs through, without which nobody gets the files.

    Beside a ``user`` whose ``profile`` is loaded is that ``profile``: among the arguments, and in an argument that has
    a user, such as an enrollment.
    """
    arguments = dict(kwargs)
    if "user" in arguments and (profile := _loaded_profile(arguments["user"])) is not None:
        arguments.setdefault("profile", profile)
    for name, value in (extra or {}).items():
        if name not in kwargs:
            arguments[name] = value
    metadata = {
        "event_type": filter_type.filter_type,
        "event_name": filter_type.name,
        # EventsMetadata's default is a UUID 1, which takes longer than all the rest and tells the machine's address.
        "id": str(uuid.uuid4()),
        "time": datetime.now(UTC).isoformat(),
        **_source_of_filters(),
    }
    secrets = facts_of(filter_type.filter_type).secrets
    return _payload(arguments, metadata, Walk(secrets, file_urls), _with_profile)


def user_id_of(payload: Mapping[str, Any]) -> int | None:
    """
    The id of the user whom a payload is about, as far as it names one; for finding a retired user's records.

    The nearest to the top wins; lists aren't searched, because they are about several users.
    """
    level = [{name: value for name, value in payload.items() if name != METADATA}]
    for _ in range(_USER_ID_LEVELS):
        for value in level:
            for found in (_member_id(value, "user"), _member_id(value, "student_user"), *map(value.get, _USER_IDS)):
                if (number := _number(found)) is not None:
                    return number
        level = [inner for value in level for inner in value.values() if isinstance(inner, dict)][:500]
    return _tracked_user(payload)


_USER_IDS = ("user_id", "lms_user_id", "accomplishment_user_id")
# learner_credit_course_enrollment.enterprise_course_enrollment.enterprise_user.user_id
_USER_ID_LEVELS = 5
_TRACKED_USER = re.compile(r'"user_id":\s*"?(\d{1,18})\b')


def _member_id(value, name):
    member = value.get(name)
    return member.get("id") if isinstance(member, dict) else None


def _tracked_user(payload):
    """Tracking logs carry their context as text."""
    log = payload.get("tracking_log")
    context = log.get("context") if isinstance(log, dict) else None
    found = _TRACKED_USER.search(context) if isinstance(context, str) else None
    return int(found[1]) if found else None


def _number(value):
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        value = int(value)
    # Beyond that it is nobody's, and no column holds it.
    return value if isinstance(value, int) and 0 <= value < 2**63 else None


def _payload(arguments, metadata, walk, argument=Walk.at) -> FilterMessage:
    payload = {}
    for name, value in arguments.items():
        if walk.is_sensitive(name) or name == METADATA:
            walk.note(DROPPED, name)
        else:
            payload[name] = argument(walk, name, value)
    payload[METADATA] = metadata
    withheld = walk.withheld
    limit = app_settings.PAYLOAD_MAX_BYTES
    body = dump(payload)
    if len(body) <= limit and CUT not in withheld.values():
        return FilterMessage(payload, body, withheld)
    room = min(4096, limit // 4)
    fitted, cut = fit(payload, limit - room)
    withheld |= dict.fromkeys(cut, CUT)
    metadata["cut"] = _notes([path for path, reason in withheld.items() if reason == CUT], room)
    return FilterMessage(fitted, dump(fitted), withheld)


# Places in ``event_metadata.cut``.
_MAX_NOTES = 50


def _notes(paths, room):
    """The first places that fit into ``room`` bytes; the last one may be cut itself."""
    room -= len('"cut":[],')
    notes = []
    for place in map(".".join, paths[:_MAX_NOTES]):
        # At worst each character is escaped (six bytes).
        place = place if len(place) * 6 + 3 <= room else place[: max(0, room // 6 - 4)] + "…"
        notes.append(place)
        room -= len(dump(place)) + 1
        if room < 60:
            break
    return notes


def _with_profile(walk, name, value):
    """A filter's argument; an enrollment whose user came with a profile has that beside the user."""
    if name == "running_pipeline":
        value = _pipeline(value)
    data = walk.at(name, value)
    if not isinstance(data, dict) or "user" not in data:
        return data
    profile = _loaded_profile(held(value, "user"))
    if profile is None:
        return data
    members = {}
    for key, member in data.items():
        members[key] = member
        if key == "user":
            members["profile"] = walk.at_path((name, "profile"), profile)
    return members


def _pipeline(pipeline):
    """
    A login through another provider, under way: who provides it and what is known of the learner.

    Nothing else of it: it holds the provider's raw answer with assertions and tokens.
    """
    if not issubclass(type(pipeline), dict):
        return None
    inner = _member(pipeline, "kwargs")
    details = {name: _member(_member(inner, "details"), name) for name in _DETAILS}
    return {
        "backend": _member(pipeline, "backend"),
        "details": {name: value for name, value in details.items() if value is not None},
        "user": _member(inner, "user"),
    }


_DETAILS = ("username", "email", "fullname", "first_name", "last_name", "country")


def _member(mapping, name):
    return dict.get(mapping, name) if issubclass(type(mapping), dict) else None


def _loaded_profile(user):
    if _is_lazy(type(user)):
        user = held(user, "_wrapped")
    return held(user, "profile")


@functools.lru_cache(maxsize=1024)
def _is_lazy(cls: type) -> bool:
    return any(base.__name__ == "LazyObject" for base in cls.__mro__)


def _metadata(metadata: EventsMetadata, name: str) -> dict[str, Any]:
    return {
        "event_type": metadata.event_type,
        "event_name": name,
        "id": str(metadata.id),
        "time": metadata.time.astimezone(UTC).isoformat(),
        **_source(metadata),
    }


def _source(metadata: EventsMetadata) -> dict[str, Any]:
    return {
        "source": metadata.source,
        "sourcehost": metadata.sourcehost,
        "minorversion": metadata.minorversion,
        "sourcelib": list(metadata.sourcelib),
    }


@functools.cache
def _source_of_filters() -> dict[str, Any]:
    """The same for all filters of a process."""
    # Here, so that models load where the library doesn't.
    from openedx_events.data import EventsMetadata  # pylint: disable=import-outside-toplevel

    # By its metadata: webhooks go on where the filters library can't be imported.
    version = tuple(int(part) for part in installed_version("openedx-filters").split(".") if part.isdigit())
    return _source(EventsMetadata(event_type="", sourcelib=version))
