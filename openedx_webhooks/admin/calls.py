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

    def get_queryset(self, request):
        """With the webfilter, without the bodies, which a list doesn't show."""
        return super().get_queryset(request).prefetch_related("webfilter").defer("request_body", "response_excerpt")

    @admin.display(description=gettext_lazy("when"))
    def when_column(self, call):
        return times.shown(call.started_at)

    @admin.display(description=gettext_lazy("result"))
    def result_column(self, call):
        badge = parts.call_badge(call)
        if not call.changed_keys:
            return badge
        changed = call.changed_keys.replace(",", ", ")
        return format_html('{}<br><span class="owh-quiet-text owh-key-text">{}</span>', badge, parts.shortened(changed))

    @admin.display(description=gettext_lazy("filter and webfilter"))
    def what_column(self, call):
        if not (hook := related(call, "webfilter")):
            return _("Deleted")
        name = parts.with_title(parts.breakable(hook.event_name), hook.event)
        return format_html('{}<br><span class="owh-quiet-text">{}</span>', name, parts.hook_in_short(hook))

    @admin.display(description=gettext_lazy("learner"))
    def learner_column(self, call):
        return parts.person(call.user_id, call.username if call.shows_personal else "")

    def get_changelist_instance(self, request):
        changes = super().get_changelist_instance(request)
        ids = {call.user_id for call in changes.result_list if call.user_id}
        names = dict(get_user_model().objects.filter(pk__in=ids).values_list("pk", "username"))
        for call in changes.result_list:
            call.username = names.get(call.user_id, "")
        return changes

    @admin.display(description=gettext_lazy("answer"))
    def answer_column(self, call):
        """The status code or why there was none, whose details may quote the payload; and how long it took."""
        answered = parts.call_answered(call, in_short=not call.shows_personal)
        return format_html('{}<br><span class="owh-quiet-text">{}</span>', answered, parts.seconds(call.duration))

    def page_of(self, request, call):
        """The call in words, what was sent, and what was answered."""
        username = get_user_model().objects.filter(pk=call.user_id).values_list("username", flat=True).first()
        sees_payload, hidden = sees_payload_of(request, call), withheld()
        facts = [
            *_facts_of(request, related(call, "webfilter")),
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


def _facts_of(request, hook: Webfilter | None) -> list[tuple[str, object]]:
    if hook is None:
        return [(_("Webfilter"), _("Deleted"))]
    name = parts.hook_and_server(hook)
    return [
        (_("Filter"), parts.with_title(parts.breakable(hook.event_name), hook.event)),
        (_("Webfilter"), parts.link(hook, name) if request.user.has_perm("openedx_webhooks.view_webfilter") else name),
    ]
