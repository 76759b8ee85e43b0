"""
The plugin in a real Tutor, without Docker: what it renders, and what it would have Docker run.

``make test-tutor`` runs this in an environment of its own.
"""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
HOOKS = "version: 1\nwebhooks:\n- {name: crm, shape: '{{ not.a.template }}', condition: \"{% raw %} 'ä'\"}\n"
# Keeps what Docker would have been told; what it is asked is which projects run.
DOCKER = """#!/bin/sh
case " $* " in *" ls "*) echo "[]"; exit;; esac
for argument; do printf '%s\\0' "$argument"; done >>"$TUTOR_ROOT/docker"
printf '\\n\\0' >>"$TUTOR_ROOT/docker"
"""
# Stands in the place of the platform's manage.py.
MANAGE = "#!{python}\nimport json, os, sys\nprint(json.dumps([sys.argv[1:], os.environ.get('TOKEN')]))\n"


class Project:
    """A Tutor project in a folder of its own, with the plugin enabled."""

    def __init__(self, root: Path):
        self.root = root
        (root / "bin").mkdir(exist_ok=True)
        self._program("bin/docker", DOCKER)
        self.environment = {
            **os.environ,
            "TUTOR_ROOT": str(root),
            "TUTOR_PLUGINS_ROOT": str(root / "plugins"),
            "PATH": f"{root / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        }

    def _program(self, name, text):
        path = self.root / name
        path.write_text(text)
        path.chmod(0o755)

    def tutor(self, *arguments, fails=False):
        """What Tutor said."""
        done = subprocess.run(
            ["tutor", *arguments], env=self.environment, capture_output=True, text=True, check=False, timeout=120
        )
        assert bool(done.returncode) is fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    def save(self, **settings):
        """Set settings of the plugin, and render."""
        pairs = [f"OPENEDX_WEBHOOKS_{name}={json.dumps(value)}" for name, value in settings.items()]
        self.tutor("config", "save", *(part for pair in pairs for part in ("--set", pair)))

    def rendered(self, path) -> str:
        """A file of the environment."""
        return (self.root / "env" / path).read_text()

    def scripts(self, *command) -> list[str]:
        """What a job would have run in containers."""
        (self.root / "docker").unlink(missing_ok=True)
        self.tutor("local", "do", *command)
        calls = (self.root / "docker").read_text().split("\0\n\0")
        return [call.split("\0")[-1] for call in calls if "\0lms-job\0sh\0-e\0-c\0" in call]

    def run(self, script):
        """Run a script as a container of the LMS would; what its manage.py was given, or the text of the script."""
        config = self.root / "env" / "apps" / "openedx" / "config"
        self._program("manage.py", MANAGE.format(python=sys.executable))
        local = script.replace("/openedx/config", str(config)).replace("/tmp/hooks", f"{self.root}/hooks")
        done = subprocess.run(["sh", "-e", "-c", local], cwd=self.root, capture_output=True, text=True, check=True)
        out = done.stdout.replace(str(config), "/openedx/config").replace(f"{self.root}/hooks", "/tmp/hooks")
        return json.loads(out) if out.startswith("[") else out


@pytest.fixture(scope="module", name="enabled")
def enable_the_plugin(tmp_path_factory):
    """A project with the plugin, to be copied: rendering takes seconds."""
    project = Project(tmp_path_factory.mktemp("tutor"))
    project.tutor("plugins", "enable", "openedx-webhooks")
    return project.root


@pytest.fixture(name="project")
def copy_project(enabled, tmp_path):
    """One for each test."""
    return Project(shutil.copytree(enabled, tmp_path, dirs_exist_ok=True))


def settings_of(project, before):
    """Django's setting, as each settings file would leave it."""
    found = []
    for variant in ("lms", "cms"):
        text = project.rendered(f"apps/openedx/settings/{variant}/production.py")
        [node] = [
            node
            for node in ast.parse(text).body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "OPENEDX_WEBHOOKS"
        ]
        names = dict(before)
        exec(compile(ast.Module([node], []), variant, "exec"), names)
        found.append(names["OPENEDX_WEBHOOKS"])
    assert found[0] == found[1]
    return found[0]


def test_as_it_comes_it_installs_the_plugin_and_changes_nothing_else(project):
    assert settings_of(project, {}) == {}
    assert settings_of(project, {"OPENEDX_WEBHOOKS": {"DELIVERY_THREADS": 5}}) == {"DELIVERY_THREADS": 5}
    assert "webhooks-worker" not in project.rendered("local/docker-compose.prod.yml")
    assert "webhooks-worker" not in project.rendered("k8s/deployments.yml")
    assert "no webhooks to apply" in project.run(*project.scripts("init", "--limit", "openedx-webhooks"))
    dockerfile = project.rendered("build/openedx/Dockerfile")
    assert re.search(r"\$PIP_COMMAND install 'openedx-webhooks==[0-9.]+'", dockerfile)
    project.save(PIP_REQUIREMENT="")
    assert "openedx-webhooks" not in project.rendered("build/openedx/Dockerfile")


def test_it_has_the_version_of_the_plugin_that_it_installs(project):
    [version] = re.findall(r'__version__ = "(.+)"', (ROOT / "openedx_webhooks" / "__init__.py").read_text())
    assert f"'openedx-webhooks=={version}'" in project.rendered("build/openedx/Dockerfile")


def test_an_own_worker_serves_the_queue_that_deliveries_go_to(project):
    project.save(OWN_WORKER=True, WORKER_CONCURRENCY=3, WORKER_REPLICAS=2, SETTINGS={"LOG_PAYLOAD_ACCESS": True})
    settings = settings_of(project, {"OPENEDX_WEBHOOKS": {"DELIVERY_THREADS": 5}})
    assert settings == {
        "DELIVERY_THREADS": 5, "DELIVERY_QUEUE": "edx.lms.core.webhooks", "DELIVERY_WORKERS": 6,
        "LOG_PAYLOAD_ACCESS": True,
    }  # fmt: skip
    services = yaml.safe_load(project.rendered("local/docker-compose.prod.yml"))["services"]
    deployments = {
        found["metadata"]["name"]: found["spec"]
        for found in yaml.safe_load_all(project.rendered("k8s/deployments.yml"))
        if found["kind"] == "Deployment"
    }
    worker, pod = services["webhooks-worker"], deployments["webhooks-worker"]
    [container] = pod["template"]["spec"]["containers"]
    assert worker["command"] == container["args"]
    assert f"--queues={settings['DELIVERY_QUEUE']}" in worker["command"]
    assert "--concurrency=3" in worker["command"]
    assert pod["replicas"] == 2


def test_the_own_worker_has_all_that_tutors_own_has(project):
    """A new release of Tutor may give its workers another volume or variable."""
    project.save(OWN_WORKER=True)
    services = yaml.safe_load(project.rendered("local/docker-compose.prod.yml"))["services"]
    assert {**services["lms-worker"], "command": None} == {**services["webhooks-worker"], "command": None}
    specs = {
        found["metadata"]["name"]: found["spec"]["template"]["spec"]
        for found in yaml.safe_load_all(project.rendered("k8s/deployments.yml"))
        if found["kind"] == "Deployment"
    }
    for spec in specs.values():
        spec["containers"][0] |= {"name": None, "args": None}
    assert specs["lms-worker"] == specs["webhooks-worker"]
    own, theirs = services["webhooks-worker"]["command"], services["lms-worker"]["command"]
    assert {word.partition("=")[0] for word in theirs} <= {word.partition("=")[0] for word in own}


def test_a_file_is_applied_at_init_with_the_secrets_that_it_refers_to(project):
    """It comes into the containers as it is, and no secret is in what is shown or run."""
    (project.root / "hooks.yml").write_text(HOOKS)
    project.save(FILE="hooks.yml", SECRETS={"TOKEN": 'it\'s "$HOME" `x` \\'})
    assert project.rendered("apps/openedx/config/openedx-webhooks.yml") == HOOKS
    [script] = project.scripts("init", "--limit", "openedx-webhooks")
    assert "it's" not in script
    assert project.run(script) == [
        ["lms", "webhooks_apply", "/openedx/config/openedx-webhooks.yml"], "it's \"$HOME\" `x` \\",
    ]  # fmt: skip
    kustomization = yaml.safe_load(project.rendered("kustomization.yml"))
    [config] = [each["files"] for each in kustomization["configMapGenerator"] if each["name"] == "openedx-config"]
    assert {f"apps/openedx/config/openedx-webhooks.{kind}" for kind in ("yml", "env")} <= set(config)


def test_it_is_applied_after_the_migrations(project):
    scripts = project.scripts("init")
    migrates = next(number for number, script in enumerate(scripts) if "manage.py lms migrate" in script)
    applies = next(number for number, script in enumerate(scripts) if "webhooks to apply" in script)
    assert migrates < applies


@pytest.mark.parametrize(
    "arguments, given",
    [
        (["status"], ["webhooks_status"]),
        (["export", "--output", "a b"], ["webhooks_export", "--output", "a b"]),
        (["apply", "--dry-run"], ["webhooks_apply", "--prune", "/openedx/config/openedx-webhooks.yml", "--dry-run"]),
        (["status", "{{ x }}"], ["webhooks_status", "{{ x }}"]),
    ],
)
def test_its_command_runs_those_of_the_plugin(project, arguments, given):
    (project.root / "hooks.yml").write_text(HOOKS)
    project.save(FILE="hooks.yml", PRUNE=True)
    [script] = project.scripts("webhooks", *arguments)
    assert project.run(script)[0] == ["lms", *given]


def test_a_mistake_says_what_to_do(project):
    assert "can't be read" in project.tutor("config", "save", "--set", "OPENEDX_WEBHOOKS_FILE=no.yml", fails=True)
    project.tutor("config", "save", "--set", "OPENEDX_WEBHOOKS_FILE=")
    said = project.tutor("config", "save", "--set", 'OPENEDX_WEBHOOKS_SECRETS={"A B": 1}', fails=True)
    assert "names have letters, digits and underscores" in said


def test_the_ten_lines_of_the_how_to_do_it_as_well(project):
    """Without this plugin: docs/how-tos/configuration_as_code.rst."""
    project.tutor("plugins", "disable", "openedx-webhooks")
    plugins = project.root / "plugins"
    (plugins / "webhooks").mkdir(parents=True)
    shutil.copy(ROOT / "docs" / "how-tos" / "tutor_webhooks.py", plugins / "webhooks.py")
    (plugins / "webhooks" / "hooks.yml").write_text(HOOKS)
    project.tutor("plugins", "enable", "webhooks")
    [script] = project.scripts("init", "--limit", "webhooks")
    assert project.run(script)[0] == ["lms", "webhooks_apply", "--prune", "/tmp/hooks.yml"]
    assert (project.root / "hooks.yml").read_text() == HOOKS
