"""Mistakes that JMESPath allows in silence: warned of with the remedy, and nothing that is good is."""

import re
import time
from pathlib import Path

import pytest

from openedx_webhooks import catalog
from openedx_webhooks.operations import schema
from openedx_webhooks.payloads import lint, samples, shape

ENROLLED, LOGIN, PASSING = "COURSE_ENROLLMENT_CREATED", "SESSION_LOGIN_COMPLETED", "COURSE_PASSING_STATUS_UPDATED"
REGISTRATION = "StudentRegistrationRequested"


def known(name):
    """The catalog's entry."""
    return catalog.find_event(name) or catalog.find_filter(name)


def findings(text, name=ENROLLED, is_condition=True):
    """(the offending place, what to write there) of each, and their messages."""
    hook_type = known(name)
    found = lint.lint(
        text, schema.payload_schema(hook_type), [samples.sample_payload(hook_type)], is_condition=is_condition
    )
    return [(text[each.start : each.end], each.suggestion) for each in found], " ".join(each.message for each in found)


@pytest.mark.parametrize(
    "text, place, suggestion, says",
    [
        # Paths
        ("enrolment.mode == 'x'", "enrolment.mode", "enrollment.mode", "Did you mean enrollment.mode?"),
        ("mode == 'verified'", "mode", "enrollment.mode", "always null"),
        ("enrollment.user.emial", "enrollment.user.emial", "enrollment.user.pii.email", "no enrollment.user.emial"),
        ("user.email == 'a'", "user.email", "enrollment.user.pii.email", "no user"),
        ("enrollment.course.org == 'A'", "enrollment.course.org", "", "no enrollment.course.org"),
        ("enrollment.mode.x", "enrollment.mode.x", "", "holds a single value"),
        ("enrollment[*].mode", "enrollment", "", "is not a list"),
        ("contains(enrollment.modes, 'x')", "enrollment.modes", "enrollment.mode", "no enrollment.modes"),
        # Texts
        ('enrollment.mode == "verified"', '"verified"', "'verified'", "single quotes"),
        ('"verified" == enrollment.mode', '"verified"', "'verified'", "single quotes"),
        ("contains([\"verified\", 'a'], enrollment.mode)", '"verified"', "'verified'", "single quotes"),
        ('starts_with(enrollment.course.course_key, "course-v1:")', '"course-v1:"', "'course-v1:'", "single quotes"),
        ("enrollment.mode == verified", "verified", "'verified'", "without them it is a path"),
        ("contains(enrollment.mode, ver)", "ver", "'ver'", "without them it is a path"),
        ("enrollment.mode == ‘x", "‘", "'", "straight"),
        ("enrollment.mode == 'x", "'x", "", "never closed"),
        # Other values
        ("enrollment.user.id > 5", "5", "`5`", "backticks"),
        ("enrollment.user.id == -1.5", "-1.5", "`-1.5`", "backticks"),
        ("enrollment.is_active == true", "true", "`true`", "backticks"),
        ("enrollment.user.id == '5'", "'5'", "`5`", "is a number"),
        ("enrollment.is_active == 'true'", "'true'", "`true`", "true or false"),
        ("enrollment.mode == `5`", "`5`", "'5'", "is a text"),
        # Operators
        ("enrollment.mode = 'x'", "=", "==", "another sign"),
        ("enrollment.mode === 'x'", "===", "==", "another sign"),
        ("enrollment.mode <> 'x'", "<>", "!=", "another sign"),
        ("enrollment.mode == 'x' and enrollment.is_active", "and", "&&", "sign for this word"),
        ("enrollment.is_active OR enrollment.mode", "OR", "||", "sign for this word"),
        ("not enrollment.is_active", "not", "!", "in front"),
        ("enrollment.mode in ['x']", "in", "contains(…, …)", "where to look"),
        ("enrollment.mode == 'x' | enrollment.is_active", "|", "||", "For “or” write"),
        # Functions
        ("startsWith(enrollment.mode, 'x')", "startsWith", "starts_with", "Did you mean starts_with()?"),
        ("includes(enrollment.mode, 'x')", "includes", "contains", "Did you mean contains()?"),
        ("frobnicate(enrollment.mode)", "frobnicate", "", "There is no function frobnicate()."),
        # Results
        ("enrollment.mode", "enrollment.mode", "enrollment.mode == '…'", "unless it is empty"),
        ("enrollment.user.id", "enrollment.user.id", "", "always true"),
        ("'verified'", "'verified'", "", "always true"),
        ("{a: enrollment.mode}", "enrollment.mode", "", "always true"),
        ("length(enrollment.mode)", "enrollment.mode", "", "always true"),
    ],
)
def test_mistake_and_remedy(text, place, suggestion, says):
    found, message = findings(text)
    assert found == [(place, suggestion)]
    assert says in message


def test_a_remedy_is_good():
    text = 'mode = "verified" and enrollment.user.id > 5'
    for _round in range(6):
        found = lint.lint(text, schema.payload_schema(known(ENROLLED)), [], is_condition=True)
        if not found:
            break
        text = text[: found[0].start] + found[0].suggestion + text[found[0].end :]
    assert text == "enrollment.mode == 'verified' && enrollment.user.id > `5`"


@pytest.mark.parametrize(
    "text, name",
    [
        ("enrollment.is_active", ENROLLED),
        ("enrollment.course.start", ENROLLED),
        ("enrollment.mode == 'x' || enrollment.is_active", ENROLLED),
        ("event_metadata.sourcelib[0] > `5` && event_metadata.sourcelib[1:]", ENROLLED),
        ("@.enrollment.mode != `null`", ENROLLED),
        ("enrollment.{mode: mode, x: user.id} | mode == 'x'", ENROLLED),
        ("event_metadata.sourcelib[?@ > `1`]", ENROLLED),
        ("max(event_metadata.sourcelib) > `1`", ENROLLED),
        ("not_null(enrollment.course.display_name, '') == 'and or = \"x\" 5'", ENROLLED),
        ("event_metadata.cut || event_metadata.test", ENROLLED),
        ("form_data.anything_of_this_site == 'x'", REGISTRATION),
        ("sort_by([enrollment], &mode)[0].mode == 'x'", ENROLLED),
        ("", ENROLLED),
    ],
)
def test_no_false_alarm(text, name):
    assert findings(text, name)[0] == []


def documented():
    """The expressions of the how-to, each with whether it is a condition."""
    text = (Path(__file__).parents[2] / "docs/how-tos/conditions_and_shapes.rst").read_text(encoding="utf-8")
    conditions, shapes = text.split("\nShapes\n")
    for part, is_condition in ((conditions, True), (shapes, False)):
        for block in re.findall(r"\.\. code-block:: text\n\n((?:    .*\n)+)", part):
            yield block.strip(), is_condition


@pytest.mark.parametrize("text, is_condition", list(documented()))
def test_documented_expressions_are_good_for_their_event(text, is_condition):
    fits = [findings(text, name, is_condition)[0] for name in (ENROLLED, LOGIN, PASSING, REGISTRATION)]
    assert [] in fits


def test_a_path_that_a_captured_payload_has_is_good():
    payload_schema = schema.payload_schema(known(ENROLLED))
    assert lint.lint("enrollment.extra.x == 'y'", payload_schema)
    assert not lint.lint("enrollment.extra.x == 'y'", payload_schema, [{"enrollment": {"extra": {"x": "z"}}}])


@pytest.mark.parametrize(
    "text, place, suggestion",
    [
        ("{profile: {name: 'x'}}", "profile", "{data: {profile: …}}"),
        ('{"profile": {"name": "x"}}', '"profile"', '{"data": {"profile": …}}'),
        ('{"PreventLogin": "no"}', '"PreventLogin"', '{"exception": {"PreventLogin": …}}'),
        ('{exception: {PreventLogin: "no"}}', '"no"', "'no'"),
        ('{"data": {"profile": {}}}', None, None),
        ("{exception: {PreventLogin: 'no'}}", None, None),
        ('{"data": ', None, None),
        ("`null`", None, None),
    ],
)
def test_local_answers(text, place, suggestion):
    login = known("StudentLoginRequested")
    found = lint.lint_answer(
        text, schema.payload_schema(login), [samples.sample_payload(login)], ["profile"], ["PreventLogin"]
    )
    assert [(text[each.start : each.end], each.suggestion) for each in found] == (
        [(place, suggestion)] if place else []
    )


@pytest.mark.parametrize(
    "piece",
    ["a.b || ", "'", '"', "`", "'\\", "x(", "[", "{a:", "a == b && ", "= ", "“", "5 ", "and ", "enrolment.mod || "],
)
def test_it_ends_and_says_little(piece):
    text = (piece * shape.MAX_EXPRESSION)[: shape.MAX_EXPRESSION - 1] + "a"
    start = time.perf_counter()
    found, _message = findings(text)
    assert len(found) <= lint.MAX_FINDINGS
    assert time.perf_counter() - start < 3
