"""How long what was recorded of a hook is kept: as the hook says, or else as the site's settings say."""

import math
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

import attrs
from django.core.exceptions import ImproperlyConfigured
from django.db import router
from django.db.models import Q
from django.utils import timezone

from ..app_settings import app_settings
from ..models import Hook, Webfilter, Webhook

_MOST_DAYS = 36_500
_AS_THE_SITE = {"keep_payloads": True, "payload_days": None, "row_days": None, "failed_days": None}


@attrs.frozen
class Ages:
    """Of what is from before these moments (aware) the payload goes, and the record; None: never."""

    payloads: datetime | None = None
    rows: datetime | None = None

    @property
    def are_forever(self) -> bool:
        return self.payloads is None and self.rows is None


@attrs.frozen
class Terms:
    """The ages of what failed, and of everything else that is finished."""

    failed: Ages
    others: Ages

    @classmethod
    def all_before(cls, moment: datetime) -> "Terms":
        return cls(Ages(moment, moment), Ages(moment, moment))

    def by_outcome(self, failed: Q) -> Iterator[tuple[str, Q, Ages]]:
        """What has the same ages: a name, which records, by those that have failed, and the ages."""
        if self.failed == self.others:
            yield "", Q(), self.others
        else:
            yield " failed", failed, self.failed
            yield "", ~failed, self.others


@attrs.frozen
class Keeping:
    """
    The terms of a site.

    Attributes:
        site: of the hooks that have none of their own.
        webhooks: of those that have, by number; likewise ``webfilters``.
    """

    site: Terms
    webhooks: Mapping[int, Terms] = MappingProxyType({})
    webfilters: Mapping[int, Terms] = MappingProxyType({})

    @classmethod
    def now(cls) -> "Keeping":
        """
        As the settings and the hooks say at this moment.

        Raises:
            ImproperlyConfigured: a setting is not a number of days.
        """
        now, site = timezone.now(), _Days.of_site()
        return cls(site.terms(now), _own(Webhook, site, now), _own(Webfilter, site, now))


@attrs.frozen
class _Days:
    """Numbers of days; infinity is for ever."""

    payload: float
    row: float
    failed: float
    keeps_payloads: bool = True

    @classmethod
    def of_site(cls) -> "_Days":
        return cls(
            _setting("RETENTION_PAYLOAD_DAYS"),
            _setting("RETENTION_ROW_DAYS"),
            0 if app_settings.RETENTION_FAILED_DAYS is None else _setting("RETENTION_FAILED_DAYS"),
        )

    def of_hook(self, own: Mapping) -> "_Days":
        """With what a hook says otherwise."""
        return _Days(
            own["payload_days"] or self.payload,
            own["row_days"] or self.row,
            own["failed_days"] or self.failed,
            own["keep_payloads"],
        )

    def terms(self, now: datetime) -> Terms:
        return Terms(
            failed=Ages(_ago(now, max(self.payload, self.failed)), _ago(now, max(self.row, self.failed))),
            others=Ages(_ago(now, self.payload if self.keeps_payloads else 0), _ago(now, self.row)),
        )


def _own(model: type[Hook], site: _Days, now: datetime) -> dict[int, Terms]:
    hooks = model.objects.using(router.db_for_write(model)).exclude(**_AS_THE_SITE).order_by("pk")
    return {hook["pk"]: site.of_hook(hook).terms(now) for hook in hooks.values("pk", *_AS_THE_SITE)}


def _setting(name: str) -> float:
    days = getattr(app_settings, name)
    if isinstance(days, bool) or not isinstance(days, (int, float)) or not days >= 0:
        raise ImproperlyConfigured(f"OPENEDX_WEBHOOKS[{name!r}] must be a number of days, or 0 to keep for ever")
    return days or math.inf


def _ago(now: datetime, days: float) -> datetime | None:
    return None if days == math.inf else now - timedelta(days=min(days, _MOST_DAYS))


def days_ago(days: float) -> datetime:
    """The moment so many days ago; more than a hundred years are a hundred years."""
    return timezone.now() - timedelta(days=min(days, _MOST_DAYS))
