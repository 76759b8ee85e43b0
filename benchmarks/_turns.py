"""Times of things that are compared: they take turns, so that a busy moment hits all of them."""

import random
import time
from collections.abc import Callable


def take_turns(functions: dict[str, Callable[[], object]], rounds: int, warm_up: int) -> dict[str, list[float]]:
    """The seconds of each function in each of ``rounds`` rounds, after ``warm_up`` rounds that don't count."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    turns = list(functions.items())
    for number in range(warm_up + rounds):
        # In another order each time: what comes after a new session finds the server still closing the last one.
        random.shuffle(turns)
        for name, function in turns:
            start = time.perf_counter()
            function()
            if number >= warm_up:
                times[name].append(time.perf_counter() - start)
    return times
