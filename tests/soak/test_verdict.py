"""The verdict of the soak, and its picture, on runs that are made up: each claim can be broken."""

import math
import re
from pathlib import Path
from xml.etree import ElementTree

import attrs
import pytest

from . import faults
from .endpoint import BAD
from .learners import Pair
from .picture import picture
from .rates import ACTIONS, LEARNERS
from .record import Record
from .run import KEPT, KILLED, WITH, WITHOUT
from .samples import Sample
from .verdict import verdict

SECONDS = 600
SVG = "{http://www.w3.org/2000/svg}"


def sample(at):
    processes = {"memory": 100 + math.sin(at), "threads": 4, "sockets": 10, "files": 20}
    values = {f"{role}: {what}": value for role in (WITH, WITHOUT, KILLED, KEPT) for what, value in processes.items()}
    return Sample(at, {**values, "rows": 1000 + at % 60, "size": 3, "owed": at % 7})


def pair(at, **statuses):
    found = {WITH: 200, WITHOUT: 200, **{WITH if name == "hooks" else WITHOUT: it for name, it in statuses.items()}}
    return Pair(at, "login", "webfilter", found, {WITH: 0.03, WITHOUT: 0.02})


GOOD = Record(
    seconds=SECONDS,
    cycles=1,
    pairs=[pair(at) for at in range(0, SECONDS, 2)],
    samples=[sample(at) for at in range(0, SECONDS, 5)],
    faults=[[at, fault.letter, fault.text] for at, fault in faults.moments(SECONDS, 1) if fault.letter],
    owed=[["/logins", "one"], ["/forum", "two"]],
    accepted=[["/logins", "one", "m1"], ["/forum", "two", "m2"], ["/forum", "two", "m2"]],
    failures=[],
    left=0,
)


def broken(record):
    return [claim.name for claim in verdict(record) if not claim.is_kept]


def leaking(name):
    samples = [Sample(one.at, {**one.values, name: one.values[name] + one.at * 2}) for one in GOOD.samples]
    return attrs.evolve(GOOD, samples=samples)


def test_a_good_run_keeps_every_claim():
    assert broken(GOOD) == []


@pytest.mark.parametrize(
    "changes, names",
    [
        ({"owed": [*GOOD.owed, ["/logins", "three"]]}, ["nothing lost"]),
        ({"owed": []}, ["nothing lost"]),
        ({"left": 1}, ["nothing left"]),
        ({"accepted": [*GOOD.accepted, ["/forum", "two", "m3"]]}, ["one id each"]),
        ({"accepted": [*GOOD.accepted, ["/forum", BAD, "-"]]}, ["signatures"]),
        ({"pairs": [*GOOD.pairs, pair(5, hooks=500)]}, ["nobody harmed"]),
        ({"pairs": [*GOOD.pairs, pair(5, hooks=500, none=500)]}, []),
        ({"pairs": [*GOOD.pairs, pair(0.74 * SECONDS + 1, hooks=500)]}, []),
    ],
)
def test_each_claim_about_requests_and_deliveries_can_be_broken(changes, names):
    """A request that fails on both sites, or while the database is away, harms nobody."""
    assert broken(attrs.evolve(GOOD, **changes)) == names


@pytest.mark.parametrize(
    "name", [f"{role}: {what}" for role in (WITH, KEPT) for what in ("memory", "threads", "sockets", "files")]
)
def test_a_leak_of_a_process_is_found(name):
    assert broken(leaking(name)) == [name]


@pytest.mark.parametrize("name, grows", [("rows", 10), ("size", 1)])
def test_tables_that_nobody_purges_are_found(name, grows):
    samples = [Sample(one.at, {**one.values, name: one.values[name] + one.at * grows}) for one in GOOD.samples]
    assert broken(attrs.evolve(GOOD, samples=samples)) == [name]


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_the_page_has_the_rates(action):
    page = (Path(__file__).resolve().parents[2] / "docs" / "concepts" / "scale.rst").read_text(encoding="utf-8")
    assert f"     - {action.a_day}\n     - {action.per_second(LEARNERS):.2f}\n" in page


def test_what_begins_ends_in_the_same_cycle():
    """Whatever is stopped, killed or poisoned is well again before the next cycle."""

    class Site:
        """Counts what is out of order."""

        def __init__(self):
            self.broken = set()

        def __getattr__(self, name):
            def act(*what):
                verb, _, rest = name.partition("_")
                thing = what or ("poison" if "poison" in name else rest,)
                if verb in ("continue", "start", "remove"):
                    self.broken.remove(thing)
                elif verb == "stop" or name in ("poison", "kill_database"):
                    self.broken.add(thing)

            return act

    site = Site()
    for fault in faults.TIMETABLE:
        fault.act(site)
    assert not site.broken


def test_the_picture_is_an_svg_that_says_what_it_shows():
    text = picture(GOOD, "two <cores> & more")
    root = ElementTree.fromstring(text)
    names = {root.find(f"{SVG}{name}").get("id") for name in ("title", "desc")}
    assert set(root.get("aria-labelledby").split()) == names and root.get("role") == "img"
    assert "two <cores> & more" in root.find(f"{SVG}desc").text
    shown = "".join(each.text or "" for each in root.iter(f"{SVG}text"))
    assert "2 deliveries owed, 2 of them arrived" in shown and "Memory, MiB" in shown and " min" in shown
    assert not list(root.iter(f"{SVG}script")) and "nan" not in text and "inf" not in re.sub("<[^>]*>", "", text)


def test_nothing_is_drawn_outside_the_picture():
    root = ElementTree.fromstring(picture(GOOD, ""))
    _x, _y, width, height = map(float, root.get("viewBox").split())
    for each in root.iter(f"{SVG}text"):
        assert 0 <= float(each.get("x")) <= width and 0 <= float(each.get("y")) <= height


def test_a_run_can_be_kept_and_judged_again(tmp_path):
    GOOD.save(tmp_path / "record.json")
    assert Record.load(tmp_path / "record.json") == GOOD
