"""A site that has been busy for a month: a million events, deliveries, attempts and calls, by INSERT … SELECT."""

import os
from datetime import UTC, datetime, timedelta

from django.contrib.auth import get_user_model
from django.db import connection

from openedx_webhooks.models import Attempt, Call, CapturedEvent, Delivery, Webfilter, Webhook

ROWS = int(os.environ.get("BENCHMARK_ROWS", "1000000"))
LEARNERS = 20_000
COURSES = 300
WEBHOOKS = 190
_DAYS = 30
_EVENTS = [
    "org.openedx.learning.course.enrollment.created.v1",
    "org.openedx.learning.student.registration.completed.v1",
    "org.openedx.learning.auth.session.login.completed.v1",
    "org.openedx.learning.certificate.created.v1",
]
_FILTERS = ["org.openedx.learning.student.login.requested.v1", "org.openedx.learning.course.enrollment.started.v1"]


def fill() -> None:
    """Make them; on a database that has none of them."""
    users = get_user_model()
    users.objects.bulk_create(
        (
            users(pk=number, username=f"learner{number:05}", email=f"l{number}@example.com", last_name=f"Name{number}")
            for number in range(1000, 1000 + LEARNERS)
        ),
        batch_size=2000,
    )
    Webhook.objects.bulk_create(
        Webhook(pk=number + 1, event=_EVENTS[number % len(_EVENTS)], webhook_url=f"https://example.com/{number}")
        for number in range(WEBHOOKS)
    )
    Webfilter.objects.bulk_create(
        Webfilter(pk=number + 1, event=_FILTERS[number % 2], webhook_url=f"https://example.com/{number}")
        for number in range(10)
    )
    # Half of all goes to the first webhook, and little to the last; the events in the types' proportion.
    webhook = f"CASE WHEN n % 2 = 0 THEN 1 WHEN n % 50000 = 1 THEN {WEBHOOKS} ELSE 2 + (n % {WEBHOOKS - 2}) END"
    types = " ".join(f"WHEN {number} THEN '{event}'" for number, event in enumerate(_EVENTS))
    course = f"'course-v1:Org', (n * 7) % 20, '+', CASE (n * 7) % {COURSES} % 10 WHEN 3 THEN 'Demo' ELSE 'C' END"
    course = _concat(f"{course}, (n * 7) % {COURSES}, '+2026'")
    user = f"1000 + (n * 13) % {LEARNERS}"
    username = _concat(f"'learner', {_padded(user)}")
    # The payloads of the last week are kept.
    payload = _concat('\'{"n":\', n, \',"filler":"' + "x" * 600 + "\"}'")
    payload = f"CASE WHEN n > {ROWS} * 23 / {_DAYS} THEN {payload} END"
    _insert(
        CapturedEvent,
        id="n + 1",
        event_id=_uuid(1),
        event_type=f"CASE ({webhook} - 1) % {len(_EVENTS)} {types} END",
        time=_moment(),
        created=_moment(),
        user_id=user,
        username=username,
        course_key=course,
        org=_concat("'Org', (n * 7) % 20"),
        is_sample="CASE WHEN n % 1000 = 7 THEN 1 ELSE 0 END",
        keep_payload="1",
        payload=payload,
    )
    # What waits is new, what was cancelled is old, and an hour ago an endpoint broke.
    state = f"""CASE WHEN n > {ROWS} - 6000 THEN 'pending' WHEN n > {ROWS} - 9000 THEN 'failed' WHEN n < 20 THEN
        'cancelled' WHEN n % 33 = 5 THEN 'failed' WHEN n % 77 = 6 THEN 'skipped' ELSE 'delivered' END"""
    _insert(
        Delivery,
        id="n + 1",
        webhook_id=webhook,
        event_id="n + 1",
        message_id=_uuid(2),
        sequence="n + 1",
        state=state,
        attempt_count="1",
        schedule_position="1",
        next_attempt_at=f"CASE WHEN n > {ROWS} - 6000 THEN {_moment(7200)} END",
        scheduled_at=_moment(),
        created=_moment(),
        finished_at=f"CASE WHEN n <= {ROWS} - 6000 THEN {_moment(1)} END",
    )
    status = f"""CASE {state} WHEN 'delivered' THEN 200 WHEN 'skipped' THEN NULL ELSE CASE n % 5 WHEN 0 THEN 404 WHEN 1
        THEN 500 WHEN 2 THEN 503 WHEN 3 THEN NULL ELSE CASE WHEN n < 100000 THEN 301 ELSE 429 END END END"""
    _insert(
        Attempt,
        id="n + 1",
        delivery_id="n + 1",
        started_at=_moment(),
        duration="0.1",
        status_code=status,
        error="CASE WHEN n % 5 = 3 THEN 'timeout' ELSE '' END",
        detail="''",
        request_headers="'{}'",
        request_excerpt=payload.replace(" END", " ELSE '' END"),
        request_bytes="600",
        response_bytes="2",
        response_excerpt="'ok'",
    )
    _insert(
        Call,
        id="n + 1",
        webfilter_id="CASE WHEN n % 2 = 0 THEN 1 ELSE 2 + n % 9 END",
        message_id=_uuid(3),
        mode="CASE WHEN n % 3 = 0 THEN 'observe' ELSE 'enforce' END",
        result="CASE WHEN n < 30 THEN 'ignored' WHEN n % 50 = 0 THEN 'halted' WHEN n % 9 = 0 THEN 'changed' ELSE "
        "'passed' END",
        changed_keys="''",
        started_at=_moment(),
        duration="0.1",
        is_cached="0",
        status_code="CASE WHEN n < 30 THEN NULL WHEN n % 400 = 0 THEN 500 WHEN n < 200000 AND n % 7 = 0 THEN 301 ELSE "
        "200 END",
        error="''",
        note="''",
        request_body=payload,
        response_excerpt="'{}'",
        user_id=user,
    )
    with connection.cursor() as cursor:
        for model in (CapturedEvent, Delivery, Attempt, Call, users):
            table = connection.ops.quote_name(model._meta.db_table)
            cursor.execute(f"ANALYZE TABLE {table}" if connection.vendor == "mysql" else "ANALYZE")
            cursor.fetchall()


def _insert(model, **columns: str) -> None:
    insert(connection, model._meta.db_table, ROWS, columns)


def insert(database, table: str, rows: int, columns: dict[str, str]) -> None:
    """Rows of a table by one statement: name of a column → SQL expression of ``n``, which counts from 0."""
    # Digits, so that no database need know a function that counts.
    digits = " UNION ALL ".join(f"SELECT {digit} AS d" for digit in range(10))
    places = len(str(rows - 1))
    tables = ", ".join(f"({digits}) t{place}" for place in range(places))
    number = " + ".join(f"t{place}.d * {10**place}" for place in range(places))
    quote = database.ops.quote_name
    with database.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {quote(table)} ({', '.join(map(quote, columns))}) "
            f"SELECT {', '.join(columns.values())} FROM (SELECT {number} AS n FROM {tables}) numbers "
            f"WHERE n < {rows} ORDER BY n"
        )


def _is_mysql() -> bool:
    return connection.vendor == "mysql"


def _moment(later: int = 0) -> str:
    start = datetime.now(UTC) - timedelta(days=_DAYS) + timedelta(seconds=later)
    seconds = f"n * {_DAYS * 86400} / {ROWS}"
    if _is_mysql():
        return f"TIMESTAMPADD(MICROSECOND, ({seconds}) * 1000000, '{start:%Y-%m-%d %H:%M:%S}')"
    return f"datetime('{start:%Y-%m-%d %H:%M:%S}', '+' || ({seconds}) || ' seconds')"


def _uuid(kind: int) -> str:
    return (
        f"INSERT(INSERT(MD5(CONCAT({kind}, '-', n)), 13, 1, '4'), 17, 1, '8')"
        if _is_mysql()
        else "lower(hex(randomblob(16)))"
    )


def _concat(parts: str) -> str:
    return f"CONCAT({parts})" if _is_mysql() else "(" + parts.replace(", CASE", " || CASE").replace(", ", " || ") + ")"


def _padded(number: str) -> str:
    return f"LPAD({number}, 5, '0')" if _is_mysql() else f"printf('%05d', {number})"
