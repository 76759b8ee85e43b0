"""``manage.py webhooks_export_user``."""

import io
import json

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from openedx_webhooks.models import Call, CapturedEvent, Webfilter

from ..operations.test_retirement import ENROLLED, FILTER, deliver
from ..operations.test_retirement import make_webhook as _make_webhook

pytestmark = pytest.mark.django_db
webhook = _make_webhook


def export(*arguments):
    """The records that the command prints."""
    out = io.StringIO()
    call_command("webhooks_export_user", *map(str, arguments), stdout=out)
    return json.loads(out.getvalue())


@pytest.fixture
def ada(webhook):  # pylint: disable=redefined-outer-name
    """A learner of whom there is something of every kind, and others."""
    user = get_user_model().objects.create_user("ada", "ada@example.com")
    deliver(webhook, user.pk)
    deliver(webhook, user.pk + 1)
    deliver(webhook, None)
    webfilter = Webfilter.objects.create(event=FILTER, webhook_url="https://example.com/")
    # Also what is emptied already: that the call was made is still stored.
    for user_id, body in (
        (user.pk, {"a": "Ü"}),
        (user.pk, None),
        (None, {"form_data": {"email": "ada@example.com"}}),
        (None, {"a": 1}),
    ):
        Call.objects.create(webfilter=webfilter, mode="enforce", result="passed", request_body=body, user_id=user_id)
    webhook.history.update(history_user_id=user.pk)
    return user


@pytest.mark.parametrize("option, attribute", [("--user-id", "pk"), ("--username", "username"), ("--email", "email")])
def test_everything_that_is_stored_of_a_person_and_nothing_of_others(ada, option, attribute):
    found = export(option, getattr(ada, attribute))
    assert [record["kind"] for record in found] == ["captured_event"] * 2 + ["webfilter_call"] * 3 + ["webhook_version"]
    assert [record["user_id"] for record in found[:5]] == [ada.pk, None, ada.pk, ada.pk, None]
    (delivery,) = found[0]["deliveries"]
    assert found[0]["payload"] == {"a": 1}
    assert delivery["attempts"][0]["request_excerpt"] == "sent"


def test_events_about_others_that_name_them(ada):
    payload = {"enrollment": {"user": {"id": 7}, "created_by": {"pii": {"username": "ada"}}}}
    CapturedEvent.objects.filter(user_id=ada.pk + 1).update(event_type=ENROLLED, payload=payload)
    assert [record["user_id"] for record in export("--username", "ada")[:3]] == [ada.pk, None, ada.pk + 1]


def test_of_a_person_who_is_gone_from_the_platform(ada):
    number = ada.pk
    ada.delete()
    assert len(export("--user-id", number)) == 4
    assert [record["username"] for record in export("--username", "ada")] == ["ada"]


@pytest.mark.usefixtures("ada")
def test_of_nobody():
    assert export("--username", "adam") == []
    with pytest.raises(CommandError, match="Say who"):
        export()


def test_it_prints_no_secret_of_a_hook(ada, webhook):  # pylint: disable=redefined-outer-name
    webhook.headers = {"X-Key": "t0p-s3cret"}
    webhook.save()
    webhook.history.update(history_user_id=ada.pk)
    assert "t0p-s3cret" not in json.dumps(export("--user-id", ada.pk))


@pytest.mark.usefixtures("ada")
def test_it_reads_events_in_parts(django_assert_max_num_queries):
    assert CapturedEvent.objects.count() == 3
    with django_assert_max_num_queries(16):
        export("--username", "ada")
