"""Every state of a delivery, also one that is added tomorrow, is on every page."""

import pytest

from openedx_webhooks.admin import deliveries, parts
from openedx_webhooks.models import Delivery, Webhook
from openedx_webhooks.models.delivery import FINAL_STATES, STATES

from .conftest import make_delivery, url_of

pytestmark = pytest.mark.django_db
every_state = pytest.mark.parametrize("state", Delivery.State.values)


def test_the_table_has_every_state_and_no_other():
    assert sorted(STATES) == sorted(Delivery.State.values)


@every_state
def test_its_badge_has_its_name_and_tone(state):
    badge = parts.delivery_badge(state)
    assert f">{Delivery.State(state).label}<" in badge
    assert f"owh-{STATES[state].tone}" in badge


@every_state
def test_the_list_shows_and_filters_it(admin_client, webhook, state):
    chosen = make_delivery(webhook, state)
    for other in STATES:
        make_delivery(webhook, other)
    Delivery.objects.exclude(pk=chosen.pk).filter(state=state).delete()
    response = admin_client.get(f"{url_of(Delivery)}?state__exact={state}")
    assert [delivery.pk for delivery in response.context["cl"].result_list] == [chosen.pk]
    assert parts.delivery_badge(state) in response.content.decode()


@every_state
def test_the_webhook_s_page_and_list_show_it(admin_client, webhook, state):
    make_delivery(webhook, state)
    badge = parts.delivery_badge(state)
    assert badge in admin_client.get(url_of(Webhook, "change", webhook.pk)).content.decode()
    assert badge in admin_client.get(url_of(Webhook)).content.decode()


@every_state
def test_its_page_offers_what_can_be_done(admin_client, webhook, state):
    delivery = make_delivery(webhook, state)
    page = admin_client.get(url_of(Delivery, "change", delivery.pk)).content.decode()
    offered = {name for name in deliveries.OPERATIONS if f"/{name}/" in page}
    assert offered == ({"replay"} if state in FINAL_STATES else {"retry", "cancel"})


def test_a_state_that_nobody_knows_is_shown_as_it_is(admin_client, webhook):
    delivery = make_delivery(webhook, "delivered")
    Delivery.objects.update(state="lost")
    assert ">lost<" in admin_client.get(url_of(Delivery)).content.decode()
    assert admin_client.get(url_of(Delivery, "change", delivery.pk)).status_code == 200
    assert admin_client.get(url_of(Webhook, "change", webhook.pk)).status_code == 200
