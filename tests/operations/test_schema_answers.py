"""What the generated reference says may be answered to a filter."""

import json

import pytest

from openedx_webhooks import catalog
from openedx_webhooks.operations import schema
from openedx_webhooks.transport.client import Outcome
from openedx_webhooks.webfilters import answers, halts

from .schema_checks import FILTERS, answers_to, every_filter, validate


class TestAnswers:
    """What may be answered to a filter."""

    CASES = [(filter_type, name) for filter_type in FILTERS for name in schema.sample_answers(filter_type)]
    every_answer = pytest.mark.parametrize(
        "filter_type, name", CASES, ids=[f"{filter_type.name}-{name}" for filter_type, name in CASES]
    )

    @every_answer
    def test_a_sample_answer_validates(self, filter_type, name):
        """Against the schema beside it."""
        validate(schema.sample_answers(filter_type)[name], answers_to(filter_type))

    @every_answer
    def test_a_sample_answer_is_understood(self, filter_type, name):
        """By the parser of real answers."""
        answer = schema.sample_answers(filter_type)[name]
        outcome = Outcome(status_code=200, body=json.dumps(answer).encode())
        parsed = answers.parse(outcome)
        assert (parsed.problem, parsed.data) == ("", answer.get("data", {}))

    @pytest.mark.parametrize(
        "filter_type", [filter_type for filter_type in FILTERS if filter_type.exceptions], ids=lambda value: value.name
    )
    def test_a_sample_halt_builds_the_exception(self, filter_type):
        """With the real constructor."""
        ((name, arguments),) = schema.sample_answers(filter_type)["halt"]["exception"].items()
        halt = halts.by_name(filter_type, name, arguments, {"context": {}, "template_name": "x.html"})
        assert isinstance(halt.exception, filter_type.exceptions[name])

    @every_filter
    def test_a_filter_without_exceptions_says_so(self, filter_type):
        """Its answer has no exception, and it can't be halted that way."""
        assert ("exception" in schema.answer_schema(filter_type)["properties"]) == bool(filter_type.exceptions)

    @pytest.mark.parametrize(
        "name, exception, argument, is_read",
        [
            ("CourseEnrollmentStarted", "PreventEnrollment", "redirect_to", False),
            ("CourseEnrollmentStarted", "PreventEnrollment", "status_code", False),
            ("StudentRegistrationRequested", "PreventRegistration", "redirect_to", False),
            ("StudentRegistrationRequested", "PreventRegistration", "status_code", True),
            ("CoursewareViewStarted", "RedirectToUrl", "redirect_to", True),
            ("StudentLoginRequested", "PreventLogin", "error_code", True),
        ],
    )
    def test_an_argument_that_the_platform_does_not_read_says_so(self, name, exception, argument, is_read):
        """And only such a one."""
        _does, arguments = schema.exceptions_of(catalog.find_filter(name))[exception]
        description = arguments["properties"][argument].get("description", "")
        assert description.startswith("No effect:") != is_read

    @pytest.mark.parametrize(
        "name, exception", [("RenderXBlockStarted", "RenderCustomResponse"), ("StudentLoginRequested", "PreventLogin")]
    )
    def test_the_sample_halt_is_one_whose_message_is_seen(self, name, exception):
        """Not one that ends in an error page, where there is a choice."""
        assert list(schema.sample_answers(catalog.find_filter(name))["halt"]["exception"]) == [exception]

    @pytest.mark.parametrize(
        "name, halting",
        [
            ("StudentLoginRequested", "It can be halted after a failure; the page does not go to a URL."),
            ("CourseEnrollmentStarted", "It can be halted after a failure; nobody can be sent to a URL."),
            ("RenderXBlockStarted", "a URL becomes a link"),
            ("DashboardRenderStarted", "with or without a URL"),
            ("CoursewareViewStarted", "without one it goes on"),
            ("LoginAltRedirectURLRequested", "without one it goes on"),
            ("GradeEventContextRequested", "It can't be halted after a failure."),
        ],
    )
    def test_what_halting_does_is_what_the_platform_does(self, name, halting):
        assert halting in schema.halting(catalog.find_filter(name))

    @pytest.mark.parametrize(
        "name, answer",
        [
            ("StudentLoginRequested", {"exception": {"NoSuchException": "x"}}),
            ("StudentLoginRequested", {"exception": {"PreventLogin": {"bogus_argument": 1}}}),
            ("StudentLoginRequested", {"exception": {"PreventLogin": "x", "Other": "y"}}),
            ("StudentLoginRequested", {"data": 5}),
            ("StudentLoginRequested", []),
            ("CourseModePriceRequested", {"data": {"price": "79"}}),
            ("CourseModePriceRequested", {"data": {"price": -1}}),
            ("AccountSettingsReadOnlyFieldsRequested", {"data": {"readonly_fields": "name"}}),
            ("StudentRegistrationRequested", {"exception": {"PreventRegistration": {"status_code": 200}}}),
            ("CoursewareViewStarted", {"exception": {"RedirectToUrl": {"message": "no URL"}}}),
        ],
    )
    def test_what_would_be_refused_does_not_validate(self, name, answer):
        """So that a receiver's developer finds out before the learner."""
        assert not answers_to(catalog.find_filter(name)).is_valid(answer)

    @pytest.mark.parametrize(
        "name, answer",
        [
            ("StudentLoginRequested", {"exception": "PreventLogin"}),
            ("StudentLoginRequested", {"exception": {"PreventLogin": {"message": "no", "error_code": "x"}}}),
            (
                "StudentRegistrationRequested",
                {"exception": {"PreventRegistration": {"status_code": 409, "any": "thing"}}},
            ),
            ("DashboardRenderStarted", {"exception": {"RenderCustomResponse": {"content": "<p>", "status": 200}}}),
            ("CoursewareViewStarted", {"exception": {"RedirectToUrl": {"redirect_to": "/dashboard"}}}),
        ],
    )
    def test_what_is_accepted_validates(self, name, answer):
        """All the forms that an exception may have."""
        validate(answer, answers_to(catalog.find_filter(name)))
