"""Spans for the monitoring that the site has chosen; a monitoring that fails touches nothing."""

import contextlib

import pytest
from edx_django_utils.monitoring import TelemetryBackend
from edx_django_utils.monitoring.internal.backends import configured_backends
from openedx_filters.learning.filters import StudentLoginRequested

from openedx_webhooks import tracing
from openedx_webhooks.models import Webfilter, Webhook
from openedx_webhooks.webhooks.deliver import deliver_due

from .receiver import Reply
from .webhooks.conftest import LOGIN, owe

pytestmark = pytest.mark.django_db
SEEN = []


class _Backend(TelemetryBackend):
    """Notes what it is told."""

    def set_attribute(self, key, value):
        SEEN.append((key, value))

    def record_exception(self):
        """Nothing."""

    @contextlib.contextmanager
    def create_span(self, name, operation_name=None):
        SEEN.append(f"<{name}>")
        yield
        SEEN.append(f"</{name}>")

    def tag_root_span_with_error(self, exception):
        """Nothing."""

    def set_local_root_span_name(self, name, group=None, priority=None):
        """Nothing."""


class _Broken(_Backend):
    """Raises wherever it can."""

    def set_attribute(self, key, value):
        raise RuntimeError("the agent is gone")

    @contextlib.contextmanager
    def create_span(self, name, operation_name=None):
        yield
        raise RuntimeError("the agent is gone")


@pytest.fixture
def backend(settings):
    def use(kind):
        settings.OPENEDX_TELEMETRY = [f"{__name__}.{kind.__name__}"]
        configured_backends.cache_clear()

    SEEN.clear()
    yield use
    configured_backends.cache_clear()


def test_a_batch_of_deliveries_is_a_span_with_its_counts(backend, receiver):
    backend(_Backend)
    owe(Webhook.objects.create(event=LOGIN, webhook_url=receiver.url()), 3)
    deliver_due()
    assert [one for one in SEEN if isinstance(one, str)] == [
        "<openedx_webhooks.deliver>",
        "</openedx_webhooks.deliver>",
    ]
    assert ("openedx_webhooks.delivered", 3) in SEEN


def test_calls_of_webfilters_are_a_span_and_who_halted_is_noted(backend, receiver):
    backend(_Backend)
    url = receiver.on("/no", Reply(status=403))
    hook = Webfilter.objects.create(event=StudentLoginRequested.filter_type, webhook_url=url, halt_on_4xx=True)
    with pytest.raises(StudentLoginRequested.PreventLogin):
        StudentLoginRequested.run_filter(user=None)
    assert [
        "<openedx_webhooks.call_webfilters>",
        ("openedx_webhooks.filter", StudentLoginRequested.filter_type),
        ("openedx_webhooks.webfilters", str(hook.pk)),
        "</openedx_webhooks.call_webfilters>",
        ("openedx_webhooks.halted_by", hook.pk),
    ] == SEEN


def test_a_monitoring_that_fails_changes_nothing_and_is_logged_once(backend, receiver, caplog):
    backend(_Broken)
    url = receiver.on("/no", Reply(status=403))
    Webfilter.objects.create(event=StudentLoginRequested.filter_type, webhook_url=url, halt_on_4xx=True)
    for _ in range(2):
        with pytest.raises(StudentLoginRequested.PreventLogin):
            StudentLoginRequested.run_filter(user=None)
    assert caplog.text.count("The site's monitoring failed: RuntimeError") == 1


def test_what_the_block_raises_is_raised(backend):
    backend(_Broken)
    with pytest.raises(ValueError, match="mine"), tracing.span("x"):
        raise ValueError("mine")
