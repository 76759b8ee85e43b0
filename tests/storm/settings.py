"""Settings of the mini LMS in a storm: a database file, and a cache that its processes share."""

import json
import os

from demo.minilms.settings import *  # noqa: F403  pylint: disable=wildcard-import,unused-wildcard-import

DATABASES["default"] |= {  # noqa: F405
    # SQLite has one lock for the whole file. A view in a transaction would hold it while it waits for the endpoint, and
    # so stop the other process: a misery that MySQL and PostgreSQL don't have, and that would flatter the breaker.
    "ATOMIC_REQUESTS": False
}
CACHES = {
    "default": (
        {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": os.environ["STORM_REDIS"]}
        if os.environ.get("STORM_REDIS")
        else {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": VAR_DIR / "cache"}  # noqa: F405
    )
}
# What is measured is waiting, not hashing.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
OPENEDX_WEBHOOKS = json.loads(os.environ.get("STORM_SETTINGS", "{}"))
