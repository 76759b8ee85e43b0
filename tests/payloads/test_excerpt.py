"""What is shown of a body that repeats what it must not."""

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest

from openedx_webhooks.payloads.redact import MASK, excerpt


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


SHORT = "Basic " + base64.b64encode(b"ada:s3cr3t").decode()
LONG = "Basic " + base64.b64encode("ada.lovelace@example.org:pa55-w0rd-ä1".encode()).decode()


def _encodings(text):
    """However a text may come back, alone or in the midst of another."""
    data = text.encode()
    for before in (b"", b"x", b"xy", b"xyz"):
        for after in (b"", b"z", b"zz"):
            encoded = base64.b64encode(before + data + after).decode()
            yield from (encoded, encoded.rstrip("="), encoded[::-1], quote(encoded, safe=""))
            yield base64.urlsafe_b64encode(before + data + after).decode()
            yield from (form := (before + data + after).hex(), form.upper(), form[::-1])
    yield from (text, text[::-1], quote(text, safe=""), json.dumps(text), html.escape(text))


@pytest.mark.parametrize("header", [SHORT, LONG])
@pytest.mark.parametrize("part", ["user", "password", "pair", "encoded", "header", "in the header"])
def test_excerpt_hides_each_part_of_a_basic_header_and_leaves_no_character_of_it(header, part):
    encoded = header.partition(" ")[2]
    pair = base64.b64decode(encoded).decode()
    user, _colon, password = pair.partition(":")
    parts = {"user": user, "password": password, "pair": pair, "encoded": encoded, "header": header}
    text = parts.get(part, f"Authorization: {header}")
    for echo in _encodings(text):
        shown = excerpt(f"<p>got {echo}, thanks</p>".encode(), 1000, [header])
        left = shown.removeprefix("<p>got ").removesuffix(", thanks</p>")
        assert MASK in left and left != shown
        plain = (
            left.replace(MASK, "")
            .replace("Authorization: ", "")
            .replace(" :noitazirohtuA", "")
            .replace("Authorization%3A%20", "")
            .replace("Basic", "")
            .strip(" \"'%20A3:")
        )
        # Of a whole header, its name may be left; of what is secret, nothing.
        # And "xyz", which stands before it.
        assert plain in ("", "eHl6", "6lHe"), (echo, shown)


@pytest.mark.parametrize("text", ["Canada and Adana", "s3cr3ts are none", "adapter: YWRhcHRlcg", "6164 61", "a d a"])
def test_excerpt_keeps_what_only_begins_like_a_short_user_or_password(text):
    kept = excerpt(text.encode(), 1000, [SHORT])
    assert kept == text or "YWRh" in text


def test_excerpt_hides_the_parts_of_other_headers():
    sent = ['Digest username="ada.lovelace", response="0123456789abcdef"', "a=cookie-one; b=cookie-two"]
    for part in ("ada.lovelace", "0123456789abcdef", "cookie-one", "cookie-two"):
        assert part not in excerpt(f"you sent {part}!".encode(), 1000, sent)


def test_excerpt_keeps_no_half_of_a_long_secret_in_its_longest_form():
    secret = "ä" * 100 + "x" * 3000
    echo = "y" * 990 + quote(secret)
    assert excerpt(echo.encode(), 1000, [secret]) == "y" * 990 + MASK
