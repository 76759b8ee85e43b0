"""
What never leaves: passwords, hashes, tokens, sessions, CSRF values, cookies, keys that open something.

A key that names such a thing (:mod:`.secret_names`) is *dropped* with its value, not masked: a receiver can't mistake
``"***"`` for a value, and can't send it back as one. A secret inside a longer text (a URL's query, a token in a
sentence) is replaced by :data:`MASK`, so that the rest of the text survives. Every pass over a text is linear in its
length, whatever a learner or an endpoint has written.
"""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from html import escape
from typing import Any
from urllib.parse import quote, quote_plus

from .secret_names import (
    TOLD_BY_VALUE,
    hides,
    is_sensitive,
    is_sensitive_name,
    operators_names,
    sensitive_here,
    without_sensitive_pairs,
)

MASK = "***"


def redact(value: Any, depth: int = 0) -> Any:
    """
    A copy of JSON data without the keys that never leave, at any depth, and with secrets inside texts masked.

    What isn't JSON data (dict, list, tuple, str) is returned as it is; what is nested deeper than 100 levels is null.
    """
    if depth > 100:
        return None
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        here = sensitive_here(value)
        return {
            mask(key) if isinstance(key, str) else key: redact(item, depth + 1)
            for key, item in value.items()
            if key not in here and not is_sensitive(key) and not hides(key, item)
        }
    if isinstance(value, (list, tuple)):
        items = without_sensitive_pairs(value)
        return [redact(item, depth + 1) for item in items]
    return value


# --- Secrets inside texts

# Not inside a word; but the letter of an escaped line break or tab, in the text of a text, is none of it.
_ESCAPED = r"(?<=\\[bfnrt])"
_PASSWORD_HASH = re.compile(
    rf"(?:(?:\b|{_ESCAPED})(?:pbkdf2_\w+|argon2\w*|bcrypt(?:_sha256)?|scrypt|md5|sha1|sha256|sha512|crypt|unsalted_\w+)"
    rf"|(?:(?<![\w$])|{_ESCAPED})(?=\$(?:2[abxy]?|argon2\w*|scrypt|y|[1567])\$))"
    r"\$[\w$./+=,\-]{7,}[\w$/+=]"
)
_JWT = re.compile(rf"(?:(?<![\w\-])|{_ESCAPED})" r"eyJ[\w\-]{5,}\.[\w\-]{4,}(?:\.[\w\-]*){1,3}")
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S)
_SCHEME = re.compile(
    rf"(?:\b|{_ESCAPED})(?=[BJbj])" r"(bearer|jwt|basic)(\s+)(?:[\w.~+/\-]{20,}=*|[\w+/]{8,}={1,2})", re.I
)
_LINK = re.compile(r"(/(?:activate|activate_secondary_email|email_confirm|password_reset_confirm)/)[^\s/\"'?#<>]+")
_USER_INFO = re.compile(r"(://[^\s/?#:@\"'<>]{0,200}:)[^\s/?#@\"'<>]{1,500}@")
# A line of its own, as in headers.
_HEADER = re.compile(r"^([ \t]{0,40}(?P<name>[A-Za-z][\w\-]{0,80}): +)(?=\S).*$", re.M)
# name=value in queries, form bodies, cookies and HTML attributes, also percent-encoded ones inside another query.
_ASSIGNMENT = re.compile(
    r"(?:(?<![\w.\[\]\-])|%(?:25)*[0-9A-Fa-f]{2})(?P<name>[A-Za-z_][\w.\[\]\-]{0,80}+)"
    r"(?P<is>(?:%(?:25)*5[Dd])?(?: ?= ?|%(?:25)*3[Dd]))"
)
_ASSIGNED = re.compile(r"\"[^\"]*\"|'[^']*'|(?:(?!%(?:25)*26)[^&;#\s\"'<>])+")
# What signs the URL of a file: harmless names elsewhere.
_URL_ONLY = frozenset(
    ("signature", "sig", "temp_url_sig", "x-amz-signature", "x-amz-credential", "x-goog-signature", "x-goog-credential")
)
_SIGNING = _URL_ONLY | {"awsaccesskeyid", "x-amz-security-token"}
_URL = re.compile(r"https?://[^\s\"'<>]+")
# "name": "value" in scripts, data attributes and logs that aren't JSON as a whole. Before a quote of JSON in JSON is a
# backslash, three if that is in JSON, and so on.
_MOST_ESCAPES = 7
_QUOTE = r"(?:[\"']|&quot;|&#34;|&#39;|&#x27;)"
_MEMBER = re.compile(
    r"(?<![\w.\-])(?P<name>[A-Za-z_][\w.\-]{0,80}+)"
    rf"(?:\\*{_QUOTE})?\s{{0,20}}:\s{{0,20}}(?P<quote>\\{{0,{_MOST_ESCAPES}}}{_QUOTE})"
)
_TAG = re.compile(r"<(?:input|meta)\b", re.I)
_LONGEST_TAG = 2000
_SHORTEST_KEY = 20
# So much of a value tells whether it is a secret.
_PEEK = 130
_ATTRIBUTE = re.compile(r"""\b(name|id|value|content)\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+)""", re.I)


# Keys of services that say by their form what they are.
_KEYS = re.compile(
    rf"(?:\b|{_ESCAPED})"
    r"(?:A[KS]IA[0-9A-Z]{16}|gh[opsur]_[0-9A-Za-z]{20,255}|github_pat_\w{22,255}|glpat-[\w-]{20,255}"
    r"|xox[abeoprs]-[\w-]{10,255}|xapp-[\w-]{10,255}|(?:sk|rk)_(?:live|test)_[0-9A-Za-z]{10,255}"
    r"|whsec_[0-9A-Za-z+/]{16,255}={0,2}|AIza[\w-]{35}"
    r"|SG\.[\w-]{16,32}\.[\w-]{16,64}|npm_[0-9A-Za-z]{36}|dop_v1_[0-9a-f]{64})|(?<=hooks\.slack\.com/services/)[\w/]{10,255}",
    re.ASCII,
)
_CURL = re.compile(r"((?:^|\s)(?:-u|--user|-U|--proxy-user)[ =]{0,5}[\"']?[^\s:\"']{1,200}:)[^\s\"']{1,500}")
# A part of a multipart form: its name, and where its value begins.
_PART = re.compile(
    r"^content-disposition: ?form-data;[^\r\n]{0,200}?\bname=\"?(?P<name>[\w.\[\]\-]{1,100})\"?[^\r\n]{0,300}\r?\n"
    r"(?:[\w-]{1,60}:[^\r\n]{0,300}\r?\n){0,5}\r?\n",
    re.I | re.M,
)


def _mask_keys(text: str) -> str:
    """What services give out as keys."""
    # One comparison after the other: each text is asked.
    has_key = "AKIA" in text or "ASIA" in text or "AIza" in text or "hooks.slack.com" in text or "SG." in text
    if not has_key and "_" in text:
        has_key = "gh" in text or "k_live_" in text or "k_test_" in text or "whsec_" in text
        has_key = has_key or "npm_" in text or "dop_v1_" in text
    if not has_key and "-" in text:
        has_key = "xox" in text or "glpat-" in text or "xapp-" in text
    return _KEYS.sub(MASK, text) if has_key else text


def _mask_copied(text: str) -> str:
    """What people copy from a terminal or a request."""
    text = _SCHEME.sub(rf"\1\2{MASK}", text)
    if "PRIVATE KEY" in text:
        text = _PRIVATE_KEY.sub(MASK, text)
    if "curl" in text:
        text = _CURL.sub(rf"\1{MASK}", text)
    return _mask_parts(text) if "form-data" in text else text


def mask(text: str, file_urls: bool = False) -> str:
    """
    The text with :data:`MASK` for every secret in it that can be told by its form: password hashes, JSON Web Tokens,
    private keys, credentials of HTTP authentication and of URLs; and for values of sensitive names in queries, headers,
    JSON, markup and scripts.

    Args:
        file_urls: leave what signs a URL, if that is the whole text.
    """
    # Most texts are names and identifiers: these comparisons are all they cost.
    if "=" in text or "%3" in text or "%2" in text:
        text = _mask_pairs(text, _SIGNING if file_urls and _URL.fullmatch(text) else frozenset())
    if "$" in text:
        text = _PASSWORD_HASH.sub(MASK, text)
    if "eyJ" in text:
        text = _JWT.sub(MASK, text)
    if ":" in text and ('"' in text or "'" in text or "&" in text):
        text = _mask_members(text)
    if "://" in text and "@" in text:
        text = _USER_INFO.sub(rf"\1{MASK}@", text)
    if ": " in text:
        text = _HEADER.sub(_mask_header, text)
    if " " in text:
        text = _mask_copied(text)
    if len(text) >= _SHORTEST_KEY:
        text = _mask_keys(text)
    if "/activate" in text or "confirm/" in text:
        text = _LINK.sub(rf"\1{MASK}", text)
    return text


# Shorter ones are words such as ``yes``; masking them would only garble the text.
_SHORTEST_SECRET = 8
# The longest header value in its longest form, percent-encoded, so that no secret is cut in half and kept.
_BEYOND = 3 * 4096


def excerpt(body: bytes, size: int, secrets: Iterable[str] = ()) -> str:
    """
    The beginning of a response as a record keeps it, with the secrets masked that it echoes. No NUL, which PostgreSQL
    refuses.

    Args:
        size: characters at most.
        secrets: values that were sent with the request, such as those of headers.
    """
    text = body[: size + _BEYOND].decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
    forms = {form for secret in secrets if isinstance(secret, str) and secret for form in _forms(str.__str__(secret))}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, MASK)
    return mask(text[: size + _BEYOND // 3])[:size]


@lru_cache(maxsize=512)
def _forms(secret: str) -> tuple[str, ...]:
    """A secret, and its parts, in every form in which an endpoint may send them back. Few, whatever the secret is."""
    return tuple(dict.fromkeys(_each_form(secret)))


def _each_form(secret: str) -> Iterator[str]:
    scheme, _blank, rest = secret.rpartition(" ")
    # "Bearer abc" may come back as "abc", "Basic dXNlcjpw…" as the password.
    parts = [secret, rest, *_basic(scheme, rest), secret.removeprefix("whsec_")]
    for part in dict.fromkeys(parts):
        if len(part) < _SHORTEST_SECRET:
            continue
        data = part.encode("utf-8", "replace")
        digits = data.hex()
        escaped = json.dumps(part)[1:-1]
        yield from (part, escaped, json.dumps(escaped)[1:-1], escape(part))
        yield from (quote(part, safe=""), quote(part), quote_plus(part))
        yield from (part[::-1], digits, digits.upper(), digits[::-1], data.hex(":"), data.hex(" "))
        yield quote(part, safe="").lower()
        # In a longer text that is encoded as a whole it begins at one of three places of a group.
        for skipped in range(3):
            encoded = b64encode(b"\0" * skipped + data).decode()
            inner = encoded[(0, 2, 3)[skipped] : len(encoded) - (0, 3, 2)[(skipped + len(data)) % 3]]
            if len(inner) >= _SHORTEST_SECRET:
                yield from (inner, inner[::-1], inner.replace("+", "-").replace("/", "_"), quote(inner, safe=""))


def _basic(scheme: str, encoded: str) -> list[str]:
    """The password of HTTP's Basic authentication, and with its user."""
    if scheme.lower() != "basic":
        return []
    try:
        pair = b64decode(encoded, validate=True).decode()
    except ValueError:
        return []
    return [pair, pair.partition(":")[2]]


def _mask_header(match: re.Match) -> str:
    return f"{match[1]}{MASK}" if is_sensitive(match["name"]) else match[0]


def _mask_pairs(text: str, allowed: frozenset) -> str:
    text = _mask_assignments(text, allowed)
    if "<" in text:
        text = _mask_inputs(text)
    return text


def _mask_assignments(text: str, allowed: frozenset) -> str:
    """One pass, whatever is nested in what: learners write texts, too, and ``a=a=a=…`` must cost no more."""
    parts, done, position, extra = [], 0, 0, operators_names()
    while match := _ASSIGNMENT.search(text, position):
        # ``next=/login%3Ftoken%3D…``: what a harmless name has may be another query, and ``%3D`` begins its first name.
        position = match.start("is")
        name = _name_of(text, match)
        lower = name.lower()
        is_told = is_sensitive_name(name, extra) or lower in _URL_ONLY
        if (not is_told and lower not in TOLD_BY_VALUE) or lower in allowed:
            continue
        if not is_told:
            # Not to its end: that of ``state=state=state=…`` is the end of the text, each time.
            beginning = _ASSIGNED.match(text, match.end(), match.end() + _PEEK)
            if beginning is None or not hides(lower, beginning[0].strip("\"'")):
                continue
        value = _ASSIGNED.match(text, match.end())
        if value is None:
            continue
        quote = value[0][0] if value[0][0] in "\"'" else ""
        parts += [text[done : match.end()], quote, MASK, quote]
        done = position = value.end()
    return "".join(parts) + text[done:] if parts else text


def _name_of(text: str, match: re.Match) -> str:
    """The name that was found, without the letter of an escaped line break or tab in front of it."""
    name, start = match["name"], match.start("name")
    is_escaped = start > 0 and text[start - 1] == "\\" and name[0] in "bfnrt" and not is_sensitive(name)
    return name[1:] if is_escaped else name


def _mask_parts(text: str) -> str:
    """The values of a multipart form, up to the boundary after each."""
    parts, done = [], 0
    for match in _PART.finditer(text):
        start = match.end()
        if start < done:
            continue
        end = text.find("\n--", start)
        value = text[start : end if end >= 0 else len(text)].rstrip("\r")
        if value and (is_sensitive(match["name"]) or hides(match["name"], value)):
            parts += [text[done:start], MASK]
            done = start + len(value)
        elif end < 0:
            break
    return "".join(parts) + text[done:] if parts else text


def _mask_inputs(text: str) -> str:
    """``<input name="csrfmiddlewaretoken" value="…">``, whatever the order of the attributes."""
    parts, done, end = [], 0, 0
    for match in _TAG.finditer(text):
        start = match.start()
        if end <= start and (end := text.find(">", start) + 1) == 0:
            break
        if start >= done and end - start <= _LONGEST_TAG:
            parts += [text[done:start], _mask_input(text[start:end])]
            done = end
    return "".join(parts) + text[done:] if parts else text


def _mask_input(tag: str) -> str:
    attributes = [(found[1].lower(), found[2].strip("\"'")) for found in _ATTRIBUTE.finditer(tag)]
    values = [value for name, value in attributes if name in ("value", "content")]
    names = [value for name, value in attributes if name in ("name", "id")]
    if not any(is_sensitive(name) or any(hides(name, value) for value in values) for name in names):
        return tag
    return _ATTRIBUTE.sub(
        lambda found: f'{found[1]}="{MASK}"' if found[1].lower() in ("value", "content") else found[0], tag
    )


def _mask_members(text: str) -> str:
    if text[:1] in "{[":
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            pass
        else:
            clean = redact(data)
            if clean == data:
                return text
            # JSON can hold half of a surrogate pair, databases and pages can't.
            return json.dumps(clean, ensure_ascii=False).encode("utf-8", "replace").decode()
    parts, done = [], 0
    # Quotes that nothing closes from here on: each kind is looked for to the end of the text once.
    open_ended = set()
    for match in _MEMBER.finditer(text):
        quote, name = match["quote"], _name_of(text, match)
        is_told = is_sensitive(name)
        if match.start() < done or quote in open_ended or not (is_told or name in TOLD_BY_VALUE):
            continue
        end = _closing_quote(text, match.end(), quote)
        if end < 0:
            open_ended.add(quote)
            continue
        if not is_told and not hides(name, text[match.end() : min(end, match.end() + _PEEK)]):
            continue
        parts += [text[done : match.end()], MASK]
        done = end
    return "".join(parts) + text[done:] if parts else text


def _closing_quote(text: str, start: int, quote: str) -> int:
    """Where a quote is closed by one that is escaped as often as it is itself; -1 if nowhere."""
    escapes = quote.count("\\")
    at = text.find(quote, start)
    while at >= 0:
        # Before it may be backslashes that are escaped as often; none has as many as are looked at here.
        before = text[max(start, at - 64) : at]
        if (len(before) - len(before.rstrip("\\"))) % (2 * escapes + 2) == 0:
            return at
        at = text.find(quote, at + len(quote))
    return -1
