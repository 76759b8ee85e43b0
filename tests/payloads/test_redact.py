"""Names and values that never leave."""

import base64
import html
import json
import typing
from urllib.parse import quote, quote_plus

import pytest
from django.contrib.auth import hashers
from django.test import override_settings
from django.utils.safestring import mark_safe

from openedx_webhooks import catalog
from openedx_webhooks.payloads.data_classes import data_fields, is_data_class
from openedx_webhooks.payloads.redact import MASK, excerpt, mask, redact
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
HASHED = [
    hashers.PBKDF2PasswordHasher().encode("correct horse", "saltsaltsalt", iterations=1000),
    hashers.PBKDF2SHA1PasswordHasher().encode("correct horse", "saltsaltsalt", iterations=1000),
    hashers.MD5PasswordHasher().encode("correct horse", "saltsaltsalt"),
    hashers.ScryptPasswordHasher().encode("correct horse", "saltsaltsalt", n=2**4, r=8, p=5),
]
TEXT_SECRETS = [
    *HASHED,
    "argon2$argon2id$v=19$m=102400,t=2,p=8$c29tZXNhbHQ$Zm9vYmFyYmF6",
    "bcrypt_sha256$$2b$12$1234567890123456789012abcdefghijklmnopqrstuvwxyz01234",
    "$2b$12$1234567890123456789012abcdefghijklmnopqrstuvwxyz01234",
    "$6$saltsalt$abcdefghijklmnopqrstuvwxyz",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl",
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.",
    "eyJhbGciOiJSU0EifQ.a2V5a2V5.aXZpdg.Y2lwaGVy.dGFn",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIBOgIBAAJBAK\n-----END RSA PRIVATE KEY-----",
    # Put together here, so that no scanner of repositories takes them for real ones.
    "AKIA" + "IOSFODNN7EXAMPLE",
    "ASIA" + "IOSFODNN7EXAMPLE",
    "ghp_" + "0123456789abcdefghijABCDEFGHIJ456789",
    "github_pat_" + "11ABCDEFG0123456789_abcdefghij",
    "glpat-" + "0123456789abcdefghij",
    "xoxb-" + "123456789012-abcdefABCDEF",
    "sk_live_" + "0123456789abcdefghijABCD",
    "rk_test_" + "0123456789abcdefghijABCD",
    "whsec_" + "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3",
    "AIza" + "0123456789abcdefghij0123456789abcde",
    "SG." + "0123456789abcdefghij_-" + "." + "0123456789abcdefghij0123456789abcdefghij_-A",
    "npm_" + "0123456789abcdefghijABCDEFGHIJ456789",
    "dop_v1_" + "0123456789abcdef" * 4,
]


@pytest.mark.parametrize("secret", TEXT_SECRETS)
@pytest.mark.parametrize("around", ["{}", "before {} after", '"{}"', "({})", "{},", "a={}", r"a\n{}\nb"])
def test_secret_is_masked_by_its_form(secret, around):
    """Hashes, JSON Web Tokens and private keys are found wherever they stand, and what is around them stays."""
    masked = mask(around.format(secret))
    assert secret not in masked
    assert masked == around.format(MASK)


def test_users_password_hash_is_masked_under_a_harmless_name():
    """A hash that somebody copied into another field doesn't leave either."""
    hashed = hashers.make_password("correct horse")
    assert redact({"remark": f"was {hashed}"}) == {"remark": f"was {MASK}"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://lms.example/a?b=1&access_token=S3CR3T&c=2#d", "https://lms.example/a?b=1&access_token=***&c=2#d"),
        ("https://lms.example/a?token=S3CR3T", "https://lms.example/a?token=***"),
        ("/login?next=%2Fa%3Ftoken%3DS3CR3T%26b%3D2", "/login?next=%2Fa%3Ftoken%3D***%26b%3D2"),
        ("/login?next=%252Fa%253Fpwd%253DS3CR3T%2526b%253D2", "/login?next=%252Fa%253Fpwd%253D***%2526b%253D2"),
        (
            "https://s3.example/f.pdf?X-Amz-Credential=S3CR3T&X-Amz-Expires=60&X-Amz-Signature=S3CR3T",
            "https://s3.example/f.pdf?X-Amz-Credential=***&X-Amz-Expires=60&X-Amz-Signature=***",
        ),
        ("user%5Bpassword%5D=S3CR3T&user[pwd]=S3CR3T", "user%5Bpassword%5D=***&user[pwd]=***"),
        ("https://ada:S3CR3T@example.com/a", "https://ada:***@example.com/a"),
        ("redis://:S3CR3T@cache:6379/0", "redis://:***@cache:6379/0"),
        ("GET /\nHost: x\nX-Api-Key: S3CR3T\nCookie: a=b", "GET /\nHost: x\nX-Api-Key: ***\nCookie: ***"),
        ("password = S3CR3T", "password = ***"),
        ("name=Ada&password=S3CR3T&csrfmiddlewaretoken=S3CR3T", "name=Ada&password=***&csrfmiddlewaretoken=***"),
        # A text as another text shows it: its line breaks are two letters.
        (r"a\npassword=S3CR3T", r"a\npassword=***"),
        (r"a\ttoken=S3CR3T", r"a\ttoken=***"),
        (r"C:\token=S3CR3T", r"C:\token=***"),
        (r"a\nAuthorization: Bearer S3CR3TS3CR3TS3CR3TS3CR3T", r"a\nAuthorization: Bearer ***"),
        (r"{a\npassword: 'S3CR3T'}", r"{a\npassword: '***'}"),
        ("sessionid=S3CR3T; csrftoken=S3CR3T; lang=en", "sessionid=***; csrftoken=***; lang=en"),
        ("Authorization: Bearer S3CR3TS3CR3TS3CR3TS3CR3T", "Authorization: ***"),
        ("sent Bearer S3CR3TS3CR3TS3CR3TS3CR3T", "sent Bearer ***"),
        ("Basic UzNDUjNUOlMzQ1IzVA==", "Basic ***"),
        (
            '<input type="hidden" name="csrfmiddlewaretoken" value="S3CR3T"/>',
            '<input type="hidden" name="csrfmiddlewaretoken" value="***"/>',
        ),
        ("<input value='S3CR3T' name='password'>", "<input value=\"***\" name='password'>"),
        ('<meta name="csrf-token" content="S3CR3T">', '<meta name="csrf-token" content="***">'),
        ('<div data-access-token="S3CR3T" data-usage-id="b">', '<div data-access-token="***" data-usage-id="b">'),
        (
            '<script>var x = {"csrfToken": "S3C\\"R3T", "a": "b"};</script>',
            '<script>var x = {"csrfToken": "***", "a": "b"};</script>',
        ),
        (r"x {\"token\": \"S3CR3T\\\"S3CR3T\", \"a\": \"b\"}", r"x {\"token\": \"***\", \"a\": \"b\"}"),
        (r'x {"token": "S3CR3T\\", "a": "b"}', 'x {"token": "***", "a": "b"}'),
        (
            r"x {\&quot;token\&quot;: \&quot;S3CR3T\&quot;, \&quot;a\&quot;: 1}",
            r"x {\&quot;token\&quot;: \&quot;***\&quot;, \&quot;a\&quot;: 1}",
        ),
        ("'message': 'token: \"S3CR3T\", a: \"b\"'", "'message': 'token: \"***\", a: \"b\"'"),
        (
            '<input value="x"><input name="a" value="b" <meta name="csrf" content="S3CR3T">c',
            '<input value="x"><input name="a" value="***" <meta name="csrf" content="***">c',
        ),
        ("<script>init({csrfToken: 'S3CR3T', a: 'b'})</script>", "<script>init({csrfToken: '***', a: 'b'})</script>"),
        (
            "<div data-args='{&quot;token&quot;: &quot;S3CR3T&quot;, &quot;a&quot;: 1}'>",
            "<div data-args='{&quot;token&quot;: &quot;***&quot;, &quot;a&quot;: 1}'>",
        ),
        ("https://lms.example/activate/0123456789abcdef", "https://lms.example/activate/***"),
        (
            "https://lms.example/password_reset_confirm/b4-c0ffee/?track=pwreset",
            "https://lms.example/password_reset_confirm/***/?track=pwreset",
        ),
        ("a=b=token=S3CR3T&c=d", "a=b=token=***&c=d"),
        (
            "https://lms.example/complete?code=4/0AX4XfWhS3CR3T&state=S3CR3Tr8pNq0aXb7&lang=en",
            "https://lms.example/complete?code=***&state=***&lang=en",
        ),
        ("/login?next=%2Fcb%3Fcode%3DS3CR3T9x%26b%3D2", "/login?next=%2Fcb%3Fcode%3D***%26b%3D2"),
        ("/cas?ticket=ST-1-S3CR3T&service=lms", "/cas?ticket=***&service=lms"),
        ('{"code": "123456", "lang": "en"}', '{"lang": "en"}'),
        ('<input name="code" value="S3CR3T9x">', '<input name="code" value="***">'),
        ('<script>x({"code": "S3CR3T9x", "a": "b"})</script>', '<script>x({"code": "***", "a": "b"})</script>'),
        (
            '--b\r\nContent-Disposition: form-data; name="password"\r\n\r\nS3CR3T\r\n--b\r\n'
            'Content-Disposition: form-data; name="city"\r\n\r\nBonn\r\n--b--',
            '--b\r\nContent-Disposition: form-data; name="password"\r\n\r\n***\r\n--b\r\n'
            'Content-Disposition: form-data; name="city"\r\n\r\nBonn\r\n--b--',
        ),
        (
            'Content-Disposition: form-data; name="api_key"; filename="k"\nContent-Type: text/plain\n\nS3CR\n3T\n--b',
            'Content-Disposition: form-data; name="api_key"; filename="k"\nContent-Type: text/plain\n\n***\n--b',
        ),
        ("curl -u ada:S3CR3T https://a.example", "curl -u ada:*** https://a.example"),
        ("curl --user 'ada:S3CR3T' https://a.example", "curl --user 'ada:***' https://a.example"),
        ("curl -s --proxy-user=ada:S3CR3T -x p", "curl -s --proxy-user=ada:*** -x p"),
        ("https://hooks.slack.com/services/T0/B0/S3CR3T", "https://hooks.slack.com/services/***"),
        (
            "/login?next=%2Flogin%3Fnext%3D%2Fa%253Ftoken%253DS3CR3T",
            "/login?next=%2Flogin%3Fnext%3D%2Fa%253Ftoken%253D***",
        ),
        ("a%3Dtoken%3DS3CR3T%26b%3Dc", "a%3Dtoken%3D***%26b%3Dc"),
        ('{"name": "x", "POST": {"password": "S3CR3T"}, "session": "S3CR3T"}', '{"name": "x", "POST": {}}'),
        ('[{"context": "{\\"session\\": \\"S3CR3T\\"}"}]', '[{"context": "{}"}]'),
    ],
)
def test_secret_is_masked_by_its_name_inside_a_text(text, expected):
    """Queries, form bodies, cookies, markup, scripts and JSON inside a text lose their sensitive values only."""
    assert mask(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Ada Lovelace",
        "ada@example.com",
        "course-v1:edX+DemoX+2026",
        "2026-11-24T10:00:00+00:00",
        "a = b",
        "$5 and $6",
        "https://lms.example:8000/a",
        "mailto:ada@example.com",
        "Note: see https://a.example/@ada",
        "Password:",
        "https://lms.example/courses/?page=2&q=tokenized",
        'The author: "Ada"',
        "Basic understanding of bearer bonds",
        "eyJ",
        "eyJhbGciOi.b",
        "{not json: 'x'}",
        '{"a": "b"}',
        "100%",
        "%3",
        "=",
        "===",
        "::''::",
        '":"',
        "<input name='email' value='ada@example.com'>",
        '<div class="xblock" data-request-token="0123456789abcdef" data-usage-id="b">',
        "日本語=日本語",
        "/courses?code=CS101&language=en",
        "?code=en-us&state=NY&country=US",
        "code=404",
        "?error=invalid_request&code=invalid_request",
        '{"code": "CS101", "state": "committed"}',
        "curl: (6) could not resolve host: a.example",
        "see user:group and -u ada:lovelace",
        'Content-Disposition: form-data; name="city"\n\nBonn\n--b',
        "ghost_writer and sk_test_",
        "AKIA is a prefix",
    ],
)
def test_harmless_text_stays_as_it_is(text):
    """What has no secret in it isn't touched."""
    assert mask(text) == text


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"a": {"b": [{"password": "x", "c": 1}]}}, {"a": {"b": [{"c": 1}]}}),
        ({"a": ({"accessToken": "x"}, 2)}, {"a": [{}, 2]}),
        ({"name": "password", "value": "x", "label": "Password"}, {"name": "password", "label": "Password"}),
        ({"name": "password", "defaultValue": "x"}, {"name": "password"}),
        ({"name": "The secret garden", "value": 3}, {"name": "The secret garden", "value": 3}),
        ([["Cookie", "x"], ["Accept", "y"]], [["Accept", "y"]]),
        ([("Authorization", "x")], []),
        (["password", "email"], ["password", "email"]),
        (
            {"backend": "saml", "response": "<xml>", "details": {"email": "a@b.c"}},
            {"backend": "saml", "details": {"email": "a@b.c"}},
        ),
        ({"response": {"status_code": 200}}, {"response": {"status_code": 200}}),
        ({"key": "x", "confirm_activation_link": "y", "site_name": "z"}, {"site_name": "z"}),
        ({"key": "0123456789abcdef0123456789abcdef"}, {}),
        ({"key": "course-v1:edX+DemoX+2026"}, {"key": "course-v1:edX+DemoX+2026"}),
        ({1: "x", None: "y"}, {1: "x", None: "y"}),
        # An authorization code, one that was sent to somebody, and codes that receivers need.
        ({"code": "4/0AX4XfWhS3CR3T", "state": "S3CR3Tr8pNq0aXb7"}, {}),
        ({"code": 123456}, {}),
        ({"code": ["S3CR3T9x"]}, {}),
        ([("code", "S3CR3T9x"), ("page", "2")], [["page", "2"]]),
        ({"name": "code", "value": "S3CR3T9x"}, {"name": "code"}),
        *(({"code": code, "state": "NY"},) * 2 for code in ("en", "pt-BR", "zh-Hans", "US", "CS101", "MATH-2001x")),
        *(({"code": code},) * 2 for code in (404, True, None, "", "invalid_grant", "HONOR", {"a": 1}, "Ein Satz")),
        ({"code": "course-v1:edX+DemoX+2026"}, {"code": "course-v1:edX+DemoX+2026"}),
        ({"state": '{"seed": 1, "student_answers": {}}'}, {"state": '{"seed": 1, "student_answers": {}}'}),
        (None, None),
        (5, 5),
        ("x", "x"),
        ([], []),
        ({}, {}),
    ],
)
def test_redact(data, expected):
    """Sensitive members are dropped at any depth; names and values side by side count as members."""
    assert redact(data) == expected


def test_redact_leaves_the_original_alone():
    """The platform goes on with its own data."""
    data = {"form": {"password": "x", "name": "Ada"}}
    redact(data)
    assert data == {"form": {"password": "x", "name": "Ada"}}


def test_redact_survives_any_depth():
    """What is nested deeper than 100 levels is dropped, secrets in it included."""
    data = {"password": "S3CR3T"}
    for _ in range(5000):
        data = {"a": data}
    assert "S3CR3T" not in repr(redact(data))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"thanks", "thanks"),
        (b"you sent Hush my-own-key-1", "you sent ***"),
        (b'{"seen": "my-own-key-1", "n": 1}', '{"seen": "***", "n": 1}'),
        (b'{"seen": "k\\"ey-with-quote"}', '{"seen": "***"}'),
        (b"a yes stays", "a yes stays"),
        (b'{"token": "x", "half": "\\ud83d"}', '{"half": "?"}'),
        (b"password=S3CR3T&a=b", "password=***&a=b"),
        (b"nul \0, not \xff UTF-8", "nul \N{REPLACEMENT CHARACTER}, not \N{REPLACEMENT CHARACTER} UTF-8"),
    ],
)
def test_excerpt_of_a_response_that_echoes_secrets(body, expected):
    """What was sent in headers is not kept because the endpoint sent it back; short words are not secrets."""
    assert excerpt(body, 100, ["Hush my-own-key-1", 'k"ey-with-quote', "yes", 5]) == expected


def test_excerpt_keeps_no_half_of_a_secret():
    """The cut comes after the masking."""
    assert excerpt(b"x" * 95 + b"my-own-key-1", 100, ["my-own-key-1"]) == "x" * 95 + "***"


KEY = "my/own+key~1ä?"
BASIC = "Basic " + base64.b64encode(b"ada:pa55-w0rd-1").decode()


@pytest.mark.parametrize(
    "echo",
    [
        KEY,
        KEY[::-1],
        quote(KEY),
        quote(KEY, safe=""),
        quote(KEY, safe="").lower(),
        quote_plus(KEY),
        html.escape(KEY),
        json.dumps(KEY),
        json.dumps(json.dumps(KEY)),
        KEY.encode().hex(),
        KEY.encode().hex().upper(),
        KEY.encode().hex(":"),
        KEY.encode().hex()[::-1],
        *(
            base64.b64encode(b"x" * before + KEY.encode() + after).decode()
            for before in range(4)
            for after in (b"", b"y")
        ),
        base64.urlsafe_b64encode(KEY.encode()).decode(),
        base64.b64encode(KEY.encode()).decode()[::-1],
        quote(base64.b64encode(KEY.encode()).decode(), safe=""),
        "pa55-w0rd-1",
        "ada:pa55-w0rd-1",
        b"pa55-w0rd-1".hex(),
    ],
)
def test_excerpt_hides_a_secret_however_it_is_echoed(echo):
    """An endpoint of somebody who may see records, and not the secret. What is left of it is no use to anybody."""
    shown = excerpt(f"<p>got {echo}, thanks</p>".encode(), 1000, [f"Bearer {KEY}", BASIC])
    assert MASK in shown
    for form in (echo, KEY, *(echo[start : start + 12] for start in range(0, len(echo) - 12, 4))):
        assert form not in shown
    assert shown.startswith("<p>got ") and shown.endswith(", thanks</p>")


def test_excerpt_keeps_no_half_of_a_long_secret_in_its_longest_form():
    secret = "ä" * 100 + "x" * 3000
    echo = "y" * 990 + quote(secret)
    assert excerpt(echo.encode(), 1000, [secret]) == "y" * 990 + MASK


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
