"""The generated pages of the reference."""

import importlib.util
from pathlib import Path

import pytest

from openedx_webhooks import catalog, platform_facts

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


def _text(path):
    """A page as one line, for what it says is wrapped."""
    return " ".join(path.read_text().split())


@pytest.mark.parametrize("known", catalog.filters().values(), ids=lambda known: known.name)
def test_a_filters_page_offers_no_argument_that_the_platform_does_not_read(pages, known):
    """Beside "nobody can be sent to a URL", a ``redirect_to`` would be a contradiction."""
    page = (pages / "filters" / f"{known.name}.rst").read_text()
    for name, facts in platform_facts.facts_of(known.filter_type).exceptions.items():
        part = page.partition(f"``{name}``\n====")[2].partition("\n``")[0]
        rows = {line.strip(" *-`") for line in part.splitlines() if line.startswith("   * - ``")}
        assert rows & {"redirect_to", "status_code", "error_code"} <= facts.reads
        assert str(facts.message.label) in part


@pytest.mark.parametrize(
    "folder, name, says",
    [
        ("filters", "AccountSettingsRenderStarted", "Nothing in the platform runs it today"),
        ("filters", "StudentLoginRequested", "before the password is checked"),
        ("filters", "StudentLoginRequested", "the page does not go to a URL"),
        ("filters", "StudentRegistrationRequested", "does not read ``redirect_to``"),
        ("filters", "RenderXBlockStarted", "a URL becomes a link"),
        ("filters", "CourseAboutRenderStarted", "served to others, too"),
        ("filters", "CohortAssignmentRequested", "error page (HTTP 500)"),
        ("filters", "VerticalBlockRenderCompleted", "the answers to its problems"),
        ("events", "COURSE_CERTIFICATE_CONFIG_CHANGED", "Nothing in the platform sends it today"),
        ("events", "PERSISTENT_GRADE_SUMMARY_CHANGED", "whether anything changed or not"),
        ("events", "CERTIFICATE_CHANGED", "another time than that of the event"),
        ("events", "COURSE_ENROLLMENT_CREATED", "Modes are audit, honor, verified"),
        ("events", "CERTIFICATE_CREATED", "notpassing, unverified (no valid verification"),
        ("events", "COURSE_ACCESS_ROLE_ADDED", "Such as staff, instructor"),
        ("filters", "CertificateCreationRequested", "batch: the platform did"),
        ("filters", "StudentLoginRequested", "texts for account-locked-out"),
    ],
)
def test_a_page_says_what_the_platform_does_where_the_library_does_not(pages, folder, name, says):
    assert says in _text(pages / folder / f"{name}.rst")


@pytest.mark.parametrize("folder", ["events", "filters"])
def test_every_member_of_every_page_has_a_meaning_that_ends(pages, folder):
    """A library's example, on lines of its own, is none: what leads to it would stand there alone."""
    for entry in _known(folder):
        sent = (pages / folder / f"{entry.name}.rst").read_text().split("``event_metadata`` is the same")[0]
        rows = sent.split("     - Meaning\n", 1)[1].split("\n   * - ")
        last = [" ".join(row.rsplit("\n     -", 1)[1].split()) for row in rows if "\n     -" in row]
        assert [text for text in last if not text or text.endswith(("e.g.:", "For example:", ","))] == [], entry.name


def test_the_table_of_what_learners_see_has_every_exception_of_every_filter_that_runs(pages):
    rows = [row for known in catalog.filters().values() for row in generate_reference.learner_rows(known)]
    expected = {
        (f":doc:`filters/{known.name}`", f"``{name}``")
        for known in catalog.filters().values()
        for name in known.exceptions
        if platform_facts.facts_of(known.filter_type).runs
    }
    assert expected == {row[:1] + row[2:3] for row in rows if row[2]}
    page = _text(pages / "what_learners_see.rst")
    assert all(page.count(f":doc:`filters/{known.name}`") for known in catalog.filters().values())
