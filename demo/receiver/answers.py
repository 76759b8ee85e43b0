"""What the receiver answers: a choice for each webfilter and each webhook, with an example for every kind."""

import json
import threading

import attrs

# Kind of answer → what the page calls it.
WEBFILTER_KINDS = {
    "nothing": "Nothing",
    "data": "Changed data",
    "exception": "An exception",
    "403": "Error 403",
    "500": "Error 500",
    "hang": "No answer (hang)",
    "garbage": "Garbage",
}
WEBHOOK_KINDS = {
    "nothing": "Accept it (200)",
    "500": "Error 500",
    "429": "Error 429: wait",
    "403": "Error 403",
    "410": "Error 410",
    "hang": "No answer (hang)",
}
GARBAGE = b'<!doctype html>\xff\xfe<h1>Not JSON</h1>{"data": {"form_data": {"name": NaN'

_PAGE = {"content": "<h1>Closed today</h1>", "status": 403, "headers": {"X-Reason": "maintenance"}}
_REDIRECT = {"message": "Elsewhere", "redirect_to": "/account"}


@attrs.frozen
class Suggestion:
    """
    What can sensibly be answered to one filter.

    Attributes:
        when: one sentence for the page: when the filter is called, and what an answer can do.
        data: example for ``data``.
        exceptions: examples for ``exception``, the one to begin with first.
    """

    when: str
    data: dict
    exceptions: dict


FILTERS = {
    "StudentRegistrationRequested": Suggestion(
        "Somebody registers; there is no account yet. The page shows a text of its own, API clients get the message.",
        {"form_data": {"name": "New Name"}},
        {"PreventRegistration": "Not allowed to register"},
    ),
    "StudentLoginRequested": Suggestion(
        "Somebody tries to log in; the password has not been checked yet.",
        {"profile": {"name": "Renamed at Login"}},
        {"PreventLogin": "Not allowed to log in"},
    ),
    "CourseEnrollmentStarted": Suggestion(
        "A learner enrolls in a course.", {"mode": "honor"}, {"PreventEnrollment": "This course is for employees only"}
    ),
    "CourseUnenrollmentStarted": Suggestion(
        "A learner leaves a course. An answer can stop it, but change nothing.",
        {},
        {"PreventUnenrollment": "Ask your manager first"},
    ),
    "CertificateCreationRequested": Suggestion(
        "A certificate is about to be made.", {"mode": "verified"}, {"PreventCertificateCreation": "Fee not paid"}
    ),
    "CertificateRenderStarted": Suggestion(
        "Somebody opens a certificate.",
        {"context": {"accomplishment_copy_name": "Dr. New Name"}},
        {
            "RedirectToPage": _REDIRECT,
            "RenderAlternativeInvalidCertificate": "Withdrawn",
            "RenderCustomResponse": _PAGE,
        },
    ),
    "CohortChangeRequested": Suggestion(
        "A learner moves from one cohort to another.",
        {"target_cohort": {"name": "Group C"}},
        {"PreventCohortChange": "The groups are fixed"},
    ),
    "CohortAssignmentRequested": Suggestion(
        "A learner is put into a cohort, the first or another. Whoever can't be gets an error page in the first unit.",
        {"target_cohort": {"name": "Group C"}},
        {"PreventCohortAssignment": "The groups are full"},
    ),
    "CourseAboutRenderStarted": Suggestion(
        "Somebody opens a course's about page.",
        {"context": {"course_price": "49 EUR", "invitation_only": True}},
        {"RedirectToPage": _REDIRECT, "RenderCustomResponse": _PAGE},
    ),
    "DashboardRenderStarted": Suggestion(
        "A learner opens the dashboard.",
        {"context": {"enrollment_message": "Welcome! This sentence came from the receiver."}},
        {"RedirectToPage": _REDIRECT, "RenderCustomResponse": _PAGE},
    ),
    "LoginAltRedirectURLRequested": Suggestion(
        "A learner has logged in with a password; where next? Only this site's addresses count.",
        {"redirect_url": "/account"},
        {},
    ),
    "CourseModePriceRequested": Suggestion(
        "A learner opens the page to choose a track, which shows prices.", {"price": 29}, {}
    ),
    "InstructorDashboardRenderStarted": Suggestion(
        "The course team opens the instructor dashboard.",
        {"context": {"analytics_dashboard_message": "Reports are late today."}},
        {"RedirectToPage": _REDIRECT, "RenderCustomResponse": _PAGE},
    ),
    "CoursewareViewStarted": Suggestion(
        "A learner opens the progress page. An answer can send the learner elsewhere, but change nothing.",
        {},
        {"RedirectToUrl": _REDIRECT},
    ),
    "RenderXBlockStarted": Suggestion(
        "A learner opens a unit, which has not been made yet.",
        {"context": {"verified_upgrade_link": "/account"}},
        {"RenderCustomResponse": "Come back on Monday", "PreventXBlockBlockRender": "Ends in an error page"},
    ),
    "VerticalBlockRenderCompleted": Suggestion(
        "A learner opens a unit, and its HTML is made.",
        {"fragment": {"prepend": "<p>Exams are on Friday.</p>"}},
        {"PreventVerticalBlockRender": "Come back on Monday"},
    ),
    "ORASubmissionViewRenderStarted": Suggestion(
        "A learner opens a unit with an essay to write.", {"context": {"announcement": "Two pages at most."}}, {}
    ),
}
# For a webfilter that somebody adds: the page says how to write an answer, and they write it.
_OTHER = Suggestion("A filter that was added by hand.", {}, {"ExceptionName": "Message"})


@attrs.define
class Answer:
    """
    The choice for one webfilter or webhook.

    Attributes:
        kind: a key of WEBFILTER_KINDS or WEBHOOK_KINDS.
        content: for "data" the object under ``data``, for "exception" the one under ``exception``.
    """

    kind: str = "nothing"
    content: object = None

    def status(self) -> int:
        """HTTP status."""
        return int(self.kind) if self.kind.isdigit() else 200

    def headers(self) -> dict[str, str]:
        """Besides the content's length."""
        headers = {"Content-Type": "text/html" if self.kind == "garbage" else "application/json"}
        return {**headers, "Retry-After": "60"} if self.kind == "429" else headers

    def body(self) -> bytes:
        """What is sent; empty for "nothing" and for errors."""
        if self.kind == "garbage":
            return GARBAGE
        if self.kind in ("data", "exception"):
            return json.dumps({self.kind: self.content}, ensure_ascii=False).encode()
        return b""


class Answers:
    """The choices of all webfilters and webhooks, by their path; safe to use from all threads."""

    def __init__(self):
        self._lock = threading.Lock()
        self._chosen: dict[str, Answer] = {f"/webfilters/{name}": Answer() for name in FILTERS}

    def get(self, path: str) -> Answer:
        """The choice for a path; a path that nobody knows yet is added, with nothing chosen."""
        with self._lock:
            if path.startswith(("/webfilters/", "/webhooks/")):
                return self._chosen.setdefault(path, Answer())
            return self._chosen.get(path, Answer())

    def choose(self, path: str, kind: str, content: object = None) -> Answer:
        """
        Set the choice for a path.

        Args:
            content: for "data" and "exception"; None takes the example.

        Raises:
            ValueError: there is no such kind, or the content is not an object.
        """
        kinds = _kinds(path)
        if kind not in kinds:
            raise ValueError(f"“{kind}” is no kind of answer: use one of {', '.join(kinds)}.")
        if kind in ("data", "exception"):
            content = self._example(path, kind) if content is None else content
            if not isinstance(content, dict):
                raise ValueError("The answer must be a JSON object: write { } around it.")
        else:
            content = None
        with self._lock:
            self._chosen[path] = answer = Answer(kind, content)
        return answer

    def listed(self) -> list[dict]:
        """For the page: every choice with its kinds and examples, webfilters first."""
        with self._lock:
            chosen = sorted(self._chosen.items(), key=lambda item: item[0].startswith("/webhooks/"))
        return [
            {
                "path": path,
                "name": path.rsplit("/", 1)[-1],
                "type": "webhook" if path.startswith("/webhooks/") else "webfilter",
                "when": _suggestion(path).when if path.startswith("/webfilters/") else "",
                "kind": answer.kind,
                "content": answer.content,
                "kinds": [{"kind": kind, "label": label} for kind, label in _kinds(path).items()],
                "examples": {
                    "data": [{"label": "data", "content": _suggestion(path).data}],
                    "exception": [
                        {"label": name, "content": {name: argument}}
                        for name, argument in _suggestion(path).exceptions.items()
                    ],
                },
            }
            for path, answer in chosen
        ]

    @staticmethod
    def _example(path: str, kind: str) -> dict:
        suggestion = _suggestion(path)
        if kind == "data":
            return suggestion.data
        return dict([next(iter(suggestion.exceptions.items()), ("ExceptionName", "Message"))])


def _kinds(path: str) -> dict[str, str]:
    return WEBHOOK_KINDS if path.startswith("/webhooks/") else WEBFILTER_KINDS


def _suggestion(path: str) -> Suggestion:
    return FILTERS.get(path.rsplit("/", 1)[-1], _OTHER)
