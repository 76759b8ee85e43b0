"""The pages of calls of webfilters."""

import uuid

import pytest
from django.contrib.auth import get_user_model

from demo.minilms.models import UserProfile
from openedx_webhooks.models import Call

from .conftest import url_of

pytestmark = pytest.mark.django_db


class TestCalls:
    """Webfilter calls."""

    @pytest.mark.usefixtures("call")
    def test_the_list(self, admin_client):
        page = admin_client.get(url_of(Call)).content.decode()
        for text in (">Would have halted<", "StudentLoginRequested", "auth.example.com", "profile.name"):
            assert text in page

    def test_search(self, admin_client, call):
        user = get_user_model().objects.create(pk=7, username="ada", email="ada@example.com")
        UserProfile.objects.create(user=user, name="Lovelace, Ada")
        for term in (7, call.pk, call.message_id, "ada", "ad", "ada@example.com", "love"):
            response = admin_client.get(url_of(Call), {"q": term})
            assert len(response.context["cl"].result_list) == 1, term
        for term in (8888, "x", uuid.uuid4(), "da", "ada@", "@example.com"):
            response = admin_client.get(url_of(Call), {"q": term})
            assert len(response.context["cl"].result_list) == 0, term

    def test_filters(self, admin_client, call):
        for query, found in (
            ("?answer=2xx", 1),
            ("?answer=none", 0),
            ("?result__exact=halted&mode__exact=observe", 1),
            (f"?webfilter__id__exact={call.webfilter_id}&when=hour", 1),
            (f"?event_type={call.webfilter.event}", 1),
            ("?until=2020-01-01T00:00", 0),
        ):
            response = admin_client.get(url_of(Call) + query)
            assert len(response.context["cl"].result_list) == found, query

    @pytest.mark.parametrize(
        "fields, says",
        [
            ({"result": "halted"}, "It went on: the webfilter only observes."),
            ({"result": "halted", "mode": "enforce"}, "The process was halted"),
            ({"result": "ignored", "status_code": None, "error": "timeout: no answer"}, "did not answer in time"),
            ({"result": "ignored", "status_code": 404}, "nothing is there"),
            ({"result": "invented", "mode": "invented"}, "invented"),
        ],
    )
    def test_its_page_says_it_in_words(self, admin_client, call, fields, says):
        Call.objects.update(**fields)
        page = admin_client.get(url_of(Call, "change", call.pk)).content.decode()
        assert says in page
        assert "timeout: " not in page

    def test_nothing_there_can_be_edited(self, admin_client, call):
        assert admin_client.post(url_of(Call, "change", call.pk), {"result": "passed"}).status_code == 403
        assert admin_client.post(url_of(Call, "delete", call.pk), {"post": "yes"}).status_code == 403
