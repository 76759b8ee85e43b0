"""The manifests of the how-to: valid by the schemas of Kubernetes, of commands that exist, with probes that work."""

import os
import subprocess
import time
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from .test_commands import _check_management

HOW_TOS = Path(__file__).resolve().parents[2] / "docs" / "how-tos"
MANIFESTS = sorted(path for path in HOW_TOS.glob("*.yaml") if "apiVersion:" in path.read_text())
OLDEST = "1.28.0"


def documents():
    """Each document of each manifest."""
    for path in MANIFESTS:
        for document in yaml.safe_load_all(path.read_text()):
            yield pytest.param(document, id=f"{path.name}: {document['kind']}")


def container(document):
    spec = document["spec"]
    template = spec["jobTemplate"]["spec"]["template"] if document["kind"] == "CronJob" else spec["template"]
    return template["spec"]["containers"][0]


@pytest.mark.parametrize("version", [OLDEST, kubernetes_validate.latest_version()])
@pytest.mark.parametrize("document", list(documents()))
def test_kubernetes_takes_it(document, version):
    kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize("document", list(documents()))
def test_a_mistake_would_be_found(document):
    document["spec"]["replicass"] = 2
    with pytest.raises(kubernetes_validate.ValidationError, match="replicass"):
        kubernetes_validate.validate(document, OLDEST, strict=True)


@pytest.mark.parametrize("document", list(documents()))
def test_its_command_can_be_run(document):
    _check_management(container(document)["command"])


@pytest.mark.parametrize("probe, minutes", [("readinessProbe", 1), ("livenessProbe", 10)])
def test_a_probe_goes_by_the_age_of_the_file(probe, minutes, tmp_path):
    """As a machine runs it: touched just now, touched too long ago, never."""
    (document,) = (each.values[0] for each in documents() if each.values[0]["kind"] == "Deployment")
    alive = tmp_path / "alive"
    command = [word.replace("/tmp/alive", str(alive)) for word in container(document)[probe]["exec"]["command"]]

    def passes():
        return subprocess.run(command, check=False, capture_output=True).returncode == 0

    assert not passes()
    alive.touch()
    assert passes()
    long_ago = time.time() - 60 * (minutes + 1)
    os.utime(alive, (long_ago, long_ago))
    assert not passes()
