"""Which events a request sent: in a header of its answer, so that the learner of the soak knows what must arrive."""

import threading

from openedx_events.tooling import OpenEdxPublicSignal

HEADER = "X-Sent-Events"


class TellEvents:
    """
    The outermost middleware: when it sees an answer of 2xx, the view's transaction has committed.

    Args:
        get_response: the rest.
    """

    def __init__(self, get_response):
        self._get_response = get_response
        self._sent = threading.local()
        for signal in OpenEdxPublicSignal.all_events():
            signal.connect(self._note, weak=False)

    def __call__(self, request):
        self._sent.events = []
        response = self._get_response(request)
        response[HEADER] = ",".join(self._sent.events)
        return response

    def _note(self, metadata, **_kwargs):
        if hasattr(self._sent, "events"):
            self._sent.events.append(f"{metadata.event_type} {metadata.id}")
