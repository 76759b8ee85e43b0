"""
Filters that a package declares long after the start: openedx-authz's, in a module that only its URLs import.

Each case is a process of its own, as a web server, a worker and ``manage.py`` are.
"""

import json
import os

import pytest

from . import neighbours
from .receiver import Reply
from .test_plugin_loading import HOST_APP, HOST_SETTINGS, HOST_URLS, ROOT, run

pytestmark = neighbours.needed
ROLE_ASSIGNMENT = "org.openedx.authz.role_assignment.requested.v1"

# What openedx-authz's URLs lead to: its view of role assignments, without the policy engine behind it. The package is
# put on the path here, not before, because as an installed plugin it would want that engine.
AUTHZ_URLS = f"""
import json, sys
from django.http import JsonResponse
from django.urls import path
sys.path.append({str(neighbours.FOLDER)!r})
from openedx_authz.filters import RoleAssignmentRequested
def put(request):
    data, errors = RoleAssignmentRequested.run_filter(items=json.loads(request.body))
    return JsonResponse({{"data": data, "errors": errors}})
urlpatterns = [path("api/authz/v1/roles/users/", put)]
"""
ITEMS = {"role": "library_admin", "users": ["ada"], "scopes": ["lib:Org:lib1"]}

START = """
import json, sys, django
django.setup()
from openedx_webhooks import catalog
assert not catalog.find_filter("RoleAssignmentRequested")
assert "openedx_authz" not in sys.modules
"""

# A web process: the operator's page is the first request, the page that runs the filter the second.
WEB = (
    START
    + f"""
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
call_command("migrate", verbosity=0)
client = Client()
client.force_login(User.objects.create_superuser("op"))
add = "/admin/openedx_webhooks/webfilter/add/"
offered = "RoleAssignmentRequested" in client.get(add).content.decode()
page = client.post(add, {{
    "event": {ROLE_ASSIGNMENT!r}, "webhook_url": sys.argv[1], "enabled": "on", "mode": "enforce", "order": "0",
    "call_log": "none",
}})
errors = page.context["errors"] if page.context else []
answer = client.put("/api/authz/v1/roles/users/", {ITEMS!r}, content_type="application/json").json()
print(json.dumps({{"offered": offered, "errors": errors, "status": page.status_code, "answer": answer}}))
"""
)

# A worker that never reads the URLs (Celery's fixup for Django does, for its checks): its task imports the filter.
WORKER = (
    START
    + f"""
from celery import Celery
from celery.contrib.testing.worker import start_worker
app = Celery(broker="memory://", backend="cache+memory://", fixups=[])
app.set_default()
@app.task
def assign(items):
    sys.path.append({str(neighbours.FOLDER)!r})
    from openedx_authz.filters import RoleAssignmentRequested
    return RoleAssignmentRequested.run_filter(items=items)
with start_worker(app, perform_ping_check=False):
    data, errors = assign.delay({ITEMS!r}).get(timeout=60)
assert "authz_urls" not in sys.modules
print(json.dumps({{"answer": {{"data": data, "errors": errors}}}}))
"""
)


@pytest.fixture(name="site")
def a_site_with_openedx_authz(tmp_path):
    """Its environment; its database is shared by the processes of one test."""
    database = f'DATABASES["default"]["NAME"] = {str(tmp_path / "site.sqlite3")!r}\n'
    (tmp_path / "host_settings.py").write_text(f"{HOST_SETTINGS}\n{database}ALLOWED_HOSTS = ['*']\n")
    (tmp_path / "host_app.py").write_text(HOST_APP)
    (tmp_path / "host_urls.py").write_text(f"{HOST_URLS}\nimport authz_urls\nurlpatterns += authz_urls.urlpatterns\n")
    (tmp_path / "authz_urls.py").write_text(AUTHZ_URLS)
    return {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}", "DJANGO_SETTINGS_MODULE": "host_settings"}


def report(done):
    """What a process printed last."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_one_that_can_be_chosen_is_called_in_every_process(site, receiver):
    """Chosen in the admin, it is called in that web process, in a worker, and no check finds fault with a setting."""
    receiver.replies["/"] = Reply({"data": {"items": {"role": "library_user"}}})
    web = report(run("-c", WEB, receiver.url("/"), **site))
    changed = {"data": {**ITEMS, "role": "library_user"}, "errors": []}
    assert web == {"offered": True, "errors": [], "status": 302, "answer": changed}
    worker = report(run("-c", WORKER, **site))
    assert worker == {"answer": changed}
    assert [request.json["items"] for request in receiver.received] == [ITEMS, ITEMS]
    check = run("manage.py", "check", **site)
    assert (check.returncode, check.stderr) == (0, "")
