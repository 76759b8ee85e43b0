"""Names of what never leaves."""

import typing

import pytest
from django.test import override_settings
from django.utils.safestring import mark_safe

from openedx_webhooks import catalog
from openedx_webhooks.payloads.data_classes import data_fields, is_data_class
from openedx_webhooks.payloads.samples import sample_payload
from openedx_webhooks.payloads.secret_names import hides, is_sensitive

SENSITIVE = [
    "PASSWORDhash",
    "SECRETkey",
    "secretArn",
    "user_secrets",
    "xcsrfx",
    "password",
    "PASSWORD",
    "Password",
    "password1",
    "new_password2",
    "newPassword",
    "confirm-password",
    "passwordHash",
    "old.password",
    "user[password]",
    "passwd",
    "pwd",
    "passphrase",
    "secret",
    "client_secret",
    "clientSecret",
    "secretKey",
    "oauth2_secret",
    "topsecret",
    "token",
    "tokens",
    "access_token",
    "accessToken",
    "ACCESS_TOKEN",
    "accesstoken",
    "X-Access-Token",
    "id_token",
    "refreshToken",
    "token_type",
    "exam_access",
    "csrf",
    "csrftoken",
    "X-CSRFToken",
    "csrfmiddlewaretoken",
    "CSRF_COOKIE",
    "xsrf-token",
    "authorization",
    "bearer",
    "cvv",
    "cardNumber",
    "security_answer",
    "connection_string",
    "Authorization",
    "HTTP_AUTHORIZATION",
    "Proxy-Authorization",
    "cookie",
    "Cookie",
    "Set-Cookie",
    "cookies",
    "session",
    "sessionid",
    "session_id",
    "sessionKey",
    "JSESSIONID",
    "PHPSESSID",
    "sessid",
    "sessions",
    "activation_key",
    "activationKey",
    "activation-link",
    "account_activation_url",
    "confirm_activation_link",
    "confirm_email_link",
    "credentials",
    "api_key",
    "apiKey",
    "X-Api-Key",
    "apikey",
    "private_key",
    "rsaPrivateKey",
    "access_key",
    "signing_key",
    "g-recaptcha-response",
    "captcha",
    "jwt",
    "edx-jwt-cookie",
    "otp",
    "SAMLResponse",
    "saml_assertion",
    "auth_code",
    "authCode",
    "authorization_code",
    "oauth_verifier",
    "code_verifier",
    "codeVerifier",
    "hash",
    "_auth_user_hash",
    "user_hash",
    "salt",
    "password_salt",
    "credential",
    "pin",
    "pin_code",
    "user_pin",
    "pw",
    "user_pw",
    "pass",
    "smtp_pass",
    "DB_PASS",
    "passkey",
    "mfa_code",
    "mfaCode",
    "verification_code",
    "verificationCode",
    "security-code",
    "ticket",
    "service_ticket",
    "sid",
    "connect.sid",
    "reset_link",
    "resetLink",
    "password_reset_link",
    "magic_link",
    "magicLink",
    "login_link",
    "stripe_key",
    "STRIPE_KEY",
    "webhook_key",
    "master_key",
    "database_url",
    "DATABASE_URL",
    "db_uri",
    "mongodb_uri",
    "redis_url",
    "CELERY_BROKER_URL",
    "amqp_url",
    "jdbc_url",
    "sqlalchemy_database_uri",
    "dsn",
    "sentry_dsn",
    "conn_str",
    "connectionString",
    "AccountKey",
    "SharedAccessKey",
    "sas",
    "sas_url",
    "storage_key",
    "consumer_key",
    "app_key",
    "client_key",
    "service_key",
    "recovery_key",
    "recovery_phrase",
    "seed_phrase",
    "mnemonic",
    "pem",
    "key_pem",
    "id_rsa",
    "pfx",
    "aes_key",
    "rsa_key",
    "cipher_key",
    "hmac",
    "nonce",
    "auth",
    "x_auth",
    "basic_auth",
    "proxy_auth",
    "docker_auth",
    "authkey",
    "access_code",
    "unlock_code",
    "2fa_code",
    "two_factor_code",
    "validation_code",
    "scratch_code",
    "parental_pin",
    "login_hash",
    "salted_hash",
    "activation_hash",
    "reset_key",
    "confirm_key",
    "verification_key",
    "oauth_state",
    "sess",
    "sess_id",
    "saml_request",
    "SAMLRequest",
    "wresult",
    "ticket_granting_ticket",
    "kerberos_ticket",
    "private_jwk",
    "sendgrid_key",
    "openai_key",
    "github_pat",
    "npm_auth",
    "kubeconfig",
    "service_account_json",
    "netrc",
    "pgpass",
    "htpasswd",
    "lti_key",
    "vault_key",
    "fernet_key",
    "ssl_key",
    "stripe_sk",
]

HARMLESS = [
    "author",
    "authors",
    "authorized",
    "authority",
    "course_key",
    "usage_key",
    "content_key",
    "parent_content_key",
    "library_key",
    "collection_key",
    "queue_key",
    "idempotency_key",
    "invite_key",
    "keys",
    "key",
    "keyword",
    "monkey",
    "tokenized",
    "tokenizer",
    "secretary",
    "secretariat",
    "username",
    "email",
    "passed",
    "passing",
    "compass",
    "name",
    "access",
    "accessible",
    "accessibility",
    "activate",
    "activated",
    "active",
    "confirm",
    "confirmed",
    "course_entitlement_available_sessions",
    "response",
    "data-request-token",
    "responses",
    "saved_response",
    "cook",
    "cooking",
    "grading_policy_hash",
    "content_hash",
    "block_hash",
    "file_hash",
    "hashtag",
    "course_code",
    "language_code",
    "languageCode",
    "country_code",
    "countryCode",
    "currency_code",
    "status_code",
    "error_code",
    "postal_code",
    "coupon_code",
    "source_code",
    "codec",
    "pass_rate",
    "passing_grade",
    "is_pass",
    "passport_country",
    "pinned",
    "spinner",
    "shipping",
    "assault",
    "credential_type",
    "verified",
    "verifier_name",
    "ticket_id",
    "ticket_count",
    "side",
    "subsidy",
    "reset_at",
    "course_link",
    "master_course_key",
    "account_sid",
    "external_id",
    "url",
    "redirect_url",
    "state",
    "code",
    "id",
    "user_id",
    "is_active",
    "course-v1:edX+DemoX+2026",
    "link",
    "links",
    "card",
    "answer",
    "connection",
    # Told by their values.
    "assertion",
    "refresh",
    # Of courses, vouchers, pages, people and pictures: no key to anything.
    "assertion_url",
    "refresh_rate",
    "refreshed_at",
    "database",
    "database_id",
    "course_url",
    "image_url",
    "login_url",
    "delivery_state",
    "state_province",
    "enrollment_code",
    "invitation_code",
    "invite_code",
    "http_code",
    "discount_code",
    "zip_code",
    "requires_auth",
    "third_party_auth",
    "authentication",
    "nonces",
    "sasha",
    "pemberton",
    "mapping_key",
    "sort_key",
    "primary_key",
    "foreign_key",
    "translation_key",
    "key_name",
    "appkeyboard",
    "public_jwk",
    "jwks",
    "account_number",
    "event_ticket_id",
    "pinterest",
    "phrase",
    "private",
    "license_key",
]


@pytest.mark.parametrize("name", SENSITIVE)
def test_name_is_sensitive(name):
    """Passwords, secrets, tokens, sessions and their like are told in any spelling."""
    assert is_sensitive(name)


@pytest.mark.parametrize("name", [*HARMLESS, "", " ", "日本語", "x" * 100_000])
def test_name_is_harmless(name):
    """A sensitive word counts as a word of its own only."""
    assert not is_sensitive(name)


@pytest.mark.parametrize("name", [None, 1, b"password", ("password",), object()])
def test_name_that_is_no_text_is_harmless(name):
    """Whatever is asked, the answer is a bool."""
    assert is_sensitive(name) is False


def test_name_of_a_text_class():
    """Safe strings and their like are texts."""
    assert is_sensitive(mark_safe("password"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("national_id", True),
        ("nationalId", True),
        ("learner-NATIONAL-ID", True),
        ("national", False),
        ("ssn", True),
        ("mission", False),
        ("idNational", False),
    ],
)
def test_operators_names_are_added(name, expected):
    """SENSITIVE_KEYS are matched as whole words in their order, in any spelling."""
    with override_settings(OPENEDX_WEBHOOKS={"SENSITIVE_KEYS": ["national_id", "SSN"]}):
        assert is_sensitive(name) is expected
    assert not is_sensitive(name)


# Quickly made: the numbers do not change the form.


def _members(value):
    if isinstance(value, dict):
        for name, member in value.items():
            yield name, member
            yield from _members(member)
    elif isinstance(value, list):
        for item in value:
            yield from _members(item)


def _data_classes(cls, seen):
    """Fields of a data class and of those within it, with their names."""
    for part in typing.get_args(cls):
        yield from _data_classes(part, seen)
    if is_data_class(cls) and cls not in seen:
        seen.add(cls)
        for field in data_fields(cls):
            yield f"{cls.__name__}.{field.name}"
            yield from _data_classes(field.type, seen)


# Of the installed libraries: members that never leave. Whoever adds one here has made sure that it holds a secret.
SECRET_MEMBERS: set[str] = set()


def test_no_member_of_an_installed_event_or_filter_is_masked_that_is_no_secret():
    """A new one appears here the day its library is installed."""
    seen: set[type] = set()
    names = {
        name
        for event in catalog.events().values()
        for cls in event.init_data.values()
        for name in _data_classes(cls, seen)
    }
    names |= {f"{event.name}.{name}" for event in catalog.events().values() for name in event.init_data}
    names |= {f"{each.name}.{name}" for each in catalog.filters().values() for name in each.arguments}
    assert {name for name in names if is_sensitive(name.rpartition(".")[2])} == SECRET_MEMBERS


@pytest.mark.parametrize("kind", ["events", "filters"])
def test_samples_of_the_installed_types_lose_nothing_for_what_it_looks_like(kind):
    for hook_type in getattr(catalog, kind)().values():
        payload = sample_payload(hook_type)
        assert [name for name, value in _members(payload) if hides(name, value)] == []
