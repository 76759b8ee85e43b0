"""Webhooks: what an event costs the request, and how fast a worker delivers, in one run.

Goals: a matched event at most 1 ms and one INSERT (MariaDB), an unwanted one at most 1 µs more than with a receiver
that does nothing, and no query; 10,000 configured webhooks no slower than one; 500 deliveries a second and worker
process to a fast endpoint with all database writes, 100 to one that takes 300 ms; a worker's memory flat.

``TEST_DATABASE_URL`` chooses the database, as for the tests. ``BENCHMARK_DELIVERIES`` is how many the memory is watched
over (100,000).
"""

import gc
import logging
import os
import resource
import statistics
import time
import uuid
from collections.abc import Callable

import requests
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext, setup_databases, teardown_databases
from django.utils import timezone
from openedx_events.learning.data import UserData, UserPersonalData
from openedx_events.learning.signals import SESSION_LOGIN_COMPLETED as EVENT

from benchmarks._server import serving
from openedx_webhooks import catalog, index
from openedx_webhooks.models import Attempt, CapturedEvent, Delivery, Webhook
from openedx_webhooks.payloads import samples
from openedx_webhooks.transport import client
from openedx_webhooks.webhooks import deliver, receivers

DELIVERIES = int(os.environ.get("BENCHMARK_DELIVERIES", "100000"))
USER = UserData(
    pii=UserPersonalData(username="learner", email="learner@example.com", name="Ann Example"), id=1, is_active=True
)
OTHER = "org.openedx.learning.student.registration.completed.v1"


def _microseconds(rounds: int = 1000, repeats: int = 15, **functions: Callable[[], object]) -> dict[str, float]:
    """
    The best mean of several rounds of each; they take turns. The noise of other processes only adds.

    A function is called once to prepare its round, and returns what is measured.
    """
    best = dict.fromkeys(functions, float("inf"))
    for _ in range(repeats):
        for name, prepare in functions.items():
            function = prepare()
            start = time.perf_counter()
            for _ in range(rounds):
                function()
            best[name] = min(best[name], (time.perf_counter() - start) / rounds * 1e6)
    return best


def _milliseconds(function: Callable[[], object], rounds: int = 100, repeats: int = 15) -> float:
    """The best median of several rounds."""
    medians = []
    for _ in range(repeats):
        times = []
        for _ in range(rounds):
            start = time.perf_counter()
            function()
            times.append(time.perf_counter() - start)
        medians.append(statistics.median(times) * 1000)
    return min(medians)


def send():
    return EVENT.send_event(user=USER)


def _row(what: str, value: str, beside: str = "", ok: bool | None = None) -> bool:
    mark = {None: "", True: "ok", False: "MISSED"}[ok]
    print(f"{what:52} {value:>16}   {beside:48} {mark}")
    return ok is not False


def _nothing(**_kwargs) -> None:
    """A receiver that does nothing."""


def _unwanted() -> bool:
    """An event that nobody wants."""
    Webhook.objects.create(event=OTHER, webhook_url="http://127.0.0.1:9/")
    mine = {"dispatch_uid": receivers._UID}  # pylint: disable=protected-access

    def with_receiver(receiver):
        def prepare():
            EVENT.disconnect(**mine)
            if receiver is not None:
                EVENT.connect(receiver, **mine)
            return send

        return prepare

    best = _microseconds(
        without=with_receiver(None), nothing=with_receiver(_nothing), plugin=with_receiver(receivers.on_event)
    )
    with CaptureQueriesContext(connection) as queries:
        send()
    Webhook.objects.all().delete()
    over = best["plugin"] - best["nothing"]
    return all(
        [
            _row("send_event without a receiver", f"{best['without']:.1f} µs"),
            _row("… with one that does nothing", f"{best['nothing']:.1f} µs"),
            _row("… with the plugin, nobody wants it", f"{best['plugin']:.1f} µs", f"{over:+.2f} µs", over <= 1),
            _row("… queries", str(len(queries)), ok=len(queries) == 0),
        ]
    )


def _matched(url: str) -> bool:
    """An event that one webhook wants, in the transaction of a request."""
    Webhook.objects.create(event=EVENT.event_type, webhook_url=f"{url}/fast")
    payload = samples.sample_payload(catalog.find_event(EVENT.event_type))
    with transaction.atomic():
        send()
        with CaptureQueriesContext(connection) as queries:
            send()
        one = _milliseconds(send)
        fast = _milliseconds(lambda: requests.post(f"{url}/fast", json=payload, timeout=10), 20)
        slow = _milliseconds(lambda: requests.post(f"{url}/slow300", json=payload, timeout=10), 3, 1)
        transaction.set_rollback(True)
    inserts = sum(query["sql"].startswith("INSERT") for query in queries)
    is_two = inserts == 2 and len(queries) == 4
    fifty = _matched_by(url, 50)
    ok = all(
        [
            _row("matched event, one webhook", f"{one:.2f} ms", "", one <= 1),
            _row("… as published: one POST, fast endpoint", f"{fast:.2f} ms", f"x{fast / one:.1f}"),
            _row("… as published: one POST, 300 ms endpoint", f"{slow:.0f} ms", f"x{slow / one:.0f}"),
            _row("… statements", str(len(queries)), "SAVEPOINT, INSERT, INSERT, RELEASE SAVEPOINT", is_two),
            _row(
                "matched event, fifty webhooks",
                f"{fifty:.2f} ms",
                f"x{fifty / one:.2f} of one webhook",
                fifty <= 3 * one,
            ),
        ]
    )
    return _many(url, one) and ok


def _matched_by(url: str, count: int) -> float:
    """Milliseconds of an event that so many webhooks want; they are gone afterwards."""
    before = set(Webhook.objects.values_list("pk", flat=True))
    Webhook.objects.bulk_create(
        Webhook(event=EVENT.event_type, webhook_url=f"{url}/{number}") for number in range(count - len(before))
    )
    index.webhooks.forget()
    with transaction.atomic():
        send()
        milliseconds = _milliseconds(send)
        transaction.set_rollback(True)
    Webhook.objects.exclude(pk__in=before).delete()
    index.webhooks.forget()
    return milliseconds


def _many(url: str, one: float) -> bool:
    """10,000 webhooks of which one wants the event."""
    Webhook.objects.bulk_create(
        (Webhook(event=OTHER, webhook_url=f"{url}/{number}", secret="") for number in range(9999)), batch_size=1000
    )
    index.webhooks.forget()
    start = time.perf_counter()
    index.webhooks.get(OTHER)
    load = time.perf_counter() - start
    with transaction.atomic():
        many = _milliseconds(send)
        transaction.set_rollback(True)
    Webhook.objects.all().delete()
    index.webhooks.forget()
    ratio = many / one
    return all(
        [
            _row(
                "matched event, one of 10,000 webhooks",
                f"{many:.2f} ms",
                f"x{ratio:.2f} of one configured",
                ratio < 1.25,
            ),
            _row("… reading 10,000 webhooks after a change", f"{load * 1000:.0f} ms"),
        ]
    )


def owe(webhook: Webhook, count: int) -> None:
    payload = samples.sample_payload(catalog.find_event(EVENT.event_type))
    for start in range(0, count, 500):
        ids = [uuid.uuid4() for _ in range(min(500, count - start))]
        CapturedEvent.objects.bulk_create(
            CapturedEvent(event_id=pk, event_type=webhook.event, time=timezone.now(), payload=payload) for pk in ids
        )
        events = CapturedEvent.objects.filter(event_id__in=ids).values_list("pk", flat=True)
        Delivery.objects.bulk_create(Delivery(webhook=webhook, event_id=pk) for pk in events)


def _rate(url: str, path: str, count: int) -> float:
    webhook = Webhook.objects.create(event=EVENT.event_type, webhook_url=f"{url}{path}")
    owe(webhook, count)
    start = time.perf_counter()
    counts = deliver.deliver_due(max_seconds=600)
    elapsed = time.perf_counter() - start
    assert counts.delivered == count, counts
    webhook.delete()
    return count / elapsed


def _loop_rate(post: Callable[[], object], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        post()
    return count / (time.perf_counter() - start)


def _rates(url: str) -> bool:
    """Deliveries per second of one worker process, database included."""
    payload = samples.sample_payload(catalog.find_event(EVENT.event_type))
    fast, slow = _rate(url, "/fast", 5000), _rate(url, "/slow300", 1500)
    published = _loop_rate(lambda: requests.post(f"{url}/fast", json=payload, timeout=10), 500)
    bare = _loop_rate(lambda: client.post(f"{url}/fast", b"x" * 600, {}, timeout=10, connect_timeout=3), 2000)
    return all(
        [
            _row("deliveries, fast endpoint", f"{fast:.0f} /s", "with claims, attempts and states", fast >= 500),
            _row("… loop of requests.post, nothing recorded", f"{published:.0f} /s", f"x{fast / published:.2f}"),
            _row("… bare loop on a kept-alive connection (limit)", f"{bare:.0f} /s", f"x{fast / bare:.2f}"),
            _row(
                "deliveries, 300 ms endpoint",
                f"{slow:.0f} /s",
                f"x{slow * 0.3:.0f} of one after the other",
                slow >= 100,
            ),
        ]
    )


def _memory(url: str) -> bool:
    """A worker's memory over many deliveries."""
    webhook = Webhook.objects.create(event=EVENT.event_type, webhook_url=f"{url}/fast")
    sizes = []
    step = max(1, DELIVERIES // 10)
    for _ in range(10):
        owe(webhook, step)
        deliver.deliver_due(max_seconds=600)
        for model in (Attempt, Delivery, CapturedEvent):
            model.objects.all()._raw_delete(connection.alias)  # pylint: disable=protected-access
        gc.collect()
        sizes.append(_resident_mib())
    grown = sizes[-1] - sizes[1]
    return all(
        [
            _row(
                f"memory over {step * 10} deliveries",
                f"{sizes[-1]:.0f} MiB",
                f"{grown:+.1f} MiB between the 2nd and the last tenth",
                grown < 5,
            ),
            _row("… at its highest", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB"),
        ]
    )


def _resident_mib() -> float:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> bool:
    """Print the table; False if a goal was missed."""
    logging.disable(logging.WARNING)
    databases = setup_databases(verbosity=0, interactive=False)
    try:
        print(f"Database: {connection.vendor} {connection.get_database_version()}")
        with serving() as (url, _https, _bundle):
            return all([_unwanted(), _matched(url), _rates(url), _memory(url)])
    finally:
        teardown_databases(databases, verbosity=0)
        logging.disable(logging.NOTSET)
