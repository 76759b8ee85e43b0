"""
Who may do what, beside Django's own permissions to view, add, change and delete hooks: docs/how-tos/roles.rst.

Every page asks here. Somebody who may change a webhook may still not see personal data on these pages: the two are
given separately.
"""

import logging

from django.db.models import Model
from django.utils.translation import gettext as _

from .. import throttle
from ..app_settings import app_settings

# Who saw what of whom: its own logger, so that a site can keep it apart, and for as long as its rules ask for.
access_log = logging.getLogger("openedx_webhooks.access")
# A page that follows a delivery, or a preview, asks again and again.
_ONE_ACCESS_SECONDS = 60


def may_see_payload(request) -> bool:
    """
    Whether somebody may see personal data: payloads, bodies and headers of requests and answers, learners' names and
    e-mail addresses. Without it a page shows numbers, states and times.
    """
    return request.user.has_perm("openedx_webhooks.view_payload")


def sees_payload_of(request, record: Model) -> bool:
    """
    Whether somebody may see the personal data of a record, which is about to be shown to them. Where the operator wants
    it, that is logged: the numbers of the user and of the record.
    """
    if not may_see_payload(request):
        return False
    name, user = record._meta.model_name, request.user.pk
    if app_settings.LOG_PAYLOAD_ACCESS and throttle.allows(
        "access", user, name, record.pk, seconds=_ONE_ACCESS_SECONDS
    ):
        access_log.info("User %s was shown the payload of %s %s", user, name, record.pk)
    return True


def may_replay(request) -> bool:
    """Whether somebody may send deliveries again, sooner, or not at all."""
    has_perm = request.user.has_perm
    # Django's own permission counts too: deliveries can't be changed in any other way.
    return has_perm("openedx_webhooks.replay_delivery") or has_perm("openedx_webhooks.change_delivery")


def withheld() -> str:
    return _("Not shown: you may not see personal data. Somebody who manages permissions here can change that.")


class ViewOnly:
    """For pages of what nobody adds, changes or deletes by hand: rows go with their hook, or by retention."""

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):  # pylint: disable=unused-argument
        return False

    def has_delete_permission(self, request, obj=None):  # pylint: disable=unused-argument
        return False
