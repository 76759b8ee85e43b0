"""The mini LMS on the servers that the run started, with short waits."""

import json
import os

from demo.minilms.settings import *  # noqa: F403  pylint: disable=wildcard-import,unused-wildcard-import

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.mysql",
        "NAME": os.environ.get("LIVE_DATABASE", "live"),
        "USER": "root",
        "HOST": "127.0.0.1",
        "PORT": os.environ["LIVE_DATABASE_PORT"],
        "ATOMIC_REQUESTS": True,
        "OPTIONS": {"charset": "utf8mb4", "connect_timeout": 2},
    }
}
_redis = f"redis://127.0.0.1:{os.environ['LIVE_REDIS_PORT']}"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": f"{_redis}/1",
        "KEY_PREFIX": DATABASES["default"]["NAME"],
    }
}
# As the platform's: a broker that is away costs a second, and results are not kept.
CELERY_BROKER_URL = f"{_redis}/0"
CELERY_BROKER_TRANSPORT = None
CELERY_BROKER_TRANSPORT_OPTIONS = {}
CELERY_BROKER_CONNECTION_TIMEOUT = 1
CELERY_BROKER_POOL_LIMIT = 0
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"

# What is measured is not hashing.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Short waits, so that a run sees all of a schedule; and what a run wants otherwise.
OPENEDX_WEBHOOKS = {
    "DELIVERY_TIMEOUT_SECONDS": 2.0,
    "DELIVERY_LEASE_SECONDS": 14,
    "DELIVERY_TASK_SECONDS": 10,
    "DELIVERY_SCHEDULE_SECONDS": [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, *[5] * 40],
    **json.loads(os.environ.get("LIVE_OPTIONS", "{}")),
}
