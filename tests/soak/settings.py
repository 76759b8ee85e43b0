"""The mini LMS on the servers that the run started: with hooks or, in another database, without."""

import os

from tests.chaos.settings import *  # noqa: F403  pylint: disable=wildcard-import,unused-wildcard-import

DATABASES["default"]["NAME"] = os.environ["SOAK_DATABASE"]  # noqa: F405
CACHES["default"]["KEY_PREFIX"] = os.environ["SOAK_DATABASE"]  # noqa: F405
ROOT_URLCONF = "tests.soak.urls"
# What is measured is hooks, not hashing.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
