"""The rule of the soak for what grows: a planted leak fails it, faults that come and go do not."""

import random

import pytest

from .growth import Bound, growth

MEMORY = Bound(0.1, 5)
SECONDS = 3600


def series(value, seconds=SECONDS):
    """A value each ten seconds, with the noise of a real one."""
    noise = random.Random(7)
    return [(at, value(at) + noise.gauss(0, 1)) for at in range(0, seconds, 10)]


def grows(points, bound=MEMORY):
    return not growth(points, SECONDS, bound).is_bounded


@pytest.mark.parametrize(
    "leak", [lambda at: 100 + at * 0.01, lambda at: 100 * 1.2 ** (at / 1000), lambda at: 100 + at // 600 * 8]
)
def test_a_planted_leak_fails(leak):
    """Steady, faster and faster, or a piece with each fault."""
    assert grows(series(leak))


@pytest.mark.parametrize(
    "value",
    [
        lambda at: 100,
        lambda at: 100 + min(at, 400) * 0.2,  # what is imported and cached in the beginning
        lambda at: 100 + at % 600 * 0.05,  # a saw: purged each ten minutes
        lambda at: 400 if at % 1200 < 200 else 100,  # a fault that comes and goes
        lambda at: 100 if at < 3000 else 60,  # killed, and smaller after it
    ],
)
def test_what_comes_and_goes_passes(value):
    assert not grows(series(value))


def test_one_thread_more_passes_and_ten_do_not():
    bound = Bound(0, 3)
    assert not grows(series(lambda at: 12 + (at > 3000)), bound)
    assert grows(series(lambda at: 12 + 10 * (at > 2000)), bound)


def test_a_run_that_says_nothing_is_no_pass():
    with pytest.raises(ValueError, match="too few"):
        growth([(1, 1.0)], SECONDS, MEMORY)
