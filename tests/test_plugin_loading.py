"""
The plugin as the platform loads it, in processes of its own: as LMS and as Studio, and with libraries that are broken.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
STEP = "openedx_webhooks.webfilters.pipeline.WebfilterStep"

REPORT = """
import json, django
django.setup()
from django.conf import settings
from django.core.checks import run_checks
from django.db.models.signals import post_delete, post_save
from django.urls import reverse
from openedx_events.tooling import OpenEdxPublicSignal
from openedx_webhooks import catalog
from openedx_webhooks.models import Webfilter, Webhook
print(json.dumps({
    "apps": [app for app in settings.INSTALLED_APPS if "webhooks" in app],
    "unwired": [name for name, known in catalog.filters().items()
                if STEP not in known.filter_class.get_pipeline_configuration()[0]],
    "url": reverse("openedx_webhooks:health"),
    "heard": [signal.has_listeners(model) for signal in (post_save, post_delete) for model in (Webhook, Webfilter)],
    "deaf": [signal.event_type for signal in OpenEdxPublicSignal.all_events() if not signal.has_listeners()],
    "checks": [str(message) for message in run_checks() if "openedx_webhooks" in message.id],
}))
""".replace("STEP", repr(STEP))

# What the platform's settings and its PluginsConfig do, without anything that needs the libraries.
HOST_SETTINGS = """
from edx_django_utils.plugins import add_plugins, get_plugin_apps
PROJECT_TYPE = "lms.djangoapp"
SECRET_KEY = "x"
USE_TZ = True
ROOT_URLCONF = "host_urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [{
    "BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
    "OPTIONS": {"context_processors": [
        "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]},
}]
INSTALLED_APPS = [
    "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
    "django.contrib.messages", "host_app.HostConfig", *get_plugin_apps(PROJECT_TYPE),
]
add_plugins(__name__, PROJECT_TYPE, "common")
"""
HOST_APP = """
from django.apps import AppConfig
class HostConfig(AppConfig):
    name = "host_app"
    def ready(self):
        from edx_django_utils.plugins import connect_plugin_receivers
        connect_plugin_receivers("lms.djangoapp")
"""
HOST_URLS = """
from django.conf import settings
from django.contrib import admin
from django.urls import path
from edx_django_utils.plugins import get_plugin_url_patterns
urlpatterns = [path("admin/", admin.site.urls), *get_plugin_url_patterns(settings.PROJECT_TYPE)]
"""


def run(*arguments, **environment):
    """Run Python in a process of its own, in the repository."""
    environment = {**os.environ, "PYTHONWARNINGS": "default", **environment}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("variant", ["lms", "cms"])
def test_it_is_complete_in_both_services(variant):
    done = run("-c", REPORT, SERVICE_VARIANT=variant, DJANGO_SETTINGS_MODULE="test_settings")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert report == {
        "apps": ["openedx_webhooks.apps.OpenedxWebhooksConfig"],
        "unwired": [],
        "url": "/openedx_webhooks/health",
        "heard": [True] * 4,
        "deaf": [],
        "checks": [],
    }


def test_importing_the_app_config_imports_no_library_and_no_settings():
    """The platform imports it while its settings are half-built; a failure there makes the plugin vanish silently."""
    code = (
        "import sys, openedx_webhooks.apps; "
        "print([name for name in sys.modules if name.split('.')[0] in ('openedx_events', 'openedx_filters')])"
    )
    done = run("-c", code, DJANGO_SETTINGS_MODULE="there.is.no.such.module")
    assert done.stdout.strip() == "[]", done.stderr


# What is wrong: a file, its text, and the command that has to go on; ``migrate`` runs the checks first.
BROKEN = {
    "no filters library": ("openedx_filters/__init__.py", "raise ImportError('half installed')", ("migrate", "-v0")),
    "filters library with a syntax error": ("openedx_filters/__init__.py", "def broken(:", ("check",)),
    "filters library without its tooling": ("openedx_filters/__init__.py", "", ("check",)),
    "no events library": ("openedx_events/__init__.py", "raise RuntimeError('half installed')", ("migrate", "-v0")),
    "events library without its tooling": ("openedx_events/__init__.py", "", ("check",)),
}


@pytest.fixture
def host(tmp_path):
    """A small host project; the fixture is its folder and environment."""
    (tmp_path / "host_settings.py").write_text(HOST_SETTINGS)
    (tmp_path / "host_app.py").write_text(HOST_APP)
    (tmp_path / "host_urls.py").write_text(HOST_URLS)
    return tmp_path, {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}", "DJANGO_SETTINGS_MODULE": "host_settings"}


@pytest.fixture(params=BROKEN)
def broken(request, host):
    """A host whose Python path has a broken library first: its environment, the library's name, a command to try."""
    folder, environment = host
    path, text, command = BROKEN[request.param]
    (folder / path).parent.mkdir()
    (folder / path).write_text(text)
    return environment, path.partition("/")[0], command


def test_a_broken_library_ends_no_management_command_and_is_reported(broken):
    environment, library, command = broken
    done = run("manage.py", *command, **environment)
    assert done.returncode == 0, done.stderr
    assert "openedx_webhooks.W001" in done.stderr
    assert f"{library}" in done.stderr


def test_a_sound_host_has_nothing_to_report(host):
    done = run("manage.py", "check", **host[1])
    assert (done.returncode, done.stderr) == (0, "")


def test_an_admin_that_could_not_load_is_reported_by_check(host):
    """Django imports it before the plugin itself starts, and what is noted then must not be forgotten."""
    folder, environment = host
    broken = "import sys\nsys.modules['openedx_webhooks.admin.deliveries'] = None\n"
    (folder / "host_settings.py").write_text(f"{broken}{HOST_SETTINGS}")
    done = run("manage.py", "check", **environment)
    assert done.returncode == 0, done.stderr
    assert "loading the admin pages: ModuleNotFoundError" in done.stderr
    # The REST API asks these pages who may do what.
    assert done.stderr.count("openedx_webhooks.W001") == 2


def test_a_malformed_entry_of_the_operator_is_reported_by_check(host):
    folder, environment = host
    name = "org.openedx.learning.student.login.requested.v1"
    (folder / "host_settings.py").write_text(f"{HOST_SETTINGS}\nOPEN_EDX_FILTERS_CONFIG = {{{name!r}: 5}}\n")
    done = run("manage.py", "check", **environment)
    assert done.returncode == 0, done.stderr
    assert "openedx_webhooks.W003" in done.stderr
    assert name in done.stderr


LATE_PLUGIN = """
from django.apps import AppConfig
class LateConfig(AppConfig):
    name = "late_plugin"
    def ready(self):
        from django.conf import settings
        settings.OPEN_EDX_FILTERS_CONFIG = {**settings.OPEN_EDX_FILTERS_CONFIG, "org.example.v1": ["other.Step"]}
"""


def test_a_plugin_that_assigns_the_setting_anew_when_it_starts_after_us_is_told_of(host):
    folder, environment = host
    (folder / "late_plugin.py").write_text(LATE_PLUGIN)
    (folder / "host_settings.py").write_text(f'{HOST_SETTINGS}\nINSTALLED_APPS.append("late_plugin.LateConfig")\n')
    done = run("manage.py", "check", **environment)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("openedx_webhooks.W003") == 1
    assert "assigned the setting OPEN_EDX_FILTERS_CONFIG anew" in done.stderr
