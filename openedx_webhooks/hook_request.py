"""The request of a hook, put together in one way for both flows, for tests of a hook and for the pages that show it."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import attrs
from django.utils import timezone
from django.utils.translation import gettext

from . import oauth
from .models import Hook, KeyLost, signing_secrets
from .payloads import encode, formats, published, shape
from .transport import authentication, client, redirects, signing

_HIDDEN = "••••••••"
_AUTHORIZATION = "Authorization"
# Of a payload whose own metadata are gone.
_ORIGIN = {"source": "openedx"}
_NONE: Mapping[str, str] = {}


# Not frozen: that takes twice as long to make, for each webfilter of each run.
@attrs.define
class HookRequest:
    """
    One POST, ready to be sent.

    Attributes:
        message_id: sent as ``webhook-id``.
        content: the JSON value that the body carries.
        own_headers: those that the operator entered, and the authentication; the others are ours.
        credentials: of its authentication.
        takes_token: an access token has to be fetched first, with the credentials.
        token: the one that was sent.
        signing: the secrets that signed it, which the receiver has, too.
        redirects: how many redirects of the endpoint are followed.
    """

    url: str
    message_id: str
    content: Any = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    our_headers: dict[str, str] = attrs.field(repr=False)
    own_headers: dict[str, str] = attrs.field(repr=False)
    credentials: Mapping[str, str] = attrs.field(default=_NONE, repr=False, kw_only=True)
    takes_token: bool = attrs.field(default=False, kw_only=True)
    token: str = attrs.field(default="", repr=False, kw_only=True)
    signing: Sequence[str] = attrs.field(default=(), repr=False, kw_only=True)
    redirects: int = attrs.field(default=0, kw_only=True)

    @property
    def headers(self) -> dict[str, str]:
        """All headers, as they are sent, but for an access token; ours win."""
        return {**self.own_headers, **self.our_headers}

    def shown_headers(self) -> dict[str, str]:
        """The headers for people: what the operator entered may be a secret."""
        hidden = [*self.own_headers, *([_AUTHORIZATION] if self.takes_token else [])]
        return {**self.our_headers, **dict.fromkeys(hidden, _HIDDEN)}

    def secrets(self) -> list[str]:
        """What an endpoint might echo and no record may keep."""
        return [*self.own_headers.values(), *authentication.secrets_of(self.credentials), self.token, *self.signing]


_Request = TypeVar("_Request", bound=HookRequest)


def request_of(
    hook: Hook,
    message_id: str,
    content: Any,
    metadata: Mapping[str, Any],
    encoded: tuple[bytes, str] | None = None,
    make: Callable[..., _Request] = HookRequest,
) -> _Request:
    """
    Encode, authenticate, sign and address what a hook sends.

    Args:
        hook: unsaved ones will do.
        message_id: the ``webhook-id``.
        content: a JSON value: the payload, or what the hook's shape made of it.
        metadata: the payload's ``event_metadata``, for formats that have an envelope.
        encoded: the content's body and content type, if the caller has them already.
        make: the class of the request.

    Raises:
        KeyLost: no key opens what the request needs.
        ValueError: the hook's secret, headers, credentials or one of its choices are malformed.
    """
    body, content_type = encoded or encode_for(hook, message_id, content, metadata)
    if hook.lost:
        raise KeyLost(hook.lost_sentence)
    own_headers, credentials, takes_token = hook.headers_to_send, _NONE, False
    if hook.authentication != authentication.NONE:
        credentials, kind = hook.credentials_to_send, authentication.KINDS[hook.authentication]
        own_headers = {name: value for name, value in own_headers.items() if name.lower() != "authorization"}
        takes_token = kind.header is None
        if not takes_token:
            own_headers[_AUTHORIZATION] = kind.header(credentials)
    now = timezone.now()
    secrets = signing_secrets.in_force(hook, now)
    signed = signing.headers(message_id, int(now.timestamp()), body, secrets, hook.signature)
    return make(
        url=hook.webhook_url,
        message_id=message_id,
        content=content,
        body=body,
        our_headers={"Content-Type": content_type, **signed},
        own_headers=own_headers,
        credentials=credentials,
        takes_token=takes_token,
        signing=secrets,
        redirects=published.MAX_REDIRECTS if hook.payload_format in published.VERSIONS else 0,
    )


def content_of(hook: Hook, payload: Mapping[str, Any]) -> Any:
    """
    What a hook makes of a payload, whatever its condition says: what may leave, in its shape.

    Returns:
        a JSON value; None if the shape has nothing to send.

    Raises:
        shape.ExpressionError: the shape fails.
        ValueError: as of :meth:`.Hook.let_out`.
    """
    left = hook.let_out(payload)
    return left if hook.compiled_shape is None else shape.evaluate(hook.compiled_shape, left)


def encode_for(hook: Hook, message_id: str, content: Any, metadata: Mapping[str, Any]) -> tuple[bytes, str]:
    """
    The body and its content type in a hook's format; arguments as for :func:`request_of`.

    Raises:
        ValueError: there is no such format, or none such as a form.
    """
    wanted, form = formats.format_of(hook.payload_format), hook.use_www_form_encoding
    if form and not wanted.has_form:
        raise ValueError(gettext("With WWW form encoding the payload format can't be “%s”.") % wanted.title)
    value = content
    if wanted.value is not None:
        value = wanted.value({**_ORIGIN, "id": message_id, "event_type": hook.dotted_type, **metadata}, content)
    if wanted.encode is not None:
        return wanted.encode(value, form)
    body, content_type = encode.encode(value, form)
    return body, content_type if form else wanted.content_type


def post(
    request: HookRequest, *, timeout: float, connect_timeout: float, max_bytes: int | None = None
) -> client.Outcome:
    """
    POST a hook's request, with an access token if it takes one; arguments and outcome as of :func:`.client.post`.

    The time for fetching a token counts. If there is none to be had, nothing is sent, and the outcome's error is
    :data:`.authentication.NO_TOKEN`. Never raises.

    .. pii: What an event or filter carries goes to the endpoint that an operator has entered, who answers for it.
    .. pii_types: id, name, username, email_address, location, birth_date, gender, biography, image, ip, other
    .. pii_retirement: third_party
    """
    headers, start = request.headers, time.monotonic()
    if request.takes_token:
        outcome = client.Outcome()
        try:
            token = oauth.token_of(request.credentials, timeout)
        except oauth.NoToken as error:
            outcome.error, outcome.detail = authentication.NO_TOKEN, str(error)
            outcome.duration = time.monotonic() - start
            return outcome
        request.token = token.value
        headers[_AUTHORIZATION] = f"Bearer {token.value}"
        timeout -= time.monotonic() - start
    limits: dict[str, Any] = {"timeout": timeout, "connect_timeout": connect_timeout, "max_bytes": max_bytes}
    if request.redirects:
        outcome = redirects.post(
            request.url, request.body, headers, set(request.own_headers), request.redirects, **limits
        )
    else:
        outcome = client.post(request.url, request.body, headers, **limits)
    if request.takes_token:
        outcome.duration = time.monotonic() - start
        if outcome.status_code == 401:
            oauth.reject(request.credentials, token)
    return outcome
