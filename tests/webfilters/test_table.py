"""Every filter, in both directions, as the table says."""

import copy
from contextlib import nullcontext

import pytest
from django.db.models import Model, QuerySet
from django.http import QueryDict
from jsonschema import Draft202012Validator, FormatChecker

from openedx_webhooks import catalog
from openedx_webhooks.operations import schema
from openedx_webhooks.webfilters import adapters, changes, halts
from tests.receiver import Reply

from .table import CANNOT, TABLE, URL
from .world import SECRET, World, login_that_succeeds

# In the library, but called by nothing in the tests: other test modules may define filters of their own.
FILTERS = {
    filter_type.name: filter_type
    for filter_type in catalog.filters().values()
    if filter_type.filter_class.__module__.startswith("openedx_filters.")
}
every_filter = pytest.mark.parametrize("name", sorted(FILTERS))
pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return World()


def run(name, kwargs):
    """The arguments after the real filter ran."""
    waits = adapters.of(FILTERS[name].filter_type).waits_for_login
    with login_that_succeeds(kwargs["user"]) if waits else nullcontext():
        result = FILTERS[name].filter_class.run_filter(**kwargs)
    return dict(zip(kwargs, result if isinstance(result, tuple) and len(kwargs) > 1 else (result,), strict=True))


def find(value, place):
    """``find(kwargs, "user.profile.name")``; a part that ends in ``()`` is called."""
    for part in place.split("."):
        if part.endswith("()"):
            value = getattr(value, part[:-2])()
        elif isinstance(value, QueryDict):
            value = value.getlist(part)
        elif isinstance(value, list):
            value = value[int(part)]
        elif isinstance(value, dict) and part in value:
            value = value[part]
        else:
            value = getattr(value, part) if hasattr(value, part) else value[part]
    return value


def snapshot(value):
    """A value that can be compared later, with live objects by identity."""
    if isinstance(value, QueryDict):
        return {key: list(values) for key, values in value.lists()}
    if isinstance(value, dict):
        return {key: snapshot(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [snapshot(item) for item in value]
    return copy.copy(value) if isinstance(value, (set, str, int, float)) else id(value)


def test_table_has_every_filter():
    """And some that older libraries do not have."""
    assert set(FILTERS) - set(TABLE) == set()


@every_filter
def test_table_has_every_exception(name):
    assert sorted(TABLE[name].exceptions) == sorted(FILTERS[name].exceptions)


@every_filter
def test_payload_has_what_an_outside_system_needs(name, world, make_webfilter, receiver):
    make_webfilter(FILTERS[name].filter_type)
    run(name, world.arguments(FILTERS[name]))
    (payload,) = (request.json for request in receiver.received)
    assert {place: find(payload, place) for place in TABLE[name].sent} == TABLE[name].sent
    assert payload["event_metadata"]["event_type"] == FILTERS[name].filter_type
    check = Draft202012Validator(schema.payload_schema(FILTERS[name]), format_checker=FormatChecker())
    assert [f"{error.json_path}: {error.message}" for error in check.iter_errors(payload)] == []


@every_filter
def test_no_secret_is_sent_or_logged(name, world, make_webfilter, receiver, caplog):
    caplog.set_level("DEBUG", logger="openedx_webhooks")
    make_webfilter(FILTERS[name].filter_type, Reply({"data": dict(TABLE[name].data)}))
    make_webfilter(FILTERS[name].filter_type, use_www_form_encoding=True, path="/form")
    run(name, world.arguments(FILTERS[name]))
    assert len(receiver.received) == 2
    sent = b"".join(request.body for request in receiver.received).decode() + str(receiver.received)
    for secret in (SECRET, world.user.password):
        assert secret not in sent
        assert secret not in caplog.text


def members(kwargs):
    """What is in the objects among the arguments: place → a text of the value."""
    objects = {key: value for key, value in kwargs.items() if isinstance(value, dict)}
    return {f"{key}.{name}": repr(value) for key, value in objects.items() for name, value in value.items()}


@every_filter
def test_data_is_written_back(name, world, make_webfilter, caplog):
    """What the table says changes, in the type that the call site needs; all else stays, as the log says."""
    make_webfilter(FILTERS[name].filter_type, Reply({"data": dict(TABLE[name].data)}))
    kwargs = world.arguments(FILTERS[name])
    types = {key: type(value) for key, value in kwargs.items()}
    before = members(kwargs)
    after = run(name, kwargs)
    assert {place: find(after, place) for place in TABLE[name].changed} == TABLE[name].changed
    differ = {place for place, _value in before.items() ^ members(after).items()}
    listed = [f"{place}." for place in TABLE[name].changed]
    assert {place for place in differ if not any(one.startswith(f"{place}.") for one in listed)} == set()
    for place, value in TABLE[name].changed.items():
        assert type(find(after, place)) is type(value) or place.endswith("overrides")
    assert list(after) == list(kwargs)
    assert {key: type(value) for key, value in after.items() if kwargs[key] is not None} == {
        key: cls for key, cls in types.items() if kwargs[key] is not None
    }
    changeable = changes.changeable(FILTERS[name])
    assert {place.split(".")[0] for place in TABLE[name].changed} <= set(changeable)
    for key in set(TABLE[name].data) - set(changeable):
        assert f"{key} was not changed: " in caplog.text


@every_filter
def test_arguments_that_were_handed_in_are_not_touched(name, world, make_webfilter):
    """Dicts, lists and sets are changed on copies: a failure halfway changes nothing."""
    make_webfilter(FILTERS[name].filter_type, Reply({"data": dict(TABLE[name].data)}))
    kwargs = world.arguments(FILTERS[name])
    containers = {
        key: snapshot(value)
        for key, value in kwargs.items()
        if isinstance(value, (dict, list, set)) and not isinstance(value, (QuerySet, Model))
    }
    run_pipeline = FILTERS[name].filter_class.run_pipeline
    run_pipeline(**kwargs)
    assert {key: snapshot(kwargs[key]) for key in containers} == containers


def assert_raises(name, kwargs, expected):
    exception_name, attributes = expected
    with pytest.raises(FILTERS[name].exceptions[exception_name]) as caught:
        run(name, kwargs)
    assert caught.type is FILTERS[name].exceptions[exception_name]
    assert {place: find(caught.value, place) for place in attributes} == attributes
    assert isinstance(str(caught.value), str)


@pytest.mark.parametrize(
    ("name", "exception"), [(name, exception) for name in sorted(FILTERS) for exception in FILTERS[name].exceptions]
)
def test_exception_of_an_answer(name, exception, world, make_webfilter):
    given, attributes = TABLE[name].exceptions[exception]
    make_webfilter(FILTERS[name].filter_type, Reply({"exception": {exception: given}}))
    assert_raises(name, world.arguments(FILTERS[name]), (exception, attributes))


@every_filter
def test_unknown_exception_is_no_answer(name, world, make_webfilter, caplog):
    webfilter = make_webfilter(FILTERS[name].filter_type, Reply({"exception": {"NoSuchException": "x"}}))
    run(name, world.arguments(FILTERS[name]))
    assert f"Webfilter {webfilter.pk} " in caplog.text
    assert "no exception 'NoSuchException'" in caplog.text


@every_filter
@pytest.mark.parametrize("status", [403, 500])
def test_halt(name, status, world, make_webfilter, caplog):
    """The right exception of a filter that can halt; a log line of one that can't."""
    setting = f"halt_on_{status // 100}xx"
    make_webfilter(FILTERS[name].filter_type, Reply(b"<h1>x</h1>", status=status), **{setting: True})
    kwargs = world.arguments(FILTERS[name])
    halt = TABLE[name].halt
    if halt is CANNOT:
        run(name, kwargs)
        assert "can't halt" in caplog.text
    else:
        attributes = halt[1] if status == 403 else {}
        assert_raises(name, kwargs, (halt[0], attributes))
    assert halts.can_halt(FILTERS[name]) == (halt is not CANNOT)


@every_filter
def test_redirect(name, world, make_webfilter):
    make_webfilter(FILTERS[name].filter_type, Reply(status=403), halt_on_4xx=True, redirect_on_4xx=URL)
    kwargs = world.arguments(FILTERS[name])
    redirect = TABLE[name].redirect
    if isinstance(redirect, dict):
        after = run(name, kwargs)
        assert {key: after[key] for key in redirect} == redirect
    elif redirect is not CANNOT:
        assert_raises(name, kwargs, redirect)
    elif TABLE[name].halt is not CANNOT:
        assert_raises(name, kwargs, TABLE[name].halt)
    else:
        run(name, kwargs)
    assert halts.can_redirect(FILTERS[name]) == (redirect is not CANNOT)


@every_filter
def test_halt_on_request_exception(name, world, make_webfilter):
    webfilter = make_webfilter(FILTERS[name].filter_type, halt_on_request_exception=True)
    webfilter.webhook_url = "http://127.0.0.1:1/nobody"
    webfilter.save()
    kwargs = world.arguments(FILTERS[name])
    if TABLE[name].halt is CANNOT:
        run(name, kwargs)
    else:
        assert_raises(name, kwargs, (TABLE[name].halt[0], {}))


@every_filter
def test_without_halt_switches_a_refusal_changes_nothing(name, world, make_webfilter):
    make_webfilter(FILTERS[name].filter_type, Reply({"data": dict(TABLE[name].data)}, status=403), redirect_on_4xx=URL)
    kwargs = world.arguments(FILTERS[name])
    after = run(name, kwargs)
    assert all(after[key] is kwargs[key] for key in kwargs)
