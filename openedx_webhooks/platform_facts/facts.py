"""What is known of a filter, of an exception of one, and of an event."""

from collections.abc import Mapping

import attrs
from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise

_NOBODY_RUNS = _("Nothing in the platform runs it today: its webfilters are never called.")
_NOBODY_SENDS = _("Nothing in the platform sends it today: its webhooks are never called.")


class Message(TextChoices):
    """Where the message of an exception ends."""

    SHOWN = "shown", _("On the page")
    WRAPPED = "wrapped", _("On the page, inside a text of its own")
    RESPONSE = "response", _("In the response to the page or app, which may show a text of its own")
    LOG = "log", _("In the log only")


class Redirect(TextChoices):
    """What becomes of a URL to send the learner to."""

    FOLLOWED = "followed", _("The learner is sent there")
    LINK = "link", _("A link is shown, which the learner has to click")
    RESPONSE = "response", _("It is in the response, but the page does not go there")
    IGNORED = "ignored", _("Not read: nobody is sent anywhere")


@attrs.frozen
class ExceptionFacts:
    """
    What raising one exception of a filter does.

    Attributes:
        effect: what happens then, in a sentence or two.
        message: where the message ends.
        redirect: what becomes of a URL to send the learner to.
        reads: the arguments besides the message that the platform reads. The others have no effect.
    """

    effect: Text
    message: Message = Message.LOG
    redirect: Redirect = Redirect.IGNORED
    reads: frozenset[str] = attrs.field(default=frozenset(), converter=frozenset)


@attrs.frozen
class FilterFacts:
    """
    What is known of one filter.

    Attributes:
        when: when it runs.
        exceptions: exception's name → what raising it does.
        notes: what else an operator should know before choosing it, a sentence or two each.
        redirect: what becomes of a URL to send the learner to, for a filter that takes it as data; else at best.
        runs: False if nothing in the platform runs it.
        is_wanted: it is among those that operators ask for most, and offered first, in the order of the table.
        secrets: names that mean a secret here and are harmless elsewhere.
    """

    when: Text = ""
    exceptions: Mapping[str, ExceptionFacts] = attrs.field(factory=dict)
    notes: tuple[Text, ...] = ()
    redirect: Redirect = attrs.field()
    runs: bool = True
    is_wanted: bool = False
    secrets: frozenset[str] = frozenset()

    @redirect.default
    def _at_best(self):
        """By the exception that serves best: the first in the order of the choices."""
        given = {exception.redirect for exception in self.exceptions.values()}
        return next((redirect for redirect in Redirect if redirect in given), Redirect.IGNORED)

    @property
    def cautions(self) -> tuple[Text, ...]:
        """The notes, after that nothing runs it, where that is so."""
        return self.notes if self.runs else (_NOBODY_RUNS, *self.notes)


@attrs.frozen
class EventFacts:
    """
    What is known of one event.

    Attributes:
        when: when it is sent.
        notes: what else an operator should know, a sentence or two each.
        time: what ``event_metadata.time`` is, where it isn't the time of the event.
        runs: False if nothing in the platform sends it.
        is_wanted: it is among those that operators ask for most, and offered first, in the order of the table.
    """

    when: Text = ""
    notes: tuple[Text, ...] = ()
    time: Text = ""
    runs: bool = True
    is_wanted: bool = False

    @property
    def cautions(self) -> tuple[Text, ...]:
        """The notes, after that nothing runs it, where that is so."""
        return self.notes if self.runs else (_NOBODY_SENDS, *self.notes)
