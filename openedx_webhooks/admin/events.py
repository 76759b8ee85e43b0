"""The pages of captured events: what happened, whom it is about, and what became of it."""

from django.contrib import admin
from django.db.models import Count
from django.utils.translation import gettext_lazy

from ..models import CapturedEvent, Delivery
from . import parts, permissions
from .deliveries import last_answers, of
from .filters import EventTypeFilter, SampleFilter
from .records import RecordAdmin

_MOST_DELIVERIES = 100


@admin.register(CapturedEvent)
class CapturedEventAdmin(RecordAdmin):
    """Events as they happened, before any condition or shape."""

    list_display = ["number_column", "created_column", "event_column", "whom_column", "owed_column"]
    list_filter = ["created", ("is_sample", SampleFilter), EventTypeFilter]
    sortable_by: list = []
    ordering = ["-pk"]
    uuid_fields = ("event_id",)
    text_fields = ("username", "course_key", "org")
    personal = {"whom_column": "whom_by_number_column", "learner_column": "learner_by_number_column"}
    personal_search = ("username",)
    search_help_text = gettext_lazy(
        "Search by username or user id, course, organisation, event id or number, each in full."
    )
    change_form_template = "admin/openedx_webhooks/event_change_form.html"
    readonly_fields = ["event_column", "learner_column"]
    fieldsets = [
        (None, {"fields": ["event_column", "time", "created", "learner_column", "course_key", "org", "event_id"]})
    ]

    def get_queryset(self, request):
        """Without the payloads, which a list doesn't show."""
        return super().get_queryset(request).defer("payload")

    def get_changelist_instance(self, request):
        """Attach how many webhooks each event of the page is owed to."""
        changes = super().get_changelist_instance(request)
        owed = Delivery.objects.filter(event_id__in=[event.pk for event in changes.result_list]).order_by()
        counts = dict(owed.values_list("event_id").annotate(Count("pk")))
        for event in changes.result_list:
            event.owed = counts.get(event.pk, 0)
        return changes

    @admin.display(description=gettext_lazy("number"))
    def number_column(self, event):
        """The primary key."""
        return event.pk

    @admin.display(description=gettext_lazy("captured"))
    def created_column(self, event):
        """Date and time, short."""
        return parts.moment(event.created)

    @admin.display(description=gettext_lazy("event"))
    def event_column(self, event):
        """The short name of its type."""
        return parts.event_name(event)

    @admin.display(description=gettext_lazy("learner and course"))
    def whom_column(self, event):
        """Whom and which course it is about."""
        return parts.whom(event)

    @admin.display(description=gettext_lazy("learner"))
    def learner_column(self, event):
        """Whom it is about."""
        return parts.learner(event)

    @admin.display(description=gettext_lazy("learner and course"))
    def whom_by_number_column(self, event):
        """The same without a name."""
        return parts.whom(event, by_number=True)

    @admin.display(description=gettext_lazy("learner"))
    def learner_by_number_column(self, event):
        """The same without a name."""
        return parts.learner(event, by_number=True)

    @admin.display(description=gettext_lazy("webhooks"))
    def owed_column(self, event):
        """How many webhooks it was owed to; none for a sample."""
        return parts.badge(gettext_lazy("sample"), "quiet") if event.is_sample else event.owed

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """The event, its payload, and its deliveries for those who may see them."""
        event = self.get_object(request, object_id)
        extra = {**(extra_context or {}), "payload": self._payload(request, event) if event else ""}
        if event and request.user.has_perm("openedx_webhooks.view_delivery"):
            extra["deliveries"] = self._deliveries(event)
        return super().change_view(request, object_id, form_url, extra)

    @staticmethod
    def _payload(request, event):
        return parts.payload(event.payload) if permissions.may_see_payload(request) else permissions.withheld()

    @staticmethod
    def _deliveries(event):
        deliveries = list(
            Delivery.objects.filter(event=event).prefetch_related("webhook").order_by("pk")[:_MOST_DELIVERIES]
        )
        answers = last_answers([delivery.pk for delivery in deliveries])
        return [
            (delivery, of(delivery, "webhook"), parts.delivery_badge(delivery.state), answers.get(delivery.pk))
            for delivery in deliveries
        ]
