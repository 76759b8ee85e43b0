"""What an attempt came to, in words."""

import ast
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

import openedx_webhooks
from openedx_webhooks.admin import words
from openedx_webhooks.models import Attempt, Delivery
from openedx_webhooks.models.delivery import STATES
from openedx_webhooks.skips import Reason
from openedx_webhooks.transport import failures
from openedx_webhooks.webhooks import sending

from .conftest import make_delivery, url_of

PACKAGE = Path(openedx_webhooks.__file__).parent


def kinds_in_the_code() -> set[str]:
    """Every kind that is written where a Failure or an Outcome is made, and those of the tables."""
    kinds = {rule[2] for rule in failures._RULES}  # pylint: disable=protected-access
    kinds |= {value for name, value in vars(sending).items() if name.isupper() and isinstance(value, str)}
    for part in ("transport", "webhooks", "webfilters"):
        for path in (PACKAGE / part).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    kinds |= set(_kinds_of(node))
    return kinds | set(Reason.values)


def _kinds_of(call):
    name = getattr(call.func, "id", None) or getattr(call.func, "attr", "")
    of_failure = call.args[:1] if name == "Failure" else []
    of_outcome = [keyword.value for keyword in call.keywords if keyword.arg == "error"] if name == "Outcome" else []
    for expression in of_failure + of_outcome:
        yield from (node.value for node in ast.walk(expression) if isinstance(node, ast.Constant) and node.value)


def test_every_kind_of_error_that_the_code_produces_has_words():
    produced = kinds_in_the_code()
    assert {"timeout", "dns", "unsendable", "shape_failed", "breaker_open", "budget", "proxy"} <= produced
    assert produced - words.KINDS.keys() == set()


@pytest.mark.parametrize("kind", words.KINDS)
def test_each_kind_has_a_sentence_and_a_few_words(kind):
    said = words.KINDS[kind]
    assert len(str(said.short)) <= 25
    assert str(said.meaning).endswith((".", "?"))
    assert words.meaning(Attempt(error=kind)) == str(said.meaning)
    assert words.short(f"{kind}: details") == str(said.short)


@pytest.mark.parametrize(
    "status, detail, says",
    [
        (204, "", "The endpoint accepted it."),
        (301, "https://new.example/", "the address has moved to https://new.example/."),
        (302, "", "Redirects are not followed"),
        (401, "", "does not know us"),
        (403, "", "knows us and refuses"),
        (404, "", "nothing is there. n8n answers so while a workflow is not active"),
        (410, "", "disables its webhook"),
        (413, "", "too large"),
        (418, "", "The endpoint refuses the request."),
        (429, "", "more than it takes"),
        (500, "", "in trouble"),
        (503, "", "in trouble"),
        (999, "", "HTTP does not know"),
        (None, "", ""),
    ],
)
def test_a_status_in_a_sentence(status, detail, says):
    attempt = Attempt(status_code=status, detail=detail)
    assert says in words.meaning(attempt)
    assert words.detail(attempt) == ""


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("error", ["timeout", sending.PAYLOAD_REMOVED, Reason.NO_MATCH])
def test_what_follows_is_said_unless_it_was_accepted(state, error):
    delivery = Delivery(state=state, next_attempt_at=timezone.now() + timedelta(hours=1))
    said = words.outlook(delivery, Attempt(error=error))
    assert ("next attempt is due" in said) is (state == Delivery.State.PENDING)
    assert ("the last attempt" in said) is (state == Delivery.State.FAILED)
    assert bool(said) is (state != Delivery.State.DELIVERED)


def attempt(delivery, **fields):
    return Attempt.objects.create(delivery=delivery, **{"started_at": timezone.now(), **fields})


@pytest.mark.django_db
class TestOnThePage:
    """The page of a delivery says it."""

    def page(self, client, delivery):
        return client.get(url_of(Delivery, "change", delivery.pk)).content.decode()

    def test_what_was_really_sent_and_what_came_back(self, admin_client, delivery):
        attempt(
            delivery,
            status_code=422,
            request_headers={"webhook-id": "the-id", "Authorization": "••••••••"},
            request_excerpt='{"text": "corrected"}',
            request_bytes=21,
            response_excerpt='{"missing": "course"}',
        )
        page = self.page(admin_client, delivery)
        for text in ("webhook-id: the-id", "Authorization: ••••••••", "&quot;text&quot;: &quot;corrected&quot;"):
            assert text in page
        assert "&quot;missing&quot;: &quot;course&quot;" in page
        assert "not its content" in page

    def test_the_offending_expression(self, admin_client, delivery):
        attempt(delivery, error=Reason.SHAPE_FAILED, detail="join() takes … — {text: join(', ', user)}")
        page = self.page(admin_client, delivery)
        assert "shape cannot be applied" in page
        assert "{text: join(&#x27;, &#x27;, user)}" in page

    def test_the_last_attempt_was_the_last(self, admin_client, delivery):
        assert self.page(admin_client, delivery).count("This was the last attempt") == 1

    def test_when_the_next_is(self, admin_client, webhook):
        when = timezone.now() + timedelta(hours=2)
        delivery = make_delivery(webhook, "pending", next_attempt_at=when)
        page = self.page(admin_client, delivery)
        assert f"The next attempt is due at {words.exact(when)}." in page
        assert "If something is wrong there, correct it first." in page

    def test_what_was_skipped_is_no_failure(self, admin_client, webhook):
        delivery = make_delivery(webhook, "skipped")
        Attempt.objects.update(status_code=None, error=Reason.NO_MATCH, response_excerpt="")
        page = self.page(admin_client, delivery)
        assert 'owh-quiet" title="">Skipped<' in page
        assert "is not true of this event" in page
        assert 'owh-badge owh-bad"' not in page

    def test_a_hostile_detail_is_escaped(self, admin_client, delivery):
        attempt(delivery, status_code=301, detail="<script>alert(1)</script>")
        attempt(delivery, error=Reason.SHAPE_FAILED, detail="<script>alert(1)</script>")
        assert "<script>alert" not in self.page(admin_client, delivery)
