"""Who may do what through the API, and how often: what the admin's pages allow is asked of them."""

from django.contrib import admin
from django.utils.translation import gettext as _
from rest_framework.permissions import BasePermission
from rest_framework.throttling import UserRateThrottle

from .. import shared_cache
from ..admin.permissions import may_replay
from ..app_settings import app_settings

# What views name beside Django's own: view, add, change, delete.
REPLAY = "replay"


def page_of(model: type) -> admin.ModelAdmin:
    """The model's pages in the admin, which know who may do what, and keep Django's log."""
    # pylint: disable-next=protected-access
    return admin.site._registry[model]


class AsInTheAdmin(BasePermission):
    """Staff, with the permission that the action of the view needs: ``view.rights``, action → right."""

    message = ""

    def has_permission(self, request, view):
        if not admin.site.has_permission(request):
            self.message = _("This is for staff who have the permission for what they do.")
            return False
        return self._may(request, view)

    def has_object_permission(self, request, view, obj):
        return self._may(request, view, obj)

    def _may(self, request, view, obj=None) -> bool:
        right, page = view.rights.get(view.action, "view"), page_of(view.get_queryset().model)
        if right == REPLAY:
            self.message = _("This needs the permission “Can replay, retry and cancel deliveries”.")
            return may_replay(request) and page.has_view_permission(request, obj)
        self.message = _("This needs the permission to %(right)s a %(name)s (%(codename)s).") % {
            "right": right,
            "name": page.opts.verbose_name,
            "codename": f"{page.opts.app_label}.{right}_{page.opts.model_name}",
        }
        if right == "add":
            return page.has_add_permission(request)
        return getattr(page, f"has_{right}_permission")(request, obj)


class _Cache:
    """What is counted in; without the shared cache nothing is."""

    @staticmethod
    def get(key, default):
        return shared_cache.ask("get", key) or default

    @staticmethod
    def set(key, value, seconds):
        shared_cache.ask("set", key, value, seconds)


class PerUser(UserRateThrottle):
    """So many requests of one user in a minute."""

    scope, setting = "openedx_webhooks", "API_REQUESTS_PER_MINUTE"
    cache = _Cache

    def get_rate(self):
        """As the site's settings say; None: no limit."""
        most = getattr(app_settings, self.setting)
        return f"{most}/minute" if most else None


class TestsPerUser(PerUser):
    """So many tests, each of which is a request to somebody else's server."""

    scope, setting = "openedx_webhooks_tests", "API_TESTS_PER_MINUTE"
