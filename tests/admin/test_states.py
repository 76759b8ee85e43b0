"""Every state of a delivery, also one that is added tomorrow, is on every page."""

import pytest
from django.core.cache import cache

from openedx_webhooks.admin import deliveries, parts
from openedx_webhooks.admin.chart import chart
from openedx_webhooks.models import Delivery, Webhook
from openedx_webhooks.models.delivery import FINAL_STATES, STATES
from openedx_webhooks.operations import statistics

from .conftest import make_delivery, url_of

pytestmark = pytest.mark.django_db
every_state = pytest.mark.parametrize("state", Delivery.State.values)


@pytest.fixture(autouse=True)
def _no_kept_figures():
    """On a slow machine figures are kept for a while, and hooks of different tests have the same numbers."""
    cache.clear()


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
def test_the_webhook_s_chart_legend_figures_and_list_show_it(admin_client, webhook, state):
    make_delivery(webhook, state)
    page = admin_client.get(url_of(Webhook, "change", webhook.pk)).content.decode()
    label, tone = Delivery.State(state).label, STATES[state].tone
    assert f'<rect class="owh-bar-{tone}"' in page
    assert f'<i class="owh-key owh-bar-{tone}"></i>{label}' in page
    assert f"{label}: 1." in page
    assert parts.delivery_badge(state) in admin_client.get(url_of(Webhook)).content.decode()
    drawn = chart(statistics.hours(webhook.pk))
    assert [part.state for bar in drawn.bars for part in bar.parts] == [state]


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
