"""The run: start everything, break everything, count."""

import argparse
import contextlib
import os
import random
import sys
import tempfile
import threading
import time
from pathlib import Path

from tests.live.processes import Processes, worker
from tests.live.servers import MariaDB, Redis, environment, make_tables, missing

from .moods import PATHS, MoodyEndpoints

_LOGIN = "org.openedx.learning.auth.session.login.completed.v1"
_WORKERS = 2
_HOLD_SECONDS = 5


def tell(text: str) -> None:
    """A line, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class Run:
    """One run."""

    def __init__(self, events: int, seconds: float, with_loop: bool, directory: Path):
        self._events, self._seconds, self._with_loop, self._directory = events, seconds, with_loop, directory
        self._database, self._redis = MariaDB(directory), Redis(directory)
        self._endpoints = MoodyEndpoints()
        variables = environment(self._database, self._redis)
        os.environ.update(variables)
        self._processes = Processes(directory, variables)
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
            with self._processes:
                fates = self._directory / "fates"
                self._break_things(self._start(fates))
                self._settle()
                return self._judge([line.split() for line in fates.read_text(encoding="utf-8").splitlines()])
        finally:
            self._redis.kill()
            self._database.kill()

    def _start(self, fates: Path):
        """Workers, a loop beside them, and what sends events, which is returned."""
        self._workers = [f"worker{number}" for number in range(_WORKERS)]
        for name in self._workers:
            self._processes.start(name, worker(name))
        if self._with_loop:
            self._workers.append("loop")
            self._processes.start("loop", ["manage.py", "webhooks_deliver", "--loop", "--interval", "0.5"])
        arguments = [str(self._events), str(self._seconds), str(fates)]
        return self._processes.start("sender", ["-m", "tests.chaos.sender", *arguments])

    def _prepare(self) -> None:
        import django  # pylint: disable=import-outside-toplevel
        from django.db import connections  # pylint: disable=import-outside-toplevel

        django.setup()
        make_tables()
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
                self._processes.kill(random.choice(self._workers))
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
