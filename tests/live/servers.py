"""A MariaDB and a Redis of our own, made to be killed."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from demo.supervisor import ROOT, free_port

SETTINGS = "tests.live.settings"


def missing() -> list[str]:
    """The programs that the run needs and this machine lacks."""
    return [name for name in ("mariadbd", "mariadb-install-db", "redis-server") if not shutil.which(name)]


class Server:
    """A process that listens on a port."""

    def __init__(self, directory: Path):
        self.port = free_port()
        self.directory = directory / type(self).__name__.lower()
        self.directory.mkdir()
        self._process: subprocess.Popen | None = None

    def command(self) -> list[str]:
        """What to run."""
        raise NotImplementedError

    def start(self) -> None:
        """Start, and wait until it takes connections."""
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(self.command(), stdout=log, stderr=log)
        end = time.monotonic() + 30
        while time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.05)
        raise RuntimeError(f"{self.command()[0]} did not start; see {self.directory / 'log'}")

    def kill(self) -> None:
        """SIGKILL: no goodbye, nothing flushed."""
        if self._process:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None


class Redis(Server):
    """Broker and cache; keeps nothing over a kill."""

    def command(self):
        return ["redis-server", "--port", str(self.port), "--save", "", "--dir", str(self.directory)]

    def flush(self) -> None:
        """Lose every message and key."""
        with socket.create_connection(("127.0.0.1", self.port)) as sock:
            sock.sendall(b"FLUSHALL\r\n")
            sock.recv(100)


class MariaDB(Server):
    """The database; durable commits, as on a real site."""

    def __init__(self, directory: Path):
        super().__init__(directory)
        subprocess.run(
            [
                "mariadb-install-db",
                "--no-defaults",
                f"--datadir={self.directory / 'data'}",
                "--user=root",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ],
            check=True,
            capture_output=True,
        )

    def command(self):
        return [
            "mariadbd",
            "--no-defaults",
            f"--datadir={self.directory / 'data'}",
            "--user=root",
            "--bind-address=127.0.0.1",
            f"--port={self.port}",
            f"--socket={self.directory / 'socket'}",
            "--innodb-flush-log-at-trx-commit=1",
            "--character-set-server=utf8mb4",
        ]


def environment(database: MariaDB, redis: Redis, settings: str = SETTINGS, **variables: str) -> dict[str, str]:
    """Variables of processes that use these servers."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": settings,
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "LIVE_DATABASE_PORT": str(database.port),
        "LIVE_REDIS_PORT": str(redis.port),
        **variables,
    }


def make_tables(name: str = "live") -> None:
    """Make a database on the server that the settings of this process name, with all tables; Django must be set up."""
    from django.core.management import call_command  # pylint: disable=import-outside-toplevel
    from django.db import connection  # pylint: disable=import-outside-toplevel

    before = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = ""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    connection.close()
    connection.settings_dict["NAME"] = name
    call_command("migrate", verbosity=0)
    if before != name:
        connection.close()
        connection.settings_dict["NAME"] = before
