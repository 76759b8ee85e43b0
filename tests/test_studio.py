"""Studio: the same plugin in the process that authors work in."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from openedx_webhooks import catalog

from .receiver import Reply

ROOT = Path(__file__).resolve().parent.parent
AUTHORING = sorted(event.event_type for event in catalog.events().values() if event.subdomain == "content_authoring")
FILTER = "org.openedx.content_authoring.lms.page.url.requested.v1"

# As test_settings with SERVICE_VARIANT=cms, on a database in memory: what a Studio process does.
SCENARIO = """
import json, sys, django
django.setup()
from django.conf import settings
from django.core.management import call_command
from django.db import transaction
from openedx_filters.content_authoring.filters import LMSPageURLRequested
from openedx_webhooks import catalog
from openedx_webhooks.models import Delivery, Webfilter, Webhook
from openedx_webhooks.payloads.samples import sample_instance
from openedx_webhooks.webhooks.deliver import deliver_due

receiver, filter_type, *event_types = sys.argv[1:]
call_command("migrate", verbosity=0)
for event_type in event_types:
    Webhook.objects.create(event=event_type, webhook_url=receiver + event_type)
Webfilter.objects.create(event=filter_type, webhook_url=receiver + "filter")
for event_type in event_types:
    event = catalog.events()[event_type]
    with transaction.atomic():
        event.signal.send_event(**{name: sample_instance(cls) for name, cls in event.init_data.items()})
deliver_due()
url, org = LMSPageURLRequested.run_filter(url="https://lms.example.com", org="edX")
print(json.dumps({
    "project": settings.PROJECT_TYPE, "url": url, "org": org,
    "delivered": sorted(Delivery.objects.filter(state="delivered").values_list("event__event_type", flat=True)),
}))
"""


@pytest.fixture(name="studio", scope="module")
def _studio():
    from .receiver import Receiver  # pylint: disable=import-outside-toplevel

    with Receiver() as receiver:
        receiver.on("/filter", Reply({"data": {"url": "https://other.example.com"}}))
        done = subprocess.run(
            [sys.executable, "-c", SCENARIO, receiver.url("/"), FILTER, *AUTHORING],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={
                **os.environ,
                "SERVICE_VARIANT": "cms",
                "DJANGO_SETTINGS_MODULE": "test_settings",
                "TEST_DATABASE_URL": "",
            },
        )
        assert done.returncode == 0, done.stderr
        yield json.loads(done.stdout.splitlines()[-1]), receiver


def test_every_authoring_event_is_delivered_from_studio(studio):
    report, receiver = studio
    assert report["project"] == "cms.djangoapp"
    assert report["delivered"] == AUTHORING and len(AUTHORING) > 20
    for event_type in AUTHORING:
        (request,) = receiver.at(f"/{event_type}")
        assert request.json["event_metadata"]["event_type"] == event_type
        assert request.json["event_metadata"]["source"] == "openedx/cms/web"


def test_address_of_the_lms_is_what_the_webfilter_answers(studio):
    report, receiver = studio
    assert (report["url"], report["org"]) == ("https://other.example.com", "edX")
    (request,) = receiver.at("/filter")
    assert request.json["url"] == "https://lms.example.com"
