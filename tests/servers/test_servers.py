"""
Web servers load the site, fork, and serve from many threads at once: no event, no nudge and no webfilter is lost by it,
from the first request on.
"""

import http.client
import json
import shutil
import socket
import sqlite3
import subprocess
import sys
import sysconfig
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs
import pytest

from demo.supervisor import ROOT, Supervisor, free_port
from openedx_webhooks.models import Call, Delivery
from tests.receiver import Receiver
from tests.storm.storm import BODY, HEADERS, LOGIN

PROCESSES = 2
THREADS = 4
UWSGI = shutil.which("pyuwsgi", path=str(Path(sys.executable).parent))
needs_uwsgi = pytest.mark.skipif(UWSGI is None, reason="uWSGI isn't installed here: pip install pyuwsgi")

_GUNICORN = ["gunicorn", "--workers", str(PROCESSES), "--graceful-timeout", "15"]
_UWSGI = ["tests.storm.become", str(UWSGI), "--master", "--need-app", "--enable-threads", "--die-on-term"]
_UWSGI += ["--processes", str(PROCESSES), "--pythonpath", sysconfig.get_path("purelib"), "--pythonpath", str(ROOT)]
_THREADS = ["--threads", str(THREADS)]
SERVERS = {
    "gunicorn sync preload": [*_GUNICORN, "--preload"],
    "gunicorn gthread preload": [*_GUNICORN, "--preload", "--worker-class", "gthread", *_THREADS],
    "gunicorn gthread": [*_GUNICORN, "--worker-class", "gthread", *_THREADS],
    "uwsgi": _UWSGI,
    "uwsgi threads": [*_UWSGI, *_THREADS],
}
# With events and filters where the site is loaded, and without. The two hardest always: a master that has served, and
# then forks, while threads of its own run.
ALWAYS = [("gunicorn gthread preload", True), ("uwsgi threads", True)]
VARIANTS = [
    *ALWAYS,
    ("gunicorn sync preload", True),
    ("gunicorn gthread", False),
    ("uwsgi", True),
    ("uwsgi threads", False),
]


def variants():
    for name, warm in VARIANTS:
        marks = [needs_uwsgi] * ("uwsgi" in name) + [pytest.mark.thorough] * ((name, warm) not in ALWAYS)
        yield pytest.param((name, warm), id=f"{name}{' warm' * warm}", marks=marks)


@attrs.frozen
class Seen:
    """
    What a server did.

    Attributes:
        logins: how many were tried, those by the loading of the site among them.
        problems: those that were not answered as they should have been.
        workers: process ids that answered.
        loaded: what was open when the site had been loaded.
        calls: requests at the endpoint of the webfilters.
        answers: of the calls in the call log, the message ids and the answers.
        deliveries: rows that the webhook is owed.
        nudges: how many messages each process sent to the broker.
        stopped_in: seconds that the server took to end.
    """

    logins: int
    problems: list[str]
    workers: set[int]
    loaded: dict
    calls: int
    answers: list[tuple[str, str]]
    deliveries: int
    nudges: Counter
    stopped_in: float


@pytest.fixture(scope="module")
def endpoint():
    """Answers each webfilter with the id of the message, so that answers that are mixed up are seen."""
    with Receiver() as receiver:
        receiver.on("/webfilter", lambda handler: answer(handler, json.dumps({"id": handler.headers["webhook-id"]})))
        yield receiver


def answer(handler, text):
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(text)))
    handler.end_headers()
    handler.wfile.write(text.encode())


@pytest.fixture(scope="module")
def site(tmp_path_factory, endpoint):
    """A folder with the database of a site whose hooks call the endpoint."""
    directory = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "tests.servers.prepare", endpoint.url("")]
    with Supervisor(directory, environment(directory)) as supervisor:
        subprocess.run(command, cwd=ROOT, env=supervisor.environment, check=True, timeout=60)
    return directory


def environment(directory, warm=False):
    return {
        "DJANGO_SETTINGS_MODULE": "tests.storm.settings",
        "DEMO_DIR": str(directory),
        "SERVERS_WARM": "1" * warm,
        "NO_PROXY": "*",
        "PYTHONPATH": str(ROOT),
    }


@pytest.fixture(scope="module", params=variants())
def seen(request, site, endpoint, tmp_path_factory):
    """One server, once for all tests: as many logins at once as it has threads, and then some more."""
    name, warm = request.param
    command = SERVERS[name]
    directory = tmp_path_factory.mktemp("server")
    for file in site.glob("*.sqlite3*"):
        shutil.copy(file, directory)
    for folder in ("queue", "control"):
        (directory / "broker" / folder).mkdir(parents=True)
    endpoint.received.clear()
    port = free_port()
    bind = ["--http-socket", f"127.0.0.1:{port}", "--module"] if UWSGI in command else ["--bind", f"127.0.0.1:{port}"]
    with Supervisor(directory, environment(directory, warm)) as supervisor:
        supervisor.start("server", *command, *bind, "tests.servers.wsgi")
        wait_for_port(supervisor, port)
        with ThreadPoolExecutor(PROCESSES * THREADS) as learners:
            answers = list(learners.map(log_in, [port] * 4 * PROCESSES * THREADS))
        workers = {process for _, process in answers}
        wait_until(lambda: workers <= nudges(directory).keys())
        wait_until(lambda: len(recorded(directory)) >= 2 * len(answers))
        loaded = get_json(port, "/loaded")
        start = time.monotonic()
        supervisor.stop(patience=20)
        stopped_in = time.monotonic() - start
        print(supervisor.log_file("server").read_text())
    return Seen(
        logins=len(answers) + warm,
        problems=[problem for problem, _ in answers if problem],
        workers=workers,
        loaded=loaded,
        calls=len(endpoint.at("/webfilter")),
        answers=recorded(directory),
        deliveries=query(directory, f"SELECT COUNT(*) FROM {Delivery._meta.db_table}")[0][0],
        nudges=nudges(directory),
        stopped_in=stopped_in,
    )


def wait_for_port(supervisor, port):
    """Without a request: the first ones shall all come at once."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        supervisor.check()
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the server did not start")


def log_in(port):
    """Log in; what was wrong, if anything, and the id of the process that answered."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", LOGIN, BODY, HEADERS)
        response = connection.getresponse()
        content = response.read()
        is_good = response.status == 200 and json.loads(content)["success"]
        return "" if is_good else f"status {response.status}", int(response.headers["X-Process"])
    finally:
        connection.close()


def get_json(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def nudges(directory):
    """How many messages there are of each process, in the folder that is the demo's broker."""
    found = Counter()
    for file in (directory / "broker" / "queue").glob("*.msg"):
        origin = json.loads(file.read_text())["headers"]["origin"]
        found[int(origin.partition("@")[0].removeprefix("gen"))] += 1
    return found


def wait_until(is_so):
    """What threads do behind the requests takes a moment."""
    end = time.monotonic() + 5
    while not is_so() and time.monotonic() < end:
        time.sleep(0.05)


def recorded(directory):
    return query(directory, f"SELECT message_id, response_excerpt FROM {Call._meta.db_table}")


def query(directory, sql):
    (file,) = directory.glob("*.sqlite3")
    with sqlite3.connect(file) as connection:
        return connection.execute(sql).fetchall()


def test_every_login_succeeds_in_every_process(seen):
    assert (seen.problems, len(seen.workers)) == ([], PROCESSES)


def test_every_login_asks_both_webfilters_the_first_ones_too(seen):
    """They come at once, to all threads of processes that have not read their hooks."""
    assert seen.calls == 2 * seen.logins


def test_every_login_is_owed_to_the_webhook(seen):
    assert seen.deliveries == seen.logins


def test_every_process_nudges(seen):
    """Whatever its parent's thread was doing when it forked."""
    assert seen.workers <= seen.nudges.keys()


def test_every_call_of_a_worker_is_recorded(seen, request):
    """uWSGI's master has no thread for it, as it may fork at any time."""
    in_master = 2 if seen.loaded and "uwsgi" in request.node.callspec.id else 0
    assert len(seen.answers) == seen.calls - in_master


def test_no_process_reads_anothers_answer(seen):
    """As they would on a connection that was open before the fork."""
    assert [(sent, got) for sent, got in seen.answers if sent not in got.replace("-", "")] == []


def test_loading_leaves_no_connection_for_all_processes_to_use(seen):
    assert seen.loaded.get("open connections", []) == []


def test_the_server_ends_when_it_is_told_to(seen):
    """No process waits for a thread that it has inherited in name only."""
    assert seen.stopped_in < 10
