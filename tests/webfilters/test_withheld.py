"""What was masked or cut in a payload is never written back, and what an answer adds is added to the original."""

import time

import pytest
from django.http import QueryDict
from django.utils.safestring import mark_safe
from openedx_filters.learning.filters import (
    CourseAboutRenderStarted,
    StudentRegistrationRequested,
    VerticalBlockRenderCompleted,
)
from web_fragments.fragment import Fragment

from openedx_webhooks.models import Call
from openedx_webhooks.payloads.redact import MASK
from openedx_webhooks.webfilters.kinds.convert import Refused
from openedx_webhooks.webfilters.kinds.objects import Records
from openedx_webhooks.webfilters.plan import Plan
from openedx_webhooks.webfilters.restore import restored
from tests.receiver import Reply

from .world import TEMPLATE, World, XBlock, log_in

pytestmark = pytest.mark.django_db
UNIT = VerticalBlockRenderCompleted.filter_type
ABOUT = CourseAboutRenderStarted.filter_type
CSRF = "QqvUgE0kb2dSHdAWmLGqXYvUhVtHcFhk"
PROBLEM = (
    '<div data-request-token="4e5a" class="xblock">'
    f'<input type="hidden" name="csrfmiddlewaretoken" value="{CSRF}"><p>Solve it</p></div>'
)
LONG = 'A "long" text of which the payload has the beginning alone'
BANNER = "<p>Exam on Friday</p>"


def unit(content):
    """The unit's content after the filter."""
    fragment = Fragment(content)
    fragment.add_javascript("start();")
    result = VerticalBlockRenderCompleted.run_filter(
        block=XBlock("vertical"), fragment=fragment, context={}, view="student_view"
    )
    assert result[1] is fragment
    assert [resource.data for resource in fragment.resources] == ["start();"]
    return fragment.content


def about(**context):
    return CourseAboutRenderStarted.run_filter(context=context, template_name=TEMPLATE)[0]


@pytest.fixture
def make_echo(make_webfilter, receiver):
    """A webfilter whose endpoint answers with what it makes of the payload that it was sent."""

    def make(event, change, path="/hook", **fields):
        def answer(handler):
            receiver.replies[path] = Reply({"data": change(receiver.received[-1].json)})
            receiver.answer(handler)
            receiver.replies[path] = answer

        webfilter = make_webfilter(event, path=path, call_log="all", **fields)
        receiver.on(path, answer)
        return webfilter

    return make


def content_is(change):
    """An answer that changes a unit's content."""
    return lambda payload: {"fragment": {"content": change(payload["fragment"]["content"])}}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda sent: BANNER + sent, BANNER + PROBLEM),
        (lambda sent: sent + BANNER, PROBLEM + BANNER),
        (lambda sent: f"<main>{sent}</main>", f"<main>{PROBLEM}</main>"),
        (lambda sent: sent.replace("Solve it", "Solve it now"), PROBLEM.replace("Solve it", "Solve it now")),
        (lambda sent: "<p>Nothing to see</p>", "<p>Nothing to see</p>"),
    ],
)
def test_a_banner_around_a_unit_leaves_its_csrf_value_and_its_blocks_as_they_are(change, expected, make_echo, receiver):
    make_echo(UNIT, content_is(change))
    assert unit(PROBLEM) == expected
    assert CSRF.encode() not in receiver.received[0].body


def test_a_unit_that_was_cut_keeps_its_end(make_echo, receiver, settings):
    settings.OPENEDX_WEBHOOKS = {"PAYLOAD_MAX_BYTES": 100_000}
    content = PROBLEM + "<p>Привет</p>" * 20_000 + PROBLEM
    make_echo(UNIT, content_is(lambda sent: BANNER + sent))
    assert unit(content) == BANNER + content
    assert len(receiver.received[0].body) < 100_000


@pytest.mark.parametrize(
    "change",
    [
        lambda sent: sent.replace('name="csrfmiddlewaretoken" value="', "value=") + "<br>",
        lambda sent: sent + sent,
        lambda sent: sent + "***",
    ],
)
def test_an_answer_that_would_write_a_mask_back_is_refused_with_what_to_do(change, make_echo, caplog):
    make_echo(UNIT, content_is(change))
    assert unit(PROBLEM) == PROBLEM
    assert "fragment.content was not changed: parts of it were masked or cut in the payload: use prepend" in caplog.text


def test_a_masked_text_of_a_page_is_merged_too(make_echo):
    """A link with a token, in a context at any depth and in a list."""
    link = "https://video.example.com/?token=0123456789abcdef&v=1"
    make_echo(
        ABOUT,
        lambda payload: {
            "context": {
                "video": payload["context"]["video"] + "&autoplay=1",
                "deep": {"links": [payload["context"]["deep"]["links"][0], "https://example.com/more"]},
            }
        },
    )
    context = about(video=link, deep={"links": [link]})
    assert context == {"video": f"{link}&autoplay=1", "deep": {"links": [link, "https://example.com/more"]}}


def test_a_list_that_was_cut_keeps_its_rest(make_echo, settings):
    settings.OPENEDX_WEBHOOKS = {"PAYLOAD_MAX_ITEMS": 10}
    make_echo(ABOUT, lambda payload: {"context": {"names": ["new", *payload["context"]["names"][1:]]}})
    names = [f"name {number}" for number in range(50)]
    assert about(names=names) == {"names": ["new", *names[1:]]}


def test_items_of_a_list_keep_what_never_left(make_echo):
    """A member with a sensitive name was not sent: who sends the others back does not mean to remove it."""
    providers = [{"name": "Google", "client_secret": "x1"}, {"name": "Apple", "client_secret": "x2"}]
    make_echo(
        ABOUT, lambda payload: {"context": {"providers": [payload["context"]["providers"][0], {"name": "Apple ID"}]}}
    )
    assert about(providers=providers) == {
        "providers": [{"name": "Google", "client_secret": "x1"}, {"name": "Apple ID", "client_secret": "x2"}]
    }


def test_a_masked_text_of_a_record_is_merged_with_that_records_own():
    """Records are found by a key, whatever their place in the answer; what was masked, by its place in the payload."""
    current = [{"course_id": "one", "note": "plain"}, {"course_id": "two", "note": f"token={CSRF} of Ada"}]
    sent = [current[0], {"course_id": "two", "note": f"token={MASK} of Ada"}]
    incomplete = {("rows",), ("rows", "1"), ("rows", "1", "note")}
    plan = Plan({}, payload={"rows": sent}, incomplete=incomplete)
    given = [{"course_id": "two", "note": f"token={MASK} of Ada, corrected"}]
    changed = Records("course_id").plan(current, given, ("rows",), plan)
    assert changed == [current[0], {"course_id": "two", "note": f"token={CSRF} of Ada, corrected"}]


def test_a_profiles_and_a_forms_masked_text_is_merged(make_echo):
    world = World()
    world.profile.goals = "password=hunter2hunter2 is what I forget"
    world.profile.save()
    make_echo(
        "org.openedx.learning.student.login.requested.v1",
        lambda payload: {"profile": {"goals": payload["profile"]["goals"] + "!"}},
    )
    assert log_in(world.user).profile.goals == "password=hunter2hunter2 is what I forget!"
    make_echo(
        StudentRegistrationRequested.filter_type,
        lambda payload: {"form_data": {"goals": "I: " + payload["form_data"]["goals"]}},
        path="/form",
    )
    form = QueryDict("", mutable=True)
    form["goals"] = "token=0123456789abcdef"
    result = StudentRegistrationRequested.run_filter(form_data=form)
    assert result["goals"] == "I: token=0123456789abcdef"


# --- The merge itself

SECRET = "s3cret"


@pytest.mark.parametrize(
    ("current", "sent", "given", "expected"),
    [
        ("a=s3cret b", "a=*** b", "a=*** b", "a=s3cret b"),
        ("a=s3cret b", "a=*** b", "x a=*** b y", "x a=s3cret b y"),
        ("a=s1 b=s2 c", "a=*** b=*** c", "a=*** B b=*** c", "a=s1 B b=s2 c"),
        ("a=s3cret", "a=***", "a=***!", "a=s3cret!"),
        ("a=s3cret b", "a=*** b", "other", "other"),
        # Stars that were there from the beginning.
        ("*** a=s3cret", "*** a=***", "x *** a=***", "x *** a=s3cret"),
        ("long text", "long…", "long… more", "long text more"),
        ("long text", "long…", "> long…", "> long text"),
        ("long text", "long…", "short", "short"),
        ("a=s3cret long text", "a=*** long…", "<a=*** long…>", "<a=s3cret long text>"),
        ("ends with a=s3cret and more", "ends with a=***…", "> ends with a=***…", "> ends with a=s3cret and more"),
        (["a=s1", "b"], ["a=***", "b"], ["a=***", "c"], ["a=s1", "c"]),
        (["a=s1", "b"], ["a=***", "b"], ["b", "a=***"], ["b", "a=s1"]),
        (["a=s1", "b"], ["a=***", "b"], ["x"], ["x"]),
        (("a", "b", "c"), ["a", "b"], ["b"], ["b", "c"]),
        ([1, True], [1, True], [True, 1, 2], [True, 1, 2]),
    ],
)
def test_what_came_back_stands_for_what_was_there(current, sent, given, expected):
    assert restored(current, sent, given) == expected


@pytest.mark.parametrize(
    ("current", "sent", "given"),
    [
        ("a=s1 b=s2", "a=*** b=***", "a=***"),
        ("a=s1 b=s2", "a=*** b=***", "b=*** a=***"),
        ("a=s3cret b", "a=*** b", "***"),
        ("long text", "long…", "long… long…"),
        ("s1s2", "******", "x******"),
        # The mark of the cut was cut off, or written otherwise.
        (LONG + " to the end", LONG + "…", "New: " + LONG),
        (LONG + " to the end", LONG + "…", "New: " + LONG + "&hellip;"),
        (LONG + " to the end", LONG + "…", LONG.upper() + "…"),
        ([LONG + " to the end", "b"], [LONG + "…", "b"], [LONG + "…, again"]),
        ([{"a": LONG + '"to the end'}, 1], [{"a": LONG + "…"}, 1], [{"a": "New: " + LONG}]),
        # What was sent does not fit what is there.
        ("something else", "a=***", "x a=***"),
        (["a=s1", "b"], ["a=***", "b"], ["a=***, again", "b", "c"]),
        ([("Cookie", "x"), ("Accept", "y")], [["Accept", "y"]], [["Accept", "z"]]),
    ],
)
def test_what_cannot_be_told_is_refused(current, sent, given):
    with pytest.raises(Refused, match="use prepend or append"):
        restored(current, sent, given)


@pytest.mark.parametrize("text", ["a=***" * 2, '<input value="***">' * 2, "***", "a" * 20, "…"])
def test_the_merge_takes_a_time_that_grows_with_the_text(text):
    seconds = []
    for size in (2_000, 16_000):
        current, sent = text.replace("***", "s3cret") * size, text * size
        start = time.process_time()
        try:
            restored(current, sent, "x" + sent)
        except Refused:
            pass
        seconds.append(time.process_time() - start)
    assert seconds[1] < 40 * max(seconds[0], 0.002)


# --- What is added


def test_a_banner_needs_no_content(make_webfilter):
    make_webfilter(UNIT, Reply({"data": {"fragment": {"prepend": BANNER, "append": "<hr>"}}}), call_log="all")
    assert unit(PROBLEM) == f"{BANNER}{PROBLEM}<hr>"
    assert Call.objects.get().changed_keys == "fragment.prepend, fragment.append"


def test_banners_of_two_webfilters_are_both_there(make_webfilter):
    """The later one is the outer one; both calls say what they changed."""
    for order in (1, 2):
        reply = Reply({"data": {"fragment": {"prepend": f"<p>{order}</p>"}}})
        make_webfilter(UNIT, reply, path=f"/{order}", order=order, call_log="all")
    assert unit(PROBLEM) == f"<p>2</p><p>1</p>{PROBLEM}"
    assert {call.changed_keys for call in Call.objects.all()} == {"fragment.prepend"}


def test_what_is_added_is_added_to_the_content_that_another_answer_gives(make_webfilter):
    make_webfilter(UNIT, Reply({"data": {"fragment": {"content": "<p>new</p>"}}}), path="/1", order=1)
    make_webfilter(UNIT, Reply({"data": {"fragment": {"append": "<hr>"}}}), path="/2", order=2)
    assert unit(PROBLEM) == "<p>new</p><hr>"


@pytest.mark.parametrize("order", [("content", "append"), ("append", "content")])
def test_what_is_added_is_added_to_the_content_of_the_same_answer_in_whatever_order(make_webfilter, order):
    given = {"content": "<p>new</p>", "append": "<hr>"}
    make_webfilter(UNIT, Reply({"data": {"fragment": {name: given[name] for name in order}}}))
    assert unit(PROBLEM) == "<p>new</p><hr>"


@pytest.mark.parametrize(
    ("current", "given", "expected"),
    [
        ("About", {"prepend": "New: "}, "New: About"),
        ("About", {"append": "!"}, "About!"),
        ("About", {"prepend": "«", "append": "»"}, "«About»"),
        (mark_safe("<b>About</b>"), {"prepend": "<i>"}, "&lt;i&gt;<b>About</b>"),
    ],
)
def test_texts_are_added_to(current, given, expected, make_webfilter):
    """What is added to markup is escaped, as the page does with a text that takes the place of markup."""
    make_webfilter(ABOUT, Reply({"data": {"context": {"title": given}}}))
    title = about(title=current)["title"]
    assert title == expected
    assert type(title) is type(current)


@pytest.mark.parametrize("given", [{"prepend": 5}, {"append": None}, {"prepend": "a\0"}, {"before": "x"}])
def test_what_cannot_be_added_is_refused(given, make_webfilter, caplog):
    make_webfilter(ABOUT, Reply({"data": {"context": {"title": given}}}))
    assert about(title="About") == {"title": "About"}
    assert "context.title was not changed: " in caplog.text


def test_a_later_text_takes_the_place_of_an_earlier_ones_addition(make_webfilter):
    make_webfilter(ABOUT, Reply({"data": {"context": {"title": {"append": "!"}}}}), path="/1", order=1)
    make_webfilter(ABOUT, Reply({"data": {"context": {"title": "New"}}}), path="/2", order=2)
    assert about(title="About")["title"] == "New"


def test_observing_says_what_would_be_added(make_webfilter):
    make_webfilter(UNIT, Reply({"data": {"fragment": {"prepend": BANNER}}}), mode="observe")
    assert unit(PROBLEM) == PROBLEM
    assert (Call.objects.get().result, Call.objects.get().changed_keys) == ("changed", "fragment.prepend")


def test_a_form_and_a_profile_are_added_to(make_webfilter):
    world = World()
    make_webfilter(
        StudentRegistrationRequested.filter_type,
        Reply({"data": {"form_data": {"name": {"append": " (partner)"}, "interests": {"append": "x"}}}}),
    )
    form = QueryDict("name=Ada&interests=a&interests=b", mutable=True)
    result = StudentRegistrationRequested.run_filter(form_data=form)
    assert (result["name"], result.getlist("interests")) == ("Ada (partner)", ["a", "b"])
    make_webfilter(
        "org.openedx.learning.student.login.requested.v1",
        Reply({"data": {"profile": {"goals": {"append": "!"}, "bio": {"prepend": "Hi"}}}}),
        path="/login",
    )
    profile = log_in(world.user).profile
    assert (profile.goals, profile.bio) == ("to learn!", "Hi")


UNSENT = [{"a": "1", "token": "T1"}, {"a": "2", "token": "T2"}]
SENT = [{"a": "1"}, {"a": "2"}]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (SENT, UNSENT),
        ([{"a": "1"}], UNSENT[:1]),
        ([{"a": "2"}, {"a": "1"}], UNSENT[::-1]),
        ([*SENT, {"a": "3"}], [*UNSENT, {"a": "3"}]),
        ([{"a": "1x"}, {"a": "2"}], [{"a": "1x", "token": "T1"}, UNSENT[1]]),
        ([], []),
    ],
)
def test_items_keep_the_members_that_are_never_sent(given, expected):
    assert restored(UNSENT, SENT, given) == expected


@pytest.mark.parametrize("given", [[{"a": "1x"}], [{"a": "9"}, {"a": "2"}, {"a": "3"}]])
def test_item_that_may_be_new_or_one_with_unsent_members_is_refused(given):
    with pytest.raises(Refused, match="never sent"):
        restored(UNSENT, SENT, given)
