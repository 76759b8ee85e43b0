"""The pages of webfilter calls."""

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..models import Call
from . import parts, searching, times
from .record_filters import CallAnswerFilter, CallEventFilter, CallTimeFilter, ModeFilter, ResultFilter, WebfilterFilter
from .records import RecordAdmin


@admin.register(Call)
class CallAdmin(RecordAdmin):
    """Calls: what a webfilter was sent, what it answered, and what came of it."""

    list_display = ["when_column", "result_column", "what_column", "learner_column", "answer_column"]
    list_filter = [WebfilterFilter, CallEventFilter, ResultFilter, ModeFilter, CallAnswerFilter, CallTimeFilter]
    time_field = "started_at"
    search = searching.calls
    search_help_text = gettext_lazy(
        "Learner (beginning of the username or name, e-mail address, user id), message id or number of a call."
    )
    readonly_fields = [
        "result_column",
        "webfilter_link",
        "answer_column",
        "duration_column",
        "request_shown",
        "response_shown",
    ]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "result_column",
                    "webfilter_link",
                    "mode",
                    "started_at",
                    "duration_column",
                    "answer_column",
                    "error",
                    "note",
                    "changed_keys",
                    "message_id",
                    "user_id",
                ]
            },
        ),
        (gettext_lazy("Request"), {"fields": ["request_shown"]}),
        (gettext_lazy("Answer"), {"fields": ["response_shown"]}),
    ]

    def get_queryset(self, request):
        """With the webfilter, without the bodies, which a list doesn't show."""
        return super().get_queryset(request).prefetch_related("webfilter").defer("request_body", "response_excerpt")

    @admin.display(description=gettext_lazy("when"))
    def when_column(self, call):
        """When it began."""
        return times.shown(call.started_at)

    @admin.display(description=gettext_lazy("result"))
    def result_column(self, call):
        """The result as a badge, and what was changed."""
        badge = parts.call_badge(call)
        if not call.changed_keys:
            return badge
        changed = call.changed_keys.replace(",", ", ")
        return format_html('{}<br><span class="owh-quiet-text owh-key-text">{}</span>', badge, parts.shortened(changed))

    @admin.display(description=gettext_lazy("filter and webfilter"))
    def what_column(self, call):
        """The filter's short name, and below it what the webfilter is for, or its server."""
        hook = call.webfilter
        name = parts.with_title(parts.breakable(hook.event_name), hook.event)
        return format_html('{}<br><span class="owh-quiet-text">{}</span>', name, parts.hook_in_short(hook))

    @admin.display(description=gettext_lazy("learner"))
    def learner_column(self, call):
        """Whom it is about: the username, attached for the page."""
        return parts.person(call.user_id, getattr(call, "username", ""))

    def get_changelist_instance(self, request):
        """Attach the usernames of the page's learners."""
        changes = super().get_changelist_instance(request)
        ids = {call.user_id for call in changes.result_list if call.user_id}
        names = dict(get_user_model().objects.filter(pk__in=ids).values_list("pk", "username"))
        for call in changes.result_list:
            call.username = names.get(call.user_id, "")
        return changes

    @admin.display(description=gettext_lazy("webfilter"))
    def webfilter_link(self, call):
        """The webfilter, as a link."""
        return parts.link(call.webfilter, str(call.webfilter))

    @admin.display(description=gettext_lazy("answer"))
    def answer_column(self, call):
        """The status code or why there was none, and how long it took."""
        took = parts.seconds(call.duration)
        return format_html('{}<br><span class="owh-quiet-text">{}</span>', parts.call_answered(call), took)

    @admin.display(description=gettext_lazy("duration"))
    def duration_column(self, call):
        """In milliseconds or seconds."""
        return parts.seconds(call.duration)

    @admin.display(description=gettext_lazy("request body"))
    def request_shown(self, call):
        """What was sent, with indentation."""
        if call.request_body is None:
            return _("Removed: payloads are kept for a limited time, and not once the user is retired.")
        return parts.pretty(call.request_body)

    @admin.display(description=gettext_lazy("response"))
    def response_shown(self, call):
        """The beginning of the response."""
        return parts.excerpt(call.response_excerpt)
