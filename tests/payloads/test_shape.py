"""Conditions and shapes: where and why an expression is wrong, and what its result is."""

import contextlib

import jmespath
import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from openedx_webhooks.payloads.shape import MAX_EXPRESSION, ExpressionError, compile_expression, evaluate, matches

PAYLOAD = {
    "user": {"id": 5, "email": "ada@example.com"},
    "rows": [{"n": 1}, {"n": 2}],
    "empty": {},
    "zero": 0,
    "off": False,
}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a..b", "at character 3: a.▶.b"),
        ("a b", "at character 3: a ▶b"),
        ("foo[", "at character 5: foo[▶"),
        ("(((((", "at character 6: (((((▶"),
        ("a.b.c =", "at character 7: a.b.c ▶="),
        ("a ≠ b", "at character 3: a ▶≠ b"),
        ("'abc", "at character 1: ▶'abc"),
        ("{a:}", "at character 4: {a:▶}"),
        ("user.id ==", "at character 11: user.id ==▶"),
        ("a\n.\nb !", "at character 7: a\n.\nb ▶!"),
        ("x" * 40 + ".." + "y" * 40, f"at character 42: {'x' * 29}.▶.{'y' * 29}"),
        ("nofunc(a)", "no function nofunc(), at character 1: ▶nofunc(a)"),
        ("a | [?nofunc(b)]", "no function nofunc(), at character 7: a | [?▶nofunc(b)]"),
        ("length()", "length() takes 1 arguments, not 0, at character 1"),
        ("length(a, b)", "length() takes 1 arguments, not 2"),
        ("{x: rows[*].{y: join(n)}}", "join() takes 2 arguments, not 1, at character 17"),
        ("merge()", "merge() takes 1 arguments, not 0"),
        ("", "empty"),
        ("  \n", "empty"),
        ("a" * (MAX_EXPRESSION + 1), "10001 characters, 10000 are allowed"),
        ("(" * 4000 + "a" + ")" * 4000, "nested too deeply"),
        ("!" * 9000 + "a", "nested too deeply"),
        ("a[" + "9" * 5000 + "]", "digits"),
        ("[" * 4000 + "a" + "]" * 4000, "nested too deeply"),
    ],
)
def test_mistake_is_located(text, message):
    """The position, counted from 1, and a pointer at it."""
    with pytest.raises(ExpressionError) as error:
        compile_expression(text)
    assert message in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "user.id",
        "rows[*].n",
        "a" * MAX_EXPRESSION,
        "merge(user, empty)",
        "merge(a, b, c)",
        "not_null(a, b, c)",
        "sort_by(rows, &n)[0]",
        '`{"a": 1}`',
        "'its'",
        '"quoted name"',
        "@",
        "*",
        "rows[0:1]",
        "rows[::-1].n",
    ],
)
def test_expression_compiles(text):
    """What is right is left alone."""
    assert compile_expression(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("user.id == `5`", True),
        ("user.id == `6`", False),
        ("user.id", True),
        ("missing", False),
        ("empty", False),
        ("rows", True),
        ("rows[?n > `5`]", False),
        ("zero", True),
        ("off", False),
        ("!off", True),
        ("''", False),
        ("contains(user.email, '@example.com')", True),
        ("`null`", False),
        ("missing.deeper[0].still", False),
        ("user.id == `5` && length(rows) == `2`", True),
    ],
)
def test_matches(text, expected):
    """Truth by JMESPath's rules: false, null and what is empty are not; zero is."""
    assert matches(compile_expression(text), PAYLOAD) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{id: user.id, numbers: rows[*].n}", {"id": 5, "numbers": [1, 2]}),
        ("missing", None),
        ("rows[0]", {"n": 1}),
        ("length(rows)", 2),
        ("@", PAYLOAD),
        ("sort_by(rows, &n)[-1].n", 2),
    ],
)
def test_evaluate(text, expected):
    """The result is the body."""
    assert evaluate(compile_expression(text), PAYLOAD) == expected


@pytest.mark.parametrize(
    "text",
    [
        "join(',', @)",
        "length(zero)",
        "sort_by(rows, &missing)",
        "abs(user.email)",
        "max_by(rows, &@)",
        "keys(rows)",
        "ceil(off)",
        "&user",
        "[&user]",
        "{a: {b: &user}}",
    ],
)
def test_failure_on_a_payload(text):
    """An expression that doesn't fit the payload says so, whatever JMESPath raises."""
    with pytest.raises(ExpressionError) as error:
        evaluate(compile_expression(text), PAYLOAD)
    assert str(error.value)


def test_deep_expression_that_compiles():
    """One that is evaluated deeper than Python goes fails like any other."""
    deep = {"type": "current", "children": []}
    for _ in range(20_000):
        deep = {"type": "not_expression", "children": [deep]}
    expression = jmespath.parser.ParsedResult("!@", deep)
    with pytest.raises(ExpressionError, match="nested too deeply"):
        evaluate(expression, PAYLOAD)


_DOUBLED = " | ".join(["[@, @]"] * 25)


@pytest.mark.parametrize(
    "text",
    [
        _DOUBLED,
        " | ".join(["[@, @]"] * 200),
        f"{_DOUBLED} | to_string(@)",
        f"({_DOUBLED}) == ({_DOUBLED})",
        " | ".join(["[@, @][]"] * 25),
        "rows | " + " | ".join(["[[@, @], [@, @]][*][][]"] * 8),
        "user | " + " | ".join(["map(&[@, @], [@, @])"] * 6),
        " | ".join(["merge(@, {a: @})"] * 25),
    ],
)
def test_expression_that_multiplies(text):
    """A hundred characters must not hold every request of a site, or take its memory."""
    with pytest.raises(ExpressionError):
        compile_expression(text)


@pytest.mark.parametrize(
    "text",
    [
        "user.email | " + " | ".join(["join(@, ['a', 'b', 'c', 'd'])"] * 4),
        "[user] | " + " | ".join(["to_string([@])"] * 9),
    ],
)
def test_text_that_multiplies(text):
    """Where the size is only known when the payload is."""
    expression = compile_expression(text)
    with override_settings(OPENEDX_WEBHOOKS={"PAYLOAD_MAX_BYTES": 200}):
        with pytest.raises(ExpressionError, match="too large"):
            matches(expression, PAYLOAD)


def test_expressions_of_many_members_are_fine():
    """A shape of every member, then another, with conditions and functions."""
    members = ", ".join(f"m{number}: join('-', [user.email, user.email])" for number in range(12))
    again = ", ".join(f"n{number}: m{number % 12}" for number in range(30))
    expression = compile_expression(f"{{{members}}} | {{{again}}}")
    assert evaluate(expression, PAYLOAD)["n29"].count("@example.com") == 2
    assert matches(compile_expression(" && ".join(["user.id == `5`"] * 40)), PAYLOAD)


def test_result_within_four_times_the_limit():
    """A shape may be larger than a payload, within reason."""
    expression = compile_expression("[@, @]")
    with override_settings(OPENEDX_WEBHOOKS={"PAYLOAD_MAX_BYTES": 1000}):
        assert evaluate(expression, "x" * 1500) == ["x" * 1500] * 2
        with pytest.raises(ExpressionError, match="too large"):
            evaluate(expression, "x" * 2500)


@given(st.text(alphabet="abc.[]{}()*?@&|!=<>'\"`,: `1-ü", max_size=40) | st.text(max_size=20))
def test_any_text_is_compiled_or_refused(text):
    """No other exception than the documented one, then or when it is evaluated."""
    with contextlib.suppress(ExpressionError):
        expression = compile_expression(text)
        matches(expression, PAYLOAD)
        evaluate(expression, PAYLOAD)
