"""What operators configure (Webhook, Webfilter) and what became of it (CapturedEvent, Delivery, Attempt, Call)."""

from .delivery import Attempt, Delivery
from .event import CapturedEvent
from .hook import Hook, KeyLost
from .sequence import ReceiverToken, SequenceCounter
from .webfilter import Call, Webfilter
from .webhook import Webhook

__all__ = [
    "Attempt",
    "Call",
    "CapturedEvent",
    "Delivery",
    "Hook",
    "KeyLost",
    "ReceiverToken",
    "SequenceCounter",
    "Webfilter",
    "Webhook",
]
