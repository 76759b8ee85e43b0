"""The contract for receivers says what the code does: its tables are read, and each row is tried."""

import gzip
import re
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from openedx_filters.learning.filters import StudentRegistrationRequested

from openedx_webhooks import catalog
from openedx_webhooks.app_settings import DEFAULTS
from openedx_webhooks.models import Delivery, Webfilter, Webhook
from openedx_webhooks.transport import client
from openedx_webhooks.transport.client import Outcome
from openedx_webhooks.webfilters import verdicts
from openedx_webhooks.webhooks.results import decide
from openedx_webhooks.webhooks.sending import Result
from tests.receiver import Reply

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "references" / "receivers.rst").read_text(encoding="utf-8")
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
REGISTRATION = "org.openedx.learning.student.registration.requested.v1"


def rows(title):
    """The rows of the first table below a title, without its head."""
    lines = PAGE.split(f"\n{title}\n", 1)[1].split("list-table::\n", 1)[1].splitlines()
    found = []
    for line in lines:
        if match := re.match(r" +(\* -|  -)(?: (.*))?$", line):
            found += [[]] if match[1] == "* -" else []
            found[-1].append(match[2] or "")
        elif found and not line.strip():
            break
        elif found:
            found[-1][-1] += f" {line.strip()}"
    return found[1:]


def outcomes(answer):
    """What a first cell speaks of: both ends of each range, or no answer at all."""
    numbers = [int(number) for number in re.findall(r"\b\d{3}\b", answer)]
    if not numbers:
        return [Outcome(error=error) for error in ("timeout", "reset", "connect", "tls")]
    return [Outcome(status_code=number) for number in numbers]


WEBHOOK_ROWS = rows("Answer a webhook")
WEBFILTER_ROWS = [row for row in rows("Answer a webfilter") if not row[0].startswith("200")]


@pytest.mark.parametrize("answer, becomes, and_", WEBHOOK_ROWS, ids=[row[0] for row in WEBHOOK_ROWS])
def test_what_becomes_of_a_delivery_after_each_answer(answer, becomes, and_):
    for outcome in outcomes(answer):
        result = Result(Delivery(), Webhook(), outcome, request=object())
        decision = decide(result, NOW)
        assert decision.state == ("delivered" if becomes.startswith("*Delivered*") else "pending"), outcome
        assert (decision.next_attempt_at is not None) == (decision.state == "pending")
        # “Fewer requests at a time”: what the queues of endpoints go by.
        assert result.is_endpoint_well == (not and_.startswith(("Fewer", "As with 500"))), outcome


def test_the_webhook_table_has_every_status():
    told = [number for row in WEBHOOK_ROWS for number in re.findall(r"\b\d{3}\b", row[0])]
    assert sorted(told) == ["200", "299", "300", "399", "400", "410", "429", "499", "500", "599"]


@pytest.mark.parametrize("answer, goes_on, and_", WEBFILTER_ROWS, ids=[row[0] for row in WEBFILTER_ROWS])
def test_what_each_answer_to_a_webfilter_does(answer, goes_on, and_):
    """It goes on, unless the option that the row names is ticked; and then it ends."""
    filter_type = catalog.find_filter(REGISTRATION)
    option = re.search(r"\*(halt on .+?)\*", and_)[1].replace(" ", "_")
    others = {"halt_on_4xx", "halt_on_5xx", "halt_on_request_exception"} - {option}
    for outcome in outcomes(answer):
        without = Webfilter(event=REGISTRATION, **dict.fromkeys(others, True))
        assert verdicts.judge(filter_type, without, outcome, {}).halt is None, outcome
        ticked = Webfilter(event=REGISTRATION, **{option: True})
        assert verdicts.judge(filter_type, ticked, outcome, {}).halt is not None, outcome
        is_failure = outcome.is_request_exception or outcome.is_5xx  # as run.py records it
        assert is_failure == ("failure of yours" in goes_on or "failure of yours" in and_), outcome


def test_a_body_comes_in_one_piece_whose_length_is_told(receiver):
    assert "The body comes with its ``Content-Length``: not in chunks, not compressed" in PAGE
    body = b"x" * 300_000
    assert client.post(receiver.url("/hooks?from=3"), body, {}, timeout=5, connect_timeout=3).ok
    (request,) = receiver.received
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert (request.path, request.body, headers["content-length"]) == ("/hooks?from=3", body, "300000")
    assert not {"transfer-encoding", "content-encoding", "expect"} & set(headers)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "headers, encoded",
    [
        ({}, bytes),
        ({"Content-Type": "text/html; charset=latin-1"}, bytes),
        ({"Content-Encoding": "gzip"}, gzip.compress),
        ({"Content-Encoding": "deflate"}, zlib.compress),
    ],
)
def test_an_answer_is_read_whatever_its_type_and_compression(receiver, headers, encoded):
    receiver.replies["/"] = Reply(encoded(b'{"data": {"form_data": {"name": "Ada"}}}'), headers=headers)
    Webfilter.objects.create(event=REGISTRATION, webhook_url=receiver.url("/"), signature="none")
    assert StudentRegistrationRequested.run_filter(form_data={"name": "?"}) == {"name": "Ada"}


@pytest.mark.django_db
def test_webfilters_of_one_filter_are_asked_the_same_and_the_first_exception_counts_before_changes(receiver):
    """And the later change is made on top of the earlier."""
    answers = [
        {"data": {"form_data": {"name": "first", "city": "first"}}},
        {"data": {"form_data": {"name": "second"}}},
        {"exception": {"PreventRegistration": "no"}},
        {"exception": {"PreventRegistration": "never"}},
    ]
    for order, answer in enumerate(answers):
        receiver.replies[f"/{order}"] = Reply(answer)
        Webfilter.objects.create(
            event=REGISTRATION, webhook_url=receiver.url(f"/{order}"), order=order, enabled=order < 2
        )
    assert StudentRegistrationRequested.run_filter(form_data={"name": "?"}) == {"name": "second", "city": "first"}
    assert [request.json["form_data"] for request in receiver.received] == [{"name": "?"}] * 2
    for webfilter in Webfilter.objects.all():
        webfilter.enabled = True
        webfilter.save()
    with pytest.raises(StudentRegistrationRequested.PreventRegistration, match="^no$"):
        StudentRegistrationRequested.run_filter(form_data={"name": "?"})


def test_the_schedule_is_the_one_of_the_settings():
    units = {"seconds": 1, "minutes": 60, "hours": 3600}
    waits = [int(wait.split()[0]) * units[wait.split()[1]] for _attempt, wait, _since in rows("The retry schedule")[1:]]
    assert waits == DEFAULTS["DELIVERY_SCHEDULE_SECONDS"]
    sums = [sum(waits[:count]) for count in range(1, len(waits) + 1)]
    lengths = {"d": 86400, "h": 3600, "min": 60, "s": 1}
    told = [
        sum(int(number) * lengths[unit] for number, unit in re.findall(r"(\d+) (d|h|min|s)\b", since))
        for *_other, since in rows("The retry schedule")[1:]
    ]
    assert [seconds - seconds % 60 if seconds >= 60 else seconds for seconds in sums] == told


@pytest.mark.parametrize(
    "sentence, value",
    [
        ("Answer within {:.0f} seconds from the beginning", DEFAULTS["DELIVERY_TIMEOUT_SECONDS"]),
        ("of which {:.0f} are for\nconnecting", DEFAULTS["DELIVERY_CONNECT_TIMEOUT_SECONDS"]),
        ("Answer within {:.0f} seconds (an operator", DEFAULTS["WEBFILTER_TIMEOUT_SECONDS"]),
        ("one web request together within {:.0f}", DEFAULTS["WEBFILTER_REQUEST_BUDGET_SECONDS"]),
        ("at most {:.0f} hours later", DEFAULTS["DELIVERY_RETRY_AFTER_MAX_SECONDS"] / 3600),
        ("After {:.0f} hours of nothing but failures", DEFAULTS["FAILING_WARN_AFTER_SECONDS"] / 3600),
        ("After five failures in a row nobody asks you for {:.0f}", DEFAULTS["BREAKER_OPEN_SECONDS"]),
        ("at most\n  {:.0f} KiB in JSON", DEFAULTS["PAYLOAD_MAX_BYTES"] / 1024),
        ("An answer has at most {:.0f} MiB", DEFAULTS["RESPONSE_MAX_BYTES"] / 1024**2),
    ],
)
def test_each_number_is_that_of_the_settings(sentence, value):
    assert sentence.format(value) in PAGE


def test_other_numbers_in_words():
    assert DEFAULTS["FAILING_DISABLE_AFTER_SECONDS"] == 5 * 86400 and "after five days the webhook is disabled" in PAGE
    assert DEFAULTS["BREAKER_FAILURES"] == 5 and "five failures in a row" in PAGE
    assert DEFAULTS["DELIVERY_JITTER_RATIO"] == 0.2 and "up to a fifth longer or shorter" in PAGE
