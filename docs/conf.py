"""Sphinx's settings; `make docs` builds with warnings as errors and without the network."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

project = "openedx-webhooks"
author = "The openedx-webhooks contributors"
project_copyright = "The openedx-webhooks contributors, AGPL-3.0"
release = re.search(r'^__version__ = "(.+)"$', (ROOT / "openedx_webhooks" / "__init__.py").read_text(), re.M)[1]
version = release

exclude_patterns = ["_build"]
# What make linkcheck doesn't try: made-up addresses of examples, and pages that refuse robots.
linkcheck_ignore = [
    r"https?://([\w.-]+\.)?example\.(com|org)",
    r"https?://(127\.0\.0\.1|localhost)",
    # The word for where the repository lies.
    r"https?://ADDRESS\b",
    r"https://openedx\.org/slack",
]
html_theme = "sphinx_book_theme"
html_title = f"openedx-webhooks {release}"
html_static_path = ["_static"]
html_css_files = ["narrow.css"]
html_show_sourcelink = False
# Nothing of a page may depend on a server of somebody else.
# One search box: the theme has another above the page.
html_theme_options = {"show_toc_level": 2, "navbar_persistent": []}


def setup(app):
    """Write the pages of events and filters, which follow from the installed libraries, and that of our modules."""
    sys.path.insert(0, str(ROOT / "docs" / "references"))
    import generate_map
    import generate_reference

    app.connect("config-inited", lambda app, config: generate_reference.main())
    app.connect("config-inited", lambda app, config: generate_map.main())
