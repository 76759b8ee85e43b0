"""Random answers to every filter: nothing but the filter's own exceptions leaves, and what must not change doesn't."""

import json
from datetime import datetime

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.utils.functional import Promise
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opaque_keys import OpaqueKey

from openedx_webhooks.models import Webfilter
from openedx_webhooks.webfilters import changes
from tests.conftest import TIMES
from tests.receiver import Reply

from .test_table import FILTERS, TABLE, every_filter, run
from .world import COURSE_KEY, OTHER_KEY, TEMPLATE, World

pytestmark = pytest.mark.django_db
DATA = (str, int, float, list, dict, set, frozenset)
PROTECTED = (
    "id",
    "username",
    "email",
    "password",
    "is_staff",
    "is_superuser",
    "is_active",
    "last_login",
    "date_joined",
)

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**19), 10**20),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(
        [
            "",
            "\0",
            "\ud800",
            "x" * 300,
            str(OTHER_KEY),
            str(COURSE_KEY),
            "library-v1:a+b",
            "javascript:alert(1)",
            "//evil",
            "/ok",
            "https://example.com/",
            TEMPLATE,
            "../../etc/passwd",
            "2030-01-01T00:00:00Z",
            "2030-01-01",
            "Blue",
            "course-v1:a+b+c\n",
            "\r\nSet-Cookie: a=b",
        ]
    ),
)


def words(name):
    """Names that mean something to a filter."""
    row, filter_type = TABLE[name], FILTERS[name]
    found = {"message", "redirect_to", "status_code", "id", "name", "__class__", "args", "content", "headers", "status"}
    found |= set(filter_type.arguments) | {"user", "profile", "event_metadata", "is_staff", "password", "username"}
    pending = [row.data]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            found |= set(value)
            pending += value.values()
        elif isinstance(value, list):
            pending += value
    return sorted(found)


def answers(name):
    """JSON answers: well-formed ones with random insides, and anything else."""
    names = st.sampled_from(words(name)) | st.text(max_size=5)
    values = st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4), max_leaves=12
    )
    arguments = st.sampled_from([*FILTERS[name].arguments, "profile", "user"])
    data = st.dictionaries(arguments, values, max_size=4)
    # The table's own answers, with one value replaced: more of them reach the depths.
    nearly = st.builds(_replace, st.just(TABLE[name].data), st.randoms(use_true_random=False), values)
    exceptions = st.sampled_from(list(FILTERS[name].exceptions) or ["None"])
    exception = st.dictionaries(
        exceptions, st.text(max_size=5) | st.dictionaries(names, values, max_size=4), max_size=1
    )
    return st.one_of(
        st.fixed_dictionaries({}, optional={"data": data | nearly, "exception": exception}),
        st.fixed_dictionaries({"data": nearly}),
        values,
    )


def _replace(value, random, replacement):
    if isinstance(value, dict) and value:
        key = random.choice(sorted(value))
        return {**value, key: _replace(value[key], random, replacement)} if random.random() < 0.9 else replacement
    if isinstance(value, list) and value:
        index = random.randrange(len(value))
        return [_replace(item, random, replacement) if i == index else item for i, item in enumerate(value)]
    return replacement


@every_filter
def test_random_answers(name, receiver, db, caplog):  # pylint: disable=unused-argument
    """Back come the keys received, in the types received; identity and privileges stay; only own exceptions leave."""
    filter_type, world = FILTERS[name], World()
    url = receiver.url("/hook")
    Webfilter.objects.create(event=filter_type.filter_type, webhook_url=url, call_log="none")
    before = get_user_model().objects.values(*PROTECTED).get(pk=world.user.pk)
    own = tuple(filter_type.exceptions.values())

    @settings(
        max_examples=10 * TIMES,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(answers(name))
    def check(answer):
        receiver.received.clear()
        receiver.on("/hook", Reply(json.dumps(answer).encode()))
        kwargs = world.arguments(filter_type)
        halt = None
        try:
            after = run(name, kwargs)
        except own as error:  # pylint: disable=catching-non-exception
            halt = error
        if halt is None:
            _assert_fits(kwargs, after)
        else:
            assert type(halt) in own
            assert str(halt).encode()
        assert len(receiver.received) == 1
        assert get_user_model().objects.values(*PROTECTED).get(pk=world.user.pk) == before
        assert not connection.needs_rollback
        assert "were left out" not in caplog.text

    check()  # pylint: disable=no-value-for-parameter


def _assert_fits(kwargs, after):
    assert list(after) == list(kwargs)
    for key, value in kwargs.items():
        if value is not None:
            assert type(after[key]) is type(value)
        if isinstance(value, dict):
            _assert_dict_fits(value, after[key])
    if "user" in kwargs:
        assert after["user"] is kwargs["user"]


def _assert_dict_fits(before, after):
    assert set(before) <= set(after)
    for key, old in before.items():
        new = after[key]
        if isinstance(old, (bool, OpaqueKey, datetime)):
            assert type(new) is type(old)
        elif not isinstance(old, (*DATA, type(None), Promise)):
            assert new is old


@every_filter
def test_changeable_is_json(name):
    """What the admin and the schema say about a filter is plain JSON."""
    json.dumps(changes.changeable(FILTERS[name]))
