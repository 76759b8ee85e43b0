"""What an operator installs: the wheel, and what the platform finds in it."""

import gettext
import os
import re
import runpy
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_bytes
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import openedx_webhooks

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "openedx_webhooks"
RELEASES = sorted(path.stem for path in (ROOT / "requirements" / "releases").glob("*.txt"))
PYTHONS = {"3.11", "3.12", "3.13"}

FIND_APPS = """
import sys
import openedx_webhooks
from edx_django_utils.plugins import get_plugin_apps
assert openedx_webhooks.__file__.startswith(sys.argv[1]), openedx_webhooks.__file__
print(",".join(get_plugin_apps(sys.argv[2])))
"""

LOAD = """
import sys, django
from django.conf import settings
from edx_django_utils.plugins import add_plugins, get_plugin_apps
project = sys.argv[2]
settings.configure(
    SECRET_KEY="x",
    USE_TZ=True,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=["django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes",
                    "django.contrib.sessions", "django.contrib.messages", *get_plugin_apps(project)],
)
django.setup()
from django.core.management import call_command
import openedx_webhooks
from openedx_webhooks.models import Webhook
assert openedx_webhooks.__file__.startswith(sys.argv[1]), openedx_webhooks.__file__
call_command("migrate", verbosity=0)
print(Webhook.objects.count())
"""


BUILD = "import sys; from setuptools import build_meta; getattr(build_meta, 'build_' + sys.argv[1])(sys.argv[2])"


def _checkout(directory, with_tests=False):
    """A copy of the sources, so that nothing an earlier build left in the checkout can slip in."""
    for path in _tracked_or_new(with_tests):
        target = directory / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    return directory


def _wheel_of(source, out):
    # No isolation: the build backend is in this environment, and a test must not need the network.
    _python("-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(out), str(source))
    [wheel] = out.glob("*.whl")
    return wheel


@pytest.fixture(scope="module", name="wheel")
def build_wheel(tmp_path_factory):
    """The wheel of the checkout."""
    return _wheel_of(_checkout(tmp_path_factory.mktemp("source")), tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module", name="installed")
def install(wheel, tmp_path_factory):
    """A directory that the wheel was installed into."""
    target = tmp_path_factory.mktemp("installed")
    _python("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target), str(wheel))
    return target


def _tracked_or_new(with_tests=False):
    """The files of the checkout that git doesn't ignore and that a build reads."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    paths = [ROOT / name for name in listed.split("\0") if name]
    return [path for path in paths if path.is_file() and (with_tests or "tests" not in path.relative_to(ROOT).parts)]


def _python(*arguments, path=None, cwd=None):
    environment = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
    environment["PYTHONWARNINGS"] = "ignore"
    if path:
        environment["PYTHONPATH"] = str(path)
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=cwd, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("project", ["lms.djangoapp", "cms.djangoapp"])
def test_platform_finds_the_installed_wheel_by_its_entry_point(installed, project, tmp_path):
    found = _python("-c", FIND_APPS, str(installed), project, path=installed, cwd=tmp_path)
    assert found == "openedx_webhooks.apps.OpenedxWebhooksConfig"


def test_another_project_type_does_not_find_it(installed, tmp_path):
    assert _python("-c", FIND_APPS, str(installed), "other.djangoapp", path=installed, cwd=tmp_path) == ""


def test_installed_wheel_migrates_an_empty_database(installed, tmp_path):
    assert _python("-c", LOAD, str(installed), "lms.djangoapp", path=installed, cwd=tmp_path) == "0"


def test_wheel_has_every_file_of_the_package_and_nothing_else(wheel):
    """Templates, static files, migrations, catalogs and what is compiled of them; tests, demo and docs not."""
    sources = {path for path in _tracked_or_new() if path.is_relative_to(PACKAGE) and path.name != ".gitkeep"}
    compiled = {path.with_suffix(".mo") for path in sources if path.suffix == ".po"}
    assert not sources & compiled, "git holds no compiled catalog: two branches would conflict in it"
    assert _files(wheel) == {str(path.relative_to(ROOT)) for path in sources | compiled}


def test_wheel_of_the_source_distribution_has_the_same_files(wheel, tmp_path):
    """Its catalogs are compiled anew: the source distribution has none, even if there were some in the checkout."""
    source, out = _checkout(tmp_path / "source"), tmp_path / "out"
    (source / "openedx_webhooks" / "locale" / "es" / "LC_MESSAGES" / "django.mo").write_bytes(b"stale")
    _python("-c", BUILD, "sdist", str(out), cwd=source)
    [sdist] = out.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        assert not [name for name in archive.getnames() if name.endswith(".mo")]
    assert _files(_wheel_of(sdist, tmp_path)) == _files(wheel)


@pytest.fixture(scope="module", name="sdists")
def build_sdists(tmp_path_factory):
    """Two of the same commit, as the release workflow builds it, from checkouts of different times."""
    archives = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", "1790000000")
        patch.setenv("GITHUB_REPOSITORY", "example/hooks")
        patch.setenv("GITHUB_SERVER_URL", "https://github.example")
        for stamp in (1_600_000_000, 1_700_000_000):
            source = _checkout(tmp_path_factory.mktemp("source"), with_tests=True)
            for path in source.rglob("*"):
                os.utime(path, (stamp, stamp))
            out = tmp_path_factory.mktemp("dist")
            _python("-c", BUILD, "sdist", str(out), cwd=source)
            archives.append(next(out.glob("*.tar.gz")))
    return archives


def test_source_distributions_of_one_commit_are_equal(sdists):
    """Whenever and by whomever they are built: nothing of the clock and of the machine is in them."""
    one, two = sdists
    assert one.read_bytes() == two.read_bytes()


def test_source_distribution_has_no_half_of_the_tests(sdists):
    """They need the demo, too: setuptools would take the files whose names begin with test, and nothing they import."""
    with tarfile.open(sdists[0]) as archive:
        assert not [name for name in archive.getnames() if "/tests" in name]


def test_links_and_pictures_of_readme_and_change_log_work_on_the_index(sdists, tmp_path):
    """They are relative in the repository. Whoever builds a wheel of the source distribution has them, too."""
    with tarfile.open(sdists[0]) as archive:
        # Releases of Python 3.11 before 3.11.4 have no filters.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(tmp_path)
    [source] = tmp_path.iterdir()
    root = "https://github.example/example/hooks"
    assert f"\nProject-URL: Repository, {root}\n" in (source / "PKG-INFO").read_text()
    setup = runpy.run_path(str(source / "setup.py"))
    assert setup["repository"]() == root
    text = setup["long_description"]()
    assert f".. image:: {root}/raw/v{openedx_webhooks.__version__}/docs/images/desk.png" in text
    links = re.findall(r"<([^<>\s]+)>`_|:target: (\S+)|image:: (\S+)", text)
    assert len(links) > 20
    assert [link for link in links if not "".join(link).startswith("https://")] == []


@pytest.mark.parametrize("path", sorted((ROOT / ".github" / "workflows").glob("*.yml")), ids=lambda path: path.name)
def test_workflows_run_what_was_looked_at_and_may_do_little(path):
    """Actions by their hash, no token that can write unless a job says what for, no credentials left in a checkout."""
    text = path.read_text()
    used = re.findall(r"uses: (\S+)", text)
    # The organization changes its own workflows for all its repositories at once.
    assert [each for each in used if not re.search(r"@[0-9a-f]{40}$", each) and not each.startswith("openedx/")] == []
    assert re.search(r"^permissions:( \{\}|\n  contents: read)$", text, re.M)
    writes = re.findall(r"^ +[\w-]+: write(.*)$", text, re.M)
    assert path.name in ("release.yml", "upgrade-requirements.yml") or writes == []
    assert text.count("actions/checkout@") == text.count("persist-credentials:")


def test_installed_wheel_is_translated(installed):
    with (installed / "openedx_webhooks/locale/es/LC_MESSAGES/django.mo").open("rb") as file:
        assert gettext.GNUTranslations(file).gettext("Send test") == "Enviar prueba"


def test_an_editable_installation_is_translated(tmp_path):
    """Also after a text changed and it is installed again."""
    source = _checkout(tmp_path / "source")
    catalog = source / "openedx_webhooks/locale/es/LC_MESSAGES/django.po"
    for word in ("Enviar prueba", "Probar"):
        catalog.write_text(catalog.read_text().replace("Enviar prueba", word))
        _python("-c", BUILD, "editable", str(tmp_path), cwd=source)
        with catalog.with_suffix(".mo").open("rb") as file:
            assert gettext.GNUTranslations(file).gettext("Send test") == word


def _files(wheel):
    """The names of what a wheel installs, but for its metadata."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def _requirements(name="base.in"):
    lines = (line.split("#")[0].strip() for line in (ROOT / "requirements" / name).read_text().splitlines())
    return {line for line in lines if line and not line.startswith("-")}


def test_metadata_asks_for_what_base_in_names_and_for_nothing_more_without_an_extra(wheel):
    asked = map(Requirement, _metadata(wheel).get_all("Requires-Dist"))
    by_marker = {extra: {str(one).partition(";")[0] for one in ones} for extra, ones in _by_extra(asked).items()}
    extras = {f'extra == "{name}"': _requirements(f"{name}.in") for name in ("api", "metrics")}
    assert by_marker == {"": _requirements(), **extras}


def _by_extra(requirements):
    found = {}
    for one in requirements:
        found.setdefault(str(one.marker or ""), []).append(one)
    return found


def _pins(release):
    lines = (ROOT / "requirements" / "releases" / f"{release}.txt").read_text().splitlines()
    return dict(line.lower().split("==") for line in lines if not line.startswith("#"))


def test_no_requirement_is_newer_than_what_is_tested_or_has_an_upper_limit():
    """The oldest is Teak's; the newest is whatever the platform runs."""
    pins = _pins("teak")
    for line in _requirements():
        name, _, oldest = line.partition(">=")
        assert oldest == pins[name.lower()], line


def test_the_newest_of_everything_has_no_upper_limit():
    """What tox and the weekly workflow install for it: a limit in an included file kept Django 6 away once."""
    names = ["test-tools.in"]
    for name in names:
        text = (ROOT / "requirements" / name).read_text()
        names += re.findall(r"(?m)^-r (\S+)", text)
        limits = [line for line in text.splitlines() if re.search(r"^-c|^[^#]*(<|==|~=)", line)]
        assert limits == [], name
    assert len(names) > 1


@pytest.mark.parametrize("release", RELEASES)
def test_with_the_pins_of_a_release_pip_changes_nothing(release):
    """All that the plugin needs is there, in a version that will do."""
    pins = _pins(release)
    for requirement in map(Requirement, _requirements()):
        assert requirement.specifier.contains(pins[requirement.name.lower()]), requirement


def test_pip_installs_nothing_but_the_plugin_where_the_tests_run(wheel):
    """tox runs this with the libraries of each release."""
    for requirement in map(Requirement, _metadata(wheel).get_all("Requires-Dist")):
        assert requirement.specifier.contains(version(requirement.name)), requirement


def test_metadata_shows_version_license_and_readme(wheel):
    metadata = _metadata(wheel)
    assert metadata["Version"] == openedx_webhooks.__version__
    assert metadata["License-Expression"] == "AGPL-3.0-only"
    assert metadata.get_payload().startswith((ROOT / "README.rst").read_text().splitlines()[0])


def _metadata(wheel):
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return message_from_bytes(archive.read(name))


def test_changelog_has_an_entry_for_this_version():
    assert f"\n{openedx_webhooks.__version__} – " in (ROOT / "CHANGELOG.rst").read_text()


def test_compiled_requirements_name_no_place_to_install_from():
    """An index, a path or a link of the machine they were compiled on would break every other machine."""
    for path in (ROOT / "requirements").glob("*.txt"):
        for line in path.read_text().splitlines():
            assert not line.startswith("--"), f"{path.name}: {line}"
            assert "://" not in line, f"{path.name}: {line}"
            assert " @ " not in line, f"{path.name}: {line}"


def test_demo_and_validate_need_no_compiler():
    """mysqlclient is the one requirement without wheels; only services.txt may have it."""
    with_mysqlclient = [
        path.name for path in (ROOT / "requirements").glob("*.txt") if "\nmysqlclient==" in path.read_text()
    ]
    assert with_mysqlclient == ["services.txt"]


def test_make_help_explains_every_target():
    makefile = (ROOT / "Makefile").read_text()
    phony = makefile.split(".PHONY:", 1)[1].replace("\\\n", " ").split("\n", 1)[0].split()
    shown = subprocess.run(["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    explained = {line.split()[0] for line in shown.splitlines() if line.startswith("  ")}
    assert explained == set(phony)


@pytest.mark.parametrize("venv, python", [(".no-venv", "../.no-venv/bin/python"), ("/no/venv", "/no/venv/bin/python")])
def test_translations_are_extracted_wherever_the_environment_is(venv, python):
    command = ["make", "--dry-run", f"VENV={venv}", "extract_translations"]
    shown = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert f"\ncd openedx_webhooks && {python} ../manage.py makemessages " in shown


def test_make_quality_runs_every_tool_and_names_those_that_failed(tmp_path):
    """In an environment whose tools all fail."""
    environment = tmp_path / "venv"
    (environment / "bin").mkdir(parents=True)
    for name in ("python", "ruff", "mypy", "pylint", "lint-imports"):
        (environment / "bin" / name).write_text(f"#!/bin/sh\necho {name} $@ complains; exit {name != 'ruff':d}\n")
        (environment / "bin" / name).chmod(0o755)
    for stamp in (".base", ".dev"):
        (environment / stamp).touch()
    done = subprocess.run(
        ["make", f"VENV={environment}", "quality"], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.returncode != 0
    for tool in (
        "ruff check",
        "ruff format --check",
        "mypy",
        "pylint openedx_webhooks",
        "pylint tests",
        "lint-imports",
    ):
        assert f"{tool} " in done.stdout
    assert "make quality: failed: django layers migrations pylint pylint-tests types\n" in done.stderr


def test_make_says_what_to_install_if_python_is_missing(tmp_path):
    done = subprocess.run(
        ["make", "PYTHON=no-such-python", f"VENV={tmp_path / 'venv'}", "test"],
        cwd=ROOT, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode != 0
    assert "needs Python 3.11, 3.12 or 3.13" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_tools_agree_on_the_versions_of_python():
    """setup.py, ruff, tox, the workflow and the Makefile name the same ones."""
    ruff = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["target-version"]
    setup, makefile = (ROOT / "setup.py").read_text(), (ROOT / "Makefile").read_text()
    assert ruff == "py311"
    assert 'python_requires=">=3.11"' in setup
    assert "(3, 11) <= sys.version_info[:2] <= (3, 13)" in makefile
    named = set(re.findall(r'"Programming Language :: Python :: (3\.\d+)"', setup))
    tested = set(re.findall(r'python: "(.+)" }', (ROOT / ".github" / "workflows" / "ci.yml").read_text()))
    assert named == tested == PYTHONS


def test_each_release_is_tested_by_tox_and_the_workflow():
    tox, workflow = (ROOT / "tox.ini").read_text(), (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    for release in RELEASES:
        assert f"    {release}: -c {{toxinidir}}/requirements/releases/{release}.txt\n" in tox
        assert f"cell: {release}, python:" in workflow


@pytest.mark.parametrize("release", RELEASES)
def test_the_documentation_names_the_versions_of_each_release(release):
    page, pins = (ROOT / "docs" / "references" / "releases.rst").read_text(), _pins(release)
    row = [pins[name] for name in ("django", "openedx-events", "openedx-filters")] + [f"``{release}``"]
    assert "\n     - ".join(["", *row]) in page
