"""How the receiver knows us, in the forms: credentials that are never shown again, and secrets that fit their kind."""

import pytest

from openedx_webhooks.models import Webfilter, Webhook
from openedx_webhooks.transport import authentication, signing

from .conftest import errors_of, form_of, refusal_of, url_of

pytestmark = pytest.mark.django_db
each_model = pytest.mark.parametrize("model", [Webhook, Webfilter])
OAUTH2 = {"token_url": "https://login.example/token", "client_id": "me", "client_secret": "s3cr3t-1"}


def inputs(kind, credentials):
    return {f"credentials-{kind}-{name}": text for name, text in credentials.items()}


def add(client, model, kind, credentials=(), **changes):
    data = form_of(model, authentication=kind, **inputs(kind, dict(credentials)), **changes)
    return client.post(url_of(model, "add"), data)


def change(client, hook, kind, credentials=(), **changes):
    kept = {"webhook_url": hook.webhook_url, "signature": hook.signature}
    data = form_of(type(hook), authentication=kind, **inputs(kind, dict(credentials)), **{**kept, **changes})
    return client.post(url_of(type(hook), "change", hook.pk), data)


def stored(hook):
    hook.refresh_from_db()
    return hook.authentication, hook.credentials


@pytest.fixture
def hook(db):  # pylint: disable=unused-argument
    return Webhook.objects.create(
        event="x", webhook_url="https://a.example/hooks", authentication="oauth2", credentials=OAUTH2
    )


GOOD = [
    ("none", {}),
    ("bearer", {"token": "abc.def"}),
    ("basic", {"user": "us er", "password": "p:äss"}),
    ("basic", {"user": "user"}),
    ("oauth2", OAUTH2),
    ("oauth2", {**OAUTH2, "scope": "a b"}),
]


@each_model
@pytest.mark.parametrize("kind, credentials", GOOD)
def test_what_each_kind_needs_is_stored(admin_client, model, kind, credentials):
    assert add(admin_client, model, kind, credentials).status_code == 302
    assert stored(model.objects.get()) == (kind, credentials)


BAD = [
    ("bearer", {}, "“Token” is missing"),
    ("bearer", {"token": "Bearer abc"}, "Leave out “Bearer”"),
    ("bearer", {"token": "x" * 4097}, "at most 4096 characters"),
    ("basic", {"password": "p"}, "“User” is missing"),
    ("basic", {"user": "a:b", "password": "p"}, "no colon"),
    ("basic", {"user": "a", "password": "p\x07p"}, "“Password” has a line break"),
    ("oauth2", {}, "“Token URL” is missing"),
    ("oauth2", {**OAUTH2, "client_secret": ""}, "“Client secret” is missing"),
    ("oauth2", {**OAUTH2, "token_url": "login.example"}, "Token URL: The address must begin with https://"),
]


@each_model
@pytest.mark.parametrize("kind, credentials, advice", BAD)
def test_what_is_missing_or_malformed_is_said(model, kind, credentials, advice):
    refusal = refusal_of(model, authentication=kind, **inputs(kind, credentials))
    assert advice in " ".join(refusal["credentials"])


def test_no_page_has_a_stored_secret(admin_client, hook):
    page = admin_client.get(url_of(Webhook, "change", hook.pk)).content.decode()
    assert "https://login.example/token" in page
    assert "s3cr3t-1" not in page


def test_viewers_see_that_there_are_some(viewer, hook):
    page = viewer.get(url_of(Webhook, "change", hook.pk)).content.decode()
    assert "OAuth 2.0" in page
    assert not [word for word in ("login.example", "s3cr3t-1") if word in page]


def test_an_empty_secret_keeps_it_and_the_rest_can_be_cleared(admin_client, hook):
    hook.credentials = {**OAUTH2, "scope": "all"}
    hook.save()
    assert change(admin_client, hook, "oauth2", {**OAUTH2, "client_id": "you", "client_secret": ""}).status_code == 302
    assert stored(hook) == ("oauth2", {**OAUTH2, "client_id": "you"})


def test_another_kind_takes_the_stored_ones_away(admin_client, hook):
    assert change(admin_client, hook, "none").status_code == 302
    assert stored(hook) == ("none", {})


def test_a_form_without_these_inputs_keeps_them(admin_client, hook):
    """A script that posts only some fields."""
    data = form_of(Webhook, webhook_url=hook.webhook_url)
    assert admin_client.post(url_of(Webhook, "change", hook.pk), data).status_code == 302
    assert stored(hook) == ("oauth2", OAUTH2)


@pytest.mark.parametrize(
    "url, token_url, secret, is_refused",
    [
        ("https://a.example/other", "https://login.example/token", "", True),
        ("https://a.example/hooks", "https://login.example/v2", "", True),
        ("http://a.example/hooks", "https://login.example/token", "", True),
        ("https://A.example:443/hooks", "https://login.example/token", "", False),
        ("https://evil.example/", "https://login.example/token", "", True),
        ("https://a.example/hooks", "https://evil.example/token", "", True),
        ("https://b.example/", "https://c.example/", "s3cr3t-2", False),
    ],
)
def test_a_stored_secret_does_not_follow_to_another_server(admin_client, hook, url, token_url, secret, is_refused):
    """Neither to the token server, which gets it, nor to the endpoint, which gets what it opens."""
    entered = {**OAUTH2, "token_url": token_url, "client_secret": secret}
    response = change(admin_client, hook, "oauth2", entered, webhook_url=url)
    assert (response.status_code == 200) is is_refused
    if is_refused:
        assert "Enter again what may be sent to it: Client secret" in " ".join(errors_of(response)["credentials"])


def test_the_same_secret_entered_again_may_go_to_another_server(admin_client, hook):
    """Nobody had the form tell whether what they guessed is what is stored, either."""
    response = change(admin_client, hook, "oauth2", OAUTH2, webhook_url="https://b.example/")
    assert response.status_code == 302
    assert stored(hook) == ("oauth2", OAUTH2)


MALFORMED = [
    ("bearer", [1]),
    ("bearer", {"token": ["a"]}),
    ("basic", {"user": 5}),
    ("basic", {"user": "\ud800"}),
    ("basic", {"user": "a\r\nX: y"}),
    ("oauth2", {"token_url": ["a"], "client_id": {}, "client_secret": 1}),
    ("oauth2", {"token_url": "https://[", "client_id": "\ud800", "client_secret": "x"}),
    ("oauth2", {"token_url": "gopher://x/", "client_id": "a", "client_secret": "b"}),
]


# What reads them is the same for both kinds of hook: one of each kind of credentials for webfilters.
@pytest.mark.parametrize(
    "model, kind, credentials",
    [
        *((Webhook, *row) for row in MALFORMED),
        *((Webfilter, *row) for row in (MALFORMED[0], MALFORMED[2], MALFORMED[6])),
    ],
)
def test_credentials_written_past_the_form_are_shown_tested_and_corrected(admin_client, model, kind, credentials):
    event = form_of(model)["event"]
    hook = model.objects.create(
        event=event, webhook_url="http://127.0.0.1:9/", authentication=kind, credentials=credentials
    )
    # The answer is on the hook's page.
    assert admin_client.post(url_of(model, "test", hook.pk), follow=True).status_code == 200
    data = form_of(model, authentication=kind, webhook_url=hook.webhook_url)
    for name in ("preview", "change"):
        assert admin_client.post(url_of(model, name, hook.pk), data).status_code == 200
    assert change(admin_client, hook, "bearer", {"token": "abc"}, event=event).status_code == 302
    assert stored(hook) == ("bearer", {"token": "abc"})


def test_a_mistake_elsewhere_keeps_what_was_just_typed(admin_client):
    page = add(admin_client, Webhook, "oauth2", OAUTH2, condition="a ==").content.decode()
    assert 'value="me"' in page
    assert 'value="s3cr3t-1"' in page


CLASHES = [
    ({"use_www_form_encoding": "on", "payload_format": "cloudevents"}, "payload_format", "untick WWW form encoding"),
    ({"payload_format": "xml"}, "payload_format", "not one of the available choices"),
    ({"signature": "md5"}, "signature", "not one of the available choices"),
    ({"authentication": "kerberos"}, "authentication", "not one of the available choices"),
    (
        {
            "authentication": "bearer",
            "credentials-bearer-token": "abc",
            "headers-name": ["authorization"],
            "headers-value": ["x"],
        },
        "headers",
        "is what the authentication sets",
    ),
    ({"signature": "github", "secret": "short"}, "secret", "16 to 200 characters"),
    ({"signature": "standard", "secret": "it-is-a-secret-of-github"}, "secret", "whsec_ followed by"),
]


@each_model
@pytest.mark.parametrize("changes, field, advice", CLASHES)
def test_what_excludes_each_other_is_said(model, changes, field, advice):
    assert advice in " ".join(refusal_of(model, **changes)[field])


def test_a_secret_of_github_is_taken_and_does_not_serve_the_standard(admin_client):
    add(admin_client, Webhook, "none", signature="github", secret="it-is-a-secret-of-github")
    hook = Webhook.objects.get()
    assert (hook.signature, hook.secret) == ("github", "it-is-a-secret-of-github")
    response = change(admin_client, hook, "none", signature="standard")
    assert "The stored secret does not fit this signature" in " ".join(errors_of(response)["secret"])


def test_githubs_signature_has_no_overlap_and_the_page_says_so(admin_client, webhook):
    old = webhook.secret
    change(admin_client, webhook, "none", signature="github")
    assert "Rotate: the old one ends now" in admin_client.get(url_of(Webhook, "change", webhook.pk)).content.decode()
    admin_client.post(url_of(Webhook, "rotate-secret", webhook.pk))
    webhook.refresh_from_db()
    assert webhook.secret != old and not webhook.previous_secret


@pytest.mark.parametrize("name", authentication.KINDS)
def test_each_kind_has_its_inputs_with_labels(admin_client, name):
    page = admin_client.get(url_of(Webhook, "add")).content.decode()
    for one in authentication.KINDS[name].credentials:
        assert f'name="credentials-{name}-{one.name}"' in page
        assert f'for="id_credentials_{name}_{one.name}"' in page


def test_the_whole_column_is_encrypted(hook):
    from django.db import connection  # pylint: disable=import-outside-toplevel

    with connection.cursor() as cursor:
        cursor.execute("SELECT credentials FROM openedx_webhooks_webhook")
        ((text,),) = cursor.fetchall()
    assert text.startswith("fernet:")
    assert "token" not in text
    assert hook.signature == signing.STANDARD
