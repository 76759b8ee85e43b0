"""How much personal data leaves, on the pages of webhooks."""

import pytest

from openedx_webhooks.models import Webhook
from openedx_webhooks.payloads.personal_modes import new_key, pseudonym

from .conftest import form_of, make_event, url_of
from .test_preview import look, text_of

pytestmark = pytest.mark.django_db
USER = {"id": 86420, "is_active": True, "pii": {"username": "zoe9", "email": "z@example.com", "name": "Zoe"}}
METADATA = {"event_type": "org.openedx.learning.auth.session.login.completed.v1", "id": "x"}


@pytest.fixture(name="event")
def _event():
    return make_event(payload={"user": USER, "event_metadata": METADATA})


def saved(client, webhook, **typed):
    """The webhook after its form was sent."""
    typed = {"webhook_url": webhook.webhook_url, "headers-name": [], "headers-value": [], **typed}
    response = client.post(url_of(Webhook, "change", webhook.pk), form_of(Webhook, **typed))
    assert response.status_code == 302, response.context["errors"]
    webhook.refresh_from_db()
    return webhook


@pytest.mark.parametrize("mode, is_whole", [("full", True), ("pseudonymous", False), ("none", False)])
def test_the_preview_shows_what_each_mode_sends(admin_client, event, mode, is_whole):
    made = look(admin_client, owh_event=str(event.pk), personal_data=mode)
    request = text_of(made["result"]).partition("The whole payload")[0]
    assert made["status"] == "This would be sent."
    assert ("86420" in request, "zoe9" in request) == (is_whole, is_whole)
    assert "is_active" in request


def test_the_pseudonyms_of_the_preview_are_those_that_are_sent(admin_client, event, webhook):
    saved(admin_client, webhook, personal_data="pseudonymous")
    made = look(admin_client, hook=webhook, owh_event=str(event.pk), personal_data="pseudonymous")
    assert pseudonym(webhook.pseudonym_key, "user", 86420) in made["result"]


@pytest.mark.parametrize(
    "mode, shape, warnings",
    [
        ("full", "user.pii.email", 0),
        ("pseudonymous", "user.pii.email", 1),
        ("pseudonymous", "{id: user.id, mail: user.pii.email, name: user.pii.name}", 2),
        ("none", "user.id", 1),
        ("none", "user.is_active", 0),
        ("none", "user.idle", 1),
    ],
)
def test_a_shape_that_asks_for_what_is_held_back_is_told(admin_client, event, mode, shape, warnings):
    made = look(admin_client, owh_event=str(event.pk), personal_data=mode, shape=shape)
    assert made["result"].count("data-start") == warnings
    assert ("sends nothing of it" in made["result"]) is bool(warnings and shape != "user.idle")


@pytest.mark.parametrize(
    "mode, shape, is_refused",
    [
        ("none", "{text: join('', [user.pii.name, ' has logged in'])}", True),
        ("full", "{text: join('', [user.pii.name, ' has logged in'])}", False),
        ("pseudonymous", "{text: join('', [user.id, ' has logged in'])}", False),
        ("none", "{name: user.pii.name}", False),
    ],
)
def test_a_shape_that_would_fail_on_what_is_left_is_refused(admin_client, webhook, mode, shape, is_refused):
    typed = {"webhook_url": webhook.webhook_url, "headers-name": [], "personal_data": mode, "shape": shape}
    response = admin_client.post(url_of(Webhook, "change", webhook.pk), form_of(Webhook, **typed))
    if is_refused:
        assert "what the personal-data mode holds back" in str(response.context["adminform"].form.errors["shape"])
    else:
        assert response.status_code == 302


def test_a_form_without_the_choice_lets_out_no_more_than_before(admin_client, webhook):
    Webhook.objects.update(personal_data="none")
    assert saved(admin_client, webhook, description="changed").personal_data == "none"


def test_another_choice_is_refused(admin_client):
    response = admin_client.post(url_of(Webhook, "add"), form_of(Webhook, personal_data="some"))
    assert "personal_data" in response.context["adminform"].form.errors


def test_a_change_is_in_the_history_and_the_key_is_not(admin_client, webhook):
    saved(admin_client, webhook, personal_data="pseudonymous")
    assert webhook.history.first().personal_data == "pseudonymous"
    assert not hasattr(webhook.history.first(), "pseudonym_key")
    page = admin_client.get(url_of(Webhook, "history", webhook.pk)).content.decode()
    assert "Pseudonymous: what happened" in page and str(webhook.pseudonym_key) not in page


def test_a_clone_has_the_mode_and_other_pseudonyms(admin_client, webhook):
    saved(admin_client, webhook, personal_data="pseudonymous")
    admin_client.post(url_of(Webhook, "clone", webhook.pk))
    clone = Webhook.objects.exclude(pk=webhook.pk).get()
    assert clone.personal_data == "pseudonymous"
    assert clone.pseudonym_key and clone.pseudonym_key != webhook.pseudonym_key


def test_the_page_says_what_is_personal_and_what_is_left(admin_client, webhook):
    Webhook.objects.update(personal_data="none", pseudonym_key=new_key())
    page = text_of(admin_client.get(url_of(Webhook, "change", webhook.pk)).content.decode())
    assert "What is personal in it" in page
    assert "user.id identifier a pseudonym nothing" in page
    assert "user.pii.email e-mail address nothing nothing" in page
    assert "Sent in each mode: user.is_active ." in page
    assert "What the personal-data mode leaves of it" in page


def test_a_webhook_that_lacks_its_key_says_what_to_do(admin_client, webhook):
    Webhook.objects.update(personal_data="pseudonymous")
    page = admin_client.get(url_of(Webhook, "change", webhook.pk)).content.decode()
    assert "no key for its pseudonyms yet: open its page, and save it" in page
    assert saved(admin_client, webhook, description="a").pseudonym_key
