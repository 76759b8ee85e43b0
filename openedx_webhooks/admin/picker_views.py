"""What the script of the picker asks while somebody types and chooses."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, JsonResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ..operations import type_search
from . import picker

_MOST_DETAILS = 10


def urls(admin) -> list[URLPattern]:
    """
    The URLs of a kind of hook.

    Args:
        admin: a ``HookAdmin``.
    """

    def view(method):
        def guarded(request):
            if not (admin.has_view_permission(request) or admin.has_add_permission(request)):
                raise PermissionDenied
            return method(admin.model, request)

        return admin.admin_site.admin_view(guarded)

    return [
        path("find-type/", view(search), name=admin.url_name("find-type")),
        path("describe-type/", view(describe), name=admin.url_name("describe-type")),
    ]


def search(model, request: HttpRequest) -> JsonResponse:
    """The types that fit ``?q=``, the best first, and a sentence for those who hear the page."""
    found = type_search.find(picker.types_of(model), request.GET.get("q", ""))
    count = len(found.types)
    if not count:
        says = _("Nothing is found. Try another word, or look through the list.")
    elif found.is_complete:
        says = ngettext("%d found", "%d found", count) % count
    else:
        says = (
            ngettext("Nothing has all these words. %d is near.", "Nothing has all these words. %d are near.", count)
            % count
        )
    return JsonResponse({"types": found.types, "says": says})


def describe(model, request: HttpRequest):
    """What is known of each ``?of=``, as HTML."""
    chosen = request.GET.getlist("of")[:_MOST_DETAILS]
    details = picker.details_of(model, chosen, picker.how_often(model))
    context = {"details": details, "is_open": True}
    return render(request, "admin/openedx_webhooks/widgets/picker_details.html", context)
