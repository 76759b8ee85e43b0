"""
Who may do what, beside Django's own permissions to view, add, change and delete hooks: docs/how-tos/roles.rst.

Every page asks here. Somebody who may change a webhook may still not see personal data on these pages: the two are
given separately.
"""

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
