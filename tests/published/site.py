"""
A site with nothing but the published plugin on it, in an environment of its own: sends what the scenario says to a
server that records it, and prints what was recorded. Run by ``record.py``; imports nothing of ours.

The plugin is run, never read: it is set up the way in which the platform sets up every plugin.
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import django
from django.conf import settings

PROJECT = "lms.djangoapp"


class Recorder:
    """A server that records what it is sent and gives the answer that was chosen for the path."""

    def __init__(self):
        self.requests, self.replies = [], {}
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            """One request."""

            def do_POST(self):  # pylint: disable=invalid-name
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                recorder.requests.append((self.command, self.path, self.headers.get("Content-Type") or "", body))
                reply = recorder.replies.get(self.path) or {}
                content = reply.get("body", "").encode(reply.get("encoding", "utf-8"))
                self.send_response(reply.get("status", 200))
                for name, value in reply.get("headers", {"Content-Type": "application/json"}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST

            def log_message(self, *args):  # pylint: disable=arguments-differ
                """Be quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, path="/hook"):
        return f"http://127.0.0.1:{self.server.server_address[1]}{path}"


def set_up():
    """Django, the plugin and its tables, in memory."""
    from edx_django_utils.plugins import add_plugins, get_plugin_apps

    site = SimpleNamespace(
        SECRET_KEY="x",
        USE_TZ=True,
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=[
            "django.contrib.admin",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            *get_plugin_apps(PROJECT),
        ],
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        ROOT_URLCONF=__name__,
        EVENTS_SERVICE_NAME="lms",
        OPEN_EDX_FILTERS_CONFIG={},
    )
    sys.modules["recorded_settings"] = site
    for kind in ("common", "production"):
        add_plugins("recorded_settings", PROJECT, kind)
    settings.configure(**vars(site))
    django.setup()
    from django.core.management import call_command
    from edx_django_utils.plugins import connect_plugin_receivers

    connect_plugin_receivers(PROJECT)
    call_command("migrate", verbosity=0)


urlpatterns = []


def main():
    set_up()
    import scenario  # pylint: disable=import-error  # beside it

    from openedx_webhooks.models import Webfilter, Webhook

    recorder = Recorder()
    profile_model = scenario.make_profile_model(create_table=True)
    scenario.stand_in_platform(profile_model)
    world = scenario.World(profile_model)
    recorded = scenario.run(world, recorder, Webhook, Webfilter, lambda run: run())
    Path(sys.argv[1]).write_text(json.dumps(recorded))


if __name__ == "__main__":
    main()
