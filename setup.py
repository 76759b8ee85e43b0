"""Package metadata; the tools' settings are in pyproject.toml and tox.ini."""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
VERSION = re.search(r'^__version__ = "(.+)"$', (ROOT / "openedx_webhooks" / "__init__.py").read_text(), re.M)[1]


def load_requirements(name):
    """The requirements of a file in requirements/, without comments, options and includes."""
    lines = (line.split("#")[0].strip() for line in (ROOT / "requirements" / name).read_text().splitlines())
    return [line for line in lines if line and not line.startswith("-")]


setup(
    name="openedx-webhooks",
    version=VERSION,
    description="Webhooks and webfilters for the Open edX LMS and Studio: tell other systems what happened, ask them "
    "what may happen.",
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
        "Framework :: Django :: 5.2",
        "Intended Audience :: Developers",
        "Intended Audience :: Education",
        "Intended Audience :: System Administrators",
        "Natural Language :: English",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.12",
        "Topic :: Education",
    ],
    packages=find_packages(include=["openedx_webhooks", "openedx_webhooks.*"]),
    package_data={"openedx_webhooks": ["templates/**/*", "static/**/*", "locale/**/*"]},
    install_requires=load_requirements("base.in"),
    # Verawood's Python, and what the tests run on.
    python_requires=">=3.12",
    entry_points={
        project: ["openedx_webhooks = openedx_webhooks.apps:OpenedxWebhooksConfig"]
        for project in ("lms.djangoapp", "cms.djangoapp")
    },
    zip_safe=False,
)
