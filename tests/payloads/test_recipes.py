"""Shapes by recipe and by ticking fields: what the services accept, made of any type's payload, and read back."""

import functools

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openedx_webhooks import catalog
from openedx_webhooks.operations.payload_fields import fields_of, ingredients_of, organisation_prefix, roles_of
from openedx_webhooks.payloads import recipes, ticked_fields
from openedx_webhooks.payloads.jmespath_text import path
from openedx_webhooks.payloads.samples import sample_payload
from openedx_webhooks.payloads.shape import compile_expression, evaluate
from openedx_webhooks.payloads.subject import subject_of

from .service_schemas import SCHEMAS

EVENTS = list(catalog.events().values())
TYPES = [*EVENTS, *catalog.filters().values()]
ADDRESSES = {"sender": "noreply@example.com", "recipient": "o'brien@example.com"}
each_recipe = pytest.mark.parametrize("recipe", recipes.RECIPES.values(), ids=list(recipes.RECIPES))


@functools.cache
def ingredients(known):
    """What a type has."""
    return ingredients_of(known, fields_of(known))


def parameters(recipe, **given_ones):
    """What the operator entered, as far as the recipe asks for it."""
    return {name: text for name, text in (given_ones or ADDRESSES).items() if name in recipe.parameters}


@each_recipe
def test_the_service_accepts_what_a_recipe_makes_of_any_event(recipe):
    validator = jsonschema.Draft202012Validator(SCHEMAS[recipe.name])
    for known in EVENTS:
        shape = recipes.to_shape(recipe.name, ingredients(known), parameters(recipe))
        for payload in (sample_payload(known), {}):
            validator.validate(evaluate(compile_expression(shape), payload))


@each_recipe
def test_a_recipe_is_recognised_in_what_it_made(recipe):
    for known in EVENTS:
        parts = ingredients(known)
        for entered in (parameters(recipe), parameters(recipe, sender="a@example.com")):
            if "recipient" in recipe.parameters and "recipient" not in entered and not parts.email:
                continue
            assert recipes.recipe_of(recipes.to_shape(recipe.name, parts, entered), parts) == (recipe.name, entered)


@pytest.mark.parametrize("shape", ["", "{text: 'x'}", "enrollment", "{from: 'x', to: [y], subject: 'z', text: 'a'}"])
def test_what_no_recipe_makes_is_none(shape):
    assert recipes.recipe_of(shape, ingredients(EVENTS[0])) is None


@pytest.mark.parametrize("name", ["sendgrid", "resend"])
@pytest.mark.parametrize(
    "event, entered, why",
    [
        ("SESSION_LOGIN_COMPLETED", {}, "come from"),
        ("SESSION_LOGIN_COMPLETED", {"sender": "nobody"}, "not an e-mail address"),
        ("SESSION_LOGIN_COMPLETED", {"sender": "a@example.com", "recipient": "x' || 'y"}, "not an e-mail address"),
        ("COURSE_CREATED", {"sender": "a@example.com"}, "whom the e-mails go to"),
    ],
)
def test_an_email_says_what_it_lacks(name, event, entered, why):
    known = next(known for known in EVENTS if known.name == event)
    with pytest.raises(ValueError, match=why):
        recipes.to_shape(name, ingredients(known), entered)


@pytest.mark.parametrize("known", TYPES, ids=lambda known: known.name)
def test_all_fields_of_a_type_can_be_ticked_and_have_the_values_of_its_sample(known):
    fields, sample = fields_of(known), sample_payload(known)
    shape = ticked_fields.to_shape(field.path for field in fields)
    assert sorted(ticked_fields.fields_of(shape)) == sorted(field.path for field in fields)
    result = evaluate(compile_expression(shape), sample)
    for field in fields:
        expression = compile_expression(field.path)
        assert evaluate(expression, result) == evaluate(expression, sample) == field.sample


@given(st.lists(st.lists(st.text(min_size=1), min_size=1, max_size=4).map(path), min_size=1, max_size=6))
def test_ticked_fields_are_read_back(fields):
    shape = ticked_fields.to_shape(fields)
    assert ticked_fields.to_shape(ticked_fields.fields_of(shape)) == shape


@pytest.mark.parametrize(
    "shape, expected",
    [
        ("{user: user.{id: id}, mode: mode}", ["user.id", "mode"]),
        ("{id: user.id}", None),
        ("{a: 'x'}", None),
        ("user", None),
        ("{a: a.{b: c}}", None),
        ("{a: a[0]}", None),
        ("{a:", None),
    ],
)
def test_only_fields_under_their_own_names_are_ticks(shape, expected):
    assert ticked_fields.fields_of(shape) == expected


def test_a_field_is_sent_with_the_object_that_holds_it():
    assert ticked_fields.to_shape(["a.b.c", "a.b", "d"]) == "{d: d, a: a.{b: b}}"


@pytest.mark.parametrize("known", TYPES, ids=lambda known: known.name)
def test_who_and_which_course_are_found_where_deliveries_find_them(known):
    sample, roles = sample_payload(known), roles_of(fields_of(known))
    subject = subject_of(sample)
    if "course" in roles:
        course = roles["course"]
        assert subject_of({course.names[-1]: course.sample}).course_key == subject.course_key
        before, after = organisation_prefix(course)
        assert str(course.sample).startswith(f"{before}{subject.org}{after}") and after in ("+", ":")
    if "username" in roles:
        assert roles["username"].sample == subject.username
