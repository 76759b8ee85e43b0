"""Processes to be killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from demo.supervisor import ROOT


def worker(name: str, processes: int = 2, app: str = "demo.minilms", queue: str = "celery") -> list[str]:
    """
    Arguments of Python for a Celery worker.

    Args:
        name: of the worker.
        processes: that it forks.
        app: module with the Celery app.
        queue: that it serves.
    """
    options = ["--loglevel=INFO", "--without-gossip", "--without-mingle", "--prefetch-multiplier=1"]
    options += [f"--concurrency={processes}", f"--queues={queue}", "-n", f"{name}@live"]
    return ["-m", "celery", "-A", app, "worker", *options]


class Processes:
    """
    Python processes by name, for use as a context manager that ends them.

    Args:
        directory: where their logs go, one file for each name.
        environment: variables of all of them.
    """

    def __init__(self, directory: Path, environment: dict[str, str]):
        self._directory, self._environment = directory, environment
        self._commands: dict[str, tuple[list[str], dict[str, str]]] = {}
        self._running: dict[str, subprocess.Popen] = {}
        self.kills = 0

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        for name in list(self._running):
            self._kill(name)

    def start(self, name: str, arguments: list[str], **variables: str) -> subprocess.Popen:
        """One process, in a group of its own, so that its children die with it."""
        self._commands[name] = arguments, variables
        with (self._directory / f"{name}.log").open("ab") as log:
            process = self._running[name] = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env={**self._environment, **variables},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return process

    def pid(self, name: str) -> int:
        """The process of a name; what it forked are its children."""
        return self._running[name].pid

    def kill(self, name: str) -> None:
        """SIGKILL, and start it again."""
        self._kill(name)
        self.kills += 1
        arguments, variables = self._commands[name]
        self.start(name, arguments, **variables)

    def _kill(self, name: str) -> None:
        process = self._running[name]
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
