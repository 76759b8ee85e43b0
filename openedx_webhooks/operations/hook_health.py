"""
How a hook is, in one word: decided here, from facts, for lists and pages alike.

What the operator has decided or must correct comes first, then what the endpoint does. *Fine* needs evidence: something
was accepted lately.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

import attrs
from django.db.models import TextChoices
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..models import Hook, Webfilter, Webhook
from ..skips import Reason
from ..transport.breaker import Circuit, State, breaker, circuits
from ..webhooks.health import IN_A_ROW
from . import hook_figures
from .hook_figures import Figures, Window
from .hook_problems import problems_of

# Of four things one does not arrive: nobody can rely on it. (12 of 40 is failing.)
FAILING_SHARE = 0.25
# Retries are there for one failure in a hundred; more than that has a cause that somebody can find.
DEGRADED_SHARE = 0.01
# Fewer tries in the last hour than this say little: the last day is asked instead.
FEWEST = 10
# What was accepted a week ago says nothing about today.
LATELY = timedelta(days=7)
# A worker that runs takes what is due within seconds.
PATIENCE = timedelta(minutes=1)
# Errors that no other attempt changes: the hook, or the site's settings, must be corrected.
OWN_ERRORS = frozenset(
    ("refused_address", "invalid", Reason.KEY_LOST, Reason.UNSENDABLE, Reason.CONDITION_FAILED, Reason.SHAPE_FAILED)
)
# Of these a test says nothing: it asks for no condition, and an expression that fails may fail on some payloads only.
_UNTESTED = frozenset((Reason.CONDITION_FAILED, Reason.SHAPE_FAILED))


class Word(TextChoices):
    """The state of a hook."""

    REMOVING = "removing", _("being removed")
    MISCONFIGURED = "misconfigured", _("misconfigured")
    DISABLED = "disabled", _("disabled")
    PAUSED = "paused", _("paused")
    CIRCUIT_OPEN = "circuit_open", _("circuit open")
    PROBED = "probed", _("being probed")
    FAILING = "failing", _("failing")
    OVERDUE = "overdue", _("not being sent")
    DEGRADED = "degraded", _("degraded")
    OBSERVING = "observing", _("observing")
    FINE = "fine", _("fine")
    LOCAL = "local", _("answers by itself")
    IDLE = "idle", _("nothing lately")
    NOT_RECORDED = "not_recorded", _("nothing recorded")
    NOTHING_YET = "nothing_yet", _("nothing sent yet")


# Of their badges.
TONES = {
    Word.REMOVING: "warn",
    Word.MISCONFIGURED: "bad",
    Word.DISABLED: "quiet",
    Word.PAUSED: "warn",
    Word.CIRCUIT_OPEN: "bad",
    Word.PROBED: "warn",
    Word.FAILING: "bad",
    Word.OVERDUE: "bad",
    Word.DEGRADED: "warn",
    Word.OBSERVING: "info",
    Word.FINE: "good",
    Word.LOCAL: "good",
    Word.IDLE: "quiet",
    Word.NOT_RECORDED: "quiet",
    Word.NOTHING_YET: "quiet",
}


# Those that each kind of hook may have.
_OF_WEBFILTERS_ONLY = (Word.CIRCUIT_OPEN, Word.PROBED, Word.OBSERVING, Word.LOCAL, Word.NOT_RECORDED)
WORDS: dict[type[Hook], list[Word]] = {
    Webhook: [word for word in Word if word not in _OF_WEBFILTERS_ONLY],
    Webfilter: [word for word in Word if word not in (Word.PAUSED, Word.OVERDUE)],
}


@attrs.frozen
class Health:
    """
    The word and the facts that it was decided from.

    Attributes:
        problems: of the hook's own settings, in sentences.
        circuit: of a webfilter's endpoint.
    """

    word: Word
    figures: Figures = attrs.field(factory=Figures)
    problems: Sequence[str] = ()
    circuit: Circuit | None = None

    @property
    def tone(self) -> str:
        """Of its badge: good, info, warn, bad or quiet."""
        return TONES[self.word]

    @property
    def window(self) -> Window:
        """The last hour, if that says enough; else the last day."""
        return telling(self.figures)

    @property
    def is_of_hour(self) -> bool:
        return self.window is self.figures.hour


def telling(figures: Figures) -> Window:
    """The window that health is read from."""
    is_enough = figures.hour.tried >= FEWEST or figures.hour.tried == figures.day.tried
    return figures.hour if is_enough else figures.day


def of_webhooks(webhooks: Iterable[Webhook]) -> dict[int, Health]:
    """The health of each, by primary key, with a few queries for all of them."""
    webhooks = list(webhooks)
    figures, problems = hook_figures.of_webhooks(webhooks), problems_of(webhooks)
    return {
        hook.pk: Health(
            webhook_word(hook, figures[hook.pk], bool(problems.get(hook.pk))),
            figures[hook.pk],
            problems.get(hook.pk, ()),
        )
        for hook in webhooks
    }


def of_webfilters(webfilters: Iterable[Webfilter]) -> dict[int, Health]:
    """The same for webfilters, with one read of the cache for their circuits."""
    webfilters = list(webfilters)
    figures, problems = hook_figures.of_webfilters(webfilters), problems_of(webfilters)
    found = {}
    for hook, circuit in zip(webfilters, circuits(breaker(hook.webhook_url) for hook in webfilters), strict=True):
        word = webfilter_word(hook, figures[hook.pk], bool(problems.get(hook.pk)), circuit)
        found[hook.pk] = Health(word, figures[hook.pk], problems.get(hook.pk, ()), circuit)
    return found


OF: dict[type[Hook], Callable[[Iterable], dict[int, Health]]] = {Webhook: of_webhooks, Webfilter: of_webfilters}


def of(hook: Hook) -> Health:
    return OF[type(hook)]([hook])[hook.pk]


def webhook_word(hook: Webhook, figures: Figures, has_problems: bool) -> Word:
    """
    The word for a webhook.

    Args:
        has_problems: its own settings have some.
    """
    if word := _decided(hook, has_problems):
        return word
    if hook.paused:
        return Word.PAUSED
    if hook.consecutive_failures >= IN_A_ROW and not _is_own_error(figures, in_a_row=True):
        return Word.FAILING
    is_overdue = figures.next_due and figures.next_due < timezone.now() - PATIENCE
    if has_recovered(hook, figures):
        return Word.OVERDUE if is_overdue else _by_evidence(hook, figures)
    if _is_own_error(figures, in_a_row=hook.consecutive_failures):
        return Word.MISCONFIGURED
    if _fails_often(figures) and not is_repaired(hook, figures):
        return Word.FAILING
    if is_overdue:
        return Word.OVERDUE
    if hook.failing_since or figures.day.lost or telling(figures).refused_share >= DEGRADED_SHARE:
        return Word.DEGRADED
    return _by_evidence(hook, figures)


def has_recovered(hook: Hook, figures: Figures) -> bool:
    """
    Whether its endpoint was well again after the last refusal: a test was accepted, or a delivery after failures in a
    row. What failed before that is told, and decides nothing any more.
    """
    if hook.recovered_at is None or getattr(hook, "failing_since", None):
        return False
    if figures.refusal is None:
        return True
    if figures.refusal.error in _UNTESTED and _ends_refused(figures):
        return False
    return figures.refusal.at < hook.recovered_at


def is_repaired(hook: Webhook, figures: Figures) -> bool:
    """Whether it was given another address, or was enabled, after the last refusal, and nothing was tried since."""
    is_reset = not hook.failing_since and not hook.consecutive_failures
    return is_reset and _ends_refused(figures) and not has_recovered(hook, figures)


def webfilter_word(hook: Webfilter, figures: Figures, has_problems: bool, circuit: Circuit) -> Word:
    """
    The word for a webfilter.

    Args:
        has_problems: its own settings have some.
        circuit: of its endpoint.
    """
    if word := _decided(hook, has_problems):
        return word
    if hook.local_answer:
        return Word.DEGRADED if figures.day.refused else Word.LOCAL
    has_ended = not circuit.failures and has_recovered(hook, figures)
    if not has_ended and _is_own_error(figures, in_a_row=circuit.failures):
        return Word.MISCONFIGURED
    if circuit.state != State.CLOSED:
        return Word.CIRCUIT_OPEN if circuit.state == State.OPEN else Word.PROBED
    if not has_ended and (word := _of_failures(figures, circuit)):
        return word
    if hook.mode == Webfilter.Mode.OBSERVE:
        return Word.OBSERVING
    word = _by_evidence(hook, figures)
    return word if word == Word.FINE or figures.is_whole else Word.NOT_RECORDED


def _of_failures(figures: Figures, circuit: Circuit) -> Word | None:
    if circuit.failures >= IN_A_ROW or (figures.is_whole and _fails_often(figures)):
        return Word.FAILING
    # Where only problems are known they are no share of anything.
    is_degraded = telling(figures).refused_share >= DEGRADED_SHARE if figures.is_whole else figures.hour.refused
    return Word.DEGRADED if circuit.failures or is_degraded else None


def _decided(hook: Hook, has_problems: bool) -> Word | None:
    """What is so whatever the endpoint does; None if nothing is."""
    if hook.removing_since:
        return Word.REMOVING
    if has_problems:
        return Word.MISCONFIGURED
    return None if hook.enabled else Word.DISABLED


def _is_own_error(figures: Figures, *, in_a_row: int) -> bool:
    """Whether the last thing that happened is that the hook's own settings prevented the sending."""
    if figures.refusal is None or figures.refusal.error.partition(":")[0] not in OWN_ERRORS:
        return False
    return bool(in_a_row) or _ends_refused(figures)


def _fails_often(figures: Figures) -> bool:
    """In the last hour; or in the last day, and the last one, too: what was repaired since is not failing."""
    window = telling(figures)
    is_now = window is figures.hour or _ends_refused(figures)
    return is_now and window.refused_share >= FAILING_SHARE


def _ends_refused(figures: Figures) -> bool:
    """Whether nothing was accepted after the last refusal."""
    if figures.refusal is None:
        return False
    return figures.accepted_at is None or figures.accepted_at < figures.refusal.at


def accepted_at(hook: Hook, figures: Figures) -> datetime | None:
    """When something was last accepted, a test after failures too."""
    return max(filter(None, (figures.accepted_at, hook.recovered_at)), default=None)


def _by_evidence(hook: Hook, figures: Figures) -> Word:
    if not figures.all.tried:
        return Word.NOTHING_YET
    at = accepted_at(hook, figures)
    return Word.FINE if at and at > timezone.now() - LATELY else Word.IDLE
