"""
Call the endpoints of one run of a filter, all at the same time, and be back by the deadline.

Threads of the pool do HTTP and nothing else: no ORM, no settings of the caller's thread, nothing that could outlive the
call. :func:`~openedx_webhooks.transport.client.post` ends at its own deadline, so no thread stays behind.
"""

import functools
import logging
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import attrs
from celery.exceptions import SoftTimeLimitExceeded

from .. import hook_request
from ..app_settings import app_settings
from ..background import DaemonExecutor, process
from ..hook_request import HookRequest, request_of
from ..models import KeyLost
from ..payloads import formats, shape
from ..payloads.limits import METADATA
from ..payloads.published import TIMEOUT_SECONDS, VERSIONS
from ..skips import Reason
from ..transport.client import Outcome

log = logging.getLogger(__name__)

# The errors of calls that were not made.
NOT_MADE = frozenset((Reason.BUDGET, Reason.BREAKER_OPEN, Reason.NO_TOKEN, Reason.KEY_LOST, Reason.UNSENDABLE))
# Less time than this is not worth a call.
_LEAST_SECONDS = 0.01
# By how much a call may miss its deadline before its result is given up.
_GRACE_SECONDS = 0.5


# Not frozen: that takes twice as long to make, for each webfilter of each run.
@attrs.define
class CallRequest(HookRequest):
    """
    One request of a webfilter.

    Attributes:
        timeout: seconds for everything.
        connect_timeout: seconds for connecting alone.
        unsendable: why the request can't be made; empty if it can.
        reason: the same in a word.
    """

    timeout: float = 0.0
    connect_timeout: float = 0.0
    unsendable: str = ""
    reason: Reason = Reason.UNSENDABLE


class RequestBuilder:
    """
    Makes the requests of one run; what webfilters have in common is encoded once.

    Args:
        body: the payload in JSON, as it is sent.
        published: name of a format of the published plugin → what such a webfilter is sent, from the filter's
            arguments; None to make it from the payload.
    """

    def __init__(self, payload: dict[str, Any], body: bytes, published: Callable[[str], dict[str, Any]] | None = None):
        self._payload, self._metadata, self._published = payload, payload.get(METADATA, {}), published
        self._contents: dict[str, Any] = {"": payload}
        # By shape, whether it is a form, and format.
        self._encoded: dict[tuple[str, bool, str], tuple[bytes, str]] = {
            ("", False, formats.CURRENT): (body, formats.JSON_TYPE)
        }

    def of(self, webfilter) -> CallRequest:
        """
        The request of one webfilter.

        Raises:
            payloads.shape.ExpressionError: its shape fails on this payload.
        """
        if webfilter.payload_format in VERSIONS and not webfilter.shape:
            return self._of_published(webfilter)
        if webfilter.shape not in self._contents:
            self._contents[webfilter.shape] = shape.evaluate(webfilter.compiled_shape, self._payload)
        content, message_id, make = self._contents[webfilter.shape], str(uuid.uuid4()), _maker(webfilter)
        key = (webfilter.shape, webfilter.use_www_form_encoding, webfilter.payload_format)
        try:
            encoded = self._encoded.get(key)
            if encoded is None:
                # The id of this run's payload is made up; an envelope has that of the message.
                metadata = {**self._metadata, "id": message_id}
                encoded = hook_request.encode_for(webfilter, message_id, content, metadata)
                if formats.format_of(webfilter.payload_format).value is None:
                    self._encoded[key] = encoded
            return request_of(webfilter, message_id, content, self._metadata, encoded, make)
        except ValueError as error:
            # A learner waits: what somebody wrote past the form is for the operator to hear of.
            reason = Reason.KEY_LOST if isinstance(error, KeyLost) else Reason.UNSENDABLE
            return make(webfilter.webhook_url, message_id, content, b"", {}, {}, unsendable=str(error), reason=reason)

    def _of_published(self, webfilter):
        version, message_id, make = VERSIONS[webfilter.payload_format], str(uuid.uuid4()), _maker(webfilter)
        if self._published is not None:
            content = self._published(webfilter.payload_format)
        else:
            content = version.value(self._metadata, self._payload)
        try:
            encoded = version.encode(content, webfilter.use_www_form_encoding)
            return request_of(webfilter, message_id, content, self._metadata, encoded, make)
        except ValueError as error:
            return make(webfilter.webhook_url, message_id, content, b"", {}, {}, unsendable=str(error))


def _maker(webfilter) -> Callable[..., CallRequest]:
    usual, connect = app_settings.WEBFILTER_TIMEOUT_SECONDS, app_settings.WEBFILTER_CONNECT_TIMEOUT_SECONDS
    if webfilter.payload_format in VERSIONS:
        usual = connect = TIMEOUT_SECONDS
    return functools.partial(CallRequest, timeout=webfilter.timeout or usual, connect_timeout=connect)


def call_all(requests: Sequence[CallRequest], deadline: float) -> list[Outcome]:
    """
    Make all requests at the same time.

    Args:
        deadline: on the clock of :func:`time.monotonic`; nothing takes longer, whatever the requests' own timeouts.

    Returns:
        the outcomes in the order of the requests.
    """
    if len(requests) < 2:
        return [_call(request, deadline) for request in requests]
    futures = [None, *(_submit(request, deadline) for request in requests[1:])]
    # The first one is made by this thread, and so is what no thread of the pool has taken in the meantime: a busy pool
    # makes a page slower, not emptier.
    mine = {
        index: _call(request, deadline)
        for index, (request, future) in enumerate(zip(requests, futures, strict=True))
        if future is None or future.cancel()
    }
    return [mine[index] if index in mine else _result(future, deadline) for index, future in enumerate(futures)]


def _call(request: CallRequest, deadline: float) -> Outcome:
    if request.unsendable:
        return Outcome(error=request.reason, detail=request.unsendable)
    timeout = min(request.timeout, deadline - time.monotonic())
    if timeout < _LEAST_SECONDS:
        return Outcome(error=Reason.BUDGET, detail="the time for all webfilters of this request is used up")
    return hook_request.post(request, timeout=timeout, connect_timeout=request.connect_timeout)


def _submit(request, deadline) -> Future | None:
    try:
        return process.get(_executor).submit(_call, request, deadline)
    except RuntimeError:
        # No thread to be had, or the interpreter is shutting down: the caller's own thread will do.
        return None


def _result(future: Future, deadline: float) -> Outcome:
    try:
        return future.result(timeout=max(0.0, deadline - time.monotonic()) + _GRACE_SECONDS)
    except TimeoutError:
        return Outcome(error="timeout", detail="the call did not end in time")
    except SoftTimeLimitExceeded:
        # Of the Celery task that waits here.
        raise
    except Exception as error:  # pylint: disable=broad-exception-caught
        log.exception("A call failed unexpectedly")
        return Outcome(error="bad_response", detail=f"unexpected {type(error).__name__}")


def _executor() -> DaemonExecutor:
    return DaemonExecutor(max(1, app_settings.WEBFILTER_THREADS))
