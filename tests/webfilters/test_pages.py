"""What pages are made of: templates that their engine renders, and the platform's own kinds of value in contexts."""

from copy import copy

import pytest
from django.test import override_settings
from openedx_filters.learning.filters import DashboardRenderStarted, ORASubmissionViewRenderStarted

from openedx_webhooks.models import Call
from tests.receiver import Reply

from .world import COURSE_KEY, OTHER_KEY, START, Mode

pytestmark = pytest.mark.django_db
DASHBOARD = DashboardRenderStarted.filter_type
# A template that Django's own engine finds, and no other.
TEMPLATE = "admin/base_site.html"
ORA = ORASubmissionViewRenderStarted.filter_type


def render(**context):
    return DashboardRenderStarted.run_filter(context=context, template_name="dashboard.html")


# --- Templates


@pytest.fixture
def mako(tmp_path, settings):
    """A site whose pages are rendered by an engine of its own, with one template."""
    (tmp_path / "ours.html").write_text("<p>Ours</p>")
    pages = {"NAME": "mako", "BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [tmp_path]}
    with override_settings(TEMPLATES=[{"NAME": "django", **settings.TEMPLATES[0]}, pages]):
        yield


@pytest.mark.usefixtures("mako")
@pytest.mark.parametrize(("name", "is_there"), [("ours.html", True), (TEMPLATE, False), ("no/such.html", False)])
def test_a_template_must_load_in_the_engine_that_renders_the_page(name, is_there, make_webfilter, caplog):
    """A template of Django's engine would end in an error page."""
    make_webfilter(DASHBOARD, Reply({"data": {"template_name": name}}))
    assert render()[1] == (name if is_there else "dashboard.html")
    assert ("no such template can be loaded by the engine" in caplog.text) != is_there


def test_where_pages_have_no_engine_of_their_own_any_template_will_do(make_webfilter, settings):
    make_webfilter(DASHBOARD, Reply({"data": {"template_name": TEMPLATE}}))
    with override_settings(TEMPLATES=settings.TEMPLATES[:1]):
        assert render()[1] == TEMPLATE


@pytest.mark.usefixtures("mako")
def test_a_template_of_an_exception_must_load_in_that_engine_too(make_webfilter):
    make_webfilter(DASHBOARD, Reply({"exception": {"RenderInvalidDashboard": {"dashboard_template": "ours.html"}}}))
    with pytest.raises(DashboardRenderStarted.RenderInvalidDashboard) as caught:
        render()
    assert caught.value.dashboard_template == "ours.html"


@pytest.mark.usefixtures("mako")
@pytest.mark.parametrize("arguments", ["Not today", {"message": "Not today", "dashboard_template": TEMPLATE}])
def test_a_page_without_a_template_is_refused_on_a_page_of_its_own(arguments, make_webfilter, caplog):
    """The exception alone would end in an error page; the halt stands, and the log says what was missing."""
    make_webfilter(DASHBOARD, Reply({"exception": {"RenderInvalidDashboard": arguments}}), call_log="all")
    with pytest.raises(DashboardRenderStarted.RenderCustomResponse) as caught:
        render()
    assert caught.value.response.content == b"<p>Not today</p>"
    note = "RenderInvalidDashboard: no dashboard_template was given: the learner sees the message on a page of its own"
    assert note in caplog.text
    assert "no dashboard_template" in Call.objects.get().note or isinstance(arguments, dict)


@pytest.mark.usefixtures("mako")
def test_the_submission_page_of_an_open_response_keeps_its_own_engine(make_webfilter):
    make_webfilter(ORA, Reply({"data": {"template_name": TEMPLATE}}))
    assert ORASubmissionViewRenderStarted.run_filter(context={}, template_name="a.html")[1] == TEMPLATE
    arguments = {"template_name": TEMPLATE, "context": {"a": 1}}
    make_webfilter(ORA, Reply({"exception": {"RenderInvalidTemplate": arguments}}), path="/2")
    with pytest.raises(ORASubmissionViewRenderStarted.RenderInvalidTemplate) as caught:
        ORASubmissionViewRenderStarted.run_filter(context={"b": 2}, template_name="a.html")
    assert (caught.value.template_name, caught.value.context) == (TEMPLATE, {"b": 2, "a": 1})


# --- The platform's own kinds of value

VERIFIED = Mode("verified", "Verified", 49, "", "usd", START, None, "sku", None)


class AccessResponse:
    """As the platform's: true or false, with reasons."""

    def __init__(self, has_access, error_code=None, user_message=None):
        self.has_access, self.error_code, self.user_message = has_access, error_code, user_message

    def __bool__(self):
        return self.has_access


def test_a_course_mode_changes_member_by_member(make_webfilter, caplog):
    """A named tuple, in a dict by course key: as the dashboard has them."""
    given = {"min_price": 20, "expiration_datetime": "2031-01-01T00:00:00Z", "slug": 5, "discount": 1, "sku": "new"}
    make_webfilter(DASHBOARD, Reply({"data": {"context": {"modes": {str(COURSE_KEY): {"verified": given}}}}}))
    mode = render(modes={COURSE_KEY: {"verified": VERIFIED}})[0]["modes"][COURSE_KEY]["verified"]
    assert mode == VERIFIED._replace(min_price=20, expiration_datetime=START.replace(2031, 1, 1, 0), sku="new")
    assert type(mode) is Mode
    assert f"context.modes.{COURSE_KEY}.verified.slug was not changed: it must be a text" in caplog.text
    assert f"context.modes.{COURSE_KEY}.verified.discount was not changed: there is no such member" in caplog.text


@pytest.mark.parametrize(
    ("current", "given", "expected"),
    [
        (AccessResponse(True), False, (False, None)),
        (AccessResponse(False, "not_started", "Wait"), True, (True, None)),
        (AccessResponse(False, "not_started", "Wait"), {"has_access": True}, (True, None)),
        (AccessResponse(False, "not_started", "Wait"), False, (False, "not_started")),
    ],
)
def test_whether_a_course_can_be_opened_is_true_or_false(current, given, expected, make_webfilter):
    before = copy(vars(current))
    make_webfilter(DASHBOARD, Reply({"data": {"context": {"show_courseware_links_for": {str(COURSE_KEY): given}}}}))
    links = render(show_courseware_links_for={COURSE_KEY: current, OTHER_KEY: AccessResponse(True)})[0]
    link = links["show_courseware_links_for"][COURSE_KEY]
    assert (bool(link), link.error_code) == expected
    assert type(link) is AccessResponse
    assert vars(current) == before, "the platform's own object may be shared"


@pytest.mark.parametrize(
    ("current", "given", "reason"),
    [
        (VERIFIED, ["verified"], "it must be an object of its members"),
        (AccessResponse(True), "yes", "it must be true or false"),
        (AccessResponse(True), {"has_access": True, "error_code": "x"}, "it must be true or false"),
        ("text", None, "it can't be null: the platform expects a text"),
        ({"a": 1}, None, "it can't be null: the platform expects an object"),
        (object(), "x", "it is an object of the platform (object), which an answer can't make"),
    ],
)
def test_what_cannot_be_changed_is_refused_with_the_real_obstacle(current, given, reason, make_webfilter, caplog):
    make_webfilter(DASHBOARD, Reply({"data": {"context": {"value": given}}}))
    assert render(value=current)[0]["value"] is current
    assert f"context.value was not changed: {reason}" in caplog.text
