"""One running demo: the receiver, the mini LMS and its Celery worker, on a directory and two ports."""

import fcntl
import os
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import attrs

from .supervisor import DemoError, Supervisor, check_port

SETTINGS = "demo.minilms.settings"


@attrs.frozen
class Demo:
    """
    Where a demo is.

    Attributes:
        directory: holds the database, the broker's files and the logs.
        host: address that both servers listen on.
    """

    directory: Path
    host: str
    lms_port: int
    receiver_port: int

    @property
    def lms_url(self) -> str:
        """The mini LMS's address, without a slash at the end."""
        return f"http://{self._name}:{self.lms_port}"

    @property
    def receiver_url(self) -> str:
        """The receiver's address, without a slash at the end."""
        return f"http://{self._name}:{self.receiver_port}"

    @property
    def _name(self) -> str:
        return "127.0.0.1" if self.host in ("0.0.0.0", "") else self.host

    def environment(self) -> dict[str, str]:
        """What all processes of the demo need to know."""
        direct = [os.environ.get("no_proxy") or os.environ.get("NO_PROXY"), "127.0.0.1", "localhost"]
        without_proxy = ",".join(filter(None, direct))
        return {
            "DJANGO_SETTINGS_MODULE": SETTINGS,
            "SERVICE_VARIANT": "lms",
            "DEMO_DIR": str(self.directory),
            "DEMO_RECEIVER_URL": self.receiver_url,
            # A proxy of this machine is not for loopback.
            "NO_PROXY": without_proxy,
            "no_proxy": without_proxy,
        }


@contextmanager
def running(demo: Demo, *, webfilter_timeout: float | None = None):
    """
    Run a demo for as long as the block lasts.

    Yields:
        the :class:`Supervisor` and the :class:`demo.minilms.seed.Accounts`.

    Raises:
        DemoError: it cannot start.
    """
    demo.directory.mkdir(parents=True, exist_ok=True)
    with _alone_in(demo.directory):
        check_port(demo.host, demo.lms_port, "--lms-port")
        check_port(demo.host, demo.receiver_port, "--receiver-port")
        accounts = _prepare(demo, webfilter_timeout)
        with Supervisor(demo.directory, demo.environment()) as supervisor:
            _start(demo, supervisor)
            yield supervisor, accounts


@contextmanager
def _alone_in(directory: Path):
    with open(directory / "lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise DemoError(
                f"A demo is running in {directory} already. Stop it, or choose another directory with --dir."
            ) from error
        yield


def _prepare(demo: Demo, webfilter_timeout: float | None):
    """Make the database and what is in it, in this process."""
    for folder in ("queue", "control"):
        (demo.directory / "broker" / folder).mkdir(parents=True, exist_ok=True)
    os.environ.update(demo.environment())

    import django  # pylint: disable=import-outside-toplevel
    from django.core.management import call_command  # pylint: disable=import-outside-toplevel
    from django.db import connections  # pylint: disable=import-outside-toplevel

    django.setup()
    from .minilms.seed import seed  # pylint: disable=import-outside-toplevel

    call_command("migrate", verbosity=0)
    accounts = seed(demo.directory, demo.receiver_url, webfilter_timeout=webfilter_timeout)
    connections.close_all()
    return accounts


def _start(demo: Demo, supervisor: Supervisor) -> None:
    supervisor.start(
        "receiver",
        "demo.receiver",
        f"--host={demo.host}",
        f"--port={demo.receiver_port}",
        f"--secrets={demo.directory / 'secrets.json'}",
        f"--lms-url={demo.lms_url}",
    )
    supervisor.start(
        "worker",
        *("celery", "--app=demo.minilms", "worker", "--pool=prefork", "--concurrency=2", "--loglevel=INFO"),
        # Talk among workers; there is one.
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    )
    # --insecure: Django serves the static files of the admin although DEBUG is off, as it is on the platform.
    supervisor.start(
        "lms", "django", "runserver", "--noreload", "--insecure", "--skip-checks", f"{demo.host}:{demo.lms_port}"
    )
    supervisor.wait_for(f"{demo.receiver_url}/")
    supervisor.wait_for(f"{demo.lms_url}/login")


def serve(demo: Demo) -> None:
    """
    Run a demo until it is interrupted, and tell where it is.

    Raises:
        DemoError: it cannot start, or one of its processes ended.
    """
    print("Starting the demo …", flush=True)
    with running(demo) as (supervisor, accounts):
        print(_welcome(demo, accounts), flush=True)
        try:
            while True:
                supervisor.check()
                time.sleep(0.5)
        finally:
            print("\nStopping the demo …", file=sys.stderr, flush=True)


def _welcome(demo: Demo, accounts) -> str:
    lines = [
        "",
        "The demo is running.",
        "",
        f"  Mini LMS   {demo.lms_url}/",
        f"  Receiver   {demo.receiver_url}/",
        f"  Admin      {demo.lms_url}/admin/",
        "",
        "  Account    Password",
    ]
    for username, password in accounts.passwords.items():
        shown = password if accounts.unchanged(username) else "(you changed it)"
        role = "   for the admin" if username == accounts.admin else "   a learner"
        lines.append(f"  {username:<10} {shown:<14}{role}")
    lines += [
        "",
        "Try this: open the receiver, choose “An exception” for StudentRegistrationRequested, and register.",
        f"Logs and data are in {demo.directory}; delete it to begin anew. Ctrl-C stops everything.",
    ]
    return "\n".join(lines)
