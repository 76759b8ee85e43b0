"""The run: both sites, traffic, faults by a timetable, and the verdict."""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import timedelta
from pathlib import Path

from tests.chaos.processes import Processes, celery_worker, kill
from tests.chaos.servers import MariaDB, Redis, free_port, missing

from . import picture
from .report import Report
from .watch import Rows, Watch

_PEOPLE = 400
_WORKERS = 2
_GUNICORN = ["-m", "gunicorn", "--workers=2", "--worker-class=gthread", "--threads=4", "--log-level=warning"]
_APPLICATION = "django.core.wsgi:get_wsgi_application()"
# Of the run: something goes wrong in the middle third, so that the last one shows what it left behind.
_FAULTS = (
    (0.20, "poisoned row", "poison"),
    (0.30, "endpoint hangs", "hang"),
    (0.38, "worker killed", "kill_worker"),
    (0.42, "endpoint answers", "recover"),
    (0.48, "Redis flushed", "flush"),
    (0.54, "database restarted", "restart_database"),
    (0.62, "worker killed", "kill_worker"),
    (0.66, "purge", "purge"),
    (0.80, "purge", "purge"),
)
_SETTLE_SECONDS = 180


class Run:
    """One run."""

    def __init__(self, seconds: float, share: float, directory: Path):
        self._seconds, self._share, self._directory = seconds, share, directory
        self._database, self._redis = MariaDB(directory), Redis(directory)
        self._accepted = directory / "accepted"
        self._ports = {"hooks": free_port(), "no hooks": free_port()}
        self._endpoint = f"http://127.0.0.1:{free_port()}"
        # gunicorn, the endpoint: what is not killed, by name.
        self._others: dict[str, subprocess.Popen] = {}
        os.environ.update(self._environment("soak"))
        self._workers = Processes(directory, self._environment("soak"))
        self._poisoned: list[int] = []
        self._purges: list[subprocess.Popen] = []
        self._began = time.monotonic()
        self._marks: list[tuple[float, str]] = []
        self._away = (0.0, 0.0)

    def _environment(self, database: str) -> dict[str, str]:
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.soak.settings",
            "PYTHONPATH": os.getcwd(),
            "CHAOS_DATABASE_PORT": str(self._database.port),
            "CHAOS_REDIS_PORT": str(self._redis.port),
            "SOAK_DATABASE": database,
        }

    def main(self) -> Report:
        """Run it."""
        self._database.start()
        self._redis.start()
        try:
            self._start()
            return self._soak()
        finally:
            self._workers.end_all()
            for process in self._others.values():
                kill(process)
            self._redis.kill()
            self._database.kill()

    def _start(self) -> None:
        import django  # pylint: disable=import-outside-toplevel

        django.setup()
        for site, database in (("hooks", "soak"), ("no hooks", "soak_without_hooks")):
            environment = self._environment(database)
            starter = Processes(self._directory, environment)
            endpoint = self._endpoint if site == "hooks" else ""
            prepared = [sys.executable, "-m", "tests.soak.prepare", endpoint, str(_PEOPLE)]
            subprocess.run(prepared, env=environment, check=True)
            bind = f"--bind=127.0.0.1:{self._ports[site]}"
            self._others[site] = starter.start([*_GUNICORN, bind, _APPLICATION], f"gunicorn {site}")
        self._others["endpoint"] = self._workers.start(
            ["-m", "tests.soak.endpoint", self._endpoint.rpartition(":")[2], str(self._accepted)], "endpoint"
        )
        self._workers.start_all([celery_worker(number) for number in range(_WORKERS)])
        for port in self._ports.values():
            _wait_for(f"http://127.0.0.1:{port}/login")

    def _soak(self) -> Report:
        from .traffic import Traffic  # pylint: disable=import-outside-toplevel

        sites = {site: f"http://127.0.0.1:{port}" for site, port in self._ports.items()}
        traffic = Traffic(sites, _PEOPLE, self._share)
        groups = {
            "web": lambda: [self._others["hooks"].pid],
            "web without hooks": lambda: [self._others["no hooks"].pid],
            "workers": lambda: [process.pid for process in self._workers.running],
        }
        watch = Watch(groups, self._rows, max(1.0, self._seconds / 240))
        self._began = time.monotonic()
        traffic.start()
        watch.start()
        for share, name, action in _FAULTS:
            time.sleep(max(0.0, self._began + share * self._seconds - time.monotonic()))
            self._say(name)
            self._marks.append((time.monotonic() - self._began, name))
            getattr(self, f"_{action}")()
        time.sleep(max(0.0, self._began + self._seconds - time.monotonic()))
        traffic.stop()
        self._say(f"{len(traffic.requests):,} requests were made")
        watch.stop()
        owed = self._settle()
        if any(purge.wait(timeout=_SETTLE_SECONDS) for purge in self._purges):
            raise RuntimeError("webhooks_purge failed")
        accepted = [line.split() for line in self._accepted.read_text(encoding="utf-8").splitlines()]
        return Report(traffic.requests, watch.samples, watch.rows, self._marks, accepted, owed, self._away)

    def _say(self, text: str) -> None:
        print(f"{time.monotonic() - self._began:7.1f} s  {text}", flush=True)

    # --- Faults

    def _poison(self) -> None:
        """As somebody's SQL leaves a row."""
        from django.db import connection  # pylint: disable=import-outside-toplevel

        from openedx_webhooks.models import Webhook  # pylint: disable=import-outside-toplevel

        event = "org.openedx.learning.course.enrollment.created.v1"
        poisoned = Webhook.objects.create(event=event, webhook_url="http://[bad/x", condition="a ==")
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE openedx_webhooks_webhook SET retry_schedule = '[\"5\"]', headers = '[' WHERE id = %s",
                [poisoned.pk],
            )
        self._poisoned.append(poisoned.pk)

    def _hang(self) -> None:
        self._set_mood(b"bad")

    def _recover(self) -> None:
        self._set_mood(b"good")

    def _set_mood(self, mood: bytes) -> None:
        with urllib.request.urlopen(f"{self._endpoint}/mood", data=mood, timeout=10):
            pass

    def _kill_worker(self) -> None:
        self._workers.kill_one()

    def _flush(self) -> None:
        self._redis.flush()

    def _restart_database(self) -> None:
        began = time.monotonic() - self._began
        self._database.stop()
        self._database.start()
        # What had begun before fails, and what comes at once waits for its tables.
        self._away = (began - 5, time.monotonic() - self._began + 5)

    def _purge(self) -> None:
        self._purges.append(self._workers.start(["manage.py", "webhooks_purge", "--older-than", "0"], "purge"))

    # --- The database

    def _rows(self, at: float) -> Rows:
        from django.db.models import Min  # pylint: disable=import-outside-toplevel
        from django.utils import timezone  # pylint: disable=import-outside-toplevel

        from openedx_webhooks.models import Attempt, CapturedEvent, Delivery  # pylint: disable=import-outside-toplevel

        _close_connections()
        now = timezone.now()
        due = self._owed().filter(next_attempt_at__lt=now - timedelta(seconds=1))
        oldest = due.aggregate(oldest=Min("next_attempt_at"))["oldest"]
        tables = {"events": CapturedEvent, "deliveries": Delivery, "attempts": Attempt}
        counts = {name: model.objects.count() for name, model in tables.items()}
        return Rows(at, due.count(), (now - oldest).total_seconds() if oldest else 0.0, counts)

    def _owed(self):
        from openedx_webhooks.models import Delivery  # pylint: disable=import-outside-toplevel

        return Delivery.objects.pending().exclude(webhook__in=self._poisoned)

    def _settle(self) -> int:
        """Wait until nothing is owed; how much still is."""
        _close_connections()
        end = time.monotonic() + _SETTLE_SECONDS
        while (owed := self._owed().count()) and time.monotonic() < end:
            self._say(f"{owed} deliveries are owed")
            time.sleep(3)
        return owed


def _close_connections() -> None:
    from django.db import connections  # pylint: disable=import-outside-toplevel

    connections.close_all()


def _wait_for(url: str) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def main() -> int:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--share", type=float, default=1.0, help="of the traffic of a site with 100,000 learners")
    parser.add_argument("--picture", type=Path, help="an SVG file to draw it into (needs matplotlib)")
    options = parser.parse_args()
    if programs := missing():
        print(f"Skipped: this machine has no {', '.join(programs)}.")
        return 0
    if options.picture:
        picture.check()
    with tempfile.TemporaryDirectory(prefix="webhooks-soak-") as directory:
        report = Run(options.minutes * 60, options.share, Path(directory)).main()
    if options.picture:
        picture.draw(report, options.picture)
    print(report)
    print("FAILED: " + "; ".join(report.problems) if report.problems else "OK")
    return int(bool(report.problems))


if __name__ == "__main__":
    sys.exit(main())
