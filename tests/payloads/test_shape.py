"""Conditions and shapes: where and why an expression is wrong, and what its result is."""

import contextlib
import time

import jmespath
import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from openedx_webhooks.payloads.shape import MAX_EXPRESSION, ExpressionError, compile_expression, evaluate, matches


def nested(value, depth=5000):
    """The value in itself."""
    for _ in range(depth):
        value = [value] if isinstance(value, list) else {"a": value}
    return value


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
        ("a[?length(b)] | 'length(' | length(a, b)", "at character 29: a[?length(b)] | 'length(' | ▶length(a, b)"),
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
    ("text", "message"),
    [
        ("length(zero)", "length() takes string | array | object, and was given number, at character 1: ▶length(zero)"),
        ("rows[*].n | [0].length(@)", "at character 17: rows[*].n | [0].▶length(@)"),
        ("length(rows) && length(user.email) && length(zero)", "▶length(zero)"),
        ("rows[?length(missing)].length(@) | length(@)", "rows[?▶length(missing)"),
        ("rows[?contains('length(', 'x') || n].[length(n)]", "▶length(n)"),
        ("map(&length(n), rows)", "map(&▶length(n), rows)"),
        ("sort_by(rows, &missing)", "sort_by() takes"),
        ("join(',', [user.email, zero])", "and was given number, at character 1"),
        ("{a: abs (user.email)}", "at character 5: {a: ▶abs (user.email)}"),
        ("rows[0].n < user.email", "does not fit this payload"),
    ],
)
def test_failing_part_is_named(text, message):
    """The call that fails, not the first of that name, and never the learner's data."""
    with pytest.raises(ExpressionError) as error:
        evaluate(compile_expression(text), PAYLOAD)
    assert message in str(error.value)
    assert "ada" not in str(error.value)


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


ROWS = {"rows": [{"n": number, "name": f"name {number}"} for number in range(1000)], "text": "y" * 200_000}
DOUBLED = " | ".join(["[@, @]"] * 25)
DOUBLED_AGAIN = " | ".join(["[@, @]"] * 26)


@pytest.mark.parametrize(
    "text",
    [
        # Lists that double.
        " | ".join(["[@, @][]"] * 25),
        " | ".join(["[@, @, @, @]"] * 10 + ["[]"] * 10),
        "rows | " + " | ".join(["[[@, @], [@, @]][*][][]"] * 8),
        "rows | " + " | ".join(["[@, @, @, @, @, @, @, @, @, @][]"] * 3) + " | [::-1] | sort_by(@, &name)",
        # What looks at all of a small thing that is there many times.
        f"{DOUBLED} | to_string(@)",
        f"({DOUBLED}) == ({DOUBLED})",
        f"({DOUBLED}) != ({DOUBLED_AGAIN} | [0])",
        f"{DOUBLED} | contains(@, @[0])",
        f"{DOUBLED} | [?@ == `1` || contains([@], @)]",
        # Texts that grow.
        "text | " + " | ".join(["join(@, ['a', 'b', 'c', 'd'])"] * 9),
        "text | " + " | ".join(["to_string([@, @])"] * 9),
        "text | join(@, map(&'a', [@, @, @, @, @, @, @, @, @, @])) | [" + ", ".join(["reverse(@)"] * 90) + "]",
        # The same again and again.
        "rows | [" + ", ".join(["[*].name"] * 900) + "]",
        "rows | [" + ", ".join(["sort_by(@, &name)"] * 400) + "]",
        "rows | [" + ", ".join(["@ == @"] * 900) + "]",
        "rows | [" + ", ".join(["[::-1]"] * 900) + "]",
        "text | [" + ", ".join(["contains(@, 'yx')"] * 400) + "]",
        " || ".join(["rows[?n == `-1`]"] * 300),
        "rows | map(&map(&map(&n, [@, @, @, @, @, @, @, @, @]), [@, @, @, @, @, @, @, @, @]), @)",
    ],
)
def test_steps_are_limited(text):
    """A hundred characters must not hold every request of a site, or take its memory."""
    expression = compile_expression(text)
    start = time.process_time()
    with pytest.raises(ExpressionError, match="takes more than 300000 steps on this payload"):
        evaluate(expression, ROWS)
    assert time.process_time() - start < 3


def test_steps_of_a_condition_are_limited():
    with pytest.raises(ExpressionError, match="takes more than 300000 steps on this payload"):
        matches(compile_expression(" | ".join(["[@, @][]"] * 25)), ROWS)


@pytest.mark.parametrize(
    "text", [DOUBLED, " | ".join(["merge(@, {a: @, b: @})"] * 25), "user | " + " | ".join(["map(&[@, @], [@, @])"] * 6)]
)
def test_size_of_a_result_is_limited(text):
    """Where what is there many times would have to be written many times."""
    expression = compile_expression(text)
    assert matches(expression, ROWS | {"user": "x" * 2000})
    with pytest.raises(ExpressionError, match="result of the expression is too large"):
        evaluate(expression, ROWS | {"user": "x" * 2000})


@pytest.mark.parametrize(
    "text",
    [
        "rows[?n > `500` && starts_with(name, 'name')].{n: n, name: name, both: join(' ', [name, to_string(n)])}",
        "rows | sort_by(@, &name) | reverse(@) | [*].name | {first: [0], all: @, count: length(@)}",
        "[rows, rows, rows][] | [*].name",
        "{rows: rows, again: rows, text: text}",
        "contains(text, 'x') || contains(rows[*].name, 'name 999')",
        "rows == rows && rows != reverse(rows)",
        "rows[*].n | [max(@), min(@), sum(@), avg(@)]",
        "max_by(rows, &n)",
        "{a: rows, b: rows[::2]} | to_string(@) | length(@)",
    ],
)
def test_shapes_of_a_large_payload_are_fine(text):
    """What one would want of a payload of nearly the largest size."""
    assert evaluate(compile_expression(text), ROWS)


def test_expressions_of_many_members_are_fine():
    """A shape of every member, then another, with conditions and functions."""
    members = ", ".join(f"m{number}: join('-', [user.email, user.email])" for number in range(12))
    again = ", ".join(f"n{number}: m{number % 12}" for number in range(30))
    expression = compile_expression(f"{{{members}}} | {{{again}}}")
    assert evaluate(expression, PAYLOAD)["n29"].count("@example.com") == 2
    assert matches(compile_expression(" && ".join(["user.id == `5`"] * 40)), PAYLOAD)


@pytest.mark.parametrize(("character", "size"), [("x", 1), ("é", 2), ("日", 3), ("😀", 4), ("\ud83d", 1)])
def test_result_within_four_times_the_limit(character, size):
    """A shape may be larger than a payload, within reason, in bytes of UTF-8."""
    expression = compile_expression("[@, @]")
    with override_settings(OPENEDX_WEBHOOKS={"PAYLOAD_MAX_BYTES": 1000}):
        text = character * (1950 // size)
        assert evaluate(expression, text) == [text] * 2
        with pytest.raises(ExpressionError, match="too large"):
            evaluate(expression, character * (2050 // size))


@pytest.mark.parametrize("payload", [nested({}), nested([]), {"a": nested({}), "b": nested({})}])
@pytest.mark.parametrize(
    "text",
    [
        "@",
        "[@, @]",
        "@ == @",
        "a == b",
        "to_string(@)",
        "a.a.a",
        "*.*",
        "[][][]",
        "merge(@, {b: @})",
        "contains([@], @)",
    ],
)
def test_payload_nested_deeply(text, payload):
    """5,000 levels are evaluated, or refused in words."""
    expression = compile_expression(text)
    for use in (matches, evaluate):
        with contextlib.suppress(ExpressionError):
            use(expression, payload)


@given(st.text(alphabet="abc.[]{}()*?@&|!=<>'\"`,: `1-ü", max_size=40) | st.text(max_size=20))
def test_any_text_is_compiled_or_refused(text):
    """No other exception than the documented one, then or when it is evaluated."""
    with contextlib.suppress(ExpressionError):
        expression = compile_expression(text)
        matches(expression, PAYLOAD)
        evaluate(expression, PAYLOAD)
