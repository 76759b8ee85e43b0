"""The run: start everything, break everything, count."""

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from .endpoints import PATHS, Endpoints
from .servers import MariaDB, Redis, missing

_LOGIN = "org.openedx.learning.auth.session.login.completed.v1"
_WORKERS = 2
_HOLD_SECONDS = 5


def tell(text: str) -> None:
    """A line, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class Processes:
    """Celery workers and a loop command, killed and started again."""

    def __init__(self, directory: Path, environment: dict[str, str]):
        self._directory, self._environment = directory, environment
        self._commands: list[list[str]] = []
        self._running: list[subprocess.Popen] = []
        self.kills = 0

    def start_all(self, with_loop: bool) -> None:
        """Two workers, and a loop beside them."""
        worker = [
            "-m",
            "celery",
            "-A",
            "demo.minilms",
            "worker",
            "--concurrency=2",
            "--loglevel=INFO",
            "--without-gossip",
            "--without-mingle",
            "--prefetch-multiplier=1",
        ]
        self._commands = [[*worker, "-n", f"worker{number}@chaos"] for number in range(_WORKERS)]
        if with_loop:
            self._commands.append(["manage.py", "webhooks_deliver", "--loop", "--interval", "0.5"])
        self._running = [self.start(command, f"process{number}") for number, command in enumerate(self._commands)]

    def start(self, arguments: list[str], name: str) -> subprocess.Popen:
        """One process, in a group of its own, so that its children die with it."""
        with (self._directory / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *arguments], env=self._environment, stdout=log, stderr=log, start_new_session=True
            )

    def kill_one(self) -> None:
        """SIGKILL a worker or the loop, and start it again."""
        number = random.randrange(len(self._running))
        self._kill(self._running[number])
        self.kills += 1
        self._running[number] = self.start(self._commands[number], f"process{number}")

    def end_all(self) -> None:
        """SIGKILL for all."""
        for process in self._running:
            self._kill(process)

    @staticmethod
    def _kill(process) -> None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class Run:
    """One run."""

    def __init__(self, events: int, seconds: float, with_loop: bool, directory: Path):
        self._events, self._seconds, self._with_loop, self._directory = events, seconds, with_loop, directory
        self._database, self._redis = MariaDB(directory), Redis(directory)
        self._endpoints = Endpoints()
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
            "PYTHONPATH": os.getcwd(),
            "CHAOS_DATABASE_PORT": str(self._database.port),
            "CHAOS_REDIS_PORT": str(self._redis.port),
        }
        os.environ.update(environment)
        self._processes = Processes(directory, environment)
        self._began = time.monotonic()
        self._poisoned = 0

    def say(self, text: str) -> None:
        """One line, with the time since the start."""
        tell(f"{time.monotonic() - self._began:6.1f} s  {text}")

    def main(self) -> int:
        """The exit status."""
        self._database.start()
        self._redis.start()
        try:
            self._prepare()
            self._processes.start_all(self._with_loop)
            fates = self._directory / "fates"
            sender = self._processes.start(
                ["-m", "tests.chaos.sender", str(self._events), str(self._seconds), str(fates)], "sender"
            )
            self._break_things(sender)
            self._settle()
            return self._judge([line.split() for line in fates.read_text(encoding="utf-8").splitlines()])
        finally:
            self._processes.end_all()
            self._redis.kill()
            self._database.kill()

    def _prepare(self) -> None:
        import django  # pylint: disable=import-outside-toplevel
        from django.core.management import call_command  # pylint: disable=import-outside-toplevel
        from django.db import connections  # pylint: disable=import-outside-toplevel

        django.setup()
        connections["default"].settings_dict["NAME"] = ""
        with connections["default"].cursor() as cursor:
            cursor.execute("CREATE DATABASE chaos CHARACTER SET utf8mb4")
        connections["default"].close()
        connections["default"].settings_dict["NAME"] = "chaos"
        call_command("migrate", verbosity=0)
        from openedx_webhooks.models import Webhook  # pylint: disable=import-outside-toplevel

        for path in PATHS:
            webhook = Webhook.objects.create(event=_LOGIN, webhook_url=self._endpoints.url(path))
            self._endpoints.secrets[path] = webhook.secret
        # A row as somebody's SQL left it: whatever becomes of it, the others must not notice.
        poisoned = Webhook.objects.create(event=_LOGIN, webhook_url="http://[bad/x", condition="a ==")
        with connections["default"].cursor() as cursor:
            cursor.execute(
                "UPDATE openedx_webhooks_webhook SET retry_schedule = '[\"5\"]', headers = '[' WHERE id = %s",
                [poisoned.pk],
            )
        self._poisoned = poisoned.pk
        connections.close_all()

    def _hold_webhooks(self) -> None:
        """As an open page of the admin does: every webhook's row is locked for some seconds."""
        from django.db import connections, transaction  # pylint: disable=import-outside-toplevel

        from openedx_webhooks.models import Webhook  # pylint: disable=import-outside-toplevel

        def hold():
            with contextlib.suppress(Exception), transaction.atomic():
                list(Webhook.objects.select_for_update())
                time.sleep(_HOLD_SECONDS)
            connections.close_all()

        threading.Thread(target=hold, daemon=True).start()

    def _break_things(self, sender) -> None:
        plan = [
            (0.15, "Redis flushed", self._redis.flush),
            (0.25, "every webhook's row locked by somebody", self._hold_webhooks),
            (0.30, "Redis killed", self._redis.kill),
            (0.40, "Redis back, empty", self._redis.start),
            (0.55, "database killed", self._database.kill),
            (0.62, "database back", self._database.start),
            (0.70, "every webhook's row locked by somebody", self._hold_webhooks),
            (0.75, "Redis flushed", self._redis.flush),
            (0.85, "database killed", self._database.kill),
            (0.90, "database back", self._database.start),
        ]
        start = time.monotonic()
        next_kill = start + 4
        while sender.poll() is None or plan:
            elapsed = (time.monotonic() - start) / self._seconds
            if plan and elapsed >= plan[0][0]:
                _, text, action = plan.pop(0)
                action()
                self.say(text)
            if time.monotonic() >= next_kill:
                self._processes.kill_one()
                next_kill = time.monotonic() + random.uniform(1, 3)
            time.sleep(0.05)
        self.say(f"sender ended ({sender.returncode}); {self._processes.kills} processes were killed")

    def _settle(self) -> None:
        """Nobody is killed any more: wait until nothing is owed."""
        from openedx_webhooks.models import Delivery  # pylint: disable=import-outside-toplevel

        end = time.monotonic() + 180
        while time.monotonic() < end:
            pending = Delivery.objects.pending().exclude(webhook=self._poisoned).count()
            self.say(f"{pending} deliveries are owed")
            if not pending:
                return
            time.sleep(3)

    def _judge(self, events) -> int:
        from django.db.models import Count  # pylint: disable=import-outside-toplevel

        from openedx_webhooks.models import Attempt, Delivery  # pylint: disable=import-outside-toplevel

        committed = {event for event, fate in events if fate == "committed"}
        rolled_back = {event for event, fate in events if fate == "rolled-back"}
        unknown = {event for event, fate in events if fate == "unknown"}
        accepted = self._endpoints.accepted
        lost = [(path, event) for path in PATHS for event in committed if (path, event) not in accepted]
        ghosts = [key for key in accepted if key[1] in rolled_back]
        twice = sum(sum(ids.values()) - 1 for ids in accepted.values())
        other_ids = [key for key, ids in accepted.items() if len(ids) > 1]
        # The malformed webhook's are tried again and again, at this moment too.
        stuck = Delivery.objects.exclude(claimed_by=None).exclude(webhook=self._poisoned).count()
        ours = Delivery.objects.exclude(webhook=self._poisoned).order_by()
        states = dict(ours.values_list("state").annotate(Count("pk")))
        poisoned = Delivery.objects.filter(webhook=self._poisoned, attempts__error="condition_failed").distinct()
        attempts = Attempt.objects.exclude(delivery__webhook=self._poisoned)
        doubled = attempts.values("delivery", "started_at").annotate(n=Count("pk")).filter(n__gt=1).count()
        tell(f"""
events committed                  {len(committed):6}
events rolled back                {len(rolled_back):6}
events of unknown fate            {len(unknown):6}  (the database was killed at COMMIT)
deliveries owed                   {len(committed) * len(PATHS):6}
deliveries accepted               {len(accepted):6}
attempts recorded                 {attempts.count():6}
of the malformed webhook          {poisoned.count():6}  deliveries that say why they fail
refused by the endpoints          {sum(self._endpoints.refused.values()):6}  {dict(self._endpoints.refused)}
processes killed                  {self._processes.kills:6}
states in the database            {states}

lost                              {len(lost):6}
of rolled-back events             {len(ghosts):6}
accepted more than once           {twice:6}  (the same webhook-id each time: {not other_ids})
with another webhook-id           {len(other_ids):6}
signatures that did not verify    {self._endpoints.bad_signatures:6}
recorded twice                    {doubled:6}
still claimed                     {stuck:6}
still pending                     {states.get("pending", 0):6}
failed                            {states.get("failed", 0):6}""")
        untried = [path for path in PATHS if path != "/steady" and not self._endpoints.refused[path]]
        bad = (
            lost,
            ghosts,
            untried,
            doubled,
            not poisoned.exists(),
            other_ids,
            self._endpoints.bad_signatures,
            stuck,
            states.get("pending"),
            states.get("failed"),
        )
        tell("FAILED" if any(bad) else "OK")
        return int(any(bad))


def main() -> int:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--events", type=int, default=1000, help="committed events, each owed to five endpoints")
    parser.add_argument("--seconds", type=float, default=40, help="the time over which they are sent")
    parser.add_argument("--without-loop", action="store_true", help="Celery alone, no webhooks_deliver --loop")
    parser.add_argument("--seed", type=int, help="of what is killed when")
    options = parser.parse_args()
    if programs := missing():
        tell(f"Skipped: this machine has no {', '.join(programs)}.")
        return 0
    random.seed(options.seed)
    with tempfile.TemporaryDirectory(prefix="webhooks-chaos-") as directory:
        return Run(options.events, options.seconds, not options.without_loop, Path(directory)).main()


if __name__ == "__main__":
    sys.exit(main())
