"""What a filter's webfilters can do to the process, in words for an operator."""

import attrs
from django.utils.translation import gettext as _

from .. import catalog
from ..webfilters import adapters, halts


@attrs.frozen
class HaltOptions:
    """
    Attributes:
        name: the filter's short name.
        exceptions: exception that an answer may give → JSON Schema of its arguments.
        can_halt: a failure of the endpoint can halt the process, without a URL too.
        can_redirect: a failure of the endpoint can send the learner to a URL.
        needs_path: the URL must be a path on this site.
    """

    name: str
    exceptions: dict[str, dict]
    can_halt: bool
    can_redirect: bool
    needs_path: bool

    @property
    def sentence(self) -> str:
        """What is possible, in a sentence or two."""
        names = ", ".join(self.exceptions)
        answer = _("An answer may halt it with %s.") % names if names else _("No answer can halt it.")
        if self.can_halt and self.can_redirect:
            failure = _("If the endpoint fails, it can be halted or the learner redirected.")
        elif self.can_halt:
            failure = _("If the endpoint fails, it can be halted, but the learner cannot be redirected.")
        elif self.can_redirect:
            failure = _("If the endpoint fails, it can be halted only by redirecting the learner.")
        else:
            failure = _("If the endpoint fails, it can neither be halted nor the learner redirected.")
        return f"{answer} {failure}"

    def problem(self, halts: bool, url: str) -> tuple[str, str] | None:
        """
        What is wrong with the switches for one kind of failure, and what to do instead.

        Args:
            halts: the halt switch.
            url: the redirect.

        Returns:
            which of the two (``halt`` or ``redirect``) and a sentence, or None.
        """
        if url and not halts:
            return "halt", _("Tick this too, or clear the redirect: without halting nobody is redirected.")
        if not halts:
            return None
        name = {"name": self.name}
        if not self.can_halt and not self.can_redirect:
            return "halt", _(
                "%(name)s cannot be halted by a failure of the endpoint. Untick this, or choose another filter."
            ) % name
        if url and not self.can_redirect:
            return "redirect", _(
                "%(name)s can be halted, but it cannot redirect. Clear this: the learner then sees a message instead."
            ) % name
        if not url and not self.can_halt:
            return "redirect", _(
                "%(name)s can be halted only by redirecting: enter where to, or untick the halt."
            ) % name
        if url and self.needs_path and not url.startswith("/"):
            return "redirect", _("%(name)s redirects only to a path on this site, such as /dashboard.") % name
        return None


def halt_options_of(known: catalog.FilterType) -> HaltOptions:
    """What the webfilters of a filter can do."""
    return HaltOptions(
        name=known.name,
        exceptions=halts.accepted_exceptions(known),
        can_halt=halts.can_halt(known),
        can_redirect=halts.can_redirect(known),
        needs_path=adapters.of(known.filter_type).consent_redirect,
    )
