"""Payloads as JSON and as form fields."""

import json
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openedx_webhooks.payloads.encode import encode, flatten

_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda children: (
        st.lists(children, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), children, max_size=4)
    ),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("payload", "body"),
    [
        ({"a": "é", "b": [1, None]}, '{"a":"é","b":[1,null]}'.encode()),
        ({}, b"{}"),
        ([], b"[]"),
        (None, b"null"),
        ("x", b'"x"'),
        (1.5, b"1.5"),
    ],
)
def test_json(payload, body):
    """UTF-8, no blanks."""
    assert encode(payload, False) == (body, "application/json")


@pytest.mark.parametrize(
    ("payload", "body"),
    [
        ({"a": float("nan")}, b'{"a":null}'),
        ([float("inf")], b"[null]"),
        ({"a": "\ud800"}, b'{"a":"?"}'),
        ({1: {2}}, b'{"1":[2]}'),
        ({"a": object()}, b'{"a":{"type":"object"}}'),
    ],
)
def test_what_a_shape_can_make(payload, body):
    """JMESPath's to_number('NaN') isn't JSON: null is sent."""
    assert encode(payload, False)[0] == body


def test_nested_too_deeply():
    """Even what Python can't encode has a body."""
    payload = {}
    for _ in range(100_000):
        payload = {"a": payload}
    json.loads(encode(payload, False)[0])


@pytest.mark.parametrize(
    ("payload", "fields"),
    [
        ({"user": {"id": 5, "pii": {"email": "a@b.c"}}}, [("user_id", "5"), ("user_pii_email", "a@b.c")]),
        (
            {"event_metadata": {"time": "t", "sourcelib": [11, 2]}},
            [("event_metadata_time", "t"), ("event_metadata_sourcelib_0", "11"), ("event_metadata_sourcelib_1", "2")],
        ),
        ({"users": [{"id": 1}, {"id": 2}]}, [("users_0_id", "1"), ("users_1_id", "2")]),
        (
            {"a": True, "b": False, "c": None, "d": 1.5, "e": ""},
            [("a", "true"), ("b", "false"), ("c", ""), ("d", "1.5"), ("e", "")],
        ),
        ({"a": [], "b": {}, "c": {"d": {}}}, [("a", ""), ("b", ""), ("c_d", "")]),
        # Two paths, one name.
        ({"user_id": 5, "user": {"id": 5}}, [("user_id", "5")]),
        ({"user_id": 5, "user": {"id": 6}}, [("user_id", "5"), ("user_id", "6")]),
        # Results of a shape.
        ("x", [("value", "x")]),
        (None, [("value", "")]),
        ([1, [2]], [("0", "1"), ("1_0", "2")]),
        ({}, [("value", "")]),
    ],
)
def test_form_fields(payload, fields):
    """Names joined with ``_``, list items by index; an empty value keeps its name."""
    assert flatten(payload) == fields


@pytest.mark.parametrize(
    ("payload", "body"),
    [
        ({"a": "x y&z=é"}, b"a=x+y%26z%3D%C3%A9"),
        ({"ä b": "1"}, b"%C3%A4+b=1"),
        ({"a": "\r\n\x00"}, b"a=%0D%0A%00"),
        ({"a": float("nan")}, b"a="),
    ],
)
def test_form_is_real_form_encoding(payload, body):
    """As a browser would send it."""
    assert encode(payload, True) == (body, "application/x-www-form-urlencoded")


@given(_json)
def test_any_data_parses_back(payload):
    """Both encodings of any JSON data are read back as what was encoded."""
    assert json.loads(encode(payload, False)[0]) == payload
    form = encode(payload, True)[0].decode("ascii")
    assert parse_qsl(form, keep_blank_values=True, strict_parsing=True) == flatten(payload)
