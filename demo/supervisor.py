"""Start the demo's processes, watch them, and stop all of them."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 6
START_SECONDS = 60
# A proxy of this machine is not for loopback.
_without_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class DemoError(Exception):
    """The demo cannot start or go on; the message says why and what to do."""


class Supervisor:
    """
    The processes of one demo, for use as a context manager.

    Each is the leader of its own process group, so that whatever it forks can be stopped with it, and is on a leash
    (:mod:`demo.leash`), so that it ends even if this process is killed.

    Args:
        directory: where the logs go, one file for each process.
        environment: variables of all processes, besides the present ones.

    Attributes:
        environment: all variables of the processes.
    """

    def __init__(self, directory: Path, environment: dict[str, str]):
        self._directory = directory
        self.environment = {**os.environ, "PYTHONUNBUFFERED": "1", **environment}
        self._processes: dict[str, subprocess.Popen] = {}
        self._leash, self._hand = os.pipe()

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.stop()

    def start(self, name: str, module: str, *arguments: str) -> None:
        """Run ``python -m module arguments…``; its output goes to ``<name>.log``."""
        command = [sys.executable, "-m", "demo.leash", str(self._leash), module, *arguments]
        with open(self.log_file(name), "wb") as log:
            self._processes[name] = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[self._leash],
                start_new_session=True,
            )

    def log_file(self, name: str) -> Path:
        """Where a process's output is."""
        return self._directory / f"{name}.log"

    def pids(self) -> list[int]:
        """The processes that were started, without those that they forked."""
        return [process.pid for process in self._processes.values()]

    def check(self) -> None:
        """
        Look after the processes.

        Raises:
            DemoError: one of them has ended; with the end of its log.
        """
        for name, process in self._processes.items():
            if process.poll() is not None:
                log = self.log_file(name).read_text(encoding="utf-8", errors="replace").strip().splitlines()[-15:]
                raise DemoError(
                    f"The {name} ended by itself (exit status {process.returncode}). The end of its log, "
                    f"{self.log_file(name)}:\n\n" + "\n".join(log)
                )

    def wait_for(self, url: str) -> None:
        """
        Wait until an address answers.

        Raises:
            DemoError: it doesn't within START_SECONDS, or a process ended.
        """
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            self.check()
            try:
                with _without_proxy.open(url, timeout=10):
                    return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.1)
        raise DemoError(f"{url} did not answer within {START_SECONDS} seconds. The logs are in {self._directory}.")

    def stop(self, patience: float = STOP_SECONDS) -> None:
        """
        Ask all to end, then make them end, with all they forked.

        Args:
            patience: seconds in between.
        """
        for process in self._processes.values():
            if process.poll() is None:
                process.terminate()
        end = time.monotonic() + patience
        for process in self._processes.values():
            try:
                process.wait(max(0.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
            self._kill_group(process)
            process.wait()
        self._processes.clear()
        for descriptor in (self._leash, self._hand):
            if descriptor is not None:
                os.close(descriptor)
        self._leash = self._hand = None

    @staticmethod
    def _kill_group(process: subprocess.Popen) -> None:
        # An error means that nobody is left; macOS says PermissionError when only unreaped processes are.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def check_port(host: str, port: int, option: str) -> None:
    """
    See whether a port can be used.

    Raises:
        DemoError: it can't; names the option that chooses another.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            variable = f"DEMO_{option.strip('-').replace('-', '_').upper()}"
            raise DemoError(
                f"Port {port} cannot be used ({error.strerror}). Stop the program that uses it, or choose another "
                f"port: {variable}={port + 1} make demo, or python -m demo {option} {port + 1}."
            ) from error


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
