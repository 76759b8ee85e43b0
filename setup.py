"""Package metadata; the tools' settings are in pyproject.toml and tox.ini."""

import gzip
import io
import os
import re
import tarfile
from pathlib import Path

from setuptools import Command, find_packages, setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

ROOT = Path(__file__).parent
VERSION = re.search(r'^__version__ = "(.+)"$', (ROOT / "openedx_webhooks" / "__init__.py").read_text(), re.M)[1]


def load_requirements(name):
    """The requirements of a file in requirements/, without comments, options and includes."""
    lines = (line.split("#")[0].strip() for line in (ROOT / "requirements" / name).read_text().splitlines())
    return [line for line in lines if line and not line.startswith("-")]


def repository():
    """
    The address of the repository, without a slash at its end; empty if nobody knows it.

    GitHub tells its workflows; whoever builds from a source distribution has it from there.
    """
    if name := os.environ.get("GITHUB_REPOSITORY"):
        return f"{os.environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{name}"
    information = ROOT / "PKG-INFO"
    text = information.read_text() if information.exists() else ""
    found = re.search(r"^Project-URL: Repository, (\S+)$", text, re.M)
    return found[1] if found else ""


def long_description():
    """README and change log; on the index, their links and pictures lead to this version in the repository."""
    text = f"{(ROOT / 'README.rst').read_text()}\n\n{(ROOT / 'CHANGELOG.rst').read_text()}"
    if not repository():
        return text
    text = re.sub(
        r"<((?:docs/|LICENSE|README|SECURITY|catalog)[^<>\s]*)>`_", rf"<{repository()}/blob/v{VERSION}/\1>`_", text
    )
    text = re.sub(r"(?m)^( +:target: )((?:docs/|LICENSE)\S*)$", rf"\1{repository()}/blob/v{VERSION}/\2", text)
    return re.sub(r"(?m)^(\.\. image:: )(docs/\S+)$", rf"\1{repository()}/raw/v{VERSION}/\2", text)


def project_urls():
    """Where to find what, as far as it is known."""
    found = {
        "Open edX events": "https://docs.openedx.org/projects/openedx-events/",
        "Open edX filters": "https://docs.openedx.org/projects/openedx-filters/",
    }
    if root := repository():
        # The documentation in the repository; the events and filters in it are made when it is built.
        found |= {
            "Repository": root,
            "Documentation": f"{root}/blob/v{VERSION}/docs/index.rst",
            "Changelog": f"{root}/blob/v{VERSION}/CHANGELOG.rst",
            "Issues": f"{root}/issues",
        }
    return found


class SDist(sdist):
    """A source distribution that comes out the same each time: with one time for all files, and nobody's name."""

    def make_archive(self, *args, **kwargs):
        """Write it again, if ``SOURCE_DATE_EPOCH`` (https://reproducible-builds.org) says with which time."""
        name = super().make_archive(*args, **kwargs)
        if "SOURCE_DATE_EPOCH" in os.environ:
            _normalize(Path(name), int(os.environ["SOURCE_DATE_EPOCH"]))
        return name


def _normalize(archive, seconds):
    content = io.BytesIO()
    with tarfile.open(archive) as before, tarfile.open(fileobj=content, mode="w", format=tarfile.PAX_FORMAT) as after:
        for member in sorted(before.getmembers(), key=lambda member: member.name):
            member.mtime, member.uid, member.gid, member.uname, member.gname = seconds, 0, 0, "", ""
            member.mode, member.pax_headers = 0o755 if member.isdir() else 0o644, {}
            after.addfile(member, before.extractfile(member) if member.isfile() else None)
    with archive.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=seconds) as compressed:
        compressed.write(content.getvalue())


def compile_catalogs():
    """
    Compile the translations that changed; git holds their text only.

    The compiled ones lie beside their sources: there an editable installation, the demo and the tests find them, and a
    build takes them from.
    """
    import polib  # pylint: disable=import-outside-toplevel  # to tell name and version, nobody needs it

    for source in (ROOT / "openedx_webhooks" / "locale").glob("*/LC_MESSAGES/*.po"):
        compiled = source.with_suffix(".mo")
        if not compiled.exists() or compiled.stat().st_mtime <= source.stat().st_mtime:
            # In one step: somebody may read the old one at this moment.
            unfinished = source.with_suffix(f".{os.getpid()}.tmp")
            polib.pofile(str(source)).save_as_mofile(str(unfinished))
            unfinished.replace(compiled)


class BuildPy(build_py):
    """The step of each build and editable installation that takes the package's files."""

    def run(self):
        """Have the compiled catalogs among them."""
        compile_catalogs()
        super().run()


class CompileCatalogs(Command):
    """``python setup.py compile_catalogs``."""

    description = "compile the translations beside their sources"
    user_options = []

    def initialize_options(self):
        """There are no options."""

    finalize_options = initialize_options

    def run(self):
        """Compile."""
        compile_catalogs()


if __name__ == "__main__":
    setup(
        name="openedx-webhooks",
        version=VERSION,
        description="Webhooks and webfilters for the Open edX LMS and Studio: tell other systems what happened, ask "
        "them what may happen.",
        long_description=long_description(),
        long_description_content_type="text/x-rst",
        author="The openedx-webhooks contributors",
        license_expression="AGPL-3.0-only",
        license_files=["LICENSE"],
        keywords="Open edX, openedx, LMS, Studio, webhook, webhooks, events, filters, hooks, Django",
        project_urls=project_urls(),
        classifiers=[
            "Development Status :: 4 - Beta",
            "Environment :: Plugins",
            "Environment :: Web Environment",
            "Framework :: Django",
            "Framework :: Django :: 4.2",
            "Framework :: Django :: 5.2",
            "Framework :: Django :: 6.1",
            "Intended Audience :: Developers",
            "Intended Audience :: Education",
            "Intended Audience :: System Administrators",
            "Natural Language :: English",
            "Programming Language :: Python :: 3",
            "Programming Language :: Python :: 3 :: Only",
            "Programming Language :: Python :: 3.11",
            "Programming Language :: Python :: 3.12",
            "Programming Language :: Python :: 3.13",
            "Topic :: Education",
            "Typing :: Typed",
        ],
        cmdclass={"build_py": BuildPy, "compile_catalogs": CompileCatalogs, "sdist": SDist},
        packages=find_packages(include=["openedx_webhooks", "openedx_webhooks.*"]),
        package_data={"openedx_webhooks": ["templates/**/*", "static/**/*", "locale/**/*", "py.typed"]},
        install_requires=load_requirements("base.in"),
        extras_require={extra: load_requirements(f"{extra}.in") for extra in ("api", "metrics")},
        # Teak's Python; requirements/releases and tox.ini have what the tests run on.
        python_requires=">=3.11",
        entry_points={
            project: ["openedx_webhooks = openedx_webhooks.apps:OpenedxWebhooksConfig"]
            for project in ("lms.djangoapp", "cms.djangoapp")
        },
        zip_safe=False,
    )
