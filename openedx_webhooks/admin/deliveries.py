"""The list of deliveries, and what operators do with them."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch
from django.http import HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ..models import CapturedEvent, Delivery
from ..operations import newest
from ..rows import related
from ..webhooks import replay
from . import delivery_page, parts, searching, sending_again, times, words
from .delivery_page import last_answers
from .permissions import may_replay
from .record_filters import (
    DeliveryAnswerFilter,
    DeliveryEventFilter,
    StateFilter,
    TimeFilter,
    WebhookFilter,
    with_last_status,
)
from .records import RecordAdmin

# Name → what a button does with one delivery, what is said then, and why it was not done.
OPERATIONS = {
    "replay": (
        replay.replay,
        gettext_lazy("It is sent again now."),
        gettext_lazy("Not replayed: it is pending already, or its payload is no longer kept."),
    ),
    "retry": (
        replay.retry_now,
        gettext_lazy("It is tried now."),
        gettext_lazy("Not retried: it is finished, or being sent at this moment."),
    ),
    "cancel": (
        replay.cancel,
        gettext_lazy("Cancelled: it is not sent any more."),
        gettext_lazy("Not cancelled: it is finished already."),
    ),
}


@admin.register(Delivery)
class DeliveryAdmin(RecordAdmin):
    """Deliveries: what was owed to whom, and every attempt."""

    list_display = ["when_column", "state_column", "what_column", "whom_column", "answer_column"]
    list_filter = [WebhookFilter, DeliveryEventFilter, StateFilter, DeliveryAnswerFilter, TimeFilter]
    search = searching.deliveries
    search_help_text = gettext_lazy(
        "Learner (beginning of the username or name, e-mail address, user id), course or organisation (also a part), "
        "event id, message id or number of a delivery, #12 for the messages with that number. Several words find what "
        "they mean together."
    )
    change_form_template = "admin/openedx_webhooks/delivery_change_form.html"
    actions = ["replay_deliveries", "retry_deliveries", "cancel_deliveries"]
    fields = ()

    def has_operate_permission(self, request):
        return may_replay(request)

    def get_queryset(self, request):
        """
        With webhooks and events, without the payloads, which a list doesn't show.

        Each by a query of its own: from a join the optimizer of MySQL may begin with the webhooks, and sort all.
        """
        events = CapturedEvent.objects.defer("payload")
        rows = with_last_status(super().get_queryset(request))
        return rows.prefetch_related("webhook", Prefetch("event", events))

    def get_changelist_instance(self, request):
        changes = super().get_changelist_instance(request)
        answers = last_answers([delivery.pk for delivery in changes.result_list])
        for delivery in changes.result_list:
            delivery.answer = answers.get(delivery.pk, "")
        return changes

    # --- Columns

    @admin.display(description=gettext_lazy("when"))
    def when_column(self, delivery):
        """When the event happened and the delivery was made."""
        return times.shown(delivery.created)

    @admin.display(description=gettext_lazy("state"))
    def state_column(self, delivery):
        badge = parts.delivery_badge(delivery.state)
        if delivery.traits.is_final or not delivery.next_attempt_at:
            return badge
        next_at = _("next try %s") % times.relative(delivery.next_attempt_at)
        return format_html(
            '{}<br><span class="owh-quiet-text" title="{}">{}</span>',
            badge,
            words.exact(delivery.next_attempt_at),
            next_at,
        )

    @admin.display(description=gettext_lazy("event and webhook"))
    def what_column(self, delivery):
        event, webhook = related(delivery, "event"), related(delivery, "webhook")
        name = parts.hook_in_short(webhook) if webhook else _("deleted webhook %d") % delivery.webhook_id
        return format_html('{}<br><span class="owh-quiet-text">{}</span>', parts.event_name(event), name)

    @admin.display(description=gettext_lazy("learner and course"))
    def whom_column(self, delivery):
        return parts.whom(related(delivery, "event"), by_number=not delivery.shows_personal)

    @admin.display(description=gettext_lazy("answer"))
    def answer_column(self, delivery):
        if not delivery.answer:
            return parts.EMPTY
        count = delivery.attempt_count
        attempts = ngettext("%d attempt", "%d attempts", count) % count
        return format_html('{}<br><span class="owh-quiet-text">{}</span>', delivery.answer, attempts)

    # --- The page

    page_of = staticmethod(delivery_page.context)

    def progress_view(self, request, object_id):
        """The part of the page that changes by itself."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        delivery = self.get_object(request, object_id)
        if delivery is None:
            return HttpResponse(status=404)
        context = self.page_of(request, delivery)
        return HttpResponse(render_to_string("admin/openedx_webhooks/delivery_progress.html", context, request))

    def get_urls(self):
        admin_view, name = self.admin_site.admin_view, "openedx_webhooks_delivery_{}".format
        own = [path("send-again/", admin_view(self.send_again_view), name=name("send_again"))]
        own += [path(f"<path:object_id>/{verb}/", admin_view(self._view(verb)), name=name(verb)) for verb in OPERATIONS]
        own.append(path("<path:object_id>/progress/", admin_view(self.progress_view), name=name("progress")))
        return own + super().get_urls()

    # Count, then do, with many.
    send_again_view = sending_again.view

    def _view(self, verb):
        def view(request, object_id):
            is_pressed = request.method == "POST"
            # Whoever comes to the address otherwise is led to the page.
            if not self.has_view_permission(request) or (is_pressed and not self.has_operate_permission(request)):
                raise PermissionDenied
            delivery = self.get_object(request, object_id)
            if delivery is None:
                return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
            if is_pressed:
                self._operate(request, verb, delivery)
            return HttpResponseRedirect(reverse("admin:openedx_webhooks_delivery_change", args=[delivery.pk]))

        return view

    def _operate(self, request, verb, delivery):
        operate, done, cannot = OPERATIONS[verb]
        if not operate(Delivery.objects.filter(pk=delivery.pk)):
            self.message_user(request, cannot, messages.WARNING)
            return
        self.log_change(request, delivery, str(sending_again.VERBS[verb][0]))
        self.message_user(request, done, messages.SUCCESS)

    # --- Actions: all of them lead to the page that counts first

    @admin.action(description=gettext_lazy("Send again…"), permissions=["operate"])
    def replay_deliveries(self, request, queryset):
        return self._count(request, "replay", queryset)

    @admin.action(description=gettext_lazy("Retry now: do not wait for the next attempt…"), permissions=["operate"])
    def retry_deliveries(self, request, queryset):
        return self._count(request, "retry", queryset)

    @admin.action(description=gettext_lazy("Cancel: do not send what is pending…"), permissions=["operate"])
    def cancel_deliveries(self, request, queryset):
        return self._count(request, "cancel", queryset)

    def _count(self, request, verb, queryset):
        # As many as the list counted and the person was told, even if “all” of them are selected.
        ids = queryset.order_by("-pk").values_list("pk", flat=True)[: newest.COUNTED]
        return sending_again.view(self, request, {"verb": verb, "deliveries": ",".join(map(str, ids))})
