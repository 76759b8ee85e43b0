"""
Settings for the tests: the demo's, on a database of their own.

``TEST_DATABASE_URL`` chooses another database than SQLite: ``mysql://user:password@host:port/name`` or
``postgresql://…``; the tests make ``test_<name>`` on that server and drop it again.
"""

import os
from urllib.parse import urlsplit

from demo.minilms.settings import *  # noqa: F403  pylint: disable=wildcard-import,unused-wildcard-import

_url = urlsplit(os.environ.get("TEST_DATABASE_URL", ""))
if _url.scheme:
    DATABASES = {
        "default": {
            "ENGINE": f"django.db.backends.{_url.scheme}",
            "NAME": _url.path.lstrip("/"),
            "USER": _url.username or "",
            "PASSWORD": _url.password or "",
            "HOST": _url.hostname or "",
            "PORT": str(_url.port or ""),
            "ATOMIC_REQUESTS": True,
            "OPTIONS": {"charset": "utf8mb4"} if _url.scheme == "mysql" else {},
        }
    }
else:
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:", "ATOMIC_REQUESTS": True}}

# Tests that run at the same time share no cache.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
# The plugin as it comes.
OPENEDX_WEBHOOKS = {}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
# Nothing leaves the test process by accident: tests that want a worker say so.
CELERY_BROKER_URL = "memory://"
CELERY_BROKER_TRANSPORT = None
CELERY_BROKER_TRANSPORT_OPTIONS = {}
