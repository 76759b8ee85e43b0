"""Places in a payload, by its JSON Schema and by payloads at hand: what can be there, and what is in it."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import attrs

Schema = dict[str, Any]
# An object that contains itself has no end.
_MOST_DEPTH = 6
_MOST_PATHS = 600
_MOST_ALTERNATIVES = 20
_KINDS = {"integer": "number"}


@attrs.frozen
class Place:
    """
    What may be at a place.

    Attributes:
        schemas: the alternatives, without references; an empty one allows everything. None: nothing is known.
        values: what is there in the payloads at hand.
        root: the whole schema, with its definitions.
        is_personal: it holds personal data.
    """

    schemas: tuple[Schema, ...]
    values: tuple[Any, ...] = ()
    root: Schema = attrs.field(factory=dict, repr=False)
    is_personal: bool = False

    UNKNOWN: ClassVar["Place"]

    @classmethod
    def of(cls, schema: Schema, samples: Sequence[Any] = ()) -> "Place":
        """The payload itself."""
        return cls(tuple(_alternatives(schema, schema)), tuple(samples), schema)

    @classmethod
    def of_kind(cls, kind: str) -> "Place":
        """Something of a kind of JSON, of which no more is known."""
        return cls(({"type": kind},))

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of JSON that may be there; empty if that isn't known."""
        found: set[str] = set()
        for schema in self.schemas:
            kinds = _kinds(schema)
            if not kinds:
                return frozenset()
            found |= kinds
        return frozenset(found)

    @property
    def choices(self) -> list[Any]:
        """The values that may be there; empty if others may."""
        found: list[Any] = []
        for schema in self.schemas:
            if schema.get("type") == "null":
                continue
            if "enum" not in schema:
                return []
            found += schema["enum"]
        return found

    @property
    def is_scalar(self) -> bool:
        """It has no members, whatever it is."""
        return bool(self.kinds) and not self.kinds & {"object", "array"}

    @property
    def names(self) -> list[str]:
        """The names of its members, as far as they are known."""
        named = [name for schema in self.schemas for name in schema.get("properties", ())]
        return list(
            dict.fromkeys([*named, *(name for value in self.values if isinstance(value, dict) for name in value)])
        )

    def member(self, name: str) -> "Place | None":
        """A member of the object that is here; None if there never is one of this name."""
        values = tuple(value[name] for value in self.values if isinstance(value, dict) and name in value)
        found: list[Schema] = []
        is_open = not self.schemas
        is_personal = self.is_personal
        for schema in self.schemas:
            properties = schema.get("properties", {})
            if name in properties:
                is_personal = is_personal or "x-personal-data" in properties[name]
                found += _alternatives(properties[name], self.root)
            elif _is_open(schema):
                is_open = True
        if found:
            return Place(tuple(found[:_MOST_ALTERNATIVES]), values, self.root, is_personal)
        return Place((), values, self.root, is_personal) if is_open or values else None

    def item(self) -> "Place":
        """An item of the list that is here."""
        values = tuple(item for value in self.values if isinstance(value, list) for item in value[:10])
        found: list[Schema] = []
        for schema in self.schemas:
            if "array" in _kinds(schema):
                if not schema.get("items"):
                    return Place((), values, self.root)
                found += _alternatives(schema["items"], self.root)
        return Place(tuple(found[:_MOST_ALTERNATIVES]), values, self.root)


Place.UNKNOWN = Place(())


def kind_of(value: Any) -> str:
    """The kind of a JSON value, by JSON Schema's name; all numbers are of one kind."""
    kinds = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return kinds.get(type(value), "null")


def last_of(path: str) -> str:
    return path.rpartition(".")[2]


def paths_of(schema: Schema, samples: Sequence[Any]) -> Iterator[tuple[str, Place]]:
    """The paths of an object's members, those near the top first, each with its place; some hundreds at most."""
    level, count = [("", Place.of(schema, samples))], 0
    for _depth in range(_MOST_DEPTH):
        below = []
        for path, place in level:
            for name in place.names:
                inner = place.member(name)
                if inner is None or not (name.isascii() and name.isidentifier()):
                    continue
                count += 1
                if count > _MOST_PATHS:
                    return
                below.append((f"{path}.{name}" if path else name, inner))
        yield from below
        level = below


def _alternatives(schema: Schema, root: Schema) -> list[Schema]:
    """The schema without references and choices; each alternative is one of them."""
    found, pending, steps = [], [schema], 0
    while pending and steps < _MOST_ALTERNATIVES:
        steps += 1
        schema = pending.pop(0)
        if "$ref" in schema:
            target = root.get("$defs", {}).get(schema["$ref"].rpartition("/")[2], {})
            # What stands beside a reference adds to it.
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            properties = {**target.get("properties", {}), **beside.get("properties", {})}
            merged = {**target, **beside}
            pending.append({**merged, "properties": properties} if properties else merged)
        elif "anyOf" in schema:
            pending.extend(schema["anyOf"])
        else:
            found.append(schema)
    return found


def _kinds(schema: Schema) -> set[str]:
    kinds = schema.get("type")
    if kinds is None:
        if "enum" in schema:
            return {"string"} if all(isinstance(value, str) for value in schema["enum"]) else set()
        if "const" in schema and isinstance(schema["const"], str):
            return {"string"}
        return {"boolean"} if schema.get("const") is True else set()
    return {_KINDS.get(kind, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)}


def _is_open(schema: Schema) -> bool:
    """Whether there may be members that the schema doesn't name."""
    kinds = _kinds(schema)
    if not kinds:
        return True
    return "object" in kinds and (bool(schema.get("additionalProperties")) or "properties" not in schema)
