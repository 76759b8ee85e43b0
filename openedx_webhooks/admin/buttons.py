"""
What can be pressed on a hook's page. Each kind of hook declares its buttons in one list; their addresses, and those of
them that stand in the page's header, follow from it.
"""

import functools
from collections.abc import Callable
from typing import Any

import attrs
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from ..models import Hook
from ..operations.hook_health import Health


@attrs.frozen
class Page:
    """What decides whether a button is there: who looks at which hook."""

    model_admin: Any
    request: Any
    hook: Hook
    health: Health

    @property
    def may_change(self) -> bool:
        return self.model_admin.has_change_permission(self.request, self.hook)


@attrs.frozen(kw_only=True)
class Button:
    """
    One thing to do with a hook.

    Attributes:
        name: the last part of its address; empty for a place on the page.
        method: of the page, which does it.
        label: in the header; empty for what stands elsewhere on the page.
        when: whether the header has it.
        opens: it leads to a page, or to a place on this one (``#owh-secret``), instead of doing something at once.
    """

    name: str = ""
    method: str = ""
    label: str | Promise = ""
    when: Callable[[Page], bool] = lambda page: page.may_change
    opens: str = ""


@attrs.frozen
class State:
    """
    A state that an operator can put a hook into.

    Attributes:
        name: as it is posted.
        label: of its button.
        fields: what is stored then.
        said: the message, and what it means.
    """

    name: str
    label: str | Promise
    fields: dict[str, Any]
    said: str | Promise

    def is_of(self, hook: Hook) -> bool:
        return all(getattr(hook, name) == value for name, value in self.fields.items())


def hook_view(method):
    """
    Make a method ``(self, request, hook)`` a view that changes things: POST only, and only for those who may change
    this hook.
    """
    return posted(method, lambda admin, request, hook: admin.has_change_permission(request, hook))


def posted(method, may, *, has_page: bool = False):
    """
    Make a method ``(self, request, hook)`` a view, but not of a hook that is being removed.

    Whoever comes to a button's address otherwise than by pressing it, after a login for instance, is led to the hook.

    Args:
        may: ``(admin, request, hook)`` → whether this person may do that with this hook.
        has_page: the method answers GET, too.
    """

    @functools.wraps(method)
    def view(self, request, object_id):
        hook = self.get_object(request, object_id)
        if hook is None:
            # pylint: disable-next=protected-access
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        may_view = self.has_view_permission(request, hook)
        if hook.removing_since and may_view:
            self.message_user(request, _("It is being removed: nothing can be done with it."), messages.ERROR)
            return self.back(hook)
        if request.method != "POST" and not has_page and may_view:
            return self.back(hook)
        if not may(self, request, hook):
            raise PermissionDenied
        return method(self, request, hook)

    return view
