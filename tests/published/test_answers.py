"""What the published plugin did with answers, ours does for its receivers, but for what stands here."""

import json

import pytest

from openedx_webhooks import catalog, index
from openedx_webhooks.models import Webfilter
from tests.webfilters.world import login_that_succeeds

from . import scenario
from .test_requests import _read, _world  # noqa: F401  pylint: disable=unused-import

pytestmark = pytest.mark.django_db(transaction=True)
# What is different on purpose, and why.
DIFFERENT = {
    "address: script": "no learner is sent to a script",
    "RedirectToPage: script": "no learner is sent to a script",
    "exception: unknown argument": "it halts without the argument, instead of an error page",
    "RenderCustomResponse: text": "a page with the text, instead of an error page",
    "profile: no year": "it stays as it is, instead of an error page",
    "profile: null": "it stays as it is, instead of an error page",
    "user: first name too long": "it stays as it is: most databases would have ended in an error page",
    "enrollment: course": "only a course of this site that the enrollment can be in",
    "custom template: attribute": "an object of the platform can't be changed",
    "context: new keys": "secrets that were not sent stay in what is replaced",
    "cohort: user": "an account is not changed in memory alone",
    "instructor dashboard: context": "what an answer leaves out stays: much of a page is no JSON",
    "NaN": "it becomes null",
    "registration: number": "a form has texts",
    "latin-1": "it is understood",
    "latin-1 exception": "it is understood",
    "byte order mark": "it is understood",
}
# Of the answers of which a letter is kept: what becomes of them with each status and each of the settings.
OTHER_FATES = {
    # Its number is null, and the rest counts, instead of an error page.
    "a number of 5000 digits": "hh-h"
}
# Where the answer has no message, it was one of these; ours says something to the learner.
NO_MESSAGE = ("", "Reason not specified", "Render Custom Response", "Request to ")


class Recorder:
    """The test's receiver as the scenario wants it."""

    def __init__(self, receiver):
        self.receiver = receiver

    def url(self):
        return self.receiver.url("/hook")

    @property
    def requests(self):
        return _Requests(self.receiver)

    @property
    def replies(self):
        return self.receiver.replies

    @replies.setter
    def replies(self, replies):
        self.receiver.replies = {path: _reply(reply) for path, reply in replies.items()}


class _Requests(list):
    def __init__(self, receiver):
        super().__init__((one.method, one.path) for one in receiver.received)
        self.receiver = receiver

    def clear(self):
        self.receiver.received.clear()


def _reply(reply):
    from tests.receiver import Reply

    body = reply.get("body", "").encode(reply.get("encoding", "utf-8"))
    return Reply(body, reply.get("status", 200), reply.get("headers", {}))


class Hooks:
    """Makes webfilters as an upgraded database has them."""

    class objects:  # pylint: disable=invalid-name
        """The manager."""

        @staticmethod
        def create(event, **fields):
            index.webfilters.forget()
            return Webfilter.objects.create(
                event=catalog.find_filter(event).filter_type, payload_format="published", **fields
            )


@pytest.fixture(autouse=True)
def _logins_succeed(monkeypatch):
    run = scenario.run_filter

    def log_in(name, arguments):
        if name != "StudentLoginRequested":
            return run(name, arguments)
        with login_that_succeeds(arguments["user"]):
            return run(name, arguments)

    monkeypatch.setattr(scenario, "run_filter", log_in)


@pytest.mark.parametrize("case", scenario.ANSWERS)
def test_answers(case, world, receiver):
    """Raised or not, with what; what is changed and what is saved; which requests were made."""
    if not catalog.find_filter(scenario.ANSWERS[case][0]):
        pytest.skip("this release has no such filter")
    expected = dict(_read("22.0.0")["answers"][case])
    outcome = scenario.answer(world, Recorder(receiver), Hooks, *scenario.ANSWERS[case])
    found = json.loads(json.dumps(outcome))
    if expected.get("message") in NO_MESSAGE or expected.get("message", "").startswith(NO_MESSAGE[-1]):
        del expected["message"]
    if scenario.ANSWERS[case][0] == "StudentLoginRequested":
        # What is changed is saved when the login has succeeded, and not before.
        expected.pop("returned", None)
    # Beside what the answer says, an exception of ours has what the platform needs to show it.
    same = {name: found.get(name) for name in expected} == expected and ("raised" in found) == ("raised" in expected)
    assert same == (case not in DIFFERENT), [found, expected]


@pytest.mark.parametrize("name", scenario.FATES)
def test_what_becomes_of_the_process(name, world, receiver, settings):
    """Whatever the answer, its status and the webfilter's settings: what was stopped is stopped, and nothing else."""
    settings.OPENEDX_WEBHOOKS = {"BREAKER_FAILURES": 0}
    expected = _read("22.0.0")["fates"][name] | {case: fate for case, fate in OTHER_FATES.items() if "Login" in name}
    assert scenario.fates(world, Recorder(receiver), Hooks, name) == expected


@pytest.mark.parametrize("body, answered", [({"exception": {"PreventEnrollment": "No"}}, 7), ({"error": "No"}, 5)])
def test_who_refuses_with_a_5xx_refuses_every_learner(body, answered, world, receiver):
    """The answer counts whatever its status; an endpoint that has none for anybody is left alone after five."""
    reply = {"status": 500, "body": json.dumps(body)}
    results = [
        scenario.answer(world, Recorder(receiver), Hooks, "CourseEnrollmentStarted", reply, {}) for _ in range(7)
    ]
    assert [bool(one["requests"]) for one in results] == [number < answered for number in range(7)]
    assert all(("raised" in one) == ("exception" in body) for one in results)
