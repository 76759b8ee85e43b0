"""Conditions as rows: written as JMESPath that never fails, and read back."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openedx_webhooks.payloads import condition_rows
from openedx_webhooks.payloads.condition_rows import (
    ALL,
    ANY,
    COMPARISONS,
    NOTHING,
    SEVERAL,
    Row,
    rows_of,
    to_expression,
)
from openedx_webhooks.payloads.jmespath_text import literal, names_of, path
from openedx_webhooks.payloads.shape import compile_expression, evaluate, matches

SCALARS = st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans()
NAMES = st.lists(st.text(min_size=1), min_size=1, max_size=4)
JSON = st.recursive(
    st.none() | SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


def typed_row(field, comparison, value, values):
    """A row with as many values as its comparison takes."""
    if comparison.endswith("s_with"):
        # They take texts only.
        value = str(value)
    return Row(field, comparison, {SEVERAL: tuple(values), NOTHING: None}.get(COMPARISONS[comparison].takes, value))


def rows_over(fields):
    """Any rows over these fields."""
    several = st.lists(SCALARS, min_size=1, max_size=4)
    return st.builds(typed_row, fields, st.sampled_from(sorted(COMPARISONS)), SCALARS, several)


@settings(deadline=None)
@given(st.lists(rows_over(NAMES.map(path)), min_size=1, max_size=5), st.sampled_from([ALL, ANY]))
def test_rows_are_read_back_whatever_is_in_them(rows, join):
    read, read_join = rows_of(to_expression(rows, join))
    assert repr(read) == repr(rows)  # 1, 1.0 and true are equal in Python
    assert len(rows) == 1 or read_join == join


@settings(deadline=None)
@given(st.lists(rows_over(st.just("a.b")), min_size=1, max_size=4), st.sampled_from([ALL, ANY]), JSON)
def test_no_payload_makes_a_row_fail(rows, join, value):
    condition = compile_expression(to_expression(rows, join))
    for payload in ({}, {"a": value}, {"a": {"b": value}}):
        matches(condition, payload)


@given(JSON)
def test_a_literal_is_its_value(value):
    assert repr(evaluate(compile_expression(literal(value)), {})) == repr(value)


@given(NAMES)
def test_a_path_leads_to_its_value(names):
    payload = 5
    for name in reversed(names):
        payload = {name: payload}
    assert evaluate(compile_expression(path(names)), payload) == 5
    assert names_of(path(names)) == tuple(names)


PAYLOAD = {
    "mode": "verified",
    "course": "course-v1:ACME+X+1",
    "name": "O'Brien \\ `Ñ`\n",
    "grade": 0.9,
    "count": "12",
    "tags": ["a", "b"],
    "ids": [1, 2],
    "none": None,
    "blank": "",
    "off": False,
    "time": "2026-09-01T08:30:00+00:00",
}


@pytest.mark.parametrize(
    "field, comparison, value, expected",
    [
        ("mode", "is", "verified", True),
        ("mode", "is", "audit", False),
        ("off", "is", False, True),
        ("mode", "is_not", "audit", True),
        ("none", "is_not", "audit", True),
        ("course", "starts_with", "course-v1:ACME+", True),
        ("none", "starts_with", "n", False),
        ("none", "not_starts_with", "n", True),
        ("mode", "ends_with", "fied", True),
        ("grade", "ends_with", "9", False),
        ("name", "is", "O'Brien \\ `Ñ`\n", True),
        ("name", "contains", "' ", False),
        ("name", "contains", "\\ `Ñ", True),
        ("tags", "contains", "b", True),
        ("tags", "not_contains", "b", False),
        ("ids", "contains", 2, True),
        ("mode", "contains", 2, False),
        ("mode", "one_of", ("audit", "verified"), True),
        ("mode", "none_of", ("audit", "verified"), False),
        ("none", "one_of", ("audit",), False),
        ("grade", "greater", 0.5, True),
        ("count", "greater", 9, True),
        ("none", "greater", 0, False),
        ("mode", "less", 5, False),
        ("time", "greater", "2026-01-01", True),
        ("time", "less", "2026-01-01", False),
        ("blank", "empty", None, True),
        ("missing", "empty", None, True),
        ("grade", "empty", None, False),
        ("tags", "not_empty", None, True),
        ("none", "not_empty", None, False),
    ],
)
def test_a_comparison_says_what_its_title_says(field, comparison, value, expected):
    assert matches(compile_expression(to_expression([Row(field, comparison, value)])), PAYLOAD) is expected


@pytest.mark.parametrize(
    "expression, expected",
    [
        ("", ([], ALL)),
        ("enrollment.mode == 'verified'", ([Row("enrollment.mode", "is", "verified")], ALL)),
        ("a == 'b' || c != `5`", ([Row("a", "is", "b"), Row("c", "is_not", 5)], ANY)),
        ("starts_with(a.b, 'x') && c", ([Row("a.b", "starts_with", "x"), Row("c", "not_empty")], ALL)),
        ("contains(['x', 'y'], a)", ([Row("a", "one_of", ("x", "y"))], ALL)),
        ("!contains(a, 'x')", ([Row("a", "not_contains", "x")], ALL)),
        ('"user-id" > `5`', ([Row('"user-id"', "greater", 5)], ALL)),
        # Python's JSON has more numbers than JSON.
        ("a == `Infinity`", ([Row("a", "is", float("inf"))], ALL)),
        ("length(a) > `5`", None),
        ("a == b", None),
        ("a && (b || c)", None),
        ("a == `null`", None),
        ("starts_with(a, `5`)", None),
        ("contains(['GB'], a || '')", None),
        ("a[0] == 'x'", None),
        ("a ==", None),
        ("type(a) == 'string'", None),
        (" && ".join(["a"] * 200), None),
    ],
)
def test_what_a_person_wrote_is_read_as_rows_if_rows_can_say_it(expression, expected):
    assert rows_of(expression) == expected


@pytest.mark.parametrize(
    "text, kind, comparison, expected",
    [
        ("5", condition_rows.NUMBER, "is", 5),
        ("0.5", condition_rows.NUMBER, "greater", 0.5),
        ("five", condition_rows.NUMBER, "is", ValueError),
        ("inf", condition_rows.NUMBER, "less", ValueError),
        ("5", condition_rows.NUMBER, "starts_with", ValueError),
        ("5", condition_rows.NUMBERS, "not_ends_with", ValueError),
        ("true", condition_rows.BOOLEAN, "contains", ValueError),
        ("5", condition_rows.TEXT, "is", "5"),
        ("5", condition_rows.ANYTHING, "is", "5"),
        ("5", condition_rows.ANYTHING, "greater", 5),
        ("2026-01-01", condition_rows.DATE, "greater", "2026-01-01"),
        ("True", condition_rows.BOOLEAN, "is", True),
        ("perhaps", condition_rows.BOOLEAN, "is", ValueError),
        ("7", condition_rows.NUMBERS, "contains", 7),
        ("7", condition_rows.TEXTS, "is", ValueError),
        ("a, b ,", condition_rows.TEXT, "one_of", ("a", "b")),
        (" , ", condition_rows.TEXT, "one_of", ValueError),
        ("", condition_rows.TEXT, "is", ValueError),
        ("left over", condition_rows.TEXT, "empty", None),
        ("a," * 5001, condition_rows.TEXT, "one_of", ValueError),
    ],
)
def test_a_typed_value_is_of_the_fields_kind(text, kind, comparison, expected):
    if expected is ValueError:
        with pytest.raises(ValueError):
            condition_rows.value_of(text, kind, comparison)
    else:
        value = condition_rows.value_of(text, kind, comparison)
        assert value == expected and type(value) is type(expected)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("enrollment.mode", ("enrollment", "mode")),
        (" a . b ", ("a", "b")),
        ("data.user-id", ("data", "user-id")),
        ('data."a.b"', ("data", "a.b")),
        ("", ()),
        ("a..b", ()),
        ("a[0]", ()),
        ("length(a)", ()),
        ("a" * 10_000, ()),
        ("[" * 4000, ()),
    ],
)
def test_a_path_may_be_typed_without_quotes(text, expected):
    assert names_of(text) == expected
