"""The pages of webfilter calls."""

from django.contrib import admin
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..models import Call
from . import parts, permissions
from .filters import WebfilterFilter
from .records import RecordAdmin


@admin.register(Call)
class CallAdmin(RecordAdmin):
    """Calls: what a webfilter was sent, what it answered, and what came of it."""

    list_display = [
        "number_column",
        "result_column",
        "answer_column",
        "duration_column",
        "webfilter_column",
        "started_at",
        "changed_keys",
        "mode_column",
    ]
    list_filter = ["result", "mode", "started_at", ("webfilter", WebfilterFilter)]
    # What went wrong, and the notes, may quote the answer.
    personal = {
        "answer_column": "answer_in_short_column",
        "error": None,
        "note": None,
        "request_shown": "request_withheld",
        "response_shown": "response_withheld",
    }
    ordering = ["-pk"]
    sortable_by: list = []
    search_help_text = gettext_lazy("Search by user id or call number, each in full.")
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
        return super().get_queryset(request).select_related("webfilter").defer("request_body", "response_excerpt")

    @admin.display(description=gettext_lazy("number"))
    def number_column(self, call):
        """The primary key."""
        return call.pk

    @admin.display(description=gettext_lazy("result"))
    def result_column(self, call):
        """The result as a badge."""
        return parts.call_badge(call)

    @admin.display(description=gettext_lazy("webfilter"))
    def webfilter_column(self, call):
        """The webfilter's number, filter and server."""
        hook = call.webfilter
        return f"{hook.pk}: {hook.event_name}, {hook.server}"

    @admin.display(description=gettext_lazy("webfilter"))
    def webfilter_link(self, call):
        """The webfilter, as a link."""
        return parts.link(call.webfilter, str(call.webfilter))

    @admin.display(description=gettext_lazy("answer"))
    def answer_column(self, call):
        """The status code, or why there was none."""
        return parts.call_answered(call)

    @admin.display(description=gettext_lazy("answer"))
    def answer_in_short_column(self, call):
        """The same without details."""
        return parts.call_answered(call, in_short=True)

    @admin.display(description=gettext_lazy("mode"))
    def mode_column(self, call):
        """One word."""
        return parts.mode_badge(call.mode)

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

    @admin.display(description=gettext_lazy("request body"))
    def request_withheld(self, call):  # pylint: disable=unused-argument
        """That it is not shown."""
        return permissions.withheld()

    @admin.display(description=gettext_lazy("response"))
    def response_withheld(self, call):  # pylint: disable=unused-argument
        """That it is not shown."""
        return permissions.withheld()
