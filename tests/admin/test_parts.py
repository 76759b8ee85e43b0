"""Small pieces that several pages share."""

import pytest

from openedx_webhooks.admin import parts
from openedx_webhooks.models import Call


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
