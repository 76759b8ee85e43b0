"""What operators configure (Webhook, Webfilter) and what became of it (Delivery, Attempt, Call)."""

from .delivery import Attempt, Delivery
from .hook import Hook
from .webfilter import Call, Webfilter
from .webhook import Webhook

__all__ = ["Attempt", "Call", "Delivery", "Hook", "Webfilter", "Webhook"]
