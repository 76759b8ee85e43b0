"""The pages of captured events: what happened, whom it is about, and what became of it."""

from django.contrib import admin
from django.db.models import Count
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ..models import CapturedEvent, Delivery
from ..rows import related
from . import parts, searching, sending_again, times
from .delivery_page import last_answers
from .permissions import may_replay, sees_payload_of, withheld
from .record_filters import EventFilter, SampleFilter, TimeFilter
from .records import RecordAdmin, learner

_MOST_DELIVERIES = 100


@admin.register(CapturedEvent)
class CapturedEventAdmin(RecordAdmin):
    """Events as they happened, before any condition or shape."""

    list_display = ["when_column", "event_column", "whom_column", "owed_column"]
    list_filter = [EventFilter, SampleFilter, TimeFilter]
    search = searching.events
    search_help_text = gettext_lazy(
        "Learner (beginning of the username or name, e-mail address, user id), course or organisation (also a part), "
        "event id or number."
    )
    change_form_template = "admin/openedx_webhooks/event_change_form.html"
    fields = ()

    def get_queryset(self, request):
        """Without the payloads, which a list doesn't show."""
        return super().get_queryset(request).defer("payload")

    def get_changelist_instance(self, request):
        changes = super().get_changelist_instance(request)
        owed = Delivery.objects.filter(event_id__in=[event.pk for event in changes.result_list]).order_by()
        counts = dict(owed.values_list("event_id").annotate(Count("pk")))
        for event in changes.result_list:
            event.owed = counts.get(event.pk, 0)
        return changes

    @admin.display(description=gettext_lazy("when"))
    def when_column(self, event):
        return times.shown(event.created)

    @admin.display(description=gettext_lazy("event"))
    def event_column(self, event):
        return parts.event_name(event)

    @admin.display(description=gettext_lazy("learner and course"))
    def whom_column(self, event):
        return parts.whom(event, by_number=not event.shows_personal)

    @admin.display(description=gettext_lazy("webhooks"))
    def owed_column(self, event):
        return parts.badge(gettext_lazy("sample"), "quiet") if event.is_sample else event.owed

    def page_of(self, request, event):
        sees_deliveries = request.user.has_perm("openedx_webhooks.view_delivery")
        may_send = sees_deliveries and may_replay(request) and event.payload is not None
        return {
            "facts": [
                (_("Event"), parts.event_name(event)),
                (_("Learner"), learner(request, event.user_id, event.username)),
                (_("Course"), event.course_key or parts.EMPTY),
                (_("Organisation"), event.org or parts.EMPTY),
                (_("Captured"), times.shown(event.created)),
                (_("Happened"), times.shown(event.time)),
                (_("Event id"), event.event_id),
            ],
            "sample": parts.badge(_("sample"), "quiet"),
            "payload": parts.payload(event.payload) if sees_payload_of(request, event) else withheld(),
            "elsewhere": sending_again.link(verb="replay", event=event.pk) if may_send else "",
            "deliveries": self._deliveries(event) if sees_deliveries else None,
        }

    @staticmethod
    def _deliveries(event):
        deliveries = list(
            Delivery.objects.filter(event=event).prefetch_related("webhook").order_by("pk")[:_MOST_DELIVERIES]
        )
        answers = last_answers([delivery.pk for delivery in deliveries])
        return [
            (
                delivery,
                parts.hook_and_server(hook) if (hook := related(delivery, "webhook")) else _("Deleted"),
                parts.delivery_badge(delivery.state),
                answers.get(delivery.pk),
                ngettext("%d attempt", "%d attempts", delivery.attempt_count) % delivery.attempt_count,
            )
            for delivery in deliveries
        ]
