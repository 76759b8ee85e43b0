"""The facts about the platform fit what the libraries declare, and are complete where the libraries are wrong."""

import inspect

import attrs
import pytest
from django.utils import translation
from django.utils.functional import Promise

from openedx_webhooks import catalog, platform_facts
from openedx_webhooks.platform_facts import Message, Redirect, codes, nulls

FILTERS = [pytest.param(known, id=known.name) for known in catalog.filters().values()]
LEARNING = "org.openedx.learning."


def filter_facts(name):
    """The facts of a filter by its short name."""
    return platform_facts.facts_of(catalog.find_filter(name).filter_type)


def event_facts(name):
    """The facts of an event by its short name."""
    return platform_facts.event_facts_of(catalog.find_event(name).event_type)


@pytest.mark.parametrize("known", FILTERS)
def test_every_filter_of_the_library_has_facts_for_each_of_its_exceptions(known):
    facts = platform_facts.facts_of(known.filter_type)
    assert facts.when
    assert set(facts.exceptions) == set(known.exceptions)


def test_every_event_of_the_library_says_when_it_is_sent_in_words_that_can_be_translated():
    assert [dotted for dotted in catalog.events() if not platform_facts.event_facts_of(dotted).when] == []


@pytest.mark.parametrize("known", FILTERS)
def test_what_is_said_to_be_read_can_be_given(known):
    for name, facts in platform_facts.facts_of(known.filter_type).exceptions.items():
        parameters = catalog.exception_arguments(known.exceptions[name])
        takes_any = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values())
        assert takes_any or facts.reads <= set(parameters), name


# Of the newest libraries: older ones have fewer.
@pytest.mark.needs("SupportEnrollmentDataRequested", "ROLE_ASSIGNMENT_CREATED")
def test_no_fact_is_about_a_type_that_does_not_exist():
    assert set(platform_facts.FILTERS) <= set(catalog.filters())
    assert set(platform_facts.EVENTS) <= set(catalog.events())


@pytest.mark.needs("SupportEnrollmentDataRequested", "ROLE_ASSIGNMENT_CREATED")
def test_what_is_said_of_null_and_values_is_about_members_that_exist():
    arguments = {
        (known.name, name)
        for known in catalog.filters().values()
        for of in (known.arguments, *(e.reads for e in platform_facts.facts_of(known.filter_type).exceptions.values()))
        for name in of
    }
    classes = [cls for known in catalog.events().values() for cls in known.init_data.values()]
    members = set()
    while classes:
        cls = classes.pop()
        members |= {(cls.__name__, field.name) for field in attrs.fields(cls)}
        classes += [field.type for field in attrs.fields(cls) if attrs.has(field.type)]
    assert [each for each in (*nulls._OF_TYPES, *codes._CODES) if each not in arguments | members] == []
    assert [
        (owner, name) for owner, names in nulls._OF_OBJECTS.items() for name in names
        if not platform_facts.meaning(owner, name)
    ] == []  # fmt: skip


@pytest.mark.parametrize("facts_of", [platform_facts.facts_of, platform_facts.event_facts_of])
def test_of_another_packages_type_nothing_is_known_and_nothing_claimed(facts_of):
    facts = facts_of("org.example.thing.requested.v1")
    assert (facts.when, facts.cautions, facts.runs) == ("", (), True)


@pytest.mark.parametrize("facts", [*platform_facts.FILTERS.values(), *platform_facts.EVENTS.values()])
def test_every_text_is_translated_when_it_is_shown(facts):
    """A text that was translated at import would be in one language for everybody."""
    texts = [facts.when, *facts.cautions, getattr(facts, "time", "")]
    texts += [exception.effect for exception in getattr(facts, "exceptions", {}).values()]
    assert [text for text in texts if text and not isinstance(text, Promise)] == []
    with translation.override("en"):
        assert all(str(text).endswith(".") for text in texts if text)


def test_a_status_is_read_at_registration_only():
    """On all other pages it has no effect."""
    read = [
        name
        for name, facts in platform_facts.FILTERS.items()
        if any("status_code" in e.reads for e in facts.exceptions.values())
    ]
    assert read == [f"{LEARNING}student.registration.requested.v1"]


@pytest.mark.parametrize(
    "name, exception, message, redirect",
    [
        ("StudentRegistrationRequested", "PreventRegistration", Message.RESPONSE, Redirect.IGNORED),
        ("StudentLoginRequested", "PreventLogin", Message.WRAPPED, Redirect.RESPONSE),
        ("CourseEnrollmentStarted", "PreventEnrollment", Message.RESPONSE, Redirect.IGNORED),
        ("CourseEnrollmentViewStarted", "PreventEnrollment", Message.LOG, Redirect.IGNORED),
        ("CertificateRenderStarted", "RedirectToPage", Message.LOG, Redirect.FOLLOWED),
        ("CertificateRenderStarted", "RenderAlternativeInvalidCertificate", Message.LOG, Redirect.IGNORED),
        ("RenderXBlockStarted", "RenderCustomResponse", Message.SHOWN, Redirect.LINK),
        ("CoursewareViewStarted", "RedirectToUrl", Message.LOG, Redirect.FOLLOWED),
        ("VerticalBlockRenderCompleted", "PreventVerticalBlockRender", Message.SHOWN, Redirect.IGNORED),
    ],
)
def test_where_the_message_and_the_url_end(name, exception, message, redirect):
    facts = filter_facts(name).exceptions[exception]
    assert (facts.message, facts.redirect) == (message, redirect)


@pytest.mark.parametrize("name", ["AccountSettingsRenderStarted", "CourseEnrollmentQuerysetRequested"])
def test_a_filter_that_nothing_runs_says_so_first(name):
    facts = filter_facts(name)
    assert not facts.runs
    assert "never called" in str(facts.cautions[0])


def test_an_event_that_nothing_sends_says_so_first():
    assert "never called" in str(event_facts("COURSE_CERTIFICATE_CONFIG_CHANGED").cautions[0])


@pytest.mark.parametrize("name", ["PERSISTENT_GRADE_SUMMARY_CHANGED", "COURSE_PASSING_STATUS_UPDATED"])
def test_both_grade_events_warn_of_their_number(name):
    assert "every recalculation" in str(event_facts(name).cautions[0])


@pytest.mark.parametrize("name", ["CERTIFICATE_CREATED", "CERTIFICATE_CHANGED", "COURSE_CATALOG_INFO_CHANGED"])
def test_a_time_that_is_not_the_events_is_explained(name):
    assert event_facts(name).time


@pytest.mark.parametrize(
    "name, words",
    [
        ("StudentLoginRequested", "without the password"),
        ("LoginAltRedirectURLRequested", "drops a URL of another host"),
        ("CourseAboutRenderStarted", "served to others"),
        ("VerticalBlockRenderCompleted", "answers to its problems"),
    ],
)
def test_what_an_operator_must_know_before_choosing_a_filter_is_said(name, words):
    assert words in " ".join(map(str, filter_facts(name).cautions))


def test_a_halted_automatic_assignment_to_a_cohort_is_an_error_page():
    assert "HTTP 500" in str(filter_facts("CohortAssignmentRequested").exceptions["PreventCohortAssignment"].effect)
