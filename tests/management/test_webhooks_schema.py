"""``manage.py webhooks_schema``: the reference of this installation on standard output."""

import io
import json

import pytest
import yaml
from django.core.management import CommandError, call_command

from openedx_webhooks import catalog

LOGIN = "org.openedx.learning.auth.session.login.completed.v1"


def output(*arguments):
    """What the command prints. No test here may use the database: the command needs none."""
    stdout = io.StringIO()
    call_command("webhooks_schema", *arguments, stdout=stdout)
    return stdout.getvalue()


def test_it_prints_everything_as_json():
    """An OpenAPI document with every event and filter."""
    document = json.loads(output())
    assert document["openapi"] == "3.1.0"
    assert set(document["webhooks"]) == {*catalog.events(), *catalog.filters()}


def test_a_file_has_the_document_alone(tmp_path):
    """What starts the command in a container may print more."""
    assert output("SESSION_LOGIN_COMPLETED", "--output", str(tmp_path / "openapi.json")) == ""
    assert list(json.loads((tmp_path / "openapi.json").read_text())["webhooks"]) == [LOGIN]
    with pytest.raises(CommandError, match="can't be written"):
        output("--output", str(tmp_path / "nowhere" / "openapi.json"))


def test_yaml_is_the_same_document():
    """For people to read: without anchors and aliases."""
    text = output("SESSION_LOGIN_COMPLETED", "StudentLoginRequested", "--format", "yaml")
    assert yaml.safe_load(text) == json.loads(output("SESSION_LOGIN_COMPLETED", "StudentLoginRequested"))
    assert "&id" not in text


@pytest.mark.parametrize("name", [LOGIN, "SESSION_LOGIN_COMPLETED"])
def test_one_type(name):
    """By its dotted type or its short name."""
    document = json.loads(output(name))
    assert list(document["webhooks"]) == [LOGIN]
    assert set(document["components"]["schemas"]) == {
        "EventMetadata", "SESSION_LOGIN_COMPLETED", "learning_UserData", "learning_UserPersonalData",
    }  # fmt: skip


def test_several_types_come_once_each():
    """An event and a filter in the order in which they were named."""
    document = json.loads(output("StudentLoginRequested", LOGIN, "SESSION_LOGIN_COMPLETED"))
    assert list(document["webhooks"]) == ["org.openedx.learning.student.login.requested.v1", LOGIN]


@pytest.mark.parametrize("name", ["NO_SUCH_EVENT", "", "session_login_completed"])
def test_an_unknown_type_is_an_error(name):
    """That names it; nothing is printed."""
    with pytest.raises(CommandError, match=f"no event or filter '{name}'"):
        output(name)


def test_what_is_personal_and_what_each_mode_sends():
    """Of all events, or of those that are named."""
    assert set(json.loads(output("--personal"))) == set(catalog.events())
    (found,) = yaml.safe_load(output("SESSION_LOGIN_COMPLETED", "--personal", "--format", "yaml")).values()
    assert found["user.pii.email"] == {"personal_data": "e-mail address", "pseudonymous": "nothing", "none": "nothing"}
    assert found["user.id"] == {"personal_data": "identifier", "pseudonymous": "a pseudonym", "none": "nothing"}


def test_webfilters_have_no_modes():
    """The error says where to look instead."""
    with pytest.raises(CommandError, match="x-personal-data"):
        output("StudentLoginRequested", "--personal")
