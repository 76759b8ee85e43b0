"""Whom and what an event is about, for operators who look for it."""

import pytest
from hypothesis import given, settings

from openedx_webhooks import catalog
from openedx_webhooks.payloads import serialize
from openedx_webhooks.payloads.subject import Subject, subject_of
from tests import factories

USER = {"id": 7, "is_active": True, "pii": {"username": "ada", "email": "a@example.com", "name": "Ada"}}
COURSE = "course-v1:ACME+Demo+2026"


@pytest.mark.parametrize(
    "payload, expected",
    [
        ({"user": USER}, Subject(7, "ada")),
        (
            {"enrollment": {"user": USER, "course": {"course_key": COURSE, "display_name": "Demo"}}},
            Subject(7, "ada", COURSE, "ACME"),
        ),
        (
            {"grade": {"user_id": 7, "course": {"course_key": "edX/DemoX/2026"}}},
            Subject(7, "", "edX/DemoX/2026", "edX"),
        ),
        (
            {"xblock_info": {"usage_key": "block-v1:ACME+Demo+2026+type@html+block@a"}},
            Subject(None, "", COURSE, "ACME"),
        ),
        ({"library": {"library_key": "lib:ACME:books"}}, Subject(None, "", "lib:ACME:books", "ACME")),
        ({"data": {"subject": "user^ada", "scope": "lib:ACME:books"}}, Subject(None, "ada", "lib:ACME:books", "ACME")),
        ({"course": {"course_key": "no course"}}, Subject()),
        ({"thread": {"body": "see course-v1:A+B+C", "title": "user"}}, Subject()),
        ({"users": [{"username": "first"}, {"username": "second"}]}, Subject(None, "first")),
        ({"event_metadata": {"course_key": COURSE, "username": "x"}}, Subject()),
        ({"a": {"username": None, "course_id": 5}}, Subject()),
        ({"a": {"username": "x" * 5000}}, Subject(None, "x" * 150)),
        ({"a": {"username": "ада🙂\0\ud800"}}, Subject(None, "ада" + "\N{REPLACEMENT CHARACTER}" * 3)),
        ({}, Subject()),
    ],
)
def test_subject_is_the_user_and_the_course_nearest_to_the_top(payload, expected):
    assert subject_of(payload) == expected


@pytest.mark.parametrize("event_type", sorted(catalog.events()))
def test_subject_of_every_installed_event_fits_its_columns(event_type):
    entry = catalog.find_event(event_type)
    metadata = entry.signal.generate_signal_metadata()

    @settings(max_examples=3, deadline=None)
    @given(factories.event_arguments(entry, optional=True))
    def check(arguments):
        subject = subject_of(serialize.event_payload(entry, arguments, metadata))
        assert len(subject.username) <= 150 and len(subject.course_key) <= 255 and len(subject.org) <= 255
        assert subject.user_id is None or isinstance(subject.user_id, int)

    check()


def test_large_payload_costs_no_long_search():
    wide = {f"k{n}": {f"m{m}": "course-v1:" for m in range(50)} for n in range(1000)}
    assert subject_of(wide) == Subject()
