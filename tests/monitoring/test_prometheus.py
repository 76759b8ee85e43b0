"""The rules and the dashboard of docs/monitoring, with Prometheus itself where it is installed."""

import json
import re
import shutil
import socket
import subprocess
import time
from datetime import timedelta
from pathlib import Path

import pytest
import requests
import yaml
from django.utils import timezone

from openedx_webhooks.models import Mark, Tally, Webfilter, Webhook
from openedx_webhooks.operations import metrics, workers
from openedx_webhooks.tally_rows import start_of

from ..admin.conftest import make_delivery

FILES = Path(__file__).parents[2] / "docs" / "monitoring"
TOKEN = "a-long-and-random-token"
LOGIN = "org.openedx.learning.auth.session.login.completed.v1"
MAY_LOGIN = "org.openedx.learning.student.login.requested.v1"
_needs_prometheus = pytest.mark.skipif(
    not (shutil.which("prometheus") and shutil.which("promtool")),
    reason="needs prometheus and promtool (Debian and Ubuntu: apt-get install prometheus)",
)


def _dashboard():
    return json.loads((FILES / "grafana.json").read_text())


def _panels():
    return _dashboard()["panels"]


def _expressions():
    rules = yaml.safe_load((FILES / "alerts.yml").read_text())["groups"][0]["rules"]
    return [rule["expr"] for rule in rules] + [target["expr"] for panel in _panels() for target in panel["targets"]]


@pytest.mark.django_db
def test_rules_and_dashboard_name_all_metrics_that_there_are_and_no_other():
    workers.note()
    Webhook.objects.create(event=LOGIN, webhook_url="https://example.com/")
    Webfilter.objects.create(event=MAY_LOGIN, webhook_url="https://example.com/")
    body, _content_type = metrics.render("")
    exported = set(re.findall(r"^(openedx_webhooks_\w+)", body.decode(), re.MULTILINE))
    assert set(re.findall(r"openedx_webhooks_\w+", " ".join(_expressions()))) == exported


def test_no_panel_covers_another_one():
    cells = [
        (x, y)
        for panel in _panels()
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _y in cells) < 24


@_needs_prometheus
@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "rules", "alerts.yml"),
        ("test", "rules", "alerts_test.yml"),
        ("check", "config", "--syntax-only", "prometheus.yml"),
    ],
)
def test_promtool_finds_nothing_wrong(arguments):
    done = subprocess.run(["promtool", *arguments], cwd=FILES, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def prometheus(live_server, tmp_path):
    """A real one, that scrapes the test's site with docs/monitoring's files; asks it a query."""
    config = yaml.safe_load((FILES / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    (job,) = config["scrape_configs"]
    job |= {"scheme": "http", "static_configs": [{"targets": [live_server.url.removeprefix("http://")]}]}
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    shutil.copy(FILES / "alerts.yml", tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    process = subprocess.Popen(
        ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data", f"--web.listen-address={address}"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def ask(query):
        answer = requests.get(f"http://{address}/api/v1/query", {"query": query}, timeout=10).json()
        assert answer["status"] == "success", answer
        return answer["data"]["result"]

    def ask_until(query, is_there=bool):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                if is_there(found := ask(query)):
                    return found
            except requests.RequestException:
                assert process.poll() is None, "Prometheus ended"
            time.sleep(0.2)
        raise AssertionError(query)

    ask.until = ask_until
    yield ask
    process.terminate()
    process.wait(20)


@_needs_prometheus
@pytest.mark.django_db(transaction=True)
def test_prometheus_scrapes_a_site_and_its_rules_see_that_nobody_delivers(prometheus, settings):
    settings.OPENEDX_WEBHOOKS = {"MONITORING_TOKENS": [TOKEN]}
    Mark.objects.create(name="asked", at=timezone.now() - timedelta(minutes=5))
    hook = Webhook.objects.create(event=LOGIN, webhook_url="https://example.com/", consecutive_failures=7)
    prometheus.until('up{job="openedx_webhooks"} == 1')
    (failures,) = prometheus.until("openedx_webhooks_webhook_consecutive_failures")
    assert failures["metric"]["id"] == str(hook.pk)
    assert failures["value"][1] == "7"
    # They fire after minutes; until then they are pending.
    pending = prometheus.until("ALERTS", lambda found: len(found) == 2)
    assert {one["metric"]["alertname"] for one in pending} == {"WebhooksNotSent", "WebhookFailing"}
    workers.note()
    prometheus.until('openedx_webhooks_finding{name="worker"} == 0')


@_needs_prometheus
@pytest.mark.django_db(transaction=True)
def test_every_panel_of_the_dashboard_shows_something(prometheus, settings):
    settings.OPENEDX_WEBHOOKS = {"MONITORING_TOKENS": [TOKEN]}
    workers.note()
    webhook = Webhook.objects.create(event=LOGIN, webhook_url="https://example.com/", consecutive_failures=1)
    webfilter = Webfilter.objects.create(event=MAY_LOGIN, webhook_url="https://example.com/")
    make_delivery(webhook, "pending", next_attempt_at=timezone.now() - timedelta(minutes=5))
    start = start_of(timezone.now(), Tally.Span.DAY)
    for counted in (
        {"webhook": webhook, "counts": {"accepted": {"": 3}}},
        {"webfilter": webfilter, "counts": {"passed": {"": 2}}},
    ):
        Tally.objects.create(span=Tally.Span.DAY, start=start, **counted)
    prometheus.until('openedx_webhooks_attempts_total{outcome="accepted"} == 3')
    prometheus.until('openedx_webhooks_calls_total{outcome="passed"} == 2')
    (variable,) = [each for each in _dashboard()["templating"]["list"] if each["type"] == "query"]
    assert variable["query"]["query"] == "label_values(openedx_webhooks_info, job)"
    assert [one["metric"]["job"] for one in prometheus("openedx_webhooks_info")] == ["openedx_webhooks"]
    for panel in _panels():
        for target in panel["targets"]:
            expression = target["expr"].replace("$job", "openedx_webhooks").replace("$__rate_interval", "1m")
            found = prometheus.until(expression)
            labels = set(re.findall(r"{{(\w+)}}", target.get("legendFormat", "")))
            assert all(labels <= one["metric"].keys() for one in found), panel["title"]
