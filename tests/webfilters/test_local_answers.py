"""Webfilters that answer by themselves: no server, and everything else as ever."""

import re
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.http import QueryDict
from opaque_keys.edx.keys import CourseKey
from openedx_filters.learning.filters import (
    StudentLoginRequested,
    StudentRegistrationRequested,
    VerticalBlockRenderCompleted,
)
from web_fragments.fragment import Fragment

from openedx_webhooks import catalog, skips
from openedx_webhooks.models import Call, Webfilter
from openedx_webhooks.payloads.local_answer import LocalAnswer
from openedx_webhooks.payloads.shape import ExpressionError
from openedx_webhooks.transport import client
from openedx_webhooks.webfilters import local_answers, trial_call
from tests.receiver import Reply

from .world import XBlock, registration_form

pytestmark = pytest.mark.django_db
REGISTRATION = StudentRegistrationRequested.filter_type
REFUSE = '{"exception": {"PreventRegistration": "Not here"}}'
REFUSE_BY_RULE = "form_data.country != 'GB' && {exception: {PreventRegistration: join('', ['No ', form_data.name])}}"


@pytest.fixture(autouse=True)
def _no_network(monkeypatch):
    """Whoever sends something fails the test."""
    monkeypatch.setattr(client, "post", None)


def make(answer, event=REGISTRATION, **fields):
    webfilter = Webfilter(event=event, webhook_url="", local_answer=answer, call_log="all", **fields)
    webfilter.full_clean()
    webfilter.save()
    return webfilter


def register():
    return StudentRegistrationRequested.run_filter(form_data=registration_form())


@pytest.mark.parametrize(("answer", "message"), [(REFUSE, "Not here"), (REFUSE_BY_RULE, "No Ada")])
def test_it_halts(answer, message):
    make(answer)
    with pytest.raises(StudentRegistrationRequested.PreventRegistration) as caught:
        register()
    assert (caught.value.message, caught.value.status_code) == (message, 403)
    call = Call.objects.get()
    assert (call.result, call.status_code, call.error) == ("halted", None, "")
    assert call.request_body["form_data"]["name"] == "Ada"
    assert message in call.response_excerpt


@pytest.mark.parametrize(
    "answer",
    [
        '{"data": {"form_data": {"name": "Ada King"}}}',
        "{data: {form_data: {name: join(' ', [form_data.name, 'King'])}}}",
        '{"data": {"form_data": {"name": {"append": " King"}}}}',
    ],
)
def test_it_changes(answer):
    make(answer)
    assert register()["name"] == "Ada King"
    assert Call.objects.get().changed_keys == "form_data.name"


@pytest.mark.parametrize("answer", ["`null`", "form_data.no_such", "{}", "`false`", "''", "form_data.name == 'Eve'"])
def test_no_answer_lets_everything_pass(answer):
    make(answer)
    assert register()["name"] == "Ada"
    assert (Call.objects.get().result, Call.objects.get().error) == ("passed", "")


def test_its_condition_says_when():
    webfilter = make(REFUSE, condition="form_data.username == 'eve'")
    before = skips.last_day(webfilter).get(skips.Reason.NO_MATCH, 0)
    register()
    assert skips.last_day(webfilter)[skips.Reason.NO_MATCH] == before + 1


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("form_data.name", "the answer is a string, not an object"),
        ("{data: form_data.name}", "data is a string, not an object"),
        ("{exception: {NoSuchException: 'x'}}", "the filter has no exception 'NoSuchException'"),
        ("abs(form_data.name)", "its local answer fails on this payload (JMESPathTypeError)"),
        ("{data: {form_data: {name: to_number('" + "9" * 4000 + "')}}}", "the answer has a number that is too large"),
        ("{data: {form_data: {name: to_number('1e999')}}}", "the answer has Infinity, which is not JSON"),
        ("{data: {form_data: {name: to_number('nan')}}}", "the answer has NaN, which is not JSON"),
        ('{"data": {"form_data": {"name": "\\ud800"}}}', "the answer has a text that is not Unicode"),
    ],
)
def test_what_cannot_be_used_changes_nothing_and_says_why(answer, problem, caplog):
    """And halts, if the operator wants no registration unchecked: it is a request exception like any."""
    webfilter = make(answer)
    assert register()["name"] == "Ada"
    assert f"Webfilter {webfilter.pk} (StudentRegistrationRequested): {problem}" in caplog.text
    assert Call.objects.get().error.startswith(problem)
    assert "invalid type for value: Ada" not in caplog.text
    webfilter.halt_on_request_exception = True
    webfilter.save()
    with pytest.raises(StudentRegistrationRequested.PreventRegistration):
        register()


def test_observing_records_what_it_would_have_done():
    make(REFUSE, mode="observe")
    assert register()["name"] == "Ada"
    assert Call.objects.get().result == "halted"


def test_the_switches_count():
    make(REFUSE, disable_halt=True)
    make('{"data": {"form_data": {"name": "x"}}}', disable_filtering=True)
    assert register()["name"] == "Ada"


def test_it_is_one_of_many(make_webfilter, monkeypatch):
    """Beside an endpoint, in the operator's order."""
    monkeypatch.undo()
    make_webfilter(REGISTRATION, Reply({"data": {"form_data": {"name": "of the endpoint"}}}), order=1)
    make('{"data": {"form_data": {"name": {"append": ", locally"}}}}', order=2)
    assert register()["name"] == "of the endpoint, locally"


def test_the_test_button_applies_it_to_the_sample():
    trial = trial_call.call_test(make("{exception: {PreventRegistration: form_data.email}}"))
    assert trial.halt == f"PreventRegistration: {trial.request.content['form_data']['email']}"


# --- What the form checks


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"webhook_url": "", "local_answer": ""}, "webhook_url"),
        ({"webhook_url": "https://example.com/", "local_answer": REFUSE}, "local_answer"),
        ({"webhook_url": "", "local_answer": REFUSE, "shape": "form_data"}, "shape"),
        ({"webhook_url": "", "local_answer": '{"exception": {'}, "local_answer"),
    ],
)
def test_there_is_an_address_or_a_local_answer(fields, field):
    with pytest.raises(ValidationError) as caught:
        Webfilter(event=REGISTRATION, **fields).full_clean()
    assert list(caught.value.message_dict) == [field]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"exception": }', 'Not JSON, at line 1, column 15: {"exception": ▶}'),
        ('{\n  "data": {"a": x}\n}', 'Not JSON, at line 2, column 17: {\n  "data": {"a": ▶x}'),
        ('{"data": {"a": 1, "a": 2}}', "“a” is there twice in one object."),
        ('{"data": {"a": NaN}}', "NaN is not JSON."),
        ('{"data":' * 100_000, "The answer is nested too deeply."),
        ("{exception: {PreventLogin: 'x'}", "Not a JMESPath expression, at character 32: "),
        ("{exception: nothing()}", "JMESPath has no function nothing(), at character 13: {exception: ▶nothing()}"),
        ("   ", "The expression is empty."),
    ],
)
def test_a_mistake_is_marked_where_it_is(text, message):
    with pytest.raises(ExpressionError) as caught:
        LocalAnswer(text)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (REFUSE, ""),
        (REFUSE_BY_RULE, ""),
        ("{}", ""),
        ("form_data.answer", ""),
        ('{"exception": "PreventRegistration"}', ""),
        ("form_data.a == 'b' && {data: {form_data: form_data}} || {exception: {PreventRegistration: ''}}", ""),
        (
            '{"exeption": {"PreventRegistration": "x"}}',
            "“exeption” does not belong there. It may have: data, exception.",
        ),
        ("a && {exeption: 'x'}", "“exeption” does not belong there. It may have: data, exception."),
        ('{"exception": {"PreventLogin": "x"}}', "It can't halt: the filter has no exception 'PreventLogin'"),
        (
            "a | {exception: {PreventLogin: 'x'}}",
            "“PreventLogin” does not belong there. It may have: PreventRegistration.",
        ),
        ('{"data": {"name": "x"}}', "“name” does not belong there. It may have: form_data."),
        ("{data: {name: 'x'}}", "“name” does not belong there. It may have: form_data."),
        ('{"data": 5}', "It can't be used: data is a number, not an object."),
    ],
)
def test_names_that_the_filter_does_not_have_are_refused(text, problem):
    found = local_answers.problem_of(catalog.filters()[REGISTRATION], LocalAnswer(text))
    assert found.startswith(problem)
    assert bool(found) == bool(problem)


# --- The rules of the documentation


HOW_TOS = Path(__file__).parents[2] / "docs" / "how-tos"


def recipe(page):
    """The webfilter of a how-to, and what it says is shown."""
    text = (HOW_TOS / f"{page}.rst").read_text(encoding="utf-8")
    event = re.search(r"As \*Event\* choose ``(\w+)``", text)[1]
    answer, condition = re.findall(r"\.\. code-block:: \w+\n\n((?: +.+\n)+)", text)
    make(answer.strip(), catalog.find_filter(event).filter_type, condition=condition.strip())
    return re.search("“(.+?)”", text)[1]


@pytest.mark.parametrize(("email", "may"), [("ada@example.com", True), ("eve@example.org", False), (None, False)])
def test_recipe_only_company_addresses_may_register(email, may):
    shown = recipe("company_addresses")
    form = QueryDict(mutable=True)
    form.update({"name": "Ada"} if email is None else {"name": "Ada", "email": email})
    if may:
        assert StudentRegistrationRequested.run_filter(form_data=form) is form
        return
    with pytest.raises(StudentRegistrationRequested.PreventRegistration) as caught:
        StudentRegistrationRequested.run_filter(form_data=form)
    assert (str(caught.value), caught.value.status_code) == (shown, 403)


@pytest.mark.parametrize(
    ("email", "may"), [("ada@example.com", True), ("a@acme.example", False), ("b@initech.example", False)]
)
def test_recipe_suspended_customers_cannot_log_in(email, may):
    shown = recipe("suspended_customers")
    user = get_user_model()(username="ada", email=email)
    if may:
        assert StudentLoginRequested.run_filter(user=user) is user
        return
    with pytest.raises(StudentLoginRequested.PreventLogin) as caught:
        StudentLoginRequested.run_filter(user=user)
    # What the login page puts into its own text.
    assert caught.value.context == {"errorMessage": shown}
    assert (str(caught.value), caught.value.error_code) == (shown, "tpa-authentication-failure")


def test_recipe_suspended_customers_is_no_oracle_for_unknown_accounts():
    recipe("suspended_customers")
    assert StudentLoginRequested.run_filter(user=None) is None
    assert not Call.objects.exclude(error="").exists()


@pytest.mark.parametrize(("view", "is_there"), [("student_view", True), ("public_view", False)])
def test_recipe_a_line_on_each_course_page(view, is_there):
    shown = recipe("banner")
    block, fragment = XBlock("vertical"), Fragment("<p>unit</p>")
    block.scope_ids.usage_id = CourseKey.from_string("course-v1:DemoX+HOOKS101+2026").make_usage_key("vertical", "one")
    VerticalBlockRenderCompleted.run_filter(block=block, fragment=fragment, context={}, view=view)
    assert fragment.content == (f'<p class="notice">{shown}</p><p>unit</p>' if is_there else "<p>unit</p>")
