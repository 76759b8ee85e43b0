"""
Who may do what, beside Django's own permissions to view, add, change and delete hooks: docs/how-tos/roles.rst.

Every page asks here. Somebody who may change a webhook may still not see personal data on these pages: the two are
given separately.
"""

from collections.abc import Iterable, Mapping

from django.utils.translation import gettext as _


def may_see_payload(request) -> bool:
    """
    Whether somebody may see personal data: payloads, bodies and headers of requests and answers, learners' names and
    e-mail addresses. Without it a page shows numbers, states and times.
    """
    return request.user.has_perm("openedx_webhooks.view_payload")


def may_replay(request) -> bool:
    """Whether somebody may send deliveries again, sooner, or not at all."""
    has_perm = request.user.has_perm
    # Django's own permission counts too: deliveries can't be changed in any other way.
    return has_perm("openedx_webhooks.replay_delivery") or has_perm("openedx_webhooks.change_delivery")


def withheld() -> str:
    """What stands where somebody may not see what there is."""
    return _("Not shown: you may not see personal data. Somebody who manages permissions here can change that.")


class PersonalDataMixin:
    """
    Pages of records, without personal data for those who may not see it.

    Attributes:
        personal: a column or field of the page → what is shown instead, or None.
        personal_search: columns of the table in which they can't search, for a search tells what it finds.
    """

    personal: Mapping[str, str | None] = {}
    personal_search: Iterable[str] = ()

    def get_list_display(self, request):
        """The columns."""
        return self._shown(request, super().get_list_display(request))

    def get_fieldsets(self, request, obj=None):
        """The fields of the page; a section that has none left goes."""
        sections = [
            (title, {**options, "fields": self._shown(request, options["fields"])})
            for title, options in super().get_fieldsets(request, obj)
        ]
        return [section for section in sections if section[1]["fields"]]

    def get_readonly_fields(self, request, obj=None):
        """What stands there instead is read only, too."""
        instead = [name for name in self.personal.values() if name]
        return [*super().get_readonly_fields(request, obj), *instead]

    def may_search(self, request, column: str) -> bool:
        """Whether somebody may look for what a column holds."""
        return column not in self.personal_search or may_see_payload(request)

    def _shown(self, request, names) -> list:
        if may_see_payload(request):
            return list(names)
        return [shown for name in names if (shown := self.personal.get(name, name))]
