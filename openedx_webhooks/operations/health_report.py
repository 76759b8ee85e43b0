"""How the plugin is doing, for monitoring."""

from django.contrib.auth.decorators import permission_required
from django.db.models import Count, Min
from django.http import JsonResponse
from django.utils import timezone

from ..models import Delivery, Webhook


def report() -> dict:
    """Counts of deliveries by state, the age in seconds of the oldest one due, and the webhooks that are failing."""
    now = timezone.now()
    states = dict(Delivery.objects.order_by().values_list("state").annotate(Count("pk")))
    oldest = Delivery.objects.due(now).aggregate(oldest=Min("next_attempt_at"))["oldest"]
    return {
        "deliveries": {state: states.get(state, 0) for state in Delivery.State.values},
        "oldest_due_seconds": max(0.0, (now - oldest).total_seconds()) if oldest else 0.0,
        "failing_webhooks": list(Webhook.objects.filter(failing_since__isnull=False).values_list("pk", flat=True)),
    }


@permission_required("openedx_webhooks.view_delivery", raise_exception=True)
def view(_request):
    """:func:`report` as JSON, for staff who may see deliveries."""
    return JsonResponse(report())
