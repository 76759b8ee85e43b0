"""What operators type finds what they mean, over the real catalog and in every language."""

import pytest
from django.utils.translation import override

from openedx_webhooks import catalog
from openedx_webhooks.operations import type_search
from openedx_webhooks.platform_facts.words import SYNONYMS

# What is typed → the first that is found.
EVENTS = {
    "en": {
        "course enrollment cre": "COURSE_ENROLLMENT_CREATED",
        "enrol": "COURSE_ENROLLMENT_CREATED",
        "enrolment": "COURSE_ENROLLMENT_CREATED",
        "Enrollments": "COURSE_ENROLLMENT_CREATED",
        "student enrolls in a course": "COURSE_ENROLLMENT_CREATED",
        "enrollment chang": "COURSE_ENROLLMENT_CHANGED",
        "leave a course": "COURSE_UNENROLLMENT_COMPLETED",
        "unenrolment": "COURSE_UNENROLLMENT_COMPLETED",
        "signup": "STUDENT_REGISTRATION_COMPLETED",
        "sign up": "STUDENT_REGISTRATION_COMPLETED",
        "sign-up": "STUDENT_REGISTRATION_COMPLETED",
        "new user": "STUDENT_REGISTRATION_COMPLETED",
        "login": "SESSION_LOGIN_COMPLETED",
        "log in": "SESSION_LOGIN_COMPLETED",
        "sign in": "SESSION_LOGIN_COMPLETED",
        "certificates": "CERTIFICATE_CREATED",
        "diploma": "CERTIFICATE_CREATED",
        "revoke certificate": "CERTIFICATE_REVOKED",
        "grades": "PERSISTENT_GRADE_SUMMARY_CHANGED",
        "passed course": "COURSE_PASSING_STATUS_UPDATED",
        "new post": "FORUM_THREAD_CREATED",
        "essay": "ORA_SUBMISSION_CREATED",
        "cohort": "COHORT_MEMBERSHIP_CHANGED",
        "course created": "COURSE_CREATED",
        "course published": "COURSE_CATALOG_INFO_CHANGED",
        "COURSE_ENROLLMENT_CHANGED": "COURSE_ENROLLMENT_CHANGED",
        "org.openedx.learning.certificate.revoked.v1": "CERTIFICATE_REVOKED",
        "rollment": "COURSE_ENROLLMENT_CREATED",
    },
    "es": {
        "matrícula": "COURSE_ENROLLMENT_CREATED",
        "matricula": "COURSE_ENROLLMENT_CREATED",
        "inscripciones": "COURSE_ENROLLMENT_CREATED",
        "estudiante se inscribe en un curso": "COURSE_ENROLLMENT_CREATED",
        "darse de baja": "COURSE_UNENROLLMENT_COMPLETED",
        "nuevo usuario": "STUDENT_REGISTRATION_COMPLETED",
        "inicio de sesión": "SESSION_LOGIN_COMPLETED",
        "certificados": "CERTIFICATE_CREATED",
        "calificación": "PERSISTENT_GRADE_SUMMARY_CHANGED",
        "curso creado": "COURSE_CREATED",
        "enrolment": "COURSE_ENROLLMENT_CREATED",
    },
    "pt-br": {
        "inscrições": "COURSE_ENROLLMENT_CREATED",
        "aluno se inscreve no curso": "COURSE_ENROLLMENT_CREATED",
        "desistência": "COURSE_UNENROLLMENT_COMPLETED",
        "cadastro": "STUDENT_REGISTRATION_COMPLETED",
        "entrar": "SESSION_LOGIN_COMPLETED",
        "certificações": "CERTIFICATE_CREATED",
        "nota": "PERSISTENT_GRADE_SUMMARY_CHANGED",
        "curso criado": "COURSE_CREATED",
        "signup": "STUDENT_REGISTRATION_COMPLETED",
    },
}
FILTERS = {
    "en": {
        "login": "StudentLoginRequested",
        "StudentLogin": "StudentLoginRequested",
        "block login": "StudentLoginRequested",
        "login form": "LoginFormGenerated",
        "signup": "StudentRegistrationRequested",
        "stop enrolment": "CourseEnrollmentStarted",
        "price": "CourseModePriceRequested",
        "about page": "CourseAboutRenderStarted",
        "certificate page": "CertificateRenderStarted",
        "dashboard": "DashboardRenderStarted",
    },
    "es": {"precio": "CourseModePriceRequested", "registro": "StudentRegistrationRequested"},
    "pt-br": {"preço": "CourseModePriceRequested", "bloquear login": "StudentLoginRequested"},
}


def rows(table):
    """(language, typed, first) of a table."""
    return [(language, typed, first) for language in table for typed, first in table[language].items()]


def has_words(language):
    """Whether the catalog of a language has words for the search."""
    with override(None):
        original = str(SYNONYMS["enrollment"])
    with override(language):
        return language == "en" or str(SYNONYMS["enrollment"]) != original


def first_of(types, language, typed):
    """The short name of what is found first."""
    if not has_words(language):
        pytest.skip(f"the words are not translated yet: {language}")
    with override(language):
        return types[type_search.find(types, typed).types[0]].name


@pytest.mark.parametrize("language, typed, first", rows(EVENTS))
def test_words_find_the_event_that_is_meant(language, typed, first):
    assert first_of(catalog.events(), language, typed) == first


@pytest.mark.parametrize("language, typed, first", rows(FILTERS))
def test_words_find_the_filter_that_is_meant(language, typed, first):
    assert first_of(catalog.filters(), language, typed) == first


@pytest.mark.parametrize(
    "typed, is_complete, is_any",
    [
        ("enrolment", True, True),
        ("enrolment zzzz", False, True),
        ("zzzz", False, False),
        ("", True, True),
        ("   ", True, True),
        ("日本語", False, False),
        ("enrolment " * 10_000, True, True),
        ("\0<script>", False, False),
    ],
)
def test_whatever_is_typed_is_answered(typed, is_complete, is_any):
    found = type_search.find(catalog.events(), typed)
    assert (found.is_complete, bool(found.types)) == (is_complete, is_any)


def test_every_type_is_found_first_by_its_own_name():
    for types in (catalog.events(), catalog.filters()):
        assert [
            dotted for dotted, known in types.items() if type_search.find(types, known.name).types[0] != dotted
        ] == []


# Of the newest libraries: older ones have fewer names.
@pytest.mark.needs("SupportEnrollmentDataRequested", "ROLE_ASSIGNMENT_CREATED")
def test_every_line_of_the_table_is_a_word_of_some_name():
    """A line that nothing has is one that nobody needs."""
    known = {
        word
        for types in (catalog.events(), catalog.filters())
        for dotted, one in types.items()
        for word in type_search.words_of(f"{one.name} {dotted}")
    }
    assert sorted(set(SYNONYMS) - known) == []
