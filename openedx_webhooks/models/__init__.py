"""
What operators configure (Webhook, Webfilter), what became of it (CapturedEvent, Delivery, Attempt, Call), and how much
of it (Tally).
"""

from .delivery import Attempt, Delivery
from .event import CapturedEvent
from .hook import Hook, KeyLost
from .mark import Mark
from .sequence import ReceiverToken, SequenceCounter
from .tally import Overview, Tally, TallyMark
from .webfilter import Call, Webfilter
from .webhook import Webhook

__all__ = [
    "Attempt",
    "Call",
    "CapturedEvent",
    "Delivery",
    "Hook",
    "KeyLost",
    "Mark",
    "Overview",
    "ReceiverToken",
    "SequenceCounter",
    "Tally",
    "TallyMark",
    "Webfilter",
    "Webhook",
]
