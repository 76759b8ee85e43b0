"""
Every way in which an exchange can break, through the whole of a filter's run: the learner goes on within the deadline,
and one log line names the webfilter and the reason.

The cases are those of the transport, which has its own, closer tests of them.
"""

import logging
import time

import pytest
from openedx_filters.learning.filters import StudentLoginRequested

from openedx_webhooks.models import Call, Webfilter
from tests.transport.conftest import authority, raw, raw_tls  # noqa: F401  pylint: disable=unused-import
from tests.transport.servers import says
from tests.transport.test_bad_endpoints import LONG_DEADLINE, OK, SLACK, TABLE

from .world import World

pytestmark = pytest.mark.django_db
LOGIN = StudentLoginRequested.filter_type
DEADLINE = 0.25
broken = pytest.mark.parametrize("script, error", [(row[1], row[2]) for row in TABLE], ids=[row[0] for row in TABLE])


@pytest.fixture
def user(settings, db):  # pylint: disable=unused-argument
    settings.OPENEDX_WEBHOOKS = {"RESPONSE_MAX_BYTES": 64 * 1024}
    return World().user


def ask(url, error):
    """A webfilter for logins, with little time where time is what ends it."""
    return Webfilter.objects.create(
        event=LOGIN, webhook_url=url, timeout=DEADLINE if error == "timeout" else LONG_DEADLINE
    )


def lines_of(caplog):
    return [record.getMessage() for record in caplog.records if record.name.startswith("openedx_webhooks")]


@broken
def test_learner_goes_on_in_time_and_one_line_says_why(script, error, user, raw, caplog):
    webfilter = ask(raw(script).url(), error)
    start = time.monotonic()
    with caplog.at_level(logging.INFO):
        assert StudentLoginRequested.run_filter(user=user) is user
    assert time.monotonic() - start < webfilter.timeout + SLACK
    (line,) = lines_of(caplog)
    assert line.startswith(f"Webfilter {webfilter.pk} (StudentLoginRequested): {error}: ")
    assert len(line.splitlines()) == 1
    call = Call.objects.get()
    assert (call.result, call.error.partition(":")[0]) == ("ignored", error)


@broken
def test_learner_is_stopped_if_the_operator_says_so(script, error, user, raw):
    webfilter = ask(raw(script).url(), error)
    webfilter.halt_on_request_exception = True
    webfilter.save()
    with pytest.raises(StudentLoginRequested.PreventLogin):
        StudentLoginRequested.run_filter(user=user)
    assert Call.objects.get().result == "halted"


@pytest.mark.parametrize(
    "names, options, why",
    [
        (("127.0.0.2",), {}, "mismatch"),
        (("127.0.0.1",), {"days": -1}, "expired"),
        (("127.0.0.1",), {"signed_by_itself": True}, "self-signed"),
    ],
)
def test_wrong_certificate(names, options, why, user, raw, authority, settings, caplog):
    settings.OPENEDX_WEBHOOKS = {"CA_BUNDLE": str(authority.path)}
    server = raw(says(OK + b"Content-Length: 2\r\n\r\n{}"), authority.server_context(*names, **options))
    webfilter = ask(server.url(), "tls")
    assert StudentLoginRequested.run_filter(user=user) is user
    (line,) = lines_of(caplog)
    assert line.startswith(f"Webfilter {webfilter.pk} (StudentLoginRequested): tls: ")
    assert why in line
    assert server.requests == []


def test_tls_that_never_ends_its_handshake(user, raw, caplog):
    """A plain server that says nothing: the handshake is under the same deadline."""
    server = raw(lambda _connection, server: server.stopped.wait(60))
    webfilter = ask(server.url(scheme="https"), "timeout")
    # Enough to come as far as that on a busy machine.
    webfilter.timeout = 2
    webfilter.save()
    start = time.monotonic()
    assert StudentLoginRequested.run_filter(user=user) is user
    assert time.monotonic() - start < 30
    (line,) = lines_of(caplog)
    assert f"Webfilter {webfilter.pk} (StudentLoginRequested): timeout: time was up while agreeing on TLS" in line
