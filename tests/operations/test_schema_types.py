"""Types that other packages bring, in the generated reference."""

import dataclasses
import enum
import typing
from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from uuid import UUID, uuid1

import attrs
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from openedx_filters.tooling import OpenEdxPublicFilter

from openedx_webhooks import catalog
from openedx_webhooks.operations import schema
from openedx_webhooks.payloads.samples import sample_payload

from .schema_checks import payloads, validate


class Colour(enum.Enum):
    """An enumeration of another package."""

    RED = "red"


Number = typing.NewType("Number", int)


@dataclasses.dataclass
class Inner:
    """Something of the standard library's kind."""

    day: date
    share: Decimal | None = None


@attrs.frozen
class Foreign:
    """
    What another package may declare.

    Attributes:
        number (Number): a number with a name,
            continued here.
        note (str): something (optional).

        This text belongs to no field.
    """

    number: Number
    note: str
    colour: Colour
    kind: typing.Literal["a", "b"]
    either: int | str
    anything: typing.Any
    bare: list
    weight: float
    inner: list[Inner]
    access_token: str = ""
    parent: "Foreign | None" = None
    id: UUID = attrs.field(factory=uuid1)


class ForeignFilter(OpenEdxPublicFilter):
    """Asks something of its own."""

    filter_type = ""

    @classmethod
    def run_filter(cls, thing, count: int, names: list[str]):
        """Run."""
        return cls.run_pipeline(thing=thing, count=count, names=names)


class TestOtherPackages:
    """Events and filters that the installed libraries don't define."""

    EVENT = catalog.EventType(
        "org.example.thing.v1", "THING", SimpleNamespace(init_data={"thing": Foreign}, minor_version=0)
    )
    FILTER = catalog.FilterType("org.example.asked.v1", "ForeignFilter", ForeignFilter)

    @pytest.fixture
    def foreign(self):
        """The component of the data class."""
        definitions = schema.payload_schema(self.EVENT)["$defs"]
        return definitions["tests_operations_test_schema_types_Foreign"]

    @pytest.mark.parametrize(
        "name, expected",
        [
            ("number", {"type": "integer", "description": "a number with a name, continued here."}),
            ("note", {"type": ["string", "null"], "description": "something (optional)."}),
            ("colour", {"enum": ["red"]}),
            ("kind", {"enum": ["a", "b"]}),
            ("either", {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
            ("anything", {}),
            ("bare", {"type": "array", "items": {}}),
            # What is no number has no form in JSON.
            ("weight", {"type": ["number", "null"]}),
            ("inner", {"type": "array", "items": {"$ref": "#/$defs/tests_operations_test_schema_types_Inner"}}),
            ("parent", {"anyOf": [{"$ref": "#/$defs/tests_operations_test_schema_types_Foreign"}, {"type": "null"}]}),
            ("id", {"type": "string", "format": "uuid"}),
        ],
    )
    def test_a_field_is_described_by_its_type(self, foreign, name, expected):
        """And by the class's docstring."""
        assert foreign["properties"][name] == expected

    def test_a_sensitive_field_is_not_described(self, foreign):
        """It is never sent."""
        assert "access_token" not in foreign["properties"]

    @pytest.mark.parametrize("hook_type", [EVENT, FILTER], ids=["event", "filter"])
    def test_the_sample_validates(self, hook_type):
        """Whatever the types are."""
        validate(sample_payload(hook_type), payloads(hook_type))

    def test_the_document_is_valid(self):
        """With such types in it."""
        document = schema.openapi([self.EVENT, self.FILTER])
        assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []
