"""The examples of docs/how-tos/use_the_api.rst, in their order, against the running site."""

import base64
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from rest_framework.authentication import BasicAuthentication

from openedx_webhooks.api.base import ApiMixin
from openedx_webhooks.models import Webhook

HOW_TO = Path(__file__).resolve().parents[2] / "docs" / "how-tos" / "use_the_api.rst"
BLOCK = re.compile(r"\.\. code-block:: bash\n\n((?:   .*\n|\n)+)")


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("bash")), reason="needs bash and curl")
def test_each_example_does_what_it_says(live_server, admin_user, tmp_path, monkeypatch):
    # As API_AUTHENTICATION_CLASSES has it when a process begins.
    monkeypatch.setattr(ApiMixin, "authentication_classes", [BasicAuthentication])
    examples = [re.sub("^   ", "", block, flags=re.MULTILINE) for block in BLOCK.findall(HOW_TO.read_text())]
    last = [n for n, example in enumerate(examples) if "DELETE" in example]
    assert last == [len(examples) - 1]
    environment = {
        **os.environ,
        "LMS": live_server.url,
        "AUTH": f"Basic {base64.b64encode(b'admin:password').decode()}",
    }

    def run(*blocks):
        # Each is told by its line how it ended; the last answer stands alone.
        script = "set -euo pipefail\n" + "\n".join(blocks)
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run(*examples[:-1])
    hook = Webhook.objects.get()
    assert (hook.enabled, hook.paused, hook.headers) == (True, False, {"X-Api-Key": "k3y"})
    assert hook.webhook_url == "https://crm.example.com/v2/hooks"
    assert hook.condition == "enrollment.mode == 'verified'"
    assert (tmp_path / "signing-secret.txt").read_text().strip() == hook.previous_secret
    assert json.loads((tmp_path / "rotated.json").read_text())["secret"] == hook.secret
    run(*(block for block in examples if "api()" in block), f"HOOK={hook.pk}", examples[-1])
    assert not Webhook.objects.exists()
