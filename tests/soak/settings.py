"""The mini LMS of a soak: it tells which events a request sent, and has what the demo has no page for."""

from tests.live.settings import *  # noqa: F403  pylint: disable=wildcard-import,unused-wildcard-import

ROOT_URLCONF = "tests.soak.urls"
MIDDLEWARE = ["tests.soak.told.TellEvents", *MIDDLEWARE]  # noqa: F405
