"""Starting and stopping ``python -m demo``: nothing is left behind, and what is wrong is said."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

from demo.supervisor import ROOT, DemoError, Supervisor, check_port, free_port

START_SECONDS = 60
STOP_SECONDS = 20


def processes() -> dict[int, tuple[int, str]]:
    """Every process of this machine: id → parent's id and state; by ps where there is no /proc."""
    if not Path("/proc/self/stat").exists():
        command = ["ps", "-A", "-o", "pid=,ppid=,stat="]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        return {int(pid): (int(parent), state[0]) for pid, parent, state in map(str.split, lines)}
    found = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            # The name, in parentheses, may hold spaces.
            state, parent = file.read_text().rpartition(")")[2].split()[:2]
            found[int(file.parent.name)] = (int(parent), state)
    return found


def descendants(pid: int) -> set[int]:
    """All processes below one, by their parents."""
    parents = {child: parent for child, (parent, _state) in processes().items()}
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def alive(pids: set[int]) -> set[int]:
    """Those that still run; a zombie that nobody has waited for doesn't."""
    states = processes()
    return {pid for pid in pids if states.get(pid, (0, "Z"))[1] != "Z"}


def wait_until(check, seconds):
    """Whether something becomes true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if check():
            return True
        time.sleep(0.2)
    return False


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """One directory for all runs: the second run finds the data of the first."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture
def start(directory):
    """Start a demo on free ports and wait for words of its output; returns the process and its ports."""
    started = []

    def run(until="Ctrl-C"):
        ports = free_port(), free_port()
        command = [sys.executable, "-m", "demo", f"--dir={directory}", f"--lms-port={ports[0]}"]
        with open(directory / "output", "w", encoding="utf-8") as output:
            process = subprocess.Popen(
                [*command, f"--receiver-port={ports[1]}"], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT
            )
        started.append(process)
        text = (directory / "output").read_text
        assert wait_until(lambda: until in text() or process.poll() is not None, START_SECONDS), text()
        assert process.poll() is None, text()
        return process, ports

    yield run
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    "number", [pytest.param(signal.SIGINT, marks=pytest.mark.thorough), signal.SIGKILL], ids=["SIGINT", "SIGKILL"]
)
def test_no_process_is_left_behind(start, directory, number):
    process, ports = start()
    started = descendants(process.pid)
    assert len(started) >= 3
    with urllib.request.urlopen(f"http://127.0.0.1:{ports[0]}/static/admin/css/base.css", timeout=10) as page:
        assert page.status == 200
    process.send_signal(number)
    process.wait(STOP_SECONDS)
    assert wait_until(lambda: not alive(started), STOP_SECONDS), f"{len(alive(started))} processes are left"
    if number != signal.SIGKILL:
        assert process.returncode == 0
    output = (directory / "output").read_text()
    assert re.search(r"admin +[a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4} +for the admin", output)
    assert "Traceback" not in output


def test_a_demo_that_is_stopped_while_it_starts_leaves_nothing_behind(start):
    process, _ports = start(until="Starting")
    assert wait_until(lambda: len(descendants(process.pid)) >= 2, START_SECONDS)
    started = descendants(process.pid)
    process.send_signal(signal.SIGTERM)
    assert process.wait(STOP_SECONDS) == 0
    assert wait_until(lambda: not alive(started), STOP_SECONDS), f"{len(alive(started))} processes are left"


def test_a_process_that_ends_is_reported_with_its_log(tmp_path):
    with Supervisor(tmp_path, {}) as supervisor:
        supervisor.start("receiver", "demo.receiver", "--port=nonsense")
        assert wait_until(lambda: _ended(supervisor), 20)
        with pytest.raises(DemoError, match=r"(?s)The receiver ended by itself.*invalid int value"):
            supervisor.check()


def _ended(supervisor):
    try:
        supervisor.check()
    except DemoError:
        return True
    return False


def test_a_port_in_use_is_named_with_the_option_that_chooses_another():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(DemoError, match=f"Port {port} cannot be used .*DEMO_LMS_PORT={port + 1} make demo"):
            check_port("127.0.0.1", port, "--lms-port")


def test_studio_loads_the_plugin_too():
    """SERVICE_VARIANT=cms loads the entry point that Studio loads."""
    code = "import django; django.setup(); from django.apps import apps; print(apps.is_installed('openedx_webhooks'))"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "test_settings", "SERVICE_VARIANT": "cms"}
    result = subprocess.run(
        [sys.executable, "-c", f"from django.conf import settings; {code}; print(settings.PROJECT_TYPE)"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.split() == ["True", "cms.djangoapp"]
