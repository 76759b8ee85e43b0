"""The pages of webfilter calls."""

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..models import Call, Webfilter
from ..rows import related
from . import parts, searching, times, words
from .permissions import sees_payload_of, withheld
from .record_filters import CallAnswerFilter, CallEventFilter, CallTimeFilter, ModeFilter, ResultFilter, WebfilterFilter
from .records import RecordAdmin, learner


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
    change_form_template = "admin/openedx_webhooks/call_change_form.html"
    fields = ()
    personal = {"learner_column": "learner_by_number_column", "answer_column": "answer_in_short_column"}

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
        if not (hook := related(call, "webfilter")):
            return _("Deleted")
        name = parts.with_title(parts.breakable(hook.event_name), hook.event)
        return format_html('{}<br><span class="owh-quiet-text">{}</span>', name, parts.hook_in_short(hook))

    @admin.display(description=gettext_lazy("learner"))
    def learner_column(self, call):
        """Whom it is about: the username, attached for the page."""
        return parts.person(call.user_id, getattr(call, "username", ""))

    @admin.display(description=gettext_lazy("learner"))
    def learner_by_number_column(self, call):
        """The same without a name."""
        return parts.person(call.user_id, "")

    def get_changelist_instance(self, request):
        """Attach the usernames of the page's learners."""
        changes = super().get_changelist_instance(request)
        ids = {call.user_id for call in changes.result_list if call.user_id}
        names = dict(get_user_model().objects.filter(pk__in=ids).values_list("pk", "username"))
        for call in changes.result_list:
            call.username = names.get(call.user_id, "")
        return changes

    @admin.display(description=gettext_lazy("answer"))
    def answer_column(self, call):
        """The status code or why there was none, and how long it took."""
        took = parts.seconds(call.duration)
        return format_html('{}<br><span class="owh-quiet-text">{}</span>', parts.call_answered(call), took)

    @admin.display(description=gettext_lazy("answer"))
    def answer_in_short_column(self, call):
        """The same without details, which may quote the payload."""
        return parts.call_answered(call, in_short=True)

    # --- The page

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """The call in words, what was sent, and what was answered."""
        call = self.get_object(request, object_id)
        may_view = call and self.has_view_permission(request, call)
        extra = {**(extra_context or {}), **(_page(request, call) if may_view else {})}
        return super().change_view(request, object_id, form_url, extra)


def _facts_of(request, hook: Webfilter | None) -> list[tuple[str, object]]:
    if hook is None:
        return [(_("Webfilter"), _("Deleted"))]
    name = parts.hook_and_server(hook)
    return [
        (_("Filter"), parts.with_title(parts.breakable(hook.event_name), hook.event)),
        (_("Webfilter"), parts.link(hook, name) if request.user.has_perm("openedx_webhooks.view_webfilter") else name),
    ]


def _page(request, call: Call) -> dict:
    hook = related(call, "webfilter")
    username = get_user_model().objects.filter(pk=call.user_id).values_list("username", flat=True).first()
    sees_payload = sees_payload_of(request, call)
    hidden = withheld()
    facts = [
        *_facts_of(request, hook),
        (_("Learner"), learner(request, call.user_id, username or "")),
        (_("When"), times.shown(call.started_at)),
        (_("Took"), parts.seconds(call.duration)),
        (_("Answer"), parts.call_answered(call, in_short=not sees_payload)),
        (_("Mode"), parts.mode_badge(call.mode)),
        (_("Changed"), call.changed_keys.replace(",", ", ")),
        (_("Note"), call.note if sees_payload else ""),
        (_("Message id"), call.message_id),
    ]
    return {
        "facts": [(label, value) for label, value in facts if value],
        "badge": parts.call_badge(call),
        "meaning": words.call_meaning(call),
        "detail": words.call_detail(call) if sees_payload else "",
        "request_shown": parts.payload(call.request_body) if sees_payload else hidden,
        "response_shown": parts.excerpt(call.response_excerpt) if sees_payload else hidden,
    }
