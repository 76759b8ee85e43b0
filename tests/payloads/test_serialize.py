"""Any value becomes JSON data, nothing is raised, nothing is fetched."""

import collections
import dataclasses
import datetime
import enum
import io
import json
import pathlib
import types
import uuid
from decimal import Decimal

import attr
import attrs
import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.test import RequestFactory, override_settings
from django.utils import translation
from django.utils.functional import SimpleLazyObject, lazystr
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st
from opaque_keys.edx.keys import CourseKey, UsageKey

from openedx_webhooks.payloads import registry
from openedx_webhooks.payloads.registry import register
from openedx_webhooks.payloads.serialize import to_json
from openedx_webhooks.payloads.walk import CUT, Walk

COURSE = CourseKey.from_string("course-v1:edX+DemoX+2026")
NAIVE = datetime.datetime(2026, 11, 24, 10)
KATHMANDU = datetime.timezone(datetime.timedelta(hours=5, minutes=45))


class Color(enum.Enum):
    """An enumeration of texts."""

    RED = "red"


class Level(enum.IntEnum):
    """An enumeration of numbers."""

    HIGH = 3


class Text(str):
    """As MarkupSafe's Markup."""

    def __str__(self):
        raise RuntimeError("no")


def _name(value):
    """For pytest, which would ask the value itself."""
    return type.__getattribute__(type(value), "__name__")


Mode = collections.namedtuple("Mode", ["slug", "min_price", "expiration_datetime"])


@attr.s(frozen=True)
class Old:
    """A data class in the events' style."""

    name = attr.ib(type=str)
    password = attr.ib(type=str, default="S3CR3T")
    options = attr.ib(type=dict, default=dict)


@attrs.define
class New:
    """A data class with slots, as openedx-core has them."""

    name: str
    old: Old | None = None
    _private: int = 1


@dataclasses.dataclass
class Record:
    """A standard data class."""

    name: str
    access_token: str = "S3CR3T"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (False, False),
        (0, 0),
        (-5, -5),
        (2**63, 2**63),
        (1.5, 1.5),
        ("é\n", "é\n"),
        ("", ""),
        (float("nan"), None),
        (float("inf"), None),
        (float("-inf"), None),
        (2**70, str(2**70)),
        (10**5000, {"type": "int"}),
        (Decimal("12.50"), "12.50"),
        (Decimal("NaN"), None),
        (Decimal("Infinity"), None),
        (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (datetime.datetime(2026, 11, 24, 10, tzinfo=datetime.UTC), "2026-11-24T10:00:00+00:00"),
        (datetime.datetime(2026, 11, 24, 10, tzinfo=KATHMANDU), "2026-11-24T10:00:00+05:45"),
        (NAIVE, "2026-11-24T10:00:00+00:00"),
        (datetime.datetime.max, "9999-12-31T23:59:59.999999+00:00"),
        (datetime.date(2026, 11, 24), "2026-11-24"),
        (datetime.time(10, 30), "10:30:00"),
        (datetime.timedelta(hours=36), "P1DT12H00M00S"),
        (Color.RED, "red"),
        (Level.HIGH, 3),
        (pathlib.PurePosixPath("a/b"), "a/b"),
        (b"caf\xc3\xa9", "café"),
        (bytearray(b"a"), "a"),
        (memoryview(b"a"), "a"),
        (b"\x89PNG", {"type": "bytes", "size": 4}),
        (Text("markup"), "markup"),
        (mark_safe("<b>"), "<b>"),
        (lazystr("lazy"), "lazy"),
        (gettext_lazy("Yes"), "Yes"),
        ("lone \ud800", "lone ?"),
        (COURSE, "course-v1:edX+DemoX+2026"),
        (
            UsageKey.from_string("block-v1:edX+DemoX+2026+type@html+block@a"),
            "block-v1:edX+DemoX+2026+type@html+block@a",
        ),
        (dict, {}),
        (list, []),
        (set, []),
        (dict[str, bool], {}),
        (Color, {"type": "type", "name": f"{__name__}.Color"}),
        (int, {"type": "type", "name": "int"}),
        ((1, "a"), [1, "a"]),
        ([], []),
        ((), []),
        ({}, {}),
        ({10, 1, 2}, [1, 2, 10]),
        (frozenset(["b", "a"]), ["a", "b"]),
        (collections.deque([1]), [1]),
        (range(3), [0, 1, 2]),
        ({"a": 1}.keys(), ["a"]),
        ({"a": 1}.values(), [1]),
        ({"a": 1}.items(), [["a", 1]]),
        (collections.OrderedDict(a=1), {"a": 1}),
        (collections.Counter("a"), {"a": 1}),
        (types.MappingProxyType({"a": 1}), {"a": 1}),
        (collections.ChainMap({"a": 1}, {"b": 2}), {"a": 1, "b": 2}),
        (Mode("audit", 0, None), {"slug": "audit", "min_price": 0, "expiration_datetime": None}),
        (Old("a"), {"name": "a", "options": {}}),
        (New("a", Old("b")), {"name": "a", "old": {"name": "b", "options": {}}}),
        (Record("a"), {"name": "a"}),
        (QueryDict("a=1&b=2&b=3&c="), {"a": "1", "b": ["2", "3"], "c": ""}),
        (QueryDict("password=S3CR3T&a=1"), {"a": "1"}),
        (io.BytesIO(b"\x89PNG"), {"name": None, "size": 4}),
        (ContentFile(b"abc", name="/srv/a/b.txt"), {"name": "b.txt", "size": 3}),
        (SimpleUploadedFile("c.png", b"12"), {"name": "c.png", "size": 2}),
    ],
    ids=_name,
)
def test_value(value, expected):
    """The documented form of each kind of value."""
    assert to_json(value) == expected
    json.dumps(to_json(value), allow_nan=False)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("a", "a"),
        (COURSE, "course-v1:edX+DemoX+2026"),
        (None, "null"),
        (True, "true"),
        (5, "5"),
        (1.5, "1.5"),
        (uuid.UUID(int=5), str(uuid.UUID(int=5))),
        (Color.RED, "red"),
        ((1, "a"), "1,a"),
        (b"b", "b"),
        (lazystr("lazy"), "lazy"),
        (datetime.date(2026, 11, 24), "2026-11-24"),
        (object, "type"),
        (object(), "object"),
        ("\ud800", "?"),
        (Text("t"), "t"),
    ],
)
def test_member_names_are_text(key, name):
    """JSON has text names only."""
    assert to_json({key: 1}) == {name: 1}


@pytest.mark.parametrize(
    "key", ["password", "accessToken", "X-CSRFToken", b"sessionid", Text("cookie"), lazystr("token")]
)
def test_sensitive_members_are_dropped(key):
    """Whatever type the name has."""
    assert to_json([{"a": {key: "S3CR3T", "b": 1}}]) == [{"a": {"b": 1}}]


def test_lazy_text_in_the_active_language():
    """Lazy translations are rendered when the payload is made."""
    with translation.override("de"):
        assert to_json(gettext_lazy("Yes")) == "Ja"


def test_naive_datetime_in_the_installations_zone():
    """A naive datetime is taken to be in TIME_ZONE."""
    with override_settings(TIME_ZONE="Asia/Kathmandu"):
        assert to_json(NAIVE) == "2026-11-24T10:00:00+05:45"


# --- Nothing is raised


class BadText:
    """No text of it."""

    def __str__(self):
        raise RuntimeError("no")

    __repr__ = __str__


class BadDict(dict):
    """Everything that a subclass can override fails."""

    def items(self):
        raise RuntimeError("no")

    __iter__ = __len__ = __getitem__ = keys = items

    def __contains__(self, key):
        raise RuntimeError("no")


class BadHash:
    """Fails where it is compared."""

    def __eq__(self, other):
        raise RuntimeError("no")

    __hash__ = None

    def __getattr__(self, name):
        raise RuntimeError("no")


@attr.s
class BadData:
    """One field fails, the others survive."""

    good = attr.ib(default=1)
    bad = attr.ib(default=2, init=False)

    def __getattribute__(self, name):
        if name == "bad":
            raise RuntimeError("no")
        return super().__getattribute__(name)


def _fail(*_args):
    raise RuntimeError("no")


class BadZone(datetime.tzinfo):
    """A time zone that fails once it is asked."""

    tzname = dst = None

    def fromutc(self, dt):
        return dt.replace(tzinfo=self)

    def utcoffset(self, dt):
        raise RuntimeError("no")


class BadMeta(type):
    """A class whose class fails."""

    def __getattribute__(cls, name):
        raise RuntimeError("no")


AWKWARD = {
    "no text": BadText,
    "no comparison": BadHash,
    "no field": BadData,
    "no items": lambda: BadDict(a=1),
    "no name": lambda: {BadText(): BadText()},
    "in a list": lambda: [BadText()],
    "no lazy text": lambda: lazystr(BadText()),
    "no lazy object": lambda: SimpleLazyObject(_fail),
    "generator": lambda: (x for x in "abc"),
    "iterator": lambda: iter([1]),
    "map": lambda: map(str, [1]),
    "function": lambda: _fail,
    "object": object,
    "stream": lambda: io.StringIO("a"),
    "request": lambda: RequestFactory().get("/"),
    "module": lambda: types,
    "ellipsis": lambda: ...,
    "long range": lambda: range(10**12),
    "long text": lambda: "x" * 2_000_000,
    "exception": lambda: ValueError("S3CR3T"),
    "no class": lambda: BadMeta("Bad", (), {}),
    "instance of no class": lambda: BadMeta("Bad", (), {})(),
    "odd module": lambda: type("Odd", (), {"__module__": 5})(),
    "odd fields": lambda: type("Odd", (tuple,), {"_fields": (1, None)})(),
    "huge number as a name": lambda: {10**5000: 1},
    "no tzinfo": lambda: datetime.datetime.now(BadZone()),
}


@pytest.mark.parametrize("make", AWKWARD.values(), ids=AWKWARD)
def test_never_raises(make):
    """Whatever it is, it becomes strict JSON."""
    json.dumps(to_json({"value": make()}), allow_nan=False).encode()


def test_failing_field_does_not_cost_the_others():
    """A property that raises is null."""
    assert to_json(BadData()) == {"good": 1, "bad": None}


def test_unknown_object_is_its_type():
    """No dump of what an object holds."""
    value = BadText()
    value.__dict__["secret"] = "S3CR3T"
    assert to_json({"a": value}) == {"a": {"type": f"{__name__}.BadText"}}


def test_generator_is_not_consumed():
    """The platform still needs what it would yield."""
    generator = (number for number in (1, 2))
    to_json({"a": generator})
    assert list(generator) == [1, 2]


def test_file_position_stays():
    """A stream isn't read."""
    stream = io.BytesIO(b"abc")
    stream.seek(1)
    to_json(stream)
    assert stream.tell() == 1


# --- Nothing is woken


def test_lazy_object_that_nobody_looked_at_stays_asleep():
    """``request.user`` costs a query the first time: not for a payload."""
    lazy = SimpleLazyObject(lambda: pytest.fail("woken"))
    assert to_json({"user": lazy}) == {"user": {"type": "django.utils.functional.SimpleLazyObject"}}


@pytest.mark.parametrize("name", ["key", "name", "value", "response", "user", "backend", "field", "content"])
def test_lazy_object_stays_asleep_under_any_name(name):
    """Names that are looked at together with their neighbours too."""
    lazy = SimpleLazyObject(lambda: pytest.fail("woken"))
    for neighbours in ({}, {"value": 1}, {"backend": 1}, {"name": "password", "value": lazy}):
        to_json({**neighbours, name: lazy})
        to_json([(name, lazy), (lazy, name)])


def test_lazy_object_that_is_awake_is_what_it_wraps():
    """Once the platform has looked, the object is in memory."""
    lazy = SimpleLazyObject(lambda: Record("Ada"))
    assert lazy.name == "Ada"
    assert to_json(lazy) == {"name": "Ada"}


def test_property_is_not_run():
    """Only what an object declares as data is read."""

    class Block:
        """As an XBlock whose field sits in a store."""

        @property
        def display_name(self):
            """Would fetch."""
            pytest.fail("fetched")

    assert to_json(Block())["type"].endswith("Block")


# --- Limits


def test_depth_is_limited():
    """Beyond PAYLOAD_MAX_DEPTH a container is named by its type, and the place is noted."""
    with override_settings(OPENEDX_WEBHOOKS={"PAYLOAD_MAX_DEPTH": 2}):
        walk = Walk()
        assert walk.json({"a": {"b": {"c": 1}, "d": 1}}) == {"a": {"b": {"type": "dict"}, "d": 1}}
        assert walk.withheld == {("a", "b"): CUT}


@pytest.mark.parametrize(
    ("value", "length"),
    [
        (list(range(50)), 3),
        (dict.fromkeys(range(50)), 3),
        (set(range(50)), 3),
        (range(50), 3),
        ([1, 2, 3], 3),
        ([1], 1),
    ],
)
def test_items_are_limited(value, length):
    """Beyond PAYLOAD_MAX_ITEMS a container is cut, and the place is noted."""
    with override_settings(OPENEDX_WEBHOOKS={"PAYLOAD_MAX_ITEMS": 3}):
        walk = Walk()
        assert len(walk.json({"a": value})["a"]) == length
        assert walk.withheld == ({("a",): CUT} if len(value) > 3 else {})


def test_long_text_is_cut():
    """Beyond PAYLOAD_MAX_BYTES a text ends with an ellipsis."""
    with override_settings(OPENEDX_WEBHOOKS={"PAYLOAD_MAX_BYTES": 100}):
        assert to_json("x" * 200) == "x" * 100 + "…"


def test_long_name_is_cut():
    """A member's name has at most 250 characters."""
    assert to_json({"x" * 100_000: 1}) == {"x" * 250 + "…": 1}


def test_cut_does_not_halve_a_secret():
    """A token at the cut is masked, not shown by half."""
    with override_settings(OPENEDX_WEBHOOKS={"PAYLOAD_MAX_BYTES": 100}):
        text = to_json("x" * 80 + " eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl" + "x" * 200)
    assert "eyJ" not in text


def test_cycle_is_cut():
    """A container that contains itself is named by its type where it comes again."""
    data = {"a": 1}
    data["self"] = data
    data["list"] = [data]
    assert to_json(data) == {"a": 1, "self": {"type": "dict"}, "list": [{"type": "dict"}]}


def test_same_object_twice_is_no_cycle():
    """Siblings may share data."""
    shared = {"a": 1}
    assert to_json([shared, shared]) == [{"a": 1}, {"a": 1}]


def test_work_is_bounded():
    """A context that multiplies itself stops at about twice the byte limit."""
    data = ["x"] * 1000
    for _ in range(10):
        data = [data] * 1000
    assert len(json.dumps(to_json(data))) < 8 * 256 * 1024


# --- Responses


def test_response_without_cookies_and_content():
    """Status and headers; no cookie, no body."""
    response = HttpResponse("S3CR3T", status=201, headers={"X-CSRFToken": "S3CR3T", "X-Frame-Options": "DENY"})
    response.set_cookie("sessionid", "S3CR3T")
    response["Set-Cookie"] = "sessionid=S3CR3T"
    assert to_json(response) == {
        "status_code": 201,
        "headers": {"Content-Type": "text/html; charset=utf-8", "X-Frame-Options": "DENY"},
    }


@pytest.mark.parametrize(
    ("response", "status"), [(HttpResponseRedirect("/a?token=S3CR3T"), 302), (JsonResponse({}), 200)]
)
def test_response_of_any_class(response, status):
    """Redirects keep their status on the class, and their address may have a token."""
    data = to_json(response)
    assert data["status_code"] == status
    assert "S3CR3T" not in repr(data)


# --- Serializers of one's own


@pytest.fixture(name="forget")
def _forget(monkeypatch):
    for name in ("_by_name", "_by_class"):
        monkeypatch.setattr(registry, name, dict(getattr(registry, name)))
    yield
    registry.handler_of.cache_clear()


@pytest.mark.usefixtures("forget")
@pytest.mark.parametrize("target", [BadText, "BadText"])
def test_registered_serializer_is_used_for_subclasses_too(target):
    """By class or by name; what it returns is converted, and loses what is sensitive."""

    class Special(BadText):
        """A subclass."""

    to_json(Special())
    register(target, lambda value: {"course": COURSE, "password": "S3CR3T"})
    assert to_json(Special()) == {"course": "course-v1:edX+DemoX+2026"}


@pytest.mark.usefixtures("forget")
def test_failing_serializer_leaves_the_type():
    """A serializer with a mistake doesn't end the request."""
    register(BadText, _fail)
    assert to_json(BadText()) == {"type": f"{__name__}.BadText"}


# --- Anything

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.datetimes() | st.decimals(),
    lambda children: (
        st.lists(children)
        | st.dictionaries(st.text() | st.integers() | st.none(), children)
        | st.tuples(children, children)
        | st.frozensets(st.text() | st.integers())
    ),
    max_leaves=30,
)


@given(_json)
def test_any_value_is_strict_json(value):
    """Whatever Python builds of its own types, the result is JSON and stays as it is when converted again."""
    data = to_json(value)
    text = json.dumps(data, allow_nan=False, ensure_ascii=False).encode()
    assert json.loads(text) == data
    assert to_json(data) == data
