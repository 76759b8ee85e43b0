"""Whatever an operator's browser sends, it is answered with a page: never with a server error."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openedx_webhooks import catalog
from openedx_webhooks.models import Delivery, Webfilter, Webhook
from tests.conftest import TIMES

from .conftest import form_of, url_of

pytestmark = pytest.mark.django_db
# The database is rolled back after the test, not between examples: each starts from what the others left.
often = settings(
    max_examples=15 * TIMES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

_nasty = st.sampled_from(
    [
        "",
        " ",
        "\x00",
        "\r\n",
        "a\r\nX-B: b",
        "<script>",
        "' OR 1=1 --",
        "9" * 400,
        "-1",
        "1e999",
        "nan",
        "inf",
        "²",
        "𝟝s",
        "[" * 3000,
        "(" * 3000,
        "a." * 3000,
        "`" + "[" * 5000,
        "{a: " * 2000,
        "'" * 999,
        "https://[",
        "https://[::1]:x",
        "http://\u2028",
        "https://xn--.example/",
        "https://a\u0301.example/",
        "whsec_",
        "whsec_" + "A" * 60,
        "\ud7ff",
        "🙂" * 300,
    ]
)
_texts = st.one_of(_nasty, st.text(max_size=60), st.text(st.characters(max_codepoint=127), max_size=60))
_hosts = st.text(st.sampled_from("abc.-_:[]@/%#?é\u3002 1"), max_size=12).map("https://{}".format)
_names = ("name", "value")


def _fields(model):
    form = form_of(model)
    strategies = {name: _texts for name in form if not name.startswith("headers")}
    strategies["event"] = st.one_of(st.sampled_from([*catalog.events(), *catalog.filters()]), _texts)
    strategies["webhook_url"] = st.one_of(_hosts, _texts, st.just("https://example.com/"))
    if model is Webfilter:
        for switch in ("4xx", "5xx", "request_exception"):
            strategies[f"halt_on_{switch}"] = st.sampled_from(["on", "", "false"])
            strategies[f"redirect_on_{switch}"] = st.one_of(_hosts, _texts, st.just("/sorry"))
    for part in _names:
        strategies[f"headers-{part}"] = st.lists(_texts, max_size=4)
    return st.fixed_dictionaries({}, optional=strategies)


@pytest.mark.parametrize("model", [Webhook, Webfilter])
@often
@given(data=st.data())
def test_a_random_form_for_a_new_hook(admin_client, model, data):
    changes = data.draw(_fields(model))
    response = admin_client.post(url_of(model, "add"), {**form_of(model), **changes})
    assert response.status_code in (200, 302, 400)
    # What was saved can be looked at again.
    if response.status_code == 302:
        hook = model.objects.order_by("-pk").first()
        assert admin_client.get(url_of(model, "change", hook.pk)).status_code == 200


@pytest.mark.parametrize("model", [Webhook, Webfilter])
@often
@given(data=st.data())
def test_a_random_form_for_a_hook_with_secrets(admin_client, webhook, webfilter, model, data):
    hook = webhook if model is Webhook else webfilter
    response = admin_client.post(
        url_of(model, "change", hook.pk), {**form_of(model), **data.draw(_fields(model))}, follow=True
    )
    assert response.status_code in (200, 400)
    assert "t0p-s3cret" not in response.content.decode()


@pytest.mark.usefixtures("webhook", "webfilter", "delivery")
@pytest.mark.parametrize("model", [Webhook, Webfilter, Delivery])
@often
@given(
    query=st.dictionaries(
        st.sampled_from(
            [
                "q",
                "p",
                "o",
                "enabled__exact",
                "subdomain",
                "event",
                "known",
                "health",
                "state__exact",
                "all",
                "webhook__id__exact",
                "created__gte",
                "event_type",
                "mode__exact",
                "e",
                "_facets",
            ]
        ),
        _texts,
        max_size=4,
    )
)
def test_a_random_address_of_a_list(admin_client, model, query):
    response = admin_client.get(url_of(model), query, follow=True)
    assert response.status_code in (200, 400)


@often
@given(pk=_texts.filter(lambda text: "/" not in text and text.strip(".")))
def test_a_random_primary_key(admin_client, pk):
    for name in ("change", "history", "delete", "test", "rotate-secret"):
        url = url_of(Webhook, name, pk)
        assert admin_client.get(url).status_code < 500
        assert admin_client.post(url).status_code < 500
