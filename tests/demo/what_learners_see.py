"""
What learners see of an answer, filter by filter: what is asked of the mini LMS, and how the responses are read.

``WRITE_WHAT_LEARNERS_SEE=1 python -m pytest tests/demo/test_what_learners_see.py`` writes the page in docs/references.
"""

import html
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import attrs
from django.contrib.auth import get_user_model

from demo.minilms.models import CohortMembership, CourseEnrollment, GeneratedCertificate, UserProfile
from openedx_webhooks import catalog
from openedx_webhooks.platform_facts import Message, Redirect
from openedx_webhooks.webfilters import halts

from .platform import Platform

PAGE = Path(__file__).resolve().parents[2] / "docs/references/what_learners_see_in_the_demo.rst"
MESSAGE = "Come back on Monday."
URL = "https://example.com/sorry"
PATH = "/account"
HTML = "<p>Instead of the page</p>"

Responses = tuple[Any, ...]
Check = Callable[[Platform, Responses], bool]


@attrs.frozen
class Case:
    """
    One answer to one filter.

    Attributes:
        filter_name: the filter's class.
        act: what somebody does.
        answer: "data", the name of an exception, or "" for status 403 with *Halt on 4xx* and a redirect.
        content: what is answered; for an exception its arguments.
        checks: sentence of the page → whether it is so.
        where: what the act is, if a filter has several.
        url: the URL that is given.
    """

    filter_name: str
    act: Callable[[Platform], Responses]
    answer: str
    content: Mapping[str, Any]
    checks: Mapping[str, Check]
    where: str = ""
    url: str = URL

    def __str__(self):
        return "-".join(filter(None, (self.filter_name, self.answer or "halt on 4xx", self.where)))


def text_of(response, *, of_api: bool = True) -> str:
    """The response's text; of a page what a person reads, without what the demo alone shows of the API behind it."""
    text = response.content.decode()
    if "html" not in response["Content-Type"]:
        return text if of_api else ""
    text = re.sub(r'<aside class="panel narrow api-answer.*?</aside>', "", text, flags=re.DOTALL)
    text = re.sub(r"<(script|style|title)\b.*?</\1>|<[^>]*>", " ", text, flags=re.DOTALL)
    return " ".join(html.unescape(text).split())


def message_in(responses: Responses, message: str = MESSAGE) -> Message:
    """Where the message ended."""
    page = responses[0]
    if message in text_of(page, of_api=False):
        box = re.search(r'<(\w+)[^>]*role="alert".*?</\1>', page.content.decode(), re.DOTALL)
        return Message.WRAPPED if box and "Error Details" in box[0] else Message.SHOWN
    return Message.RESPONSE if any(message in text_of(response) for response in responses) else Message.LOG


def redirect_in(responses: Responses, url: str = URL) -> Redirect:
    """What became of the URL."""
    page = responses[0]
    if page.get("Location", "").removeprefix("http://testserver") == url:
        return Redirect.FOLLOWED
    if f'href="{html.escape(url)}"' in page.content.decode():
        return Redirect.LINK
    return Redirect.RESPONSE if any(url in text_of(response) for response in responses) else Redirect.IGNORED


def outcome_of(responses: Responses, url: str = URL) -> str:
    """The first response in words."""
    page = responses[0]
    if 300 <= page.status_code < 400:
        location = page["Location"].removeprefix("http://testserver")
        location = re.sub(r"course-v1:[^/]+", "COURSE", location)
        return "HTTP 302 to the URL" if location == url else f"HTTP 302 to ``{location}``"
    if page.status_code == 500:
        return "HTTP 500, the error page"
    if not page.content:
        return f"HTTP {page.status_code}, empty"
    kind = page["Content-Type"].split(";")[0]
    kinds = {"text/html": "a page", "application/json": "JSON", "text/plain": "plain text"}
    return f"HTTP {page.status_code}, {kinds[kind]}"


# --- The page

_HEAD = """\
What learners see in the demo
#############################

What becomes of an answer is decided by the code of the platform that runs the filter: :doc:`what_learners_see`. This
table shows it for the filters that people meet most. A test writes it: it does what the first column says in the demo,
which runs the filters as the platform does, with a webfilter whose endpoint gives the answer, and looks at what comes
back. Another one checks that both pages say the same.

* *Data*: the answer changes the data; the last column says what was used.
* *Halt on 4xx*: the endpoint answers 403, and the webfilter halts on 4xx, with a URL where the filter can redirect.
* All others are exceptions, answered with a message and, where the exception takes one, a URL.

In place of the new pages (micro-frontends, MFE) the demo has pages of its own, which show what those show. All that an
answer may have is on the page of each filter: :doc:`filters/index`.

.. list-table::
   :header-rows: 1
   :widths: 22 16 16 15 15 16

   * - Filter
     - Answer
     - Response
     - Message
     - URL
     - What happens
"""


def _gives_url(case: Case) -> bool:
    if case.answer:
        return case.url in str(case.content)
    return halts.can_redirect(catalog.find_filter(case.filter_name))


def row_of(case: Case, responses: Responses) -> str:
    """A case's row in the table."""
    is_data = case.answer == "data"
    message = "–" if is_data or not case.answer else str(message_in(responses).label)
    redirect = redirect_in(responses, case.url) if _gives_url(case) else None
    if is_data and redirect != Redirect.FOLLOWED:
        # A link of a page, or a URL that the platform drops.
        redirect = None
    cells = [
        f":doc:`filters/{case.filter_name}`" + (f" ({case.where})" if case.where else ""),
        "*Data*" if is_data else f"``{case.answer}``" if case.answer else "*Halt on 4xx*",
        outcome_of(responses, case.url),
        message,
        str(redirect.label) if redirect else "–",
        " ".join(case.checks) or "–",
    ]
    return "   * - " + "\n     - ".join(cells) + "\n"


def page_of(rows: list[str]) -> str:
    """The page of all rows."""
    return _HEAD + "".join(rows)


class Row(NamedTuple):
    """A row of the page that is committed."""

    filter_name: str
    where: str
    answer: str
    response: str
    message: str
    redirect: str
    what_happens: str


def read_rows() -> list[Row]:
    """The rows of the page; of a site that is not a filter's first one, ``where`` says what it is."""
    found = []
    for block in PAGE.read_text(encoding="utf-8").split("   * - ")[2:]:
        filter_name, answer, *others = block.rstrip().split("\n     - ")
        filter_name, where = re.fullmatch(r":doc:`filters/(\w+)`(?: \((.*)\))?", filter_name).groups()
        found.append(Row(filter_name, where or "", answer.strip("`"), *others))
    return found


# --- Checks


def has(text: str) -> Check:
    """The first response shows a text."""
    return lambda _platform, responses: text in responses[0].content.decode()


def lacks(text: str) -> Check:
    """The first response does not show a text."""
    return lambda _platform, responses: text not in responses[0].content.decode()


def logged_in(platform, _responses):
    return "_auth_user_id" in platform.visitor.session


def not_logged_in(platform, responses):
    return not logged_in(platform, responses)


def profile_name(name: str) -> Check:
    return lambda platform, _responses: UserProfile.objects.get(user=platform.ada).name == name


def account_named(name: str) -> Check:
    return lambda _platform, _responses: UserProfile.objects.filter(user__username="grace", name=name).exists()


def no_account(_platform, _responses):
    return not get_user_model().objects.filter(username__startswith="grace").exists()


def enrolled(mode: str | None) -> Check:
    """Ada is enrolled in the other course in a mode; None: she is not."""

    def check(platform, _responses):
        found = CourseEnrollment.objects.filter(user=platform.ada, course_id=platform.other_key, is_active=True)
        return [enrollment.mode for enrollment in found] == ([] if mode is None else [mode])

    return check


def still_enrolled(platform, _responses):
    return CourseEnrollment.objects.get(pk=platform.enrollment.pk).is_active


def certificate(**fields) -> Check:
    return lambda platform, _responses: GeneratedCertificate.objects.filter(user=platform.ada, **fields).exists()


def in_cohort(name: str | None) -> Check:
    def check(platform, _responses):
        found = CohortMembership.objects.filter(user=platform.ada, course_id=platform.key)
        return [one.course_user_group.name for one in found] == ([] if name is None else [name])

    return check


def in_json(name: str, value: Any) -> Check:
    """A member of the last response's JSON, wherever it stands."""

    def find(data):
        if isinstance(data, dict):
            if name in data:
                return data[name] == value
            data = list(data.values())
        return any(find(one) for one in data) if isinstance(data, list) else False

    return lambda _platform, responses: find(responses[-1].json())
