"""Events and filters of other packages, however odd, on the admin's pages."""

import attrs
import pytest
from openedx_events.tooling import OpenEdxPublicSignal
from openedx_filters.exceptions import OpenEdxFilterException
from openedx_filters.tooling import OpenEdxPublicFilter

from openedx_webhooks.models import Webfilter, Webhook

from .conftest import form_of, url_of

pytestmark = pytest.mark.django_db


class Opaque:
    """A class that nobody can make a sample of."""

    def __init__(self, needed):
        self.needed = needed


@pytest.fixture
def odd_filters():
    """Filters that other packages might define."""

    class Plain(OpenEdxPublicFilter):
        """As usual."""

        filter_type = "org.example.odd.plain.v1"

        class PreventPlain(OpenEdxFilterException):
            """Its exception."""

        @classmethod
        def run_filter(cls, thing: Opaque, count: int = 1):
            """As usual."""
            return cls.run_pipeline(thing=thing, count=count)

    class WithoutRun(OpenEdxPublicFilter):
        filter_type = "org.example.odd.without-run.v1"

    class AnyArguments(OpenEdxPublicFilter):
        filter_type = "org.example.odd.any-arguments.v1"

        class Stop(OpenEdxFilterException):
            """Needs what nobody gives."""

            def __init__(self, *args, code, **kwargs):
                self.code = code
                super().__init__(*args, **kwargs)

        @classmethod
        def run_filter(cls, *args, **kwargs):
            """Whatever."""
            return cls.run_pipeline(*args, **kwargs)

    odd = [Plain, WithoutRun, AnyArguments]
    yield [each.filter_type for each in odd]
    for each in odd:
        # A class may outlive its test; without a type it is no filter any more.
        each.filter_type = ""


@pytest.fixture
def odd_event():
    """An event of another package, with data that cannot be made up."""

    @attrs.frozen
    class Data:
        """Its data class."""

        thing = attrs.field(type=Opaque)
        untyped = attrs.field()

    signal = OpenEdxPublicSignal(event_type="org.example.odd.happened.v1", data={"data": Data})
    yield signal.event_type
    OpenEdxPublicSignal.all_events().remove(signal)
    OpenEdxPublicSignal._mapping.pop(signal.event_type)  # pylint: disable=protected-access


def test_they_are_choices(admin_client, odd_event, odd_filters):
    assert f'value="{odd_event}"' in admin_client.get(url_of(Webhook, "add")).content.decode()
    page = admin_client.get(url_of(Webfilter, "add")).content.decode()
    assert all(f'value="{name}"' in page for name in odd_filters)


def test_a_webhook_for_one_has_a_page(admin_client, odd_event):
    assert admin_client.post(url_of(Webhook, "add"), form_of(Webhook, event=odd_event)).status_code == 302
    assert admin_client.get(url_of(Webhook, "change", Webhook.objects.get().pk)).status_code == 200


def test_a_webfilter_for_one_has_a_page(admin_client, odd_filters):
    for name in odd_filters:
        assert admin_client.post(url_of(Webfilter, "add"), form_of(Webfilter, event=name)).status_code == 302, name
        webfilter = Webfilter.objects.get(event=name)
        assert admin_client.get(url_of(Webfilter, "change", webfilter.pk)).status_code == 200, name


def test_each_can_be_tested(admin_client, odd_event, odd_filters, receiver):
    for model, name in [(Webhook, odd_event), *((Webfilter, name) for name in odd_filters)]:
        hook = model.objects.create(event=name, webhook_url=receiver.url())
        assert admin_client.post(url_of(model, "test", hook.pk), follow=True).status_code == 200, name
