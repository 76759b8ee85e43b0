"""
Other plugins that the tests run beside ours: their real code, from a folder of its own.

They are installed there without what they need (``make`` does it: requirements/plugins.txt), for in the environment of
the tests they would be loaded like any plugin.
"""

import importlib
import sys
from pathlib import Path

import pytest

FOLDER = Path(sys.prefix) / "plugins"
needed = pytest.mark.skipif(not FOLDER.is_dir(), reason="Other plugins are not installed: make test does it")


def module(name):
    """Import a module of another plugin; nothing else finds the folder."""
    sys.path.append(str(FOLDER))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(FOLDER))
