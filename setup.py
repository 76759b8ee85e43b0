"""Package metadata; tool settings are in tox.ini, setup.cfg and pyproject.toml."""
import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent


def load_requirements(name):
    """The requirements of a file in requirements/, without comments, options and includes."""
    lines = (line.split("#")[0].strip() for line in (ROOT / "requirements" / name).read_text().splitlines())
    return [line for line in lines if line and not line.startswith("-")]


VERSION = re.search(r'^__version__ = "(.+)"$', (ROOT / "openedx_webhooks" / "__init__.py").read_text(), re.M)[1]

setup(
    name="openedx-webhooks",
    version=VERSION,
    packages=find_packages(include=["openedx_webhooks", "openedx_webhooks.*"]),
    include_package_data=True,
    install_requires=load_requirements("base.in"),
    python_requires=">=3.11",
    entry_points={
        project: ["openedx_webhooks = openedx_webhooks.apps:OpenedxWebhooksConfig"]
        for project in ("lms.djangoapp", "cms.djangoapp")
    },
)
