"""What comes of each answer, through the mini LMS, from a webfilter whose endpoint is the demo's receiver."""

import os
import threading

import pytest
from django.utils import translation

from demo.minilms.examples import FILTERS
from demo.receiver.server import ReceiverServer
from openedx_webhooks import catalog, platform_facts
from openedx_webhooks.models import Webfilter
from openedx_webhooks.platform_facts import Redirect
from openedx_webhooks.webfilters import halts

from .platform import Platform
from .what_learners_see import PAGE, page_of, read_rows, row_of
from .what_learners_see_cases import CASES

pytestmark = pytest.mark.django_db
WRITE = "WRITE_WHAT_LEARNERS_SEE" in os.environ


@pytest.fixture(scope="module")
def rows():
    """Case → its row. Where asked to, they are written to the page in the end."""
    found = {}
    yield found
    if WRITE and len(found) == len(CASES):
        PAGE.write_text(page_of([found[str(case)] for case in CASES]), encoding="utf-8")


@pytest.fixture(scope="module")
def receiver_server():
    """The demo's receiver."""
    server = ReceiverServer(("127.0.0.1", 0))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def responses_to(receiver_server):
    """What comes back when somebody does what a case says, and the receiver answers as it says."""

    def ask(case):
        kind = case.answer if case.answer == "data" else "exception" if case.answer else "403"
        content = {case.answer: case.content} if kind == "exception" else case.content
        receiver_server.answers.choose(f"/webfilters/{case.filter_name}", kind, content)
        filter_type = catalog.find_filter(case.filter_name)
        hook = Webfilter(
            event=filter_type.filter_type,
            webhook_url=f"http://127.0.0.1:{receiver_server.server_address[1]}/webfilters/{case.filter_name}",
        )
        if kind == "403":
            hook.halt_on_4xx = True
            hook.redirect_on_4xx = case.url if halts.can_redirect(filter_type) else ""
        hook.full_clean()
        hook.save()
        platform = Platform()
        with translation.override("en"):
            return platform, case.act(platform)

    return ask


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_happens_is_what_the_page_says(case, responses_to, rows):
    """Status, message, URL and each sentence of the row; the page that is committed has this row."""
    platform, responses = responses_to(case)
    untrue = [sentence for sentence, check in case.checks.items() if not check(platform, responses)]
    assert not untrue, [(response.status_code, response.content[-1500:]) for response in responses]
    rows[str(case)] = row_of(case, responses)
    if not WRITE:
        assert rows[str(case)] in PAGE.read_text(encoding="utf-8")


@pytest.mark.skipif(WRITE, reason="the page is about to be written")
def test_the_page_has_no_row_that_nobody_tests():
    assert PAGE.read_text(encoding="utf-8").count("   * - ") == len(CASES) + 1


def test_each_filter_of_the_seed_is_on_the_page():
    assert set(FILTERS) <= {case.filter_name for case in CASES}


@pytest.mark.parametrize("name", sorted({case.filter_name for case in CASES}))
def test_each_exception_of_a_filter_is_on_the_page(name):
    answers = {case.answer for case in CASES if case.filter_name == name}
    assert answers - {"data", ""} == set(catalog.find_filter(name).exceptions)


# The page is what the demo does; the facts are what the form and the reference tell people.


@pytest.mark.skipif(WRITE, reason="the page is about to be written")
@pytest.mark.parametrize("name", sorted({case.filter_name for case in CASES}))
def test_the_facts_say_of_each_message_what_the_page_says(name):
    facts = platform_facts.facts_of(catalog.find_filter(name).filter_type)
    rows_of_first_site = [row for row in read_rows() if row.filter_name == name and not row.where]
    seen = {row.answer: row.message for row in rows_of_first_site if row.answer in facts.exceptions}
    assert seen == {answer: exception.message.label for answer, exception in facts.exceptions.items()}


@pytest.mark.skipif(WRITE, reason="the page is about to be written")
@pytest.mark.parametrize("name", sorted({case.filter_name for case in CASES}))
def test_the_facts_say_of_a_url_what_the_page_says(name):
    """The best that becomes of a URL in any row of the filter is the best that the facts know."""
    facts = platform_facts.facts_of(catalog.find_filter(name).filter_type)
    known = {facts.redirect, *(exception.redirect for exception in facts.exceptions.values())}
    seen = {row.redirect for row in read_rows() if row.filter_name == name}
    best = next((redirect for redirect in Redirect if redirect.label in seen), Redirect.IGNORED)
    assert best == next(redirect for redirect in Redirect if redirect in known)
