"""What the documentation says is true: its receivers run, its references are complete."""

import itertools
import re
import runpy
import tomllib
from pathlib import Path

import pytest

from openedx_webhooks import __version__, catalog, skips
from openedx_webhooks.models import Call, Delivery, Webfilter
from openedx_webhooks.payloads import shape
from openedx_webhooks.payloads.samples import sample_payload
from openedx_webhooks.transport.client import Outcome

ROOT = Path(__file__).resolve().parent.parent


def test_settings_reference_is_current():
    """If this fails: make references."""
    generator = runpy.run_path(str(ROOT / "docs" / "references" / "generate_settings.py"))
    expected = generator["render"](generator["SOURCE"].read_text())
    assert generator["TARGET"].read_text() == expected, "make references"


def test_every_system_check_is_documented():
    code = {id_ for path in (ROOT / "openedx_webhooks").rglob("*.py") for id_ in _check_ids(path)}
    assert code == _check_ids(ROOT / "docs" / "references" / "checks.rst")


def _check_ids(path):
    return set(re.findall(r"openedx_webhooks\.[WEI]\d{3}", path.read_text()))


# Built pages come with copies of their sources.
_OF_DOCS = [path for path in (ROOT / "docs").rglob("*.rst") if "_build" not in path.parts]
PAGES = [ROOT / "README.rst", ROOT / "CHANGELOG.rst", *_OF_DOCS]


def test_readme_and_docs_link_to_files_that_exist():
    """Pictures and where they lead, too."""
    for path in PAGES:
        text = path.read_text()
        targets = re.findall(r"<((?!\w+:|#)[^<>\s]+)>`_", text)
        targets += re.findall(r"(?m)^ *(?:\.\. \S+ )?(?:\.\. (?:image|figure)::|:target:) ((?!\w+:)\S+)$", text)
        for target in targets:
            assert (path.parent / target.split("#")[0]).exists(), f"{path.name}: {target}"


def test_the_address_of_the_repository_is_the_same_everywhere():
    """Nobody knows it yet: each place has the same word for it, and the version that is built."""
    guides = [*PAGES, *(ROOT / "tutor").rglob("*.rst"), *(ROOT / "tutor").rglob("*.md"), ROOT / "catalog-info.yaml"]
    found = [found for path in guides for found in re.findall(r"git\+[^\s\"'`]+", path.read_text())]
    assert len(found) > 3 and set(found) == {f"git+https://ADDRESS/openedx-webhooks@v{__version__}"}
    pages = "\n".join(path.read_text() for path in guides)
    links = set(re.findall(r"https?://([\w.-]+)/\S*openedx-webhooks", pages))
    assert links <= {"ADDRESS", "pypi.org"}
    tutor = (ROOT / "docs" / "quickstarts" / "tutor.rst").read_text()
    assert "``ADDRESS`` is where the repository lies" in tutor, "where the word is explained"


def test_nobody_is_told_to_install_by_the_bare_name():
    """On the index, and so for pip, it is the published plugin."""
    named = re.compile(r"(?<![/\w-])openedx[-_]webhooks(?![-\w/@.])")
    told = [*PAGES, *(ROOT / "tutor").rglob("*.rst"), *(ROOT / "openedx_webhooks").rglob("*.py")]
    lines = [line for path in told for line in path.read_text().splitlines()]
    installing = [line for line in lines if re.search("pip install|PIP_REQUIREMENT", line) and "--remove" not in line]
    assert len(installing) > 10
    assert [line for line in installing if named.search(line.partition(" #")[0])] == []


def test_the_map_names_what_is_there():
    text = (ROOT / "docs" / "concepts" / "map.rst").read_text()
    names = set(re.findall(r"``([\w/]+(?:/|\.py))``", text))
    assert len(names) > 40
    assert [name for name in names if not any((at / name).exists() for at in (ROOT / "openedx_webhooks", ROOT))] == []


def test_the_picture_of_the_layers_is_the_contract():
    """Those of one layer in any order."""
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    names = iter(", ".join(_texts("layers.svg", "n")).split(", "))
    drawn = [sorted(itertools.islice(names, len(layer))) for layer in map(_modules, contract["layers"])]
    assert (drawn, list(names)) == ([sorted(_modules(layer)) for layer in contract["layers"]], [])


def test_the_picture_of_the_states_has_each():
    assert sorted(_texts("states.svg", "(?:m )?h")) == sorted(str(label) for label in Delivery.State.labels)


def _modules(layer):
    return re.split(" [:|] ", layer)


def _texts(picture, kind):
    return re.findall(rf'<text class="{kind}"[^>]*>([^<]+)<', (ROOT / "docs" / "concepts" / picture).read_text())


def test_every_folder_of_the_package_is_in_the_list_of_modules(tmp_path):
    """With what each module says about itself."""
    runpy.run_path(str(ROOT / "docs" / "references" / "generate_map.py"))["main"](tmp_path)
    text = (tmp_path / "modules.rst").read_text()
    folders = {path.parent for path in (ROOT / "openedx_webhooks").rglob("*.py")}
    assert set(re.findall(r"^(openedx_webhooks/.*)$", text, re.M)) == {f"{path.relative_to(ROOT)}/" for path in folders}
    assert "   * - ``capture.py``\n     - From an event to the rows" in text
    assert "(nothing)" not in text, "a module without a docstring"


def test_the_glossary_has_every_word_that_is_stored_or_shown():
    """States, results, modes, kinds of error, reasons."""
    text = (ROOT / "docs" / "references" / "glossary.rst").read_text()
    words = {*Delivery.State.values, *Call.Result.values, *Webfilter.Mode.values, *skips.Reason.values}
    words |= set(re.findall(r"``(\w+)``", Outcome.__doc__))
    words -= {"status_code", "is_accepted"}
    assert [word for word in sorted(words) if word not in re.findall(r"\w+", text)] == []


def test_every_management_command_is_documented():
    commands = {path.stem for path in (ROOT / "openedx_webhooks/management/commands").glob("webhooks_*.py")}
    text = (ROOT / "docs" / "references" / "commands.rst").read_text()
    assert set(re.findall(r"^``(\w+)``$", text, re.M)) == commands


def _expressions():
    """The examples of conditions and shapes, from every page that has some."""
    found = []
    for page in ("how-tos/conditions_and_shapes", "references/payload"):
        text = (ROOT / "docs" / f"{page}.rst").read_text(encoding="utf-8")
        found += re.findall(r"\.\. code-block:: text\n\n    (.+)\n", text)
    return found


@pytest.mark.parametrize("text", _expressions())
def test_an_expression_of_the_pages_has_a_result_on_a_sample(text):
    """Compiled as the admin does, on the sample payload of some event or filter."""
    expression = shape.compile_expression(text)
    payloads = (sample_payload(entry) for entry in (*catalog.events().values(), *catalog.filters().values()))
    assert any(_result(expression, payload) for payload in payloads)


def _result(expression, payload):
    try:
        return shape.evaluate(expression, payload)
    except shape.ExpressionError:
        return None


def test_each_rule_of_the_threat_model_has_a_proof_that_exists():
    """Three columns: rule, attack, and tests by their file and name."""
    text = (ROOT / "docs" / "concepts" / "threat-model.rst").read_text()
    table = text.partition("and its proof\n")[2].partition("\nAddresses\n")[0]
    rules = table.split("\n   * - ")[2:]
    assert len(rules) > 30
    for rule in rules:
        proofs = re.findall(r"``([\w/]+\.py)::(test_\w+)``", rule.rpartition("\n     - ")[2])
        assert proofs, rule
        for file, name in proofs:
            assert f"def {name}(" in (ROOT / "tests" / file).read_text(), (file, name)
