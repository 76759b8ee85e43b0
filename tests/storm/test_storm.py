"""An endpoint that hangs stops the site without the breaker, and is hardly noticed with it."""

import pytest

from .storm import LEARNERS, PROCESSES, Storm, table, weather

pytestmark = pytest.mark.thorough
STORM = Storm()
# Of failures in a row until the breaker opens; more may be under way when it does.
FAILURES = 5


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Both runs, once for all tests; they use no database of the test's."""
    found = weather(STORM, tmp_path_factory.mktemp("storm"))
    print(table(found))
    return found


@pytest.mark.parametrize("name", ["breaker", "no breaker"])
def test_no_login_is_lost(runs, name):
    run = runs[name]
    assert (run.before.failed, run.during.failed, run.after.failed) == (0, 0, 0)


def test_without_the_breaker_everybody_waits(runs):
    """The storm is one: two processes that wait are the whole site."""
    without = runs["no breaker"].during
    assert without.asked == STORM.logins_without
    assert without.rate <= PROCESSES / STORM.timeout


def test_with_the_breaker_the_site_keeps_answering(runs):
    run = runs["breaker"]
    assert run.during.rate > 3 * runs["no breaker"].during.rate
    # Nobody waits longer than for those before them in the queue, each with the timeout at worst.
    assert max(run.during.waits) < (LEARNERS / PROCESSES + 2) * STORM.timeout + 1


def test_the_processes_share_the_breaker(runs):
    """Each for itself would have to fail five times; and probes are one at a time."""
    during = runs["breaker"].during
    assert FAILURES <= during.asked <= FAILURES + PROCESSES + during.seconds / STORM.open_seconds + 2


def test_afterwards_the_endpoint_is_asked_again(runs):
    """One login probes, and all the others are asked about as before."""
    after = runs["breaker"].after
    assert after.asked >= STORM.calm - LEARNERS
    assert after.rate > runs["breaker"].before.rate / 3


@pytest.mark.parametrize("name", ["breaker", "no breaker"])
def test_what_one_process_saves_the_others_notice(runs, name):
    """Within INDEX_REFRESH_SECONDS, and the time that a few logins take."""
    assert runs[name].noticed_after < STORM.refresh_seconds + 3


@pytest.mark.parametrize("name", ["breaker", "no breaker"])
def test_every_call_that_failed_is_recorded(runs, name):
    """By a thread of each process, while the next learner is served."""
    assert runs[name].recorded == runs[name].during.asked
