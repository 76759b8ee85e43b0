"""The run: start everything, let learners come, break things by the timetable, and write down what happened."""

import contextlib
import json
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

from demo.supervisor import free_port
from tests.live.processes import Processes, worker
from tests.live.servers import MariaDB, Redis, environment, make_tables

from . import faults, hooks
from .learners import ACCOUNTS, COURSES, PASSWORD, Learners, username
from .record import Record
from .samples import Sampler

WITH, WITHOUT = "with hooks", "without hooks"
_DATABASES = {WITH: "live", WITHOUT: "plain"}
KILLED, KEPT = "worker that is killed", "worker that is kept"
_ENDPOINTS = ("steady", "hanging", "webfilters")
# Longer than the longest hang of an endpoint in a run of an hour: what hangs is late, and not given up.
_SCHEDULE_SECONDS = [1, 2, 3, 5, 5, 5, 10, 10, 10, 20, 20, *[30] * 20]
_SETTLE_SECONDS = 240
# Of its own, as the page on scale recommends to sites of this size.
_QUEUE = "webhooks"


class Run:
    """
    One run.

    Args:
        seconds: for which learners come.
        cycles: how often the timetable is run through.
        learners: accounts of the site that they stand for.
        directory: for everything.
    """

    def __init__(self, seconds: float, cycles: int, learners: int, directory: Path):
        self._seconds, self._cycles, self._directory = seconds, cycles, directory
        self._database, self._redis = MariaDB(directory), Redis(directory)
        options = {"DELIVERY_SCHEDULE_SECONDS": _SCHEDULE_SECONDS, "DELIVERY_QUEUE": _QUEUE}
        variables = environment(
            self._database,
            self._redis,
            "tests.soak.settings",
            LIVE_OPTIONS=json.dumps(options),
            DEMO_DIR=str(directory),
        )
        os.environ.update(variables)
        self._processes = Processes(directory, variables)
        self._endpoints = {name: free_port() for name in _ENDPOINTS}
        self._ports = {site: free_port() for site in _DATABASES}
        self._accounts = learners
        self._learners = Learners(self._ports, learners)
        self._poisoned: int | None = None
        self._purges = 0
        self._began = time.monotonic()
        self._happened: list[tuple[float, str, str]] = []

    def say(self, text: str, letter: str = "") -> None:
        """One line, with the time since the start."""
        at = time.monotonic() - self._began
        if letter:
            self._happened.append((at, letter, text))
        sys.stdout.write(f"{at:7.1f} s  {text}\n")
        sys.stdout.flush()

    def main(self) -> Record:
        """All of it."""
        self._database.start()
        self._redis.start()
        try:
            with self._processes:
                self._prepare()
                self._start_sites()
                return self._soak()
        finally:
            self._redis.kill()
            self._database.kill()

    # --- Before

    def _prepare(self) -> None:
        import django  # pylint: disable=import-outside-toplevel

        django.setup()
        from django.db import connection  # pylint: disable=import-outside-toplevel

        for site, name in reversed(_DATABASES.items()):
            self.say(f"tables of the site {site}")
            make_tables(name)
            connection.settings_dict["NAME"] = name
            _make_learners()
            connection.close()
        urls = {name: f"http://127.0.0.1:{port}" for name, port in self._endpoints.items()}
        secrets = self._directory / "secrets.json"
        secrets.write_text(json.dumps(hooks.make(urls)), encoding="utf-8")
        for name, port in self._endpoints.items():
            arguments = [str(port), str(self._accepted(name)), str(secrets)]
            self._processes.start(name, ["-m", "tests.soak.endpoint", *arguments])

    def _accepted(self, name: str) -> Path:
        return self._directory / f"{name}.accepted"

    def _start_sites(self) -> None:
        for site, port in self._ports.items():
            # Loaded before the fork, as on the platform; two processes that handle one request at a time.
            options = ["--preload", "--workers=2", "--worker-class=sync", "--timeout=90", f"--bind=127.0.0.1:{port}"]
            application = "django.core.wsgi:get_wsgi_application()"
            self._processes.start(site, ["-m", "gunicorn", *options, application], LIVE_DATABASE=_DATABASES[site])
        for name in (KILLED, KEPT):
            self._processes.start(name, worker(name.replace(" ", "-"), processes=1, queue=_QUEUE))
        for port in (*self._ports.values(), *self._endpoints.values()):
            _wait_for(port)

    # --- While

    def _soak(self) -> Record:
        roles = {name: lambda name=name: self._processes.pid(name) for name in (*_DATABASES, KILLED, KEPT)}
        sampler = Sampler(roles, self._database.directory / "data" / "live", max(1.0, self._seconds / 300))
        self._learners.warm_up()
        self._began = time.monotonic()
        self.say(f"{ACCOUNTS} accounts come for {self._seconds:.0f} s")
        sampler.start(self._began)
        timetable = threading.Thread(target=self._break_things, daemon=True)
        timetable.start()
        self._learners.run(self._began, self._seconds)
        timetable.join()
        left = self._settle(sampler)
        sampler.stop()
        return Record(
            learners=self._accounts,
            seconds=self._seconds,
            cycles=self._cycles,
            pairs=self._learners.pairs,
            samples=sampler.samples,
            faults=self._happened,
            owed=sorted(self._learners.owed),
            accepted=[line.split(" ") for name in _ENDPOINTS for line in self._lines(name)],
            failures=[[*key, count] for key, count in sorted(self._learners.failures.items())],
            left=left,
        )

    def _lines(self, name: str) -> list[str]:
        return self._accepted(name).read_text(encoding="utf-8").splitlines()

    def _break_things(self) -> None:
        from django.db import connection  # pylint: disable=import-outside-toplevel

        for at, fault in faults.moments(self._seconds, self._cycles):
            time.sleep(max(0.0, self._began + at - time.monotonic()))
            self.say(fault.text, fault.letter)
            try:
                fault.act(self)
            except Exception as error:  # pylint: disable=broad-exception-caught
                self.say(f"could not be done: {error!r}")
            connection.close()  # the server may be another one by then

    def _settle(self, sampler: Sampler) -> int:
        """Nobody comes any more: wait until nothing is owed; how much still is."""
        end = time.monotonic() + _SETTLE_SECONDS
        while True:
            seen = len(sampler.samples)
            while len(sampler.samples) == seen:
                time.sleep(0.2)
            left = sampler.samples[-1].values.get("owed", 1)
            self.say(f"{left} deliveries are owed")
            if not left or time.monotonic() > end:
                return int(left)
            time.sleep(3)

    # --- Faults

    def purge(self) -> None:
        """Of what is older than a fifteenth of the run."""
        days = self._seconds / 15 / 86400
        self._purges += 1
        self._processes.start(f"purge{self._purges}", ["manage.py", "webhooks_purge", "--older-than", f"{days:.6f}"])

    def kill_worker(self) -> None:
        """The other one is never killed, so that what it holds is seen to stay."""
        self._processes.kill(KILLED)

    def stop_endpoint(self, name: str) -> None:
        """It takes connections and answers nothing."""
        os.kill(self._processes.pid(name), signal.SIGSTOP)

    def continue_endpoint(self, name: str) -> None:
        """It goes on where it was."""
        os.kill(self._processes.pid(name), signal.SIGCONT)

    def flush_redis(self) -> None:
        """Messages, permits, circuits: gone."""
        self._redis.flush()

    def kill_database(self) -> None:
        """As a machine that loses its power."""
        self._database.kill()

    def start_database(self) -> None:
        """It recovers what was committed."""
        self._database.start()

    def poison(self) -> None:
        """See :func:`tests.soak.hooks.poison`."""
        self._poisoned = hooks.poison("http://[bad/x")

    def remove_poison(self) -> None:
        """As an operator would; what it was owed goes with it."""
        from openedx_webhooks.models import Webhook  # pylint: disable=import-outside-toplevel

        Webhook.objects.filter(pk=self._poisoned).delete()


def _make_learners() -> None:
    """The same people and courses on both sites."""
    # pylint: disable=import-outside-toplevel
    from datetime import UTC, datetime

    from django.contrib.auth import get_user_model
    from django.contrib.auth.hashers import make_password
    from opaque_keys.edx.keys import CourseKey

    from demo.minilms.models import CourseEnrollment, CourseOverview, UserProfile

    users = get_user_model()
    password = make_password(PASSWORD)
    names = [username(number) for number in range(ACCOUNTS)]
    users.objects.bulk_create(users(username=name, email=f"{name}@example.com", password=password) for name in names)
    people = list(users.objects.all())
    UserProfile.objects.bulk_create(UserProfile(user=user, name=user.username) for user in people)
    for course_id in COURSES:
        key = CourseKey.from_string(course_id)
        CourseOverview.objects.create(id=key, display_name=course_id, start=datetime(2020, 1, 1, tzinfo=UTC))
        CourseEnrollment.objects.bulk_create(CourseEnrollment(user=user, course_id=key) for user in people)


def _wait_for(port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise RuntimeError(f"nobody listens on port {port}")
