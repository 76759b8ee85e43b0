"""The table that every benchmark prints: a figure, and its goal beside it."""


class Goals:
    """Prints measurements and remembers whether all goals were met."""

    def __init__(self):
        self.are_met = True

    def add(self, what: str, value: str, is_met: bool | None = None, goal: str = "", beside: str = "") -> None:
        """
        Print one line.

        Args:
            what: was measured.
            value: with its unit.
            is_met: None for what has no goal.
            goal: in words.
            beside: what else there is to say.
        """
        self.are_met = self.are_met and is_met is not False
        verdict = "" if is_met is None else f"(goal: {goal}) {'ok' if is_met else 'MISSED'}"
        print(f"  {what:52} {value:>14}  {beside:30} {verdict}".rstrip())
