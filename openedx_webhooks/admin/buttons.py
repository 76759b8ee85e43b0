"""
What can be pressed on a hook's page. Each kind of hook declares its buttons in one list; their addresses, and those of
them that stand in the page's header, follow from it.
"""

from collections.abc import Callable
from typing import Any

import attrs
from django.utils.functional import Promise

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
        """Whether this person may change the hook."""
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
        """Whether the hook is in it."""
        return all(getattr(hook, name) == value for name, value in self.fields.items())
