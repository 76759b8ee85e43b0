"""Why a condition is true or false."""

import time

import jmespath
import pytest

from openedx_webhooks.payloads import explain, shape, syntax

PAYLOAD = {
    "enrollment": {"mode": "audit", "user": {"id": 5}, "course": {"course_key": "course-v1:edX+D+1"}},
    "rows": [{"n": 1}, {"n": 2}],
    "empty": "",
}


def reasons_of(text, payload=None):
    """(the part, whether it holds, what was found) of each reason."""
    found = explain.explain(shape.compile_expression(text), PAYLOAD if payload is None else payload)
    return [(reason.text, reason.holds, dict(reason.found)) for reason in found]


MODE = ("enrollment.mode == 'verified'", False, {"enrollment.mode": "audit"})


@pytest.mark.parametrize(
    "text, reasons",
    [
        ("enrollment.mode=='verified'", [MODE]),
        ("enrollment.user.id == `5` && enrollment.mode == 'verified'", [MODE]),
        ("enrollment.mode == 'verified' && empty", [MODE, ("empty", False, {"empty": ""})]),
        ("enrollment.mode == 'verified' || empty", [MODE, ("empty", False, {"empty": ""})]),
        (
            "enrollment.mode == 'verified' || enrollment.user.id > `1`",
            [("enrollment.user.id > `1`", True, {"enrollment.user.id": 5})],
        ),
        ("!(enrollment.mode == 'verified')", [(f"!({MODE[0]})", True, MODE[2])]),
        ("!(empty || !rows)", [("!empty", True, {"empty": ""}), ("rows", True, {"rows": PAYLOAD["rows"]})]),
        ("!starts_with(nothing, 'x')", [("starts_with(nothing, 'x')", False, {"nothing": None})]),
        ("enrollment | mode == 'verified'", [("mode == 'verified'", False, {"mode": "audit"})]),
        (
            "type(enrollment.mode) == 'string' && starts_with(enrollment.mode, 'au')",
            [("starts_with(enrollment.mode, 'au')", True, {"enrollment.mode": "audit"})],
        ),
        (
            "type(nothing) == 'string' && starts_with(nothing, 'au')",
            [("type(nothing) == 'string'", False, {"type(nothing)": "null"})],
        ),
        ("nothing.here", [("nothing.here", False, {"nothing.here": None})]),
        (
            "contains(['verified', 'pro'], enrollment.mode)",
            [("contains(['verified', 'pro'], enrollment.mode)", False, {"enrollment.mode": "audit"})],
        ),
        ("rows[?n > `5`]", [("rows[?n > `5`]", False, {"rows[?n > `5`]": []})]),
        ("`false`", [("`false`", False, {})]),
        ("empty == `NaN`", [("empty == `NaN`", False, {"empty": ""})]),
    ],
)
def test_the_parts_that_decide(text, reasons):
    assert reasons_of(text) == reasons


def test_what_cannot_be_applied_is_told():
    reason = explain.explain(shape.compile_expression("starts_with(nothing, 'x')"), PAYLOAD)[0]
    assert "was given null" in reason.error and reason.found == (("nothing", None),)


@pytest.mark.parametrize(
    "text",
    [
        " && ".join(["a"] * 2400),
        "!" * 400 + "a",
        "(" * 150 + "a" + ")" * 150,
        " | ".join(["[@, @]"] * 200),
        "a" + ".a" * 4900,
    ],
)
def test_it_ends(text):
    start = time.perf_counter()
    try:
        expression = shape.compile_expression(text)
    except shape.ExpressionError:
        return
    assert len(explain.explain(expression, {"a": 0})) <= explain.MAX_REASONS
    assert time.perf_counter() - start < 3


@pytest.mark.parametrize(
    "text",
    [
        "a.b.c == 'it\\'s' && !d || e[?f > `1`].g[0] | h",
        '{a: b.c, "x-y": d, z: @}',
        "sort_by(a, &b.c)[*].d",
        "a[].b",
        "*.c",
        "a[1:2].c",
        "a[::2]",
        "a.*.b",
        "[*].a",
        "a[0].b[*]",
        "a[*].b[?c == 'x'][].d",
        "(a || b).c",
        "!(a && b)",
        "a[?b].{c: d}",
        "a.[b, c]",
        "(a | b) == c",
        "a || (b && c)",
        '`{"a": "`"}`'.replace('"`"', '"x"'),
    ],
)
def test_the_text_of_a_tree_is_the_same_expression(text):
    tree = jmespath.compile(text).parsed
    assert jmespath.compile(syntax.text_of(tree)).parsed == tree
