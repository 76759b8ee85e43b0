"""
Settings of the mini LMS, which is also the host project of the tests.

The last lines load plugins in the order in which the platform's common.py does.
"""

import os
from pathlib import Path

import django
from edx_django_utils.plugins import add_plugins, get_plugin_apps

BASE_DIR = Path(__file__).resolve().parent
VAR_DIR = Path(os.environ.get("DEMO_DIR", BASE_DIR.parent.parent / ".demo"))

# The platform runs as LMS or as Studio; both load plugins, each its own group of entry points.
SERVICE_VARIANT = os.environ.get("SERVICE_VARIANT", "lms")
PROJECT_TYPE = f"{SERVICE_VARIANT}.djangoapp"

SECRET_KEY = "demo-only-not-a-secret-but-as-long-as-django-wants-one-to-be"
# Keys of their own for secrets at rest, as on a site in production.
OPENEDX_WEBHOOKS = {
    "ENCRYPTION_KEYS": [
        "demo-only-not-a-key-but-as-long-as-the-plugin-wants-one-to-be",
        # The SECRET_KEY of until then, for demos that were begun with it.
        "demo-only-not-a-secret",
    ],
    # The platform has tokens; here the API takes the passwords of demo.json, too.
    "API_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.BasicAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "ALERT_EMAILS": ["operators@example.com"],
    # For tools that try out thousands of requests.
    "API_REQUESTS_PER_MINUTE": 0,
    "API_TESTS_PER_MINUTE": 0,
}
# The demo is served on loopback without TLS: HSTS, the redirect to https, and cookies that go over https only.
SILENCED_SYSTEM_CHECKS = ["security.W004", "security.W008", "security.W012", "security.W016"]
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "demo.minilms.urls"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
STATIC_URL = "/static/"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"

# The web server and the worker share circuits, cached answers and counts; on a site that is Redis or memcached.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": VAR_DIR / "cache",
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    }
}

# Django 4.2 has neither.
_MANY_PROCESSES = (
    {"transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL;"} if django.VERSION >= (5, 1) else {}
)
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": VAR_DIR / "demo.sqlite3",
        # As on the platform: every view is one transaction.
        "ATOMIC_REQUESTS": True,
        # Wait for a lock instead of failing, and take it at BEGIN: the web server and the worker share the file.
        "OPTIONS": {"timeout": 20, **_MANY_PROCESSES},
    }
}

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "demo.minilms.apps.MiniLmsConfig",
    "demo.minilms.course_modes.apps.CourseModesConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "crum.CurrentRequestUserMiddleware",
    "demo.minilms.pages.RedirectMiddleware",
]

_TEMPLATE_OPTIONS = {
    "context_processors": [
        "django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
        "demo.minilms.pages.demo_links",
    ]
}
# As on the platform, Django's engine finds the templates of all apps, but pages are rendered by one named "mako", which
# finds the LMS's own only. (Its language is Django's here: Mako is not among what the demo needs.)
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "NAME": "django",
        "APP_DIRS": True,
        "OPTIONS": _TEMPLATE_OPTIONS,
    },
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "NAME": "mako",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": _TEMPLATE_OPTIONS,
    },
]

LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/dashboard"
# Hosts besides this one that a login may lead to.
LOGIN_REDIRECT_WHITELIST = []
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
# Traces go nowhere; the default, New Relic, is in the platform's image only.
OPENEDX_TELEMETRY = []
PLATFORM_NAME = "Mini LMS"
# Where the demo's receiver is, for the links in the page header; empty when the mini LMS runs alone.
DEMO_RECEIVER_URL = os.environ.get("DEMO_RECEIVER_URL", "")

# A broker that needs no server: messages are files in this directory.
CELERY_BROKER_URL = "filesystem://"
CELERY_BROKER_TRANSPORT = "demo.minilms.broker:Transport"
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "data_folder_in": str(VAR_DIR / "broker" / "queue"),
    "data_folder_out": str(VAR_DIR / "broker" / "queue"),
    "control_folder": str(VAR_DIR / "broker" / "control"),
    "polling_interval": 0.2,
}
# The files have no place for a worker's remote control, and nobody here would use it.
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False

INSTALLED_APPS += get_plugin_apps(PROJECT_TYPE)
add_plugins(__name__, PROJECT_TYPE, "common")
