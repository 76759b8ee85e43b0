"""Small pieces that several pages share."""

import pytest

from openedx_webhooks.admin import parts
from openedx_webhooks.models import Call, Webhook


@pytest.mark.parametrize(
    "status_code, error, webhook, webfilter",
    [
        (200, "", "200", "200"),
        (403, "", "403", "403"),
        # Nobody was called: a delivery has not been sent, a webfilter has answered by itself.
        (None, "", "–", "local answer"),
        (None, "timeout: time was up while waiting", "timed out", "timed out"),
        (None, "something new", "something new", "something new"),
        (403, "it answered with status 403", "403", "403"),
        (502, "too_large: the response is larger", "502, too large", "502, too large"),
        (301, "it answered with status 301", "301", "301"),
        # A webhook was accepted, whatever became of the body; a webfilter needs it.
        (200, "too_large: the response is larger", "200", "200, too large"),
        (200, "the answer is a list, not an object", "200", "200, not understood"),
    ],
)
def test_an_answer_in_words(status_code, error, webhook, webfilter):
    assert parts.answered(status_code, error) == webhook
    assert parts.answered(status_code, error, needs_body=True) == webfilter
    assert parts.call_answered(Call(status_code=status_code, error=error)) == webfilter
    assert ("owh-good" in parts.answer_badge(status_code, error)) is (webhook == "200")
    assert ("owh-good" in parts.answer_badge(status_code, error, needs_body=True)) is (webfilter == "200")


def test_a_cached_answer_says_so():
    assert parts.call_answered(Call(status_code=200, is_cached=True)) == "200 (cached)"


@pytest.mark.parametrize(
    "description, url, in_short, and_server",
    [
        ("", "https://n8n.example/x", "n8n.example (7)", "n8n.example (7)"),
        ("Our CRM", "https://n8n.example/x", "Our CRM (7)", "Our CRM (7), n8n.example"),
        ("Our CRM", "http://[bad/x", "Our CRM (7)", "Our CRM (7)"),
        ("  \n", "http://[bad/x", "number 7", "number 7"),
        ("w" * 41, "", "w" * 39 + "… (7)", "w" * 39 + "… (7)"),
    ],
)
def test_a_hook_is_named_by_what_is_known_of_it_and_nothing_twice(description, url, in_short, and_server):
    hook = Webhook(pk=7, description=description, webhook_url=url)
    assert parts.hook_in_short(hook) == in_short
    assert parts.hook_and_server(hook) == and_server


@pytest.mark.parametrize(
    "value, text", [(0.0834, "83 ms"), (0, "0 ms"), (4.206, "4.21 s"), (-1e308, "0 ms"), (-0.5, "0 ms")]
)
def test_a_duration_is_never_negative(value, text):
    assert parts.seconds(value) == text
