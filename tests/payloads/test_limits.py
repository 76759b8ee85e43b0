"""A payload that is too large is cut evenly, says where, and keeps its metadata."""

import json

import pytest
from django.test import override_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from openedx_webhooks import catalog
from openedx_webhooks.payloads.limits import dump, fit
from openedx_webhooks.payloads.serialize import filter_payload
from tests.conftest import TIMES

METADATA = {"event_metadata": {"id": "1"}}
DASHBOARD = catalog.find_filter("DashboardRenderStarted")


def test_payload_within_the_limit_stays():
    """Nothing is touched, not even a copy is made."""
    payload = {"a": "x" * 50} | METADATA
    assert fit(payload, 1000) == (payload, [])


@pytest.mark.parametrize(
    ("arguments", "limit", "cut"),
    [
        ({"short": "x" * 100, "long": "y" * 100_000}, 70_000, [("long",)]),
        ({"long": "y" * 100_000}, 5000, [("long",)]),
        ({"few": [1] * 100, "many": ["x" * 20] * 1000}, 15_000, [("many",)]),
        ({"context": {"a": {"html": "y" * 100_000}, "b": 1}}, 20_000, [("context", "a", "html")]),
        ({"rows": [{"html": "y" * 50_000}, {"html": "z"}]}, 20_000, [("rows", "0", "html")]),
    ],
)
def test_the_longest_pay_first(arguments, limit, cut):
    """What is short stays whole while something long can be cut."""
    result, places = fit(arguments | METADATA, limit)
    assert places == cut
    assert len(dump(result)) <= limit
    assert result["event_metadata"] == METADATA["event_metadata"]


@pytest.mark.parametrize("character", ["x", "é", "日", "😀", '"', "\x00", "\ud83d"])
def test_text_is_cut_to_the_byte(character):
    """Of a single long text as much is sent as the limit has room for, in bytes of UTF-8, and then an ellipsis."""
    result, _ = fit({"a": character * 300_000} | METADATA, 200_000)
    assert set(result["a"][:-1]) == {character}
    assert result["a"][-1] == "…"
    assert 200_000 - 6 <= len(dump(result)) <= 200_000


def test_long_texts_are_cut_to_the_same_size():
    """And nothing is taken from the shorter one."""
    result, places = fit({"a": "x" * 90_000, "b": "y" * 10_000, "c": "z" * 80_000} | METADATA, 100_000)
    assert places == [("a",), ("c",)]
    assert len(result["a"]) == len(result["c"]) > 44_900
    assert result["b"] == "y" * 10_000


def test_original_is_not_changed():
    """The payload passed in stays as it is."""
    payload = {"a": ["x" * 100] * 1000} | METADATA
    fit(payload, 1000)
    assert payload == {"a": ["x" * 100] * 1000} | METADATA


def test_metadata_survives_any_limit():
    """Where nothing else fits, the metadata is what is left."""
    payload = {f"a{number}": "x" * 100 for number in range(100)} | METADATA
    result, places = fit(payload, 10)
    assert result == METADATA
    assert len(places) == 100


_values = st.recursive(st.text(max_size=300) | st.integers(), lambda c: st.lists(c) | st.dictionaries(st.text(), c))


@given(st.dictionaries(st.text(min_size=1).filter(lambda key: key != "event_metadata"), _values), st.integers(50, 3000))
@settings(max_examples=25 * TIMES, deadline=None)
def test_any_payload_fits_or_leaves_its_metadata(arguments, limit):
    """The result is valid JSON within the limit, cut the same way each time."""
    result, places = fit(arguments | METADATA, limit)
    assert len(dump(result)) <= limit
    assert result["event_metadata"] == {"id": "1"}
    assert bool(places) == (result != arguments | METADATA)
    assert (result, places) == fit(arguments | METADATA, limit)


@pytest.mark.parametrize(
    "context",
    [
        {"html": "日" * 200_000},
        {"rows": [{"a": "x" * 400}] * 900},
        {f"k{n}": "y" * 5000 for n in range(900)},
        {"nested": [["z" * 50] * 500] * 500},
        {"html": "\x00" * 200_000},
    ],
    ids=["text", "rows", "members", "nested", "escapes"],
)
def test_payload_of_a_filter_is_cut(context):
    """The body stays within PAYLOAD_MAX_BYTES, and event_metadata.cut says where something is missing."""
    payload = filter_payload(DASHBOARD, {"context": context, "template_name": "dashboard.html"})
    assert len(dump(payload)) <= 256 * 1024
    assert payload["template_name"] == "dashboard.html"
    metadata = payload["event_metadata"]
    assert metadata["event_name"] == "DashboardRenderStarted"
    assert metadata["cut"]
    assert all(place.startswith("context") for place in metadata["cut"])
    json.loads(dump(payload))


def test_cut_by_items_and_depth_is_noted():
    """Also what the walk left out."""
    with override_settings(OPENEDX_WEBHOOKS={"PAYLOAD_MAX_ITEMS": 5, "PAYLOAD_MAX_DEPTH": 2}):
        payload = filter_payload(DASHBOARD, {"context": {"rows": list(range(9)), "a": {"b": {"c": 1}}}})
    assert payload["context"] == {"rows": [0, 1, 2, 3, 4], "a": {"b": {"type": "dict"}}}
    assert payload["event_metadata"]["cut"] == ["context.rows", "context.a.b"]


@pytest.mark.parametrize("limit", [1000, 2000, 5000, 20_000])
def test_notes_are_within_the_limit_too(limit):
    """However many places were cut, and however long their names are."""
    with override_settings(OPENEDX_WEBHOOKS={"PAYLOAD_MAX_BYTES": limit}):
        payload = filter_payload(DASHBOARD, {"context": {f"{n}" * 100: "x" * 500 for n in range(200)}})
    assert len(dump(payload)) <= limit
    assert payload["event_metadata"]["cut"]


def test_payload_that_is_whole_has_no_cut():
    """The member is there only where something is missing."""
    assert "cut" not in filter_payload(DASHBOARD, {"context": {"a": 1}})["event_metadata"]
