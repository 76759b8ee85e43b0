"""What learners of a site with 100,000 accounts do in its busiest hour. The page on scale has the same table."""

import attrs

LEARNERS = 100_000
# Of the accounts are there on one day; of what they do on that day falls into its busiest hour.
ACTIVE_SHARE, PEAK_SHARE = 0.10, 0.15


@attrs.frozen
class Action:
    """
    One kind of request.

    Attributes:
        name: as the picture and the tables call it.
        a_day: how often each learner who is there does it on that day.
        group: what hooks do in it: ``page`` (nothing), ``event`` (captured) or ``webfilter`` (asked, and captured).
    """

    name: str
    a_day: float
    group: str

    def per_second(self, learners: int) -> float:
        """In the busiest hour."""
        return self.a_day * learners * ACTIVE_SHARE * PEAK_SHARE / 3600


ACTIONS = (
    Action("dashboard", 2, "page"),
    Action("progress", 15, "page"),
    Action("grade", 8, "event"),  # a problem is submitted, the course's grade changes
    Action("forum", 0.25, "event"),
    Action("login", 1.2, "webfilter"),
    Action("enrollment", 0.15, "webfilter"),
    Action("registration", 0.05, "webfilter"),
    Action("certificate", 0.03, "webfilter"),
)
GROUPS = {"page": "pages", "event": "with an event", "webfilter": "with a webfilter"}
