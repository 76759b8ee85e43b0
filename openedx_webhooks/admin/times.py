"""Moments as operators read and type them: to the second with the zone, and how long ago."""

from datetime import datetime

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext as _

from ..models.row_fields import FIRST, LAST
from . import words


def parse_time(text: str) -> datetime | None:
    """An aware time from a ``datetime-local`` input, in the site's time zone; None if it is none, or far from now."""
    try:
        time = parse_datetime(text)
        if time and not FIRST.year <= time.year <= LAST.year:
            return None
        return timezone.make_aware(time) if time and timezone.is_naive(time) else time
    except (ValueError, OverflowError):
        return None


def relative(when: datetime) -> str:
    """``3 minutes ago``, ``in 2 hours``, ``just now``; the two largest units at most."""
    now = timezone.now()
    if abs((now - when).total_seconds()) < 60:
        return _("just now") if when <= now else _("in less than a minute")
    return _("%s ago") % timesince(when, now) if when < now else _("in %s") % timeuntil(when, now)


def shown(when: datetime | None) -> SafeString | str:
    """Exact, and below it relative."""
    if when is None:
        return "–"
    return format_html(
        '<time datetime="{}">{}</time><br><span class="owh-quiet-text">{}</span>',
        when.isoformat(),
        words.exact(when),
        relative(when),
    )
