"""Settings for test runs of the platform: the same as everywhere."""

from .common import plugin_settings  # noqa: F401  pylint: disable=unused-import
