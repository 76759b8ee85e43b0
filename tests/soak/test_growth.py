"""The rule that tells a leak from noise: what the soak's verdict rests on."""

import random

import pytest

from tests.soak.watch import Sample, grown, growth, look

ALLOWED = {"memory": 10e6, "threads": 2, "sockets": 8}
_random = random.Random(1)


def samples(memory=lambda number: 1e8, threads=lambda number: 8, sockets=lambda number: 5):
    return [
        Sample(float(number), "web", int(memory(number)), int(threads(number)), int(sockets(number)))
        for number in range(90)
    ]


@pytest.mark.parametrize(
    "series",
    [
        samples(),
        # Warming up.
        samples(memory=lambda number: 1e8 + min(number, 25) * 4e6),
        samples(memory=lambda number: 1e8 + _random.uniform(-2e7, 2e7)),
        # A restart, and a peak.
        samples(memory=lambda number: 1e8 if number < 50 else 6e7),
        samples(threads=lambda number: 40 if 70 < number < 80 else 8),
    ],
)
def test_what_is_no_leak_is_not_called_one(series):
    assert grown(series, ALLOWED) == []


@pytest.mark.parametrize(
    "series, says",
    [
        (samples(memory=lambda number: 1e8 + number * 1e6), "memory of web grew by"),
        (samples(threads=lambda number: 8 + number / 5), "threads of web grew by 6, and 2 are allowed"),
        (samples(sockets=lambda number: 5 + number), "sockets of web grew by 30, and 8 are allowed"),
    ],
)
def test_a_leak_is_found_and_named(series, says):
    found = grown(series, ALLOWED)
    assert len(found) == 1
    assert found[0].startswith(says)


@pytest.mark.parametrize("values", [[], [1], [1] * 8])
def test_too_few_samples_are_no_proof(values):
    with pytest.raises(ValueError, match="too few samples"):
        growth(values)


def test_a_process_that_is_gone_takes_nothing():
    gone = look(0.0, "web", [2**22 + 1])
    assert (gone.memory, gone.threads, gone.sockets) == (0, 0, 0)
