"""XBlocks and fragments as the platform hands them to filters: XBlock's own classes, fragments and keys."""

import warnings

import pytest
from django.utils.translation import gettext_lazy
from opaque_keys.edx.keys import CourseKey, UsageKey
from web_fragments.fragment import Fragment
from xblock.core import XBlock
from xblock.field_data import DictFieldData, FieldData, ReadOnlyFieldData, SplitFieldData
from xblock.fields import Scope, ScopeIds, String
from xblock.runtime import DictKeyValueStore, KvsFieldData, Runtime

from openedx_webhooks import catalog
from openedx_webhooks.payloads.serialize import filter_payload, to_json

COURSE = CourseKey.from_string("course-v1:edX+DemoX+2026")
USAGE = COURSE.make_usage_key("problem", "one")
SENT = {"usage_key": str(USAGE), "course_key": str(COURSE), "block_type": "problem", "display_name": None}


class Problem(XBlock):
    """A block with an answer."""

    display_name = String(default="Blank Problem", scope=Scope.settings)
    data = String(default="", scope=Scope.content)
    state = String(default="", scope=Scope.user_state)


class Untitled(XBlock):
    """A block without a name."""


class Translated(XBlock):
    """A block whose name is translated."""

    display_name = String(default=gettext_lazy("Webhook"), scope=Scope.settings)


class Elsewhere(XBlock):
    """A block whose name is content, which the modulestore fetches when it is read."""

    display_name = String(default="Blank", scope=Scope.content)


class Store(FieldData):
    """A store that must not be asked: it would cost a query."""

    def get(self, block, name):
        pytest.fail("fetched")

    set = delete = has = default = get


class ModulestoreKvs(DictKeyValueStore):
    """As the modulestore's: the settings in memory, the content fetched when it is read."""

    def __init__(self, fields, defaults=()):
        super().__init__()
        self._fields, self._defaults = fields, dict(defaults)

    def get(self, key):
        pytest.fail("fetched")

    set = delete = has = default = get


class LmsFieldData(SplitFieldData):
    """As the LMS': what the author wrote, read-only; what learners did, in another store."""

    def __init__(self, authored_data):
        self._authored_data = ReadOnlyFieldData(authored_data)
        super().__init__({Scope.settings: self._authored_data, Scope.user_state: Store()})


class OverrideFieldData(Store):
    """As the LMS': asks providers of exceptions for single learners."""

    def __init__(self, fallback):
        self.fallback = fallback


class Services(Runtime):
    """A runtime that makes nothing."""

    handler_url = resource_url = local_resource_url = publish = lambda self, *args, **kwargs: pytest.fail("called")


def block_of(field_data, cls=Problem, usage=USAGE) -> XBlock:
    """A block with this field data, as the platform sets it."""
    block = cls(Services(None, None), None, ScopeIds("5", usage.block_type, usage, usage))
    if field_data is not None:
        with warnings.catch_warnings(action="ignore"):
            block._field_data = field_data
    return block


def modulestore(defaults=(), **fields):
    """Field data of a block of the modulestore."""
    return KvsFieldData(ModulestoreKvs(fields, defaults))


IN_MEMORY = {"display_name": "Öne", "data": "S3CR3T"}


@pytest.mark.parametrize(
    ("field_data", "name"),
    [
        (DictFieldData(IN_MEMORY), "Öne"),
        (DictFieldData({}), "Blank Problem"),
        (modulestore(**IN_MEMORY), "Öne"),
        (modulestore(), "Blank Problem"),
        (modulestore(defaults={"display_name": "From a template"}), "From a template"),
        (modulestore(display_name=5), None),
        (ReadOnlyFieldData(modulestore(**IN_MEMORY)), "Öne"),
        (LmsFieldData(modulestore(**IN_MEMORY)), "Öne"),
        (LmsFieldData(OverrideFieldData(modulestore(**IN_MEMORY))), "Öne"),
        (OverrideFieldData(LmsFieldData(modulestore())), "Blank Problem"),
        (Store(), None),
        (LmsFieldData(Store()), None),
        (None, None),
    ],
)
def test_name_that_nothing_has_read(field_data, name):
    """It is in memory below the wrappers, and sent; no store is asked, and no field that could hold an answer sent."""
    assert to_json(block_of(field_data)) == SENT | {"display_name": name}


def test_name_that_was_read_or_set():
    """What the request itself goes by."""
    block = block_of(DictFieldData(dict(IN_MEMORY)))
    assert block.display_name == "Öne"
    block.display_name = "Two"
    assert to_json(block)["display_name"] == "Two"


def test_field_data_of_the_runtime():
    """Where the block has none of its own."""
    runtime = Services(None, None, services={"field-data": DictFieldData(IN_MEMORY)})
    block = Problem(runtime, None, ScopeIds("5", "problem", USAGE, USAGE))
    assert block.display_name == "Öne"
    assert to_json(Problem(runtime, None, block.scope_ids))["display_name"] == "Öne"


@pytest.mark.parametrize(
    ("cls", "name"), [(Untitled, None), (XBlock, None), (Translated, "Webhook"), (Elsewhere, None)]
)
def test_declared_default(cls, name):
    """A default is what the block shows, if it is that of a setting."""
    assert to_json(block_of(modulestore(), cls))["display_name"] == name


def test_field_data_in_a_circle():
    """Wrappers that wrap each other end nowhere."""
    data = ReadOnlyFieldData(None)
    data._source = data
    assert to_json(block_of(data))["display_name"] is None


@pytest.mark.parametrize(
    ("usage", "course"),
    [
        ("lb:edX:Library:problem:one", "lib:edX:Library"),
        ("block-v1:edX+DemoX+2026+type@problem+block@one", str(COURSE)),
        # Of such a course, opaque keys can't make the text.
        ("i4x://edX/DemoX/problem/one", {"type": "opaque_keys.edx.locator.CourseLocator"}),
        ("ccx-block-v1:edX+DemoX+2026+ccx@7+type@problem+block@one", "ccx-v1:edX+DemoX+2026+ccx@7"),
    ],
)
def test_kinds_of_key(usage, course):
    """Libraries', old and custom courses' blocks have keys of other kinds."""
    data = to_json(block_of(None, usage=UsageKey.from_string(usage)))
    assert (data["usage_key"], data["block_type"]) == (usage, "problem")
    assert data["course_key"] == course


def test_key_of_another_package():
    """A kind of key that refuses to name a course."""

    class Key:
        """As keys of other packages."""

        block_type = "html"

        @property
        def context_key(self):
            """Isn't in a course."""
            raise NotImplementedError

    assert to_json(block_of(None, usage=Key())) == {
        "usage_key": {"type": f"{__name__}.test_key_of_another_package.<locals>.Key"},
        "course_key": None,
        "block_type": "html",
        "display_name": None,
    }


def test_fragment():
    """Its markup, with the CSRF value masked and what its scripts need; not its resources."""
    fragment = Fragment('<p data-request-token="a">Hi</p><input name="csrfmiddlewaretoken" value="S3CR3T">')
    fragment.add_javascript("var csrf = 'S3CR3T'")
    assert to_json(fragment) == {
        "content": '<p data-request-token="a">Hi</p><input name="csrfmiddlewaretoken" value="***">'
    }


def test_unit():
    """What a receiver is sent of a unit that was rendered."""
    block = block_of(LmsFieldData(modulestore(display_name="Week 1")), usage=COURSE.make_usage_key("vertical", "w1"))
    arguments = {"block": block, "fragment": Fragment("<p>Hi</p>"), "context": {"block": block}, "view": "student_view"}
    payload = filter_payload(catalog.find_filter("VerticalBlockRenderCompleted"), arguments)
    sent = {
        "usage_key": "block-v1:edX+DemoX+2026+type@vertical+block@w1",
        "course_key": str(COURSE),
        "block_type": "vertical",
        "display_name": "Week 1",
    }
    assert {name: payload[name] for name in arguments} == {
        "block": sent,
        "fragment": {"content": "<p>Hi</p>"},
        "context": {"block": sent},
        "view": "student_view",
    }
