"""Values that never leave."""

import pytest
from django.contrib.auth import hashers

from openedx_webhooks.payloads.redact import MASK, mask, redact

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
    "GOCSPX-" + "0123456789abcdefghijABCDEFGH",
    "ya29." + "0123456789abcdefghij_-ABCDEFGHIJ",
    "1//0" + "0123456789abcdefghij_-ABCDEFGHIJ",
    "glptt-" + "0123456789abcdefghij",
    "glrt-" + "0123456789abcdefghij",
    "pypi-" + "AgEIcHlwaS5vcmc0123456789abcdefghij",
    "dckr_pat_" + "0123456789abcdefghij_-ABCDE",
    "SK" + "0123456789abcdef" * 2,
    "key-" + "0123456789abcdef" * 2,
    "0123456789abcdef" * 2 + "-us12",
    "sk-" + "0123456789abcdefghijABCDEFGHIJ0123456789abcdefgh",
    "sk-proj-" + "abcdefghij_-0123456789ABCDEFGHIJ",
    "sk-ant-api03-" + "abcdefghij_-0123456789ABCDEFGHIJ",
    "hf_" + "0123456789abcdefghijABCDEFGHIJabcd",
    "dapi" + "0123456789abcdef" * 2,
    "shpat_" + "0123456789abcdef" * 2,
    "sq0atp-" + "0123456789abcdefghij_-",
    "rzp_live_" + "0123456789abcd",
    "lin_api_" + "0123456789abcdefghijABCDEFGHIJ0123456789",
    "ntn_" + "0123456789abcdefghijABCDEFGHIJ0123456789abc",
    "figd_" + "0123456789abcdefghijABCDEFGHIJ_-0123456789",
    "secret_" + "0123456789abcdefghijABCDEFGHIJ0123456789abc",
    "hvs." + "0123456789abcdefghijABCD",
    "ATATT3" + "xFfGF00123456789abcdefghij=ABCDEF01",
    "EAA" + "0123456789abcdefghij" * 4,
    "AGE-SECRET-KEY-1" + "0123456789ABCDEFGHIJ" * 2 + "0123456789ABCDEFGH",
    "123456789:AA" + "0123456789abcdefghijklmnopqrstuvw",
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ",
    "-----BEGIN PGP PRIVATE KEY BLOCK-----\nlQOYBF\n-----END PGP PRIVATE KEY BLOCK-----",
    '<saml:Assertion ID="a"><saml:Subject>ada</saml:Subject></saml:Assertion>',
    "<EncryptedAssertion>\nMIIB\n</EncryptedAssertion>",
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
        # Short ones: of OAuth, as they stand side by side, or at the address where a login ends.
        ("https://lms.example/x?code=abc123&state=xyz789&lang=en", "https://lms.example/x?code=***&state=***&lang=en"),
        ("?state=h7Gd9s&page=2", "?state=***&page=2"),
        ("?code=4%2F0AX4XfWh&state=xy", "?code=***&state=***"),
        ("/auth/complete/google/?state=abc&code=def&x=1", "/auth/complete/google/?state=***&code=***&x=1"),
        (
            "/login?next=%2Foauth2%2Fcb%3Fcode%3Dabc%26state%3Ddef",
            "/login?next=%2Foauth2%2Fcb%3Fcode%3D***%26state%3D***",
        ),
        ('{"code": "a1b2", "state": "q9"}', "{}"),
        ("refresh=S3CR3TS3CR3TS3CR3T&scope=a", "refresh=***&scope=a"),
        ("grant_type=jwt&assertion=S3CR3TS3CR3TS3CR3T", "grant_type=jwt&assertion=***"),
        ("database_url=postgres://db/S3CR3T page=2", "database_url=*** page=2"),
        ("SENTRY_DSN: https://S3CR3T@sentry.example/1", "SENTRY_DSN: ***"),
        ("https://0123456789abcdef0123@o1.ingest.sentry.example/1", "https://***@o1.ingest.sentry.example/1"),
        ("mysql+pymysql://root:S3CR3T@db/lms", "mysql+pymysql://root:***@db/lms"),
        ("mongodb+srv://u:S3CR3T@c.example/", "mongodb+srv://u:***@c.example/"),
        ("Server=db;User Id=sa;Password=S3CR3T;", "Server=db;User Id=sa;Password=***;"),
        ("AccountName=x;AccountKey=S3CR3T==;", "AccountName=x;AccountKey=***;"),
        ("host=db user=a password=S3CR3T dbname=x", "host=db user=a password=*** dbname=x"),
        ("wget --password=S3CR3T x", "wget --password=*** x"),
        ("password => S3CR3T", "password => ***"),
        ("curl -H 'X-Api-Key: S3CR3T' https://a.example", "curl -H 'X-Api-Key: ***' https://a.example"),
        (
            "<a><ns:password type='text'>S3CR3T</ns:password><b>c</b></a>",
            "<a><ns:password type='text'>***</ns:password><b>c</b></a>",
        ),
        ("https://lms.example/reset/MQ/c0ffee-S3CR3T/", "https://lms.example/reset/MQ/***/"),
        ("https://discord.example/api/webhooks/123456/S3CR3TS3CR3T", "https://discord.example/api/webhooks/***"),
        ("https://hooks.zapier.com/hooks/catch/123/S3CR3T/", "https://hooks.zapier.com/hooks/catch/***"),
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
        # States of deliveries, of addresses and of exercises, and codes beside them.
        *(
            f"?state={state}&page=2"
            for state in ("NY", "US-NY", "FR-75", "pending", "in_progress", "attempt_2", "v1.2")
        ),
        *(
            f"state={state}"
            for state in ("New", "2026-11-27", "done3", "10", "Baden-Wuerttemberg", "step 4", "phase-12")
        ),
        "?code=en&state=open",
        "?code=CS101&state=NY",
        "?code=MATH-2001x&state=pending",
        "refresh=true&assertion=false",
        "?refresh=30&key=course",
        "the assertion: that all is well",
        "<label>password</label><code>S3CR3T</code><b>token</b>",
        "sk-SK and desk-lamp-with-a-long-name-and-no-number",
        "sk-demo-2026-introduction-to-algebra and global-learning-platform-of-2026",
        "/courses/reset/",
        "https://user-of-the-forum@example.org/",
        "a --verbose=1 => b",
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
        *(
            ({"state": state},) * 2
            for state in ("NY", "US-NY", "FR-75", "pending", "in_progress", "attempt_2", "done3")
        ),
        *(
            ({"state": state},) * 2
            for state in ("Baden-Württemberg", "2026-11-27", "v1.2", "", None, 3, {"a": 1}, "New York")
        ),
        *(({"code": code, "state": state},) * 2 for code, state in (("CS101", "open"), ("en", "NY"), ("US", "US-NY"))),
        *(({"code": code, "state": state}, {}) for code, state in (("a1b2", "xy"), ("ab", "x9"), ("def", "gh1234ij"))),
        ([("code", "a1b2"), ("state", "xy"), ("page", "2")], [["page", "2"]]),
        ({"code": ["a1b2"], "state": ["xy"]}, {}),
        ({"code": ["en", "de"], "state": ["NY"]}, {"code": ["en", "de"], "state": ["NY"]}),
        *(({"refresh": value},) * 2 for value in (True, 30, "always", "https://lms.example/a?page=2")),
        *(
            ({"assertion": value},) * 2
            for value in (True, "The Earth is a sphere.", "https://badges.example/assertions/1")
        ),
        *(({name: "S3CR3TS3CR3TS3CR3T"}, {}) for name in ("refresh", "assertion")),
        ({"assertion": "<saml:Assertion>"}, {}),
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
