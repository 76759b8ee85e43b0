"""What a filter's webfilters can do to the process, in words for an operator."""

import attrs
from django.utils.translation import gettext as _

from .. import catalog, platform_facts
from ..platform_facts import Redirect
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
        effect: what the learner gets when a failure halts; empty if nobody knows.
        redirect_effect: what becomes of the URL, where the learner is not simply sent there.
        waits: changes of the account and profile wait until the login has succeeded.
    """

    name: str
    exceptions: dict[str, dict]
    can_halt: bool
    can_redirect: bool
    needs_path: bool
    effect: str
    redirect_effect: str
    waits: bool

    @property
    def sentence(self) -> str:
        names = ", ".join(self.exceptions)
        answer = _("An answer may halt it with %s.") % names if names else _("No answer can halt it.")
        return f"{answer} {self.after_failure}"

    @property
    def after_failure(self) -> str:
        """What a failure of the endpoint can do, and whether changes wait."""
        if self.can_halt and self.can_redirect:
            failure = _("If the endpoint fails, it can be halted or the learner redirected.")
        elif self.can_halt:
            failure = _("If the endpoint fails, it can be halted, but the learner cannot be redirected.")
        elif self.can_redirect:
            failure = _("If the endpoint fails, it can be halted only by redirecting the learner.")
        else:
            failure = _("If the endpoint fails, it can neither be halted nor the learner redirected.")
        sentences = [failure]
        if self.waits:
            sentences.append(
                _(
                    "What an answer changes of the account or profile is saved when the login has succeeded in the "
                    "same request, else it is dropped."
                )
            )
        return " ".join(sentences)

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
    facts = platform_facts.facts_of(known.filter_type)
    halting, redirecting = (facts.exceptions.get(name) for name in halts.failure_exceptions(known))
    redirect = redirecting.redirect if redirecting else facts.redirect if facts.when else Redirect.FOLLOWED
    can_redirect = halts.can_redirect(known)
    return HaltOptions(
        name=known.name,
        exceptions=halts.accepted_exceptions(known),
        can_halt=halts.can_halt(known),
        can_redirect=can_redirect,
        needs_path=adapters.of(known.filter_type).consent_redirect,
        effect=str(halting.effect) if halting else "",
        redirect_effect=str(redirect.label) if can_redirect and redirect is not Redirect.FOLLOWED else "",
        waits=adapters.of(known.filter_type).waits_for_login,
    )
