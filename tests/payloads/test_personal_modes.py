"""What the restricted modes of personal data leave of a payload."""

import json

import attrs
import pytest
from openedx_events.tooling import OpenEdxPublicSignal

from openedx_webhooks import catalog
from openedx_webhooks.operations import personal_report
from openedx_webhooks.payloads.personal_data import is_personal_class
from openedx_webhooks.payloads.personal_modes import FULL, NONE, PSEUDONYMOUS, pseudonym, restrict
from openedx_webhooks.payloads.samples import sample_payload

# Of the kind that personal_modes.new_key() makes; names of tests must not change from run to run.
KEY, OTHER_KEY = "1" * 64, "2" * 64
COURSE = "course-v1:edX+DemoX+Demo_Course"


def payload_of(name, **changes):
    """The sample of an event; ``changes`` are the members of its first argument."""
    payload = sample_payload(catalog.find_event(name))
    next(iter(payload.values())).update(changes)
    return payload


def left_of(name, personal_data, **changes):
    """What a mode leaves of the first argument."""
    left = restrict(payload_of(name, **changes), personal_data, KEY)
    return next((value for argument, value in left.items() if argument != "event_metadata"), {})


def test_full_is_the_payload_itself():
    payload = payload_of("COURSE_ENROLLMENT_CREATED")
    assert restrict(payload, FULL) is payload


def test_a_pseudonym_says_who_is_the_same_and_nothing_else():
    left = left_of("COURSE_ENROLLMENT_CREATED", PSEUDONYMOUS)
    assert left["user"] == {"id": pseudonym(KEY, "user", 42), "is_active": True}
    assert (left["mode"], left["course"]["course_key"]) == ("verified", COURSE)
    assert left_of("SUBSIDY_REDEEMED", PSEUDONYMOUS)["lms_user_id"] == left["user"]["id"]
    assert "ada" not in json.dumps(left).lower()


def test_another_key_makes_other_pseudonyms():
    assert len({pseudonym(key, "user", number) for key in (KEY, OTHER_KEY) for number in (42, 43)}) == 4


def test_none_leaves_what_happened():
    left = left_of("CERTIFICATE_CREATED", NONE)
    assert left["user"] == {"is_active": True}
    assert left["current_status"] == "downloadable"
    assert not {"grade", "name", "download_url"} & left.keys()


def test_results_go_with_pseudonyms_only():
    grades = ["percent_grade", "letter_grade"]
    assert set(grades) <= left_of("PERSISTENT_GRADE_SUMMARY_CHANGED", PSEUDONYMOUS).keys()
    assert not set(grades) & left_of("PERSISTENT_GRADE_SUMMARY_CHANGED", NONE).keys()


@pytest.mark.needs("ROLE_ASSIGNMENT_CREATED")
@pytest.mark.parametrize(
    "subject, left",
    [
        ("user^ada", "user^" + pseudonym(KEY, "username", "ada")),
        ("ada", pseudonym(KEY, "username", "ada")),
        ("group^ada", pseudonym(KEY, "username", "group^ada")),
        (None, None),
    ],
)
def test_a_username_behind_a_mark(subject, left):
    assert left_of("ROLE_ASSIGNMENT_CREATED", PSEUDONYMOUS, subject=subject)["subject"] == left
    assert "subject" not in left_of("ROLE_ASSIGNMENT_CREATED", NONE, subject=subject)


@pytest.mark.parametrize("mode", [PSEUDONYMOUS, NONE])
@pytest.mark.parametrize(
    "title, left",
    [
        ("Algebra", "Algebra"),
        ("Write to grace@example.net", "Write to ***"),
        ("Ada's course for ADA LOVELACE", "***'s course for ***"),
        ("Canada and Adana", "Canada and Adana"),
    ],
)
def test_a_public_text_without_addresses_and_without_the_learner(mode, title, left):
    course = {"course_key": COURSE, "display_name": title}
    assert left_of("COURSE_ENROLLMENT_CREATED", mode, course=course)["course"]["display_name"] == left


@pytest.mark.parametrize(
    "name, member, value",
    [
        ("COURSE_ENROLLMENT_CREATED", "mode", "a text with blanks"),
        ("COURSE_ENROLLMENT_CREATED", "mode", {"a": "b"}),
        ("COURSE_ENROLLMENT_CREATED", "is_active", "Ada"),
        ("COURSE_ENROLLMENT_CREATED", "creation_date", "born in 1815"),
        ("COURSE_ENROLLMENT_CREATED", "user", "Ada"),
        ("FORUM_THREAD_CREATED", "course_id", "of Ada"),
        ("FORUM_THREAD_CREATED", "options", {"anonymous": "no"}),
        ("FORUM_THREAD_CREATED", "options", {"not anonymous": True}),
        ("FORUM_THREAD_CREATED", "id", {"a": "b"}),
        ("FORUM_THREAD_CREATED", "id", 0.5),
    ],
)
def test_what_is_not_what_was_declared_is_left_out(name, member, value):
    assert member not in left_of(name, PSEUDONYMOUS, **{member: value})


def test_metadata_stay_but_for_what_names_places_in_the_rest():
    payload = payload_of("FORUM_THREAD_CREATED")
    payload["event_metadata"] |= {"cut": ["thread.body"], "ada": 1, "test": True}
    for mode in (PSEUDONYMOUS, NONE):
        left = restrict(payload, mode, KEY)["event_metadata"]
        assert left == {name: value for name, value in payload["event_metadata"].items() if name not in ("cut", "ada")}


@pytest.mark.parametrize(
    "payload", [{}, {"event_metadata": None}, {"user": {"id": 1}, "event_metadata": {"event_type": "org.example.gone"}}]
)
def test_of_an_unknown_event_nothing_is_left(payload):
    assert restrict(payload, NONE)["event_metadata"] == (payload.get("event_metadata") or {})
    assert restrict(payload, PSEUDONYMOUS, KEY).keys() == {"event_metadata"}


@pytest.mark.parametrize(
    "mode, key, problem", [("secret", KEY, "no personal-data mode “secret”"), (PSEUDONYMOUS, "", "save it")]
)
def test_a_malformed_setting_sends_nothing(mode, key, problem):
    with pytest.raises(ValueError, match=problem):
        restrict(payload_of("SESSION_LOGIN_COMPLETED"), mode, key)


# --- What a new release of a library may bring


@attrs.define
class GuardianPersonalData:
    """Of a library's next release."""

    phone: str
    is_mother: bool


@attrs.define
class GuardianData:
    """Fields that nobody here has heard of."""

    pii: GuardianPersonalData
    id: int
    notes: str
    age: int
    school_uuid: str
    is_informed: bool
    extra: dict[str, str]
    friends: list[GuardianPersonalData]
    relative: "list[str] | None" = None


@pytest.fixture(name="new_event")
def _new_event():
    signal = OpenEdxPublicSignal("org.example.guardian.added.v1", {"guardian": GuardianData, "reason": str})
    yield catalog.find_event(signal.event_type)
    OpenEdxPublicSignal.instances.remove(signal)
    OpenEdxPublicSignal._mapping.pop(signal.event_type)


def test_what_is_new_is_personal_until_it_is_known(new_event):
    pii = {"phone": "1", "is_mother": True}
    guardian = {
        "pii": pii,
        "id": 7,
        "notes": "shy",
        "age": 9,
        "school_uuid": "a-b",
        "is_informed": True,
        "extra": {"a": "b"},
    }
    payload = {
        "guardian": {**guardian, "friends": [pii], "relative": ["b"]},
        "reason": "c",
        "event_metadata": {"event_type": new_event.event_type},
    }
    assert restrict(payload, NONE)["guardian"] == {"is_informed": True}
    left = restrict(payload, PSEUDONYMOUS, KEY)
    assert "reason" not in left
    assert left["guardian"] == {
        "id": pseudonym(KEY, "id", 7),
        "school_uuid": pseudonym(KEY, "school_uuid", "a-b"),
        "is_informed": True,
    }


@pytest.mark.parametrize(
    "name, is_one", [("UserPersonalData", True), ("UserNonPersonalData", False), ("UserData", False)]
)
def test_the_library_says_which_classes_are_personal(name, is_one):
    from openedx_events.learning import data  # pylint: disable=import-outside-toplevel

    assert is_personal_class(getattr(data, name)) is is_one


def test_the_report_says_what_is_sent():
    """Every member that a mode leaves of any sample is one that the report promises, and the other way round."""
    for event in catalog.events().values():
        lines = personal_report.lines_of(event)
        for mode in (PSEUDONYMOUS, NONE):
            left = restrict(sample_payload(event), mode, KEY)
            sent = {path for name, value in left.items() if name != "event_metadata" for path in _paths(name, value)}
            promised = {line.path.replace("[]", "") for line in lines if getattr(line, mode) != "nothing"}
            assert sent == promised, event.name


def _paths(path, value):
    if isinstance(value, list):
        return {found for item in value for found in _paths(path, item)}
    if isinstance(value, dict) and not path.endswith(("options", "plugin_configuration")):
        return {found for name, item in value.items() for found in _paths(f"{path}.{name}", item)}
    return {path}
