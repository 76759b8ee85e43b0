"""A demo of the tests' own, in processes of its own."""

import json
import os
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager
from pathlib import Path

import requests

from demo.client import Browser, Operator
from demo.run import Demo
from demo.supervisor import ROOT, free_port
from openedx_webhooks.app_settings import app_settings

START_SECONDS = 90
_STAFF = """
from django.contrib.auth.models import Permission, User
user, _made = User.objects.get_or_create(username="{username}", defaults=dict(is_staff=True))
user.set_password("{password}")
user.save()
for beginning in {permissions}:
    found = Permission.objects.filter(content_type__app_label="openedx_webhooks", codename__startswith=beginning)
    user.user_permissions.add(*(found if beginning == "view_payload" else found.exclude(codename="view_payload")))
"""


class Site:
    """
    A running demo.

    Attributes:
        url: of the mini LMS, without a slash at the end.
        receiver_url: of the receiver.
        passwords: username → password; the administrator is ``admin``.
        operator: whoever sits at the receiver, and chooses what it answers.
    """

    def __init__(self, directory: Path, lms_port: int, receiver_port: int):
        self._directory = directory
        self.url, self.receiver_url = f"http://127.0.0.1:{lms_port}", f"http://127.0.0.1:{receiver_port}"
        self.passwords: dict[str, str] = {}
        self.operator = Operator(self.receiver_url)

    def learner(self, username: str = "ada") -> Browser:
        """Somebody who is logged in to the site, without a browser window."""
        browser = Browser(self.url)
        page = browser.post("/login", email_or_username=username, password=self.passwords[username])
        assert page.status == 302, f"{username} could not log in: {page}"
        return browser

    def newcomer(self) -> tuple[str, Browser]:
        """Somebody who has just registered: username, and without a browser window."""
        username, browser = f"learner-{uuid.uuid4().hex[:6]}", Browser(self.url)
        self.passwords[username] = password = f"Long-enough-{username}"
        page = browser.post(
            "/register", name="Emmy Noether", username=username, email=f"{username}@example.com", password=password
        )
        assert page.status == 302, f"{username} could not register: {page}: {page.text}"
        return username, browser

    def staff(self, username: str, *permissions: str) -> None:
        """
        Somebody who may log in to the admin.

        Args:
            permissions: on our section, each by how its name begins: ``view_`` for all that let one look, but at no
                personal data; ``replay_delivery``.
        """
        self.passwords[username] = f"{username}-{os.getpid()}-of-the-tests"
        self.shell(_STAFF.format(username=username, password=self.passwords[username], permissions=permissions))

    def shell(self, code: str) -> str:
        """
        Run Python code beside the site, as ``manage.py shell`` does, for what no page offers.

        A hook that it makes is known to the site after at most ``INDEX_REFRESH_SECONDS``: :meth:`settle`.

        Returns:
            what it printed.
        """
        made = subprocess.run(
            [sys.executable, "-m", "django", "shell", "--verbosity=0", "-c", code],
            cwd=ROOT,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert made.returncode == 0, made.stderr
        return made.stdout.strip()

    def settle(self) -> None:
        """Wait until the site's processes know the hooks that others have saved."""
        time.sleep(app_settings.INDEX_REFRESH_SECONDS + 0.5)

    def _environment(self) -> dict[str, str]:
        port = int(self.url.rpartition(":")[2])
        demo = Demo(self._directory, "127.0.0.1", port, int(self.receiver_url.rpartition(":")[2]))
        return {**os.environ, "PYTHONPATH": str(ROOT), **demo.environment()}

    def wait(self, process: subprocess.Popen) -> None:
        """Wait until the demo answers."""
        end = time.monotonic() + START_SECONDS
        while True:
            assert process.poll() is None, f"the demo ended: see {self._directory}"
            try:
                if requests.get(f"{self.url}/login", timeout=5).ok:
                    break
            except requests.RequestException:
                assert time.monotonic() < end, f"the demo did not start: see {self._directory}"
            time.sleep(0.3)
        self.passwords = json.loads((self._directory / "demo.json").read_text())["accounts"]


@contextmanager
def running_site(directory: Path):
    """A demo in a directory, on free ports, for as long as the block lasts."""
    site = Site(directory, free_port(), free_port())
    command = [sys.executable, "-m", "demo", f"--dir={directory}"]
    command += [f"--lms-port={site.url.rpartition(':')[2]}", f"--receiver-port={site.receiver_url.rpartition(':')[2]}"]
    with open(directory / "demo.log", "wb") as log, subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log) as demo:
        try:
            site.wait(demo)
            yield site
        finally:
            demo.terminate()
            demo.wait(30)
