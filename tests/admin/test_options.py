"""A hook's options are declared once: forms and pages follow."""

import pytest
from django.contrib import admin

from openedx_webhooks.admin import options
from openedx_webhooks.admin.forms import WebfilterForm, WebhookForm
from openedx_webhooks.models import Webfilter, Webhook

from .conftest import url_of

KINDS = [(Webhook, options.WEBHOOK, WebhookForm), (Webfilter, options.WEBFILTER, WebfilterForm)]
SECRETS = {"secret", "headers", "webhook_url"}
each_kind = pytest.mark.parametrize("model, sections, form", KINDS)


@each_kind
def test_every_field_that_can_be_edited_is_an_option_once(model, sections, form):
    editable = {field.name for field in model._meta.fields if field.editable and not field.primary_key}
    names = options.names(sections)
    assert sorted(names) == sorted(editable)
    # What tells a page that is out of date is hidden, and no option.
    assert sorted(field.name for field in form().visible_fields()) == sorted(names)


@each_kind
def test_the_page_has_them_in_their_order_and_the_rare_ones_at_the_end(model, sections, form):  # pylint: disable=unused-argument
    rare = [option.name for option in options.advanced(sections)]
    lines = [
        name for _title, section in options.fieldsets(sections, True) for line in section["fields"] for name in line
    ]
    assert lines == [*(name for name in options.names(sections) if name not in rare), *rare]
    assert rare


@each_kind
def test_viewers_see_no_secret(model, sections, form):  # pylint: disable=unused-argument
    lines = [name for _t, section in options.fieldsets(sections, False) for line in section["fields"] for name in line]
    assert not SECRETS & set(lines)
    assert len(lines) == len(options.names(sections))
    shown = options.shown_as(sections)
    assert all(callable(getattr(admin.site._registry[model], name)) for name in shown)


@pytest.mark.django_db
def test_one_line_of_the_table_is_all_that_an_option_takes(admin_client, viewer, webhook, monkeypatch):
    """An option that the model has and the page did not."""
    section = options.Section("Made up", (options.Option("disabled_reason"),))
    page = admin.site._registry[Webhook]
    assert "Made up" not in admin_client.get(url_of(Webhook, "change", webhook.pk)).content.decode()
    monkeypatch.setattr(page, "sections", (*options.WEBHOOK, section))
    monkeypatch.setattr(Webhook._meta.get_field("disabled_reason"), "editable", True)
    names = options.names(page.sections)
    monkeypatch.setattr(page, "form", type("Form", (WebhookForm,), {"Meta": _meta(names)}))
    assert 'name="disabled_reason"' in admin_client.get(url_of(Webhook, "change", webhook.pk)).content.decode()
    seen = viewer.get(url_of(Webhook, "change", webhook.pk)).content.decode()
    assert "Made up" in seen
    assert 'name="disabled_reason"' not in seen


def _meta(names):
    return type("Meta", (), {"model": Webhook, "fields": names, "widgets": options.widgets(options.WEBHOOK)})


def test_options_beside_each_other_share_a_line():
    a, b, c = options.Option("a"), options.Option("b", is_beside=True), options.Option("c")
    made = options.fieldsets([options.Section("", (a, b, c))], True)
    assert made[0][1]["fields"] == [("a", "b"), ("c",)]
