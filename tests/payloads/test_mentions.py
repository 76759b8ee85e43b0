"""Whether a person is named in a payload or a text."""

import json

import pytest

from openedx_webhooks import catalog
from openedx_webhooks.payloads.mentions import Person
from openedx_webhooks.payloads.samples import sample_payload

CODE, OTHER_CODE = "0123456789abcdef" * 2, "fedcba9876543210" * 2
ADA = Person(5, ("ada", "Ada@example.com"), ("Ada Lovelace", "Ada"), frozenset((CODE,)))
ENROLLED = "org.openedx.learning.course.enrollment.created.v1"
COURSE = "course-v1:ada+DemoX+2026"


@pytest.mark.parametrize(
    ("text", "is_there"),
    [
        ("write to ada@example.com, please", True),
        ("write to ADA@EXAMPLE.COM.", True),
        ("?email=ada%40example.com&a=b", True),
        ("%3Femail%3Dada%40example.com", True),
        ("canada@example.com", False),
        ("ada@example.com.evil.example", False),
        ("x-ada@example.com", False),
        ("ada@example.community", False),
        ("thanks, @ada!", True),
        ("(ada)", True),
        ("Ada.", True),
        ("https://lms.example.org/u/ada", True),
        ("/u/ada?tab=1", True),
        ("Canada", False),
        ("ada_2 and ada-2 and xada and ada.b", False),
        ("ada@another.example", False),
        (f"https://lms.example.org/courses/{COURSE}/about", False),
        ("block-v1:ada+DemoX+2026+type@html+block@ada of ada", True),
        ("so says Ada  Lovelace: hello", True),
        ("so says Ada\nLovelace", True),
        ("Xda Lovelacey", False),
        (f"the submission of {CODE}", True),
        (f"{CODE.upper()}", True),
        (f"{OTHER_CODE} {CODE}0", False),
        ("?user_id=5&a=b", True),
        ('"user_id": "5"', True),
        ("user_id%3D5", True),
        ("user_id=55", False),
        ("course_id=5, 5 of 5", False),
        ("user_id: 5.5", False),
        ("", False),
    ],
)
def test_in_a_text(text, is_there):
    assert ADA.is_in_text(text) is is_there
    # The quick look before the closer one must not miss what that would find.
    for stored in (json.dumps({"body": f"to you: {text}"}, ensure_ascii=escapes) for escapes in (True, False)):
        assert ADA.is_in_json(stored) is is_there


@pytest.mark.parametrize(
    ("value", "is_there"),
    [
        ({"user_ids": [1, 5, 7]}, True),
        ({"user_ids": [1, 55, 7]}, False),
        ({"user_ids": ["5"]}, True),
        ({"lms_user_id": 5}, True),
        ({"actor_id": 5}, True),
        ({"user": {"id": 5}}, True),
        ({"requesting_user": {"id": 5}}, True),
        ({"created_by": {"id": 5, "pii": {}}}, True),
        ({"a": {"id": 5, "username": "x"}}, True),
        ({"course": {"id": 5}, "user_id": 6, "count": 5, "cohort_id": 5}, False),
        ({"user_id": True}, False),
        ({"user_id": 5.0}, False),
        ({"anonymous_user_id": CODE}, True),
        ({"user_id": CODE}, True),
        ({"answer": [{"student_item": CODE}]}, True),
        ({"anonymous_user_id": OTHER_CODE}, False),
        ({"username": "ada"}, True),
        ({"author": "Ada"}, True),
        ({"subject": "user^ada"}, True),
        ({"anything": "user^ada"}, True),
        ({"subject": "user^adam"}, False),
        ({"members": ["bob", "ada"]}, True),
        ({"users": {"ada": 1}}, True),
        ({"mode": "ada", "org": "ada", "course": COURSE, "ada": 1}, False),
        ({"body": "thanks, ada"}, True),
        ({"text": ["a", {"b": "see ada@example.com"}]}, True),
        ({"ada@example.com": 1}, True),
        # Somebody else of the same name, and somebody of whom nothing else is said.
        ({"user": {"id": 6, "pii": {"username": "bob", "name": "Ada Lovelace"}}}, False),
        ({"pii": {"email": "bob@example.com", "name": "Ada Lovelace"}}, False),
        ({"accomplishment": {"name": "Ada Lovelace"}}, True),
        ({"event_metadata": {"sourcehost": "on ada's machine"}}, False),
        ("ada", False),
        (["see @ada"], True),
        (None, False),
        (5, False),
    ],
)
def test_in_json(value, is_there):
    assert ADA.is_in(value) is is_there
    assert ADA.is_in_json(json.dumps(value)) is is_there


@pytest.mark.parametrize(
    ("enrollment", "is_there"),
    [
        # What is known of the members of an event: public ones name nobody but by an address.
        ({"mode": "to ada"}, False),
        ({"course": {"course_key": COURSE, "display_name": "The notes of Ada Lovelace"}}, False),
        ({"course": {"display_name": "Ask ada@example.com"}}, True),
        ({"user": {"id": 6, "pii": {"username": "ada"}}}, True),
        ({"created_by": {"id": 5}}, True),
        ({"unheard_of": "thanks to ada"}, True),
    ],
)
def test_in_the_payload_of_an_event(enrollment, is_there):
    assert ADA.is_in({"enrollment": enrollment}, ENROLLED) is is_there


def test_of_every_event_its_own_person_is_found_and_nobody_else():
    """A new event is looked through the day its library is installed."""
    person = Person(42, ("ada", "ada@example.com"), ("Ada Lovelace",), frozenset(("5f6f3a0e1a0f4f0f8f5d7c6b1a2b3c4d",)))
    nobody = Person(4242, ("quentin", "quentin@example.org"), ("Quentin Quill",), frozenset((OTHER_CODE,)))
    for event in catalog.events().values():
        payload = sample_payload(event)
        text = json.dumps(payload)
        names_somebody = any(f'"{name}"' in text for name in ("user_id", "lms_user_id", "pii", "actor_id", "user_ids"))
        if names_somebody:
            assert person.is_in_json(text, event.event_type), event.name
        assert not nobody.is_in_json(text, event.event_type), event.name


@pytest.mark.parametrize(
    ("value", "is_alone"),
    [
        ({"user_ids": [5]}, True),
        ({"user_ids": [5, 6]}, False),
        ({"submission": {"anonymous_user_id": CODE}}, True),
        ({"submission": {"anonymous_user_id": OTHER_CODE}}, False),
        ({"body": "ada"}, False),
        ({"user_id": 5, "actor_id": None}, True),
    ],
)
def test_alone(value, is_alone):
    assert ADA.is_alone_in(value) is is_alone


@pytest.mark.parametrize("text", ["{not json of ada", "[" * 100_000 + "@ada", "user_id=5"])
def test_what_is_no_json_is_a_text(text):
    assert ADA.is_in_json(text)
    assert not ADA.is_alone_in_json(text)


@pytest.mark.parametrize("name", ["Zoë Müller", "山田 太郎", 'Ada "Countess" King', "O'Neil Back\\slash", "İpek Işık"])
def test_names_in_any_script(name):
    person = Person(5, (name.split()[0].lower() + "_1",), (name,))
    for escapes in (True, False):
        assert person.is_in_json(json.dumps({"body": f"dear {name},"}, ensure_ascii=escapes))
        assert person.is_in_json(json.dumps({"body": f"dear {name.split()[0].lower()}_1,"}, ensure_ascii=escapes))
        assert not person.is_in_json(json.dumps({"body": "dear all"}, ensure_ascii=escapes))


@pytest.mark.parametrize("person", [Person(), Person(None, ("",), ("",)), Person(5, ("ab",), ("Ab",))])
def test_short_and_empty_names_are_found_in_no_text(person):
    assert not person.is_in_text("ab, and a text of Ab")


def test_whoever_logs_a_person_logs_the_number():
    assert repr(ADA) == "Person(user_id=5)"
