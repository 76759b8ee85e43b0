"""The request of a hook, put together in one way for both flows, for tests of a hook and for the pages that show it."""

from collections.abc import Callable
from typing import Any, TypeVar

import attrs

from .models import Hook, signing_secrets
from .payloads import encode

_HIDDEN = "••••••••"


# Not frozen: that takes twice as long to make, for each webfilter of each run.
@attrs.define
class HookRequest:
    """
    One POST, ready to be sent.

    Attributes:
        message_id: sent as ``webhook-id``.
        content: the JSON value that the body carries.
        own_headers: those that the operator entered; the others are ours.
    """

    url: str
    message_id: str
    content: Any = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    our_headers: dict[str, str] = attrs.field(repr=False)
    own_headers: dict[str, str] = attrs.field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """All headers, as they are sent; ours win."""
        return {**self.own_headers, **self.our_headers}

    def shown_headers(self) -> dict[str, str]:
        """The headers for people: what the operator entered may be a secret."""
        return {**self.our_headers, **dict.fromkeys(self.own_headers, _HIDDEN)}


_Request = TypeVar("_Request", bound=HookRequest)


def request_of(
    hook: Hook,
    message_id: str,
    content: Any,
    encoded: tuple[bytes, str] | None = None,
    make: Callable[..., _Request] = HookRequest,
) -> _Request:
    """
    Encode, sign and address what a hook sends.

    Args:
        hook: unsaved ones will do.
        message_id: the ``webhook-id``.
        content: a JSON value: the payload, or what the hook's shape made of it.
        encoded: the content's body and content type, if the caller has them already.
        make: the class of the request.

    Raises:
        ValueError: the hook's secret or its headers are malformed.
    """
    body, content_type = encoded or encode.encode(content, hook.use_www_form_encoding)
    return make(
        url=hook.webhook_url,
        message_id=message_id,
        content=content,
        body=body,
        our_headers={"Content-Type": content_type, **signing_secrets.headers(hook, message_id, body)},
        own_headers=hook.headers_to_send,
    )
