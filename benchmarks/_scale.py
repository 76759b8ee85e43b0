"""``python -m benchmarks._scale URL``: the run itself, on the servers that :mod:`benchmarks.scale` started."""

import os
import random
import statistics
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import attrs
import django

django.setup()

# pylint: disable=wrong-import-position
from django.core.cache import cache  # noqa: E402
from django.db import OperationalError, connection, transaction  # noqa: E402

from benchmarks._goals import Goals  # noqa: E402
from benchmarks.scale import QUEUE, THREADS, WORKERS  # noqa: E402
from benchmarks.webhooks import EVENT, owe, send  # noqa: E402
from openedx_webhooks import index  # noqa: E402
from openedx_webhooks.models import Attempt, CapturedEvent, Delivery, Webhook  # noqa: E402
from openedx_webhooks.models.sequence import SequenceCounter  # noqa: E402
from tests.live.processes import Processes, worker  # noqa: E402
from tests.live.servers import make_tables  # noqa: E402

_SECONDS = float(os.environ.get("BENCHMARK_SECONDS", "15"))
_WARM_UP_SECONDS, _WEBHOOKS = 6, 4
_ROUNDS = int(os.environ.get("BENCHMARK_ROUNDS", "2"))
# A learner whose INSERT would wait for somebody's lock gets this error instead: innodb_lock_wait_timeout is 0.
_WOULD_WAIT = 1205
_DIRECTORY = Path(os.environ["SCALE_DIR"])


@attrs.define
class Seen:
    """
    What one number of workers did in one round.

    Attributes:
        delivered: per second.
        inserts: seconds of a learner's transaction with one event.
        controls: of one with as many statements on a table that no worker knows, at the same time.
        waits: of these, how many would have waited for a lock.
        locks: waits for row locks of the whole server, by its own count.
        asked: deliveries that were to be claimed.
        got: those that were.
        refused: claimed ones that could not be numbered at once.
    """

    delivered: float
    inserts: list[float]
    controls: list[float]
    waits: int
    locks: int
    asked: int
    got: int
    refused: int


class Learner(threading.Thread):
    """Sends twenty events a second, each in a transaction that never waits for a lock."""

    def __init__(self):
        super().__init__(daemon=True)
        self.inserts: list[float] = []
        self.controls: list[float] = []
        self.waits = 0
        self.counts, self.ends = threading.Event(), threading.Event()

    def run(self):
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION innodb_lock_wait_timeout = 0")
        with connection.execute_wrapper(self._notice):
            while not self.ends.wait(0.05):
                for write, seconds in random.sample([(send, self.inserts), (_control, self.controls)], 2):
                    start = time.perf_counter()
                    with transaction.atomic():
                        write()
                    if self.counts.is_set():
                        seconds.append(time.perf_counter() - start)
        connection.close()

    def _notice(self, execute, *arguments):
        try:
            return execute(*arguments)
        except OperationalError as error:
            self.waits += error.args[0] == _WOULD_WAIT
            raise


def _control() -> None:
    """What an event costs a learner, on a table of nobody's: a savepoint and two INSERTs."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("INSERT INTO control (text) VALUES (%s)", ["x" * 600])
        cursor.execute("INSERT INTO control (text) SELECT %s", ["x" * 60])


def _look(count: int, webhooks: list[Webhook]) -> Seen:
    """Let so many workers deliver for a while."""
    for model in (Attempt, Delivery, CapturedEvent, SequenceCounter):
        model.objects.all().delete()
    cache.clear()
    for file in _DIRECTORY.glob("claims.*"):
        file.unlink()
    for webhook in webhooks:
        owe(webhook, int(THREADS / 0.3 * max(WORKERS) * (_SECONDS + 3 * _WARM_UP_SECONDS) / len(webhooks)))
    with Processes(_DIRECTORY, dict(os.environ)) as processes:
        for number in range(count):
            processes.start(f"worker{number}", worker(f"worker{number}", 1, "benchmarks._scale_worker", QUEUE))
        learner = Learner()
        learner.start()
        _until_busy(count)
        before, start, locks = _delivered(), time.monotonic(), _locks()
        claims = _claims()
        learner.counts.set()
        time.sleep(_SECONDS)
        learner.counts.clear()
        elapsed, delivered = time.monotonic() - start, _delivered() - before
        claims, locks = _claims() - claims, _locks() - locks
        learner.ends.set()
        learner.join()
    refused = claims["numbers asked"] - claims["numbers got"]
    return Seen(
        delivered / elapsed,
        learner.inserts,
        learner.controls,
        learner.waits,
        locks,
        claims["asked"],
        claims["got"],
        refused,
    )


def _until_busy(count: int) -> None:
    """Until every worker has claimed something, and a while longer."""
    end = time.monotonic() + 180
    while len(list(_DIRECTORY.glob("claims.*"))) < count or not all(
        file.stat().st_size for file in _DIRECTORY.glob("claims.*")
    ):
        if time.monotonic() > end:
            raise RuntimeError("not every worker delivers")
        time.sleep(0.2)
    time.sleep(_WARM_UP_SECONDS)


def _delivered() -> int:
    return Delivery.objects.filter(state=Delivery.State.DELIVERED).count()


def _locks() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_waits'")
        return int(cursor.fetchone()[1])


def _claims() -> Counter:
    found: Counter = Counter()
    for file in _DIRECTORY.glob("claims.*"):
        for line in file.read_text(encoding="ascii").splitlines():
            what, asked, got = line.split()
            prefix = "numbers " if what == "number" else ""
            found[f"{prefix}asked"] += int(asked)
            found[f"{prefix}got"] += int(got)
    return found


def _p99(values: list[float]) -> float:
    return values[len(values) * 99 // 100]


def main(url: str) -> bool:
    """Print the table; whether both goals were met."""
    make_tables()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE control (id BIGINT AUTO_INCREMENT PRIMARY KEY, text LONGTEXT)")
    webhooks = [Webhook.objects.create(event=EVENT.event_type, webhook_url=f"{url}/slow300") for _ in range(_WEBHOOKS)]
    index.webhooks.forget()
    seen: dict[int, list[Seen]] = {count: [] for count in WORKERS}
    for _ in range(_ROUNDS):
        for count in WORKERS:
            seen[count].append(_look(count, webhooks))
    print(f"{_ROUNDS} rounds of {_SECONDS:.0f} s; {_WEBHOOKS} webhooks, {THREADS} requests at a time for each worker")
    print(
        f"{'workers':>7} {'deliveries/s':>13} {'of one':>7} {'claims lost':>12} {'numbered later':>15} "
        f"{'event median':>13} {'p99':>9} {'control median':>15} {'p99':>9} {'learner waits':>14} {'lock waits':>11}"
    )
    one = statistics.median(each.delivered for each in seen[1])
    for count, rounds in seen.items():
        rate = statistics.median(each.delivered for each in rounds)
        inserts, controls = (
            sorted(1000 * second for each in rounds for second in getattr(each, name))
            for name in ("inserts", "controls")
        )
        asked, got = (sum(getattr(each, name) for each in rounds) for name in ("asked", "got"))
        print(
            f"{count:7} {rate:11.1f}/s x{rate / one:5.2f} {(asked - got) / max(asked, 1):11.1%} "
            f"{sum(each.refused for each in rounds) / max(got, 1):14.1%} {statistics.median(inserts):10.1f} ms "
            f"{_p99(inserts):6.1f} ms {statistics.median(controls):12.1f} ms {_p99(controls):6.1f} ms "
            f"{sum(each.waits for each in rounds):14} {sum(each.locks for each in rounds):11}"
        )
    ratio = statistics.median(each.delivered for each in seen[max(WORKERS)]) / one
    waited = sum(each.waits for rounds in seen.values() for each in rounds)
    goals = Goals()
    goals.add(f"{max(WORKERS)} workers, of what one delivers", f"x{ratio:.2f}", ratio >= 3, "≥ 3")
    goals.add("learners' statements that would have waited for a lock", str(waited), not waited, "none")
    return goals.are_met


if __name__ == "__main__":
    sys.exit(not main(sys.argv[1]))
