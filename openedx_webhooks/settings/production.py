"""
Settings for production.

The platform's YAML file is read between the common and the production settings and replaces
``OPEN_EDX_FILTERS_CONFIG`` as a whole if it names it, so the filters are wired again.
"""

from .common import plugin_settings  # noqa: F401  pylint: disable=unused-import
