"""What receivers' developers look for leads to the contract: Sphinx's index of the page has it."""

import io
import json
import shutil
from pathlib import Path

import pytest

application = pytest.importorskip("sphinx.application")

PAGE = Path(__file__).resolve().parents[2] / "docs" / "references" / "receivers.rst"


@pytest.fixture(scope="module", name="terms")
def index_of_the_contract(tmp_path_factory):
    """Stem of a word, or an entry of the index such as a number → where it is."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    shutil.copy(PAGE, source / "index.rst")
    # Its links lead to pages that are not built here.
    application.Sphinx(
        source, None, built, built / "doctrees", "html", {"html_theme": "basic"}, status=None, warning=io.StringIO()
    ).build()
    text = (built / "searchindex.js").read_text()
    found = json.loads(text.partition("(")[2].rpartition(")")[0])
    return {**found["terms"], **found["titleterms"], **found["indexentries"]}


@pytest.mark.parametrize("stems", [["429"], ["410"], ["idempot"], ["rate", "limit"], ["duplic"], ["retri"], ["order"]])
def test_the_contract_is_found_by(terms, stems):
    assert [stem for stem in stems if stem not in terms] == []
