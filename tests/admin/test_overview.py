"""The overview: every hook that one may see, what needs a hand first, and the site's totals."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from openedx_webhooks.admin import overview as overview_page
from openedx_webhooks.histogram import Histogram
from openedx_webhooks.models import Attempt, Call, CapturedEvent, Overview, Tally, Webfilter, Webhook
from openedx_webhooks.operations import overview, statistics, storage, tallies
from openedx_webhooks.tally_rows import start_of
from openedx_webhooks.transport.breaker import breaker

from .conftest import HOSTILE, LOGIN, MAY_LOGIN, make_delivery, url_of

pytestmark = pytest.mark.django_db
PAGE = url_of(Overview)
LABEL = Overview._meta.app_label


def page_of(client, query="") -> str:
    """The page without tags; of a name's characters none is lost."""
    html = client.get(PAGE + query).content.decode()
    main = html.partition('id="content-main"')[2]
    return " ".join(re.sub(r"<[^>]*>", "", main.replace("<wbr>", "")).split())


def figures_of(client, query="") -> dict[str, str]:
    """The totals."""
    html = client.get(PAGE + query).content.decode()
    return dict(re.findall(r"<div><dt>(.*?)</dt><dd>(.*?)</dd></div>", html))


class TestPlace:
    """Where it stands, and for whom."""

    @pytest.mark.parametrize("index", ["/admin/", "/admin/openedx_webhooks/"])
    def test_it_is_the_section_s_first_entry(self, admin_client, index):
        (section,) = (each for each in admin_client.get(index).context["app_list"] if each["app_label"] == LABEL)
        first = section["models"][0]
        assert (str(first["name"]).strip(), first["admin_url"], first["add_url"]) == ("Overview", PAGE, None)

    @pytest.mark.parametrize("language", ["es", "pt-br"])
    def test_it_is_so_in_other_languages(self, admin_client, language):
        response = admin_client.get("/admin/openedx_webhooks/", headers={"accept-language": language})
        assert response.context["app_list"][0]["models"][0]["admin_url"] == PAGE

    @pytest.mark.parametrize(
        "permissions, sees",
        [
            (["view_webhook"], {"crm.example.com"}),
            (["change_webfilter"], {"auth.example.com"}),
            (["view_webhook", "view_webfilter"], {"crm.example.com", "auth.example.com"}),
            (["view_delivery"], None),
        ],
    )
    def test_everybody_sees_the_kinds_that_they_may_see(self, staff, webhook, webfilter, permissions, sees):
        client = staff(*permissions)
        if sees is None:
            assert client.get(PAGE).status_code == 403
            assert "/overview/" not in client.get("/admin/").content.decode()
            return
        shown = page_of(client)
        assert {server for server in ("crm.example.com", "auth.example.com") if server in shown} == sees
        assert ("events captured" in shown) == ("view_webhook" in permissions)

    def test_what_quotes_a_payload_is_not_for_everybody(self, staff, webfilter):
        error = "answer: ada@example.com is no name"
        Webfilter.objects.update(call_log="all")
        Call.objects.create(webfilter=webfilter, mode="observe", result="ignored", error=error)
        assert "ada@" not in page_of(staff("view_webfilter"))

    def test_nothing_can_be_changed_there(self, admin_client):
        assert admin_client.get(f"{PAGE}add/").status_code == 404

    def test_an_empty_site_says_what_comes_first(self, admin_client):
        shown = page_of(admin_client)
        assert "There is no hook yet. Add webhook Add webfilter" in shown
        assert "No worker has ever looked" in shown


class TestRows:
    """The table."""

    def test_what_needs_a_hand_is_on_top(self, admin_client):
        def hook(name, **fields):
            return Webhook.objects.create(event=LOGIN, webhook_url="https://example.com/", description=name, **fields)

        make_delivery(hook("fine"))
        hook("silent")
        hook("")
        hook("paused", paused=True)
        make_delivery(hook("lost"), "failed", created=timezone.now() - timedelta(hours=5))
        hook("failing", consecutive_failures=5, failing_since=timezone.now())
        hook("gone", enabled=False, disabled_reason="410")
        hook("off", enabled=False)
        down = Webfilter.objects.create(event=MAY_LOGIN, webhook_url="https://down.example/", description="down")
        for _ in range(5):
            breaker(down.webhook_url).record(False)
        lines = admin_client.get(PAGE).context["lines"]
        event = "SESSION_<wbr>LOGIN_<wbr>COMPLETED"
        expected = ["failing", "gone", "down", "lost", "paused", "fine", "silent", event, "off"]
        assert [line["name"] for line in lines] == expected
        assert admin_client.get(PAGE).context["lead"] == "4 of 9 hooks need a hand."

    def test_a_row_has_the_figures_the_reason_and_what_to_do(self, admin_client, webhook):
        for state in ("delivered", "failed", "failed", "failed"):
            make_delivery(webhook, state)
        make_delivery(webhook, "pending", next_attempt_at=timezone.now() + timedelta(hours=1))
        Webhook.objects.update(failing_since=timezone.now(), consecutive_failures=3)
        (line,) = admin_client.get(PAGE).context["lines"]
        assert line["evidence"] == "3 of 4 in the last hour were not accepted: 500."
        assert "its operators can tell why" in line["advice"]
        assert "3 have failed for good" in line["advice"]
        assert (line["accepted"], line["durations"], line["waiting"]) == ("20 %", "210 ms · 210 ms", "1")
        assert (line["tried"], line["scale"]) == ("5", "up to 5 an hour")
        assert line["label"] == "Attempts (24 hours): 5, of which 4 were not accepted"
        assert [tone for tone, _path in line["paths"]] == ["good", "bad"]

    def test_a_sparkline_has_the_numbers_that_a_browser_reads(self, admin_client, webhook):
        make_delivery(webhook)
        html = admin_client.get(PAGE, headers={"accept-language": "es"}).content.decode()
        assert re.search(r' d="M460 0\.0h17v56\.0h-17z"', html)

    def test_a_backlog_is_counted_so_far_and_its_age_is_told(self, admin_client, webhook, monkeypatch):
        monkeypatch.setattr(overview, "MOST_WAITING", 2)
        other = Webhook.objects.create(event=LOGIN, webhook_url="https://example.com/")
        old = timezone.now() - timedelta(hours=30)
        for hook, count in ((webhook, 2), (other, 3)):
            for _ in range(count):
                make_delivery(hook, "pending", next_attempt_at=old, created=old)
        lines = admin_client.get(PAGE).context["lines"]
        assert [(line["waiting"], "1\xa0day, 6\xa0hours ago" in line["since"]) for line in lines] == [
            ("2", True),
            ("2+", True),
        ]

    def test_hostile_text_is_escaped(self, admin_client):
        Webhook.objects.create(event=HOSTILE, webhook_url="https://example.com/" + HOSTILE, description=HOSTILE)
        html = admin_client.get(PAGE).content.decode()
        assert "<script>alert" not in html
        assert "<img src=x" not in html

    def test_200_hooks_take_as_many_queries_as_one(self, admin_client, django_assert_max_num_queries):
        admin_client.get(PAGE)
        for number in range(9):
            hook = Webhook.objects.create(event=LOGIN, webhook_url=f"https://example.com/{number}")
            make_delivery(hook, "failed")
            make_delivery(hook, "pending", next_attempt_at=timezone.now())
            Webfilter.objects.create(event=MAY_LOGIN, webhook_url=f"https://example.com/{number}")
        # One of them where the database tells how much room it takes.
        with django_assert_max_num_queries(34):
            admin_client.get(PAGE)


class TestTotals:
    """Of the site."""

    def test_they_are_of_the_period(self, admin_client, webhook, webfilter):
        make_delivery(webhook)
        for span in Tally.Span:
            start = start_of(timezone.now(), span)
            Tally.objects.create(webfilter=webfilter, span=span, start=start, counts={"passed": {"": 1}})
        for days in (5, 20):
            delivery = make_delivery(webhook, "failed")
            moment = timezone.now() - timedelta(days=days)
            Attempt.objects.filter(delivery=delivery).update(started_at=moment)
            type(delivery.event).objects.filter(pk=delivery.event_id).update(created=moment)
        for query, attempts, captured, accepted in (
            ("", "1", "1", "100 %"),
            ("?period=week", "2", "2", "50 %"),
            ("?period=month", "3", "3", "33 %"),
            ("?period=century", "1", "1", "100 %"),
        ):
            found = figures_of(admin_client, query)
            assert (found["attempts"], found["events captured"], found["accepted"]) == (attempts, captured, accepted)
            assert found["calls"] == "1"

    @pytest.mark.parametrize(
        "most, period, text",
        [
            (9000, "day", "2.5 a second"),
            (600, "day", "10 a minute"),
            (7, "day", "7 an hour"),
            (0, "day", "0 an hour"),
            (24 * 3600, "month", "1 a second"),
        ],
    )
    def test_how_many_were_sent_when_they_were_most(self, webhook, most, period, text):
        series = statistics.of(webhook, statistics.Period(period))
        series.add(3, Histogram({"accepted": {"": most}, "refused": {"": 10**6}}))
        assert overview_page._rate(series) == text

    def test_what_is_due(self, admin_client, webhook):
        hour_ago = timezone.now() - timedelta(hours=1, seconds=9)
        make_delivery(webhook, "pending", next_attempt_at=hour_ago)
        assert figures_of(admin_client)["oldest due"] == "1\xa0hour ago"
        # What waits for an operator is not due.
        Webhook.objects.update(paused=True)
        found = figures_of(admin_client)
        assert (found["oldest due"], found["waiting"]) == ("nothing is due", "1")

    def test_storage_is_told_where_the_database_tells(self, admin_client, webhook):
        used = storage.used()
        assert (used is None) == (connection.vendor == "sqlite")
        assert ("storage used" in figures_of(admin_client)) == (used is not None)

    def test_events_that_a_worker_has_counted_stay_counted_when_they_are_removed(self, webhook, monkeypatch):
        make_delivery(webhook)
        monkeypatch.setattr(tallies, "_SETTLED", timedelta())
        for _ in range(2):
            tallies.count(tallies.EVENTS)
        CapturedEvent.objects.all().delete()
        make_delivery(webhook)
        for period in statistics.Period:
            assert statistics.captured(period).tally.total() == 2

    def test_that_the_workers_still_count_is_told(self, admin_client, webhook, monkeypatch):
        make_delivery(webhook)
        monkeypatch.setattr(statistics, "_MOST_NEW", 1)
        assert "still counting" in page_of(admin_client)
