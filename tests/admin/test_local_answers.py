"""The pages of webfilters that answer by themselves, and what the form says of halts."""

import html

import pytest
from openedx_filters.learning.filters import StudentRegistrationRequested

from openedx_webhooks.models import Call, Webfilter

from .conftest import errors_of, form_of, refusal_of, url_of

REGISTRATION = StudentRegistrationRequested.filter_type
REFUSE = '{"exception": {"PreventRegistration": "Not here"}}'


def add(client, **changes):
    return client.post(url_of(Webfilter, "add"), form_of(Webfilter, event=REGISTRATION, **changes))


def page_of(client, hook):
    return html.unescape(client.get(url_of(Webfilter, "change", hook.pk)).content.decode())


@pytest.fixture
def local(db):  # pylint: disable=unused-argument
    return Webfilter.objects.create(event=REGISTRATION, local_answer=REFUSE, call_log="all")


def test_a_local_answer_takes_the_place_of_an_address(admin_client):
    assert add(admin_client, webhook_url="", local_answer=REFUSE).status_code == 302
    hook = Webfilter.objects.get()
    assert (hook.webhook_url, hook.local_answer, hook.server) == ("", REFUSE, "local answer")


@pytest.mark.parametrize(
    ("url", "answer", "field", "advice"),
    [
        ("https://example.com/", REFUSE, "local_answer", "clear one of them"),
        ("", "", "webhook_url", "or a local answer below instead"),
        ("", '{"exception": {"PreventRegistration": }}', "local_answer", "at line 1, column 39: "),
        ("", '{"exception": {"PreventRegistration": }}', "local_answer", "▶}}"),
        ("", "{exception: {PreventRegistration: 'x'}", "local_answer", "at character 39"),
        ("", '{"exception": {"PreventLogin": "x"}}', "local_answer", "it has: PreventRegistration"),
        ("", '{"data": {"name": "x"}}', "local_answer", "“name” does not belong there. It may have: form_data."),
        ("", "{answer: 'x'}", "local_answer", "It may have: data, exception."),
    ],
)
@pytest.mark.django_db
def test_what_could_not_answer_is_refused_with_the_place_and_what_to_do(url, answer, field, advice):
    refusal = refusal_of(Webfilter, event=REGISTRATION, webhook_url=url, local_answer=answer)
    assert advice in html.unescape(" ".join(refusal[field]))


def test_a_shape_without_anything_to_send_is_refused(admin_client):
    response = add(admin_client, webhook_url="", local_answer=REFUSE, shape="form_data")
    assert "nothing is sent" in " ".join(errors_of(response)["shape"])


def test_the_list_and_the_page_say_that_it_answers_by_itself(admin_client, local):
    assert ">answers by itself<" in admin_client.get(url_of(Webfilter)).content.decode()
    page = page_of(admin_client, local)
    assert "A secret was made" not in page


def test_no_secret_is_offered_that_nobody_needs(admin_client):
    response = admin_client.post(
        url_of(Webfilter, "add"),
        {**form_of(Webfilter, event=REGISTRATION, webhook_url="", local_answer=REFUSE), "_continue": ""},
        follow=True,
    )
    assert "A secret was made" not in response.content.decode()


def test_the_test_button_shows_the_answer_and_what_it_would_do(admin_client, local):
    page = html.unescape(admin_client.post(url_of(Webfilter, "test", local.pk)).content.decode())
    assert ">local answer<" in page
    assert "It would halt the process with PreventRegistration: Not here" in page
    assert "Nothing was sent" in page
    assert "webhook-signature" not in page


def test_the_record_of_a_call_says_that_it_was_answered_locally(admin_client, local):
    call = Call.objects.create(
        webfilter=local, mode="enforce", result="halted", note="some note", response_excerpt=REFUSE
    )
    page = html.unescape(admin_client.get(url_of(Call, "change", call.pk)).content.decode())
    assert "local answer" in page
    assert "some note" in page


# --- Halts


def test_the_form_says_that_disabled_halting_leaves_the_halts_on_failures(admin_client):
    response = admin_client.post(
        url_of(Webfilter, "add"),
        {**form_of(Webfilter, event=REGISTRATION, disable_halt="on", halt_on_4xx="on"), "_continue": ""},
        follow=True,
    )
    says = "Disable halting ignores the exceptions in answers only"
    assert html.unescape(response.content.decode()).count(says) == 2, "after saving, and whenever the page is opened"
    hook = Webfilter.objects.get()
    assert says in page_of(admin_client, hook)
    Webfilter.objects.update(halt_on_4xx=False)
    assert says not in page_of(admin_client, hook)


@pytest.mark.parametrize("field", ["send_profile", "send_file_urls"])
def test_what_is_sent_can_be_chosen(admin_client, field):
    add(admin_client, **{field: "on"})
    assert getattr(Webfilter.objects.get(), field)
