"""The generated pages of the reference."""

import importlib.util
from pathlib import Path

import pytest

from openedx_webhooks import catalog

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "references" / "generate_reference.py"
spec = importlib.util.spec_from_file_location("generate_reference", SCRIPT)
generate_reference = importlib.util.module_from_spec(spec)
spec.loader.exec_module(generate_reference)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """All of them, over those of an older release."""
    target = tmp_path_factory.mktemp("references")
    (target / "events").mkdir()
    (target / "events" / "REMOVED_EVENT.rst").write_text("old")
    generate_reference.main(target)
    return target


def _known(folder):
    """The catalog now: other tests declare events and filters of their own."""
    return getattr(catalog, folder)().values()


@pytest.mark.parametrize("folder", ["events", "filters"])
def test_one_page_per_type(pages, folder):
    """And an index; a page of a type that is gone is gone too."""
    names = {path.stem for path in (pages / folder).iterdir()}
    assert names == {"index", *(entry.name for entry in _known(folder))}


@pytest.mark.parametrize("folder", ["events", "filters"])
def test_the_index_leads_to_every_page(pages, folder):
    """Once each."""
    lines = (pages / folder / "index.rst").read_text().splitlines()
    assert all(lines.count(f"   {entry.name}") == 1 for entry in _known(folder))


@pytest.mark.parametrize("name", ["RenderCustomResponse", "RedirectToPage", "RenderInvalidDashboard"])
def test_a_filters_page_names_its_exceptions(pages, name):
    """With a heading each."""
    assert f"``{name}``\n====" in (pages / "filters" / "DashboardRenderStarted.rst").read_text()


def test_nested_members_have_their_path(pages):
    """As an operator writes it in a condition."""
    assert "``enrollment.user.pii.email``" in (pages / "events" / "COURSE_ENROLLMENT_CREATED.rst").read_text()


@pytest.mark.parametrize(
    "text, expected",
    [
        ("plain", "plain"),
        ("``a_b*`` and a_b*", "``a_b*`` and a\\_b\\*"),
        ("`a_b` and **bold**", "``a_b`` and **bold**"),
        ("an odd ` and |x| and C:\\", "an odd \\` and \\|x\\| and C:\\\\"),
    ],
)
def test_texts_of_the_libraries_are_no_markup(text, expected):
    """But for literals and bold words."""
    assert generate_reference.escaped(text) == expected
