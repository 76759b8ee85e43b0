"""Package metadata; the tools' settings are in pyproject.toml and tox.ini."""

import os
import re
from pathlib import Path

from setuptools import Command, find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
VERSION = re.search(r'^__version__ = "(.+)"$', (ROOT / "openedx_webhooks" / "__init__.py").read_text(), re.M)[1]


def load_requirements(name):
    """The requirements of a file in requirements/, without comments, options and includes."""
    lines = (line.split("#")[0].strip() for line in (ROOT / "requirements" / name).read_text().splitlines())
    return [line for line in lines if line and not line.startswith("-")]


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
        long_description=f"{(ROOT / 'README.rst').read_text()}\n\n{(ROOT / 'CHANGELOG.rst').read_text()}",
        long_description_content_type="text/x-rst",
        author="The openedx-webhooks contributors",
        license_expression="AGPL-3.0-only",
        license_files=["LICENSE"],
        keywords="Open edX, openedx, LMS, Studio, webhook, webhooks, events, filters, hooks, Django",
        project_urls={
            "Open edX events": "https://docs.openedx.org/projects/openedx-events/",
            "Open edX filters": "https://docs.openedx.org/projects/openedx-filters/",
        },
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
        ],
        cmdclass={"build_py": BuildPy, "compile_catalogs": CompileCatalogs},
        packages=find_packages(include=["openedx_webhooks", "openedx_webhooks.*"]),
        package_data={"openedx_webhooks": ["templates/**/*", "static/**/*", "locale/**/*"]},
        install_requires=load_requirements("base.in"),
        extras_require={"api": load_requirements("api.in")},
        # Teak's Python; requirements/releases and tox.ini have what the tests run on.
        python_requires=">=3.11",
        entry_points={
            project: ["openedx_webhooks = openedx_webhooks.apps:OpenedxWebhooksConfig"]
            for project in ("lms.djangoapp", "cms.djangoapp")
        },
        zip_safe=False,
    )
