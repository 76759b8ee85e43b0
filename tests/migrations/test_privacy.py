"""How much personal data leaves with a webhook, before and after this version."""

from openedx_webhooks.models import Webhook

from .test_upgrade import LONG_EVENT, LONG_URL, migrate


def test_a_webhook_of_before_sends_everything_and_on_the_way_back_none_sends_more_than_it_did(new_database):
    alias = new_database()
    migrate(alias)
    fields = {"event": LONG_EVENT, "webhook_url": LONG_URL}
    for mode in ("full", "pseudonymous", "none"):
        Webhook.objects.using(alias).create(**fields, personal_data=mode)
    migrate(alias, "0008")
    migrate(alias)
    found = Webhook.objects.using(alias).order_by("pk").values_list("enabled", "personal_data", "pseudonym_key")
    assert list(found) == [(True, "full", ""), (False, "full", ""), (False, "full", "")]
