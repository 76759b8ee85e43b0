"""Deleting hooks on their pages: with all that was recorded of them, in the background where that is much."""

from django.contrib import admin, messages
from django.db import router, transaction
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import index
from ..operations import removal
from . import parts


class RemovingAdmin(admin.ModelAdmin):
    """What deletes, asks before, and says how far it is."""

    def forget_index(self):
        """Let this process see a change at once, also that of the transaction that is still open."""
        index.forget_index(self.model, using=router.db_for_write(self.model))

    def has_change_permission(self, request, obj=None):
        """Nobody changes a hook that is being removed."""
        return super().has_change_permission(request, obj) and not (obj and obj.removing_since)

    def has_delete_permission(self, request, obj=None):
        return super().has_delete_permission(request, obj) and not (obj and obj.removing_since)

    def get_deleted_objects(self, objs, request):
        """What is deleted with the hooks: counted, not listed, for a site has hundreds of thousands of records."""
        listed, total = [], 0
        for hook in objs:
            count = removal.count_records(hook)
            total += count
            listed += [parts.link(hook, str(hook)), [parts.number_of(count, self.records_name)]]
        counts = {self.opts.verbose_name_plural: len(objs), self.records_name: total}
        return listed, counts, set() if self.has_delete_permission(request) else {self.opts.verbose_name}, []

    records_name: str = gettext_lazy("records")

    # Each step of a removal commits by itself: in one transaction the hook's row would be locked for all the time that
    # it takes, and workers and other pages would wait.
    @transaction.non_atomic_requests
    def delete_view(self, request, object_id, extra_context=None):
        """Django's, without its transaction."""
        return self._delete_view(request, object_id, extra_context)

    def delete_model(self, request, obj):
        """Disable the hook at once; it goes with its records, now or in the background."""
        is_gone = removal.remove(obj)
        self.forget_index()
        return is_gone

    def delete_queryset(self, request, queryset):
        left = [hook for hook in queryset.filter(removing_since=None) if not self.delete_model(request, hook)]
        for hook in left:
            self._say_that_it_goes(request, str(hook))

    def response_delete(self, request, obj_display, obj_id):
        """To the list; the message says whether the hook is gone."""
        if not self.model.objects.filter(pk=obj_id).exists():
            return super().response_delete(request, obj_display, obj_id)
        self._say_that_it_goes(request, obj_display)
        url = reverse(f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_changelist")
        return HttpResponseRedirect(url)

    def _say_that_it_goes(self, request, hook: str) -> None:
        text = _(
            "%s is disabled and will not be called any more. It has many records: they are deleted in the background, "
            "and it goes with the last of them."
        )
        self.message_user(request, text % hook, messages.WARNING)
