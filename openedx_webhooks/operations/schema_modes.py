"""The schema of what a webhook sends of an event in a restricted personal-data mode."""

from typing import Any

from django.utils.translation import gettext as _

from ..catalog import EventType
from ..payloads.data_classes import data_fields
from ..payloads.personal_modes import FULL, NONE
from ..payloads.secret_names import is_sensitive
from ..payloads.treatments import Member, Treatment, member, members_of
from .schema_types import Components, Schema, component_name, nullable, with_notes


def components_of(mode: str) -> Components:
    """Where schemas of payloads in a personal-data mode are put together."""
    return Components() if mode == FULL else _Restricted(mode)


class _Restricted(Components):
    """Nothing but what a mode lets out; any of it may be missing, where it is not what was declared."""

    def __init__(self, mode: str):
        super().__init__()
        self._mode = mode

    def event_payload(self, event_type: EventType) -> Schema:
        arguments = {name: (member(name, cls), cls) for name, cls in event_type.init_data.items()}
        known = self._members(arguments)
        payload = self._payload(known, event_type.event_type, event_type.name, optional=tuple(known))
        return payload | {"additionalProperties": False}

    def _members(self, members: dict[str, tuple[Member, Any]]) -> dict[str, Schema]:
        found = {name: self._member(*one) for name, one in members.items() if not is_sensitive(name)}
        return {name: schema for name, schema in found.items() if schema is not None}

    def _member(self, one: Member, annotation: Any) -> Schema | None:
        if one.treatment == Treatment.INSIDE:
            return _listed(one, inside) if (inside := self._object_of(one.type)) else None
        if one.treatment == Treatment.CLEAR or (one.treatment == Treatment.RESULT and self._mode != NONE):
            return with_notes(nullable(self.of_type(annotation)), "", one.kinds)
        if one.treatment == Treatment.PSEUDONYM and self._mode != NONE:
            about = _("A pseudonym, or empty: the same for the same value in all events of a webhook.")
            return with_notes(_listed(one, {"type": "string"}), about, one.kinds)
        return None

    def _object_of(self, cls: type) -> Schema | None:
        """The object that is left of a data class; None if nothing of it ever is."""
        name = component_name(cls)

        def make() -> Schema:
            annotations = {field.name: field.type for field in data_fields(cls)}
            known = self._members({name: (one, annotations[name]) for name, one in members_of(cls).items()})
            return {"type": "object", "properties": known, "additionalProperties": False}

        reference = self.ref(name, make)
        if self.schemas[name].get("properties") == {}:
            del self.schemas[name]
            return None
        return reference


def _listed(one: Member, schema: Schema) -> Schema:
    """Nobody checks what an event is sent with: a list may be there in the place of one, and one in that of a list."""
    schema = nullable(schema)
    return {"anyOf": [{"type": "array", "items": schema}, schema]} if one.is_list else schema
