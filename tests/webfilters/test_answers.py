"""Answers are parsed strictly, and what is wrong with one is named."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openedx_webhooks.transport.client import Outcome
from openedx_webhooks.webfilters.answers import Answer, parse


def answer_to(body, status_code=200, error=""):
    return parse(Outcome(status_code=status_code, body=body, error=error))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", Answer()),
        (b" \r\n", Answer()),
        (b"{}", Answer()),
        (b'{"ok": true}', Answer()),
        (b'{"data": null, "exception": null}', Answer()),
        (b'{"exception": {}}', Answer()),
        (b'{"data": {"a": 1}}', Answer({"a": 1})),
        (b'\xef\xbb\xbf{"data": {"a": 1}}', Answer({"a": 1})),
        (b'{"exception": {"PreventLogin": "no"}}', Answer(exception=("PreventLogin", "no"))),
        (b'{"exception": {"PreventLogin": null}}', Answer(exception=("PreventLogin", ""))),
        (b'{"exception": "PreventLogin"}', Answer(exception=("PreventLogin", ""))),
        (b'{"exception": {"PreventLogin": 5}}', Answer(exception=("PreventLogin", {"message": 5}))),
        (b'{"exception": {"PreventLogin": [1]}}', Answer(exception=("PreventLogin", {"message": [1]}))),
        (b'{"exception": {"PreventLogin": {"message": "no"}}}', Answer(exception=("PreventLogin", {"message": "no"}))),
        ('{"data": {"name": "Ζωή \\ud83d\\ude42"}}'.encode(), Answer({"name": "Ζωή 🙂"})),
    ],
)
def test_usable(body, expected):
    assert answer_to(body) == expected


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"null", "the answer is null, not an object"),
        (b"[]", "the answer is a list, not an object"),
        (b"5", "the answer is a number, not an object"),
        (b'"text"', "the answer is a string, not an object"),
        (b"true", "the answer is a boolean, not an object"),
        (b"<html></html>", "the answer is not JSON, at line 1, column 1"),
        (b'{"data": {"a": 1}', "the answer is not JSON, at line 1, column 18"),
        (b"\x00\x01\x02", "the answer is not JSON, at line 1, column 1"),
        (b"\x89PNG\r\n", "the answer is not UTF-8, at byte 1"),
        (b'{"data": {"a": "\xff"}}', "the answer is not UTF-8, at byte 17"),
        (b'{"data": 5}', "data is a number, not an object"),
        (b'{"data": []}', "data is a list, not an object"),
        (b'{"exception": 5}', "exception is a number, not an object"),
        (b'{"exception": ""}', "exception is a string, not an object"),
        (b'{"exception": {"A": "x", "B": "y"}}', "exception has more than one name"),
        (b'{"data": {"a": NaN}}', "the answer has NaN, which is not JSON"),
        (b'{"data": {"a": -Infinity}}', "the answer has -Infinity, which is not JSON"),
        (b'{"data": {"a": 1e999}}', "the answer has a number that is too large"),
        (b'{"data": {"a": ' + b"9" * 5000 + b"}}", "the answer has a number that is too large"),
        (b'{"data": {"a": 1, "a": 2}}', "the answer has an object with the same key twice"),
        (b'{"data": {"a": "\\ud800"}}', "the answer has a text that is not Unicode (half of a surrogate pair)"),
        (b'{"data": {"\\udfff": 1}}', "the answer has a text that is not Unicode (half of a surrogate pair)"),
        (b'{"data": {"a": ' + b"[" * 100 + b"]" * 100 + b"}}", "the answer is nested deeper than 32"),
        (b'{"data": ' + b'{"a":' * 200_000 + b"1" + b"}" * 200_001, "the answer is nested deeper than 32"),
    ],
)
def test_unusable(body, problem):
    """The whole answer is dropped, and the problem says why without repeating it."""
    assert answer_to(body) == Answer(problem=problem)


@pytest.mark.parametrize(("status_code", "error"), [(404, ""), (500, ""), (302, ""), (None, "timeout"), (200, "reset")])
def test_other_outcomes_have_no_answer(status_code, error):
    assert answer_to(b'{"data": {"a": 1}}', status_code, error) == Answer()


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["data", "exception", "a"]) | st.text(), inner),
    ).map(lambda value: json.dumps(value).encode())
)
def test_never_raises(body):
    answer = answer_to(body)
    assert isinstance(answer.data, dict)
    assert not (answer.problem and (answer.data or answer.exception))
