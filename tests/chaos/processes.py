"""Celery workers, and whatever else shall be killed and started again."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path


def celery_worker(number: int) -> list[str]:
    """The arguments for Python that start a worker with two processes."""
    return [
        *("-m", "celery", "-A", "demo.minilms", "worker", "-n", f"worker{number}@here", "--concurrency=2"),
        *("--loglevel=INFO", "--without-gossip", "--without-mingle", "--prefetch-multiplier=1"),
    ]


class Processes:
    """
    Processes of Python, each in a group of its own, so that its children die with it.

    Args:
        directory: for their logs.
        environment: theirs.
    """

    def __init__(self, directory: Path, environment: dict[str, str]):
        self._directory, self._environment = directory, environment
        self._commands: list[list[str]] = []
        self.running: list[subprocess.Popen] = []
        self.kills = 0

    def start_all(self, commands: list[list[str]]) -> None:
        """One process for each list of arguments."""
        self._commands = commands
        self.running = [self.start(command, f"process{number}") for number, command in enumerate(commands)]

    def start(self, arguments: list[str], name: str) -> subprocess.Popen:
        """One more, which nobody kills but its owner."""
        with (self._directory / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *arguments], env=self._environment, stdout=log, stderr=log, start_new_session=True
            )

    def kill_one(self) -> None:
        """SIGKILL one of them, and start it again."""
        number = random.randrange(len(self.running))
        kill(self.running[number])
        self.kills += 1
        self.running[number] = self.start(self._commands[number], f"process{number}")

    def end_all(self) -> None:
        """SIGKILL for all."""
        for process in self.running:
            kill(process)


def kill(process: subprocess.Popen) -> None:
    """SIGKILL for a process and its children."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
