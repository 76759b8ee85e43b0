"""
What never leaves: passwords, hashes, tokens, sessions, CSRF values, cookies, keys that open something.

A key that names such a thing is *dropped* with its value, not masked: a receiver can't mistake ``"***"`` for a value,
and can't send it back as one. A secret inside a longer text (a URL's query, a token in a sentence) is replaced by
:data:`MASK`, so that the rest of the text survives.

Names are compared word by word, whatever joins the words (``access_token``, ``accessToken``, ``X-Access-Token``), so
that ``author``, ``course_key`` and ``tokenized`` stay.
"""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from html import escape
from typing import Any
from urllib.parse import quote, quote_plus

from ..app_settings import app_settings

MASK = "***"

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+")

# One word of the name is enough.
_WORDS = frozenset(
    (
        "authorization",
        "bearer",
        "codeverifier",
        "cookie",
        "cookies",
        "credentials",
        "cvc",
        "cvv",
        "jwt",
        "magiclink",
        "mfa",
        "otp",
        "passcode",
        "passkey",
        "passphrase",
        "passwd",
        "pw",
        "pwd",
        "resetlink",
        "salt",
        "session",
        "sessionid",
        "sessionkey",
        "token",
        "tokenid",
        "tokens",
        "totp",
        "apikey",
        "apikeys",
        "samlresponse",
    )
)
_WORD_PATTERN = re.compile(r"^secrets?$|captcha$|tokens?$|^session(?:id|key|token)$|^(?:j|asp|php)?sess(?:ion)?id$")
# Anywhere in the name, whatever the spelling: ``PASSWORDhash``, ``topsecret``.
_ANYWHERE = re.compile(r"password|secret(?!ar(?:y|ies|ial|iat))|csrf|xsrf", re.I)
# Words that are harmless alone, but not side by side.
_PHRASES = tuple(
    tuple(phrase.split())
    for phrase in (
        "activation key",
        "activation code",
        "activation link",
        "activation url",
        "admin pass",
        "auth code",
        "auth hash",
        "auth key",
        "auth user hash",
        "authentication code",
        "authentication key",
        "authorisation code",
        "backup code",
        "backup codes",
        "card number",
        "code verifier",
        "confirmation code",
        "connect sid",
        "connection string",
        "db pass",
        "device code",
        "hmac key",
        "http pass",
        "login code",
        "login link",
        "login ticket",
        "magic link",
        "magic url",
        "mail pass",
        "master key",
        "oauth code",
        "oauth verifier",
        "one time code",
        "pass hash",
        "pass key",
        "pass phrase",
        "pin code",
        "pin number",
        "proxy pass",
        "reset code",
        "reset link",
        "reset url",
        "security answer",
        "security code",
        "service ticket",
        "session hash",
        "sign in link",
        "signin link",
        "sms code",
        "smtp pass",
        "stripe key",
        "user hash",
        "user pass",
        "user pin",
        "verification code",
        "verification link",
        "verify link",
        "webhook key",
        "api key",
        "api keys",
        "access key",
        "client assertion",
        "confirm link",
        "exam access",
        "encryption key",
        "oauth signature",
        "private key",
        "private keys",
        "recovery code",
        "recovery codes",
        "saml assertion",
        "saml response",
        "signing key",
        "ssh key",
        "aws access key id",
        "captcha response",
    )
)
# Known to be harmless: XBlock's scripts find the blocks of one rendering by it.
_HARMLESS = frozenset((("data", "request", "token"),))
# Harmless as one word of several, such as in ``available_sessions``.
_WHOLE_NAMES = frozenset(
    (
        ("sessions",),
        ("raw", "response"),
        ("exam", "access"),
        ("credential",),
        ("hash",),
        ("pass",),
        ("pin",),
        ("sid",),
        ("ticket",),
        ("verifier",),
    )
)


def is_sensitive(key: Any) -> bool:
    """Whether a value under this name never leaves, in any spelling; false for what isn't a string."""
    if type(key) is not str:  # pylint: disable=unidiomatic-typecheck
        if not issubclass(type(key), str):
            return False
        key = str.__str__(key)
    return is_sensitive_name(key, operators_names())


def operators_names() -> tuple[str, ...]:
    """The names that the operator added."""
    names = app_settings.SENSITIVE_KEYS or ()
    return (names,) if isinstance(names, str) else tuple(map(str, names))


@lru_cache(maxsize=8192)
def is_sensitive_name(key: str, extra: tuple[str, ...]) -> bool:
    """:func:`is_sensitive` where it is asked thousands of times: with :func:`operators_names` asked once."""
    key = key[:200]
    if _ANYWHERE.search(key):
        return True
    words = _words(key)
    if not words:
        return False
    if any(_contains(words, _words(name)) for name in extra):
        return True
    if words in _HARMLESS:
        return False
    if words in _WHOLE_NAMES or any(word in _WORDS or _WORD_PATTERN.search(word) for word in words):
        return True
    if words[0] == "confirm" and words[-1] in ("link", "url") and len(words) > 1:
        return True
    return any(_contains(words, phrase) for phrase in _PHRASES)


def _words(name: str) -> tuple[str, ...]:
    """``newPassword2``, ``new_password2`` and ``New-Password-2`` → ``("new", "password")``."""
    return tuple(word.lower() for word in _WORD.findall(name))


def _contains(words: tuple[str, ...], phrase: tuple[str, ...]) -> bool:
    size = len(phrase)
    return bool(size) and any(words[start : start + size] == phrase for start in range(len(words) - size + 1))


# Beside one of these, ``response`` is the identity provider's raw answer, assertions and tokens included.
_PIPELINE_KEYS = frozenset(("backend", "details", "social", "strategy", "uid", "is_new", "new_association"))
# Beside one of these, ``key`` activates an account.
_ACTIVATION_KEYS = frozenset(("confirm_activation_link", "activation_key", "activation_link"))
_OPAQUE_KEY = re.compile(r"[0-9A-Za-z]{20,}")
# ``{"name": "password", "value": …}`` says the same as ``{"password": …}``.
_NAME_KEYS = ("name", "field", "field_name", "key", "header")
_VALUE_KEYS = frozenset(("value", "values", "default", "defaultValue", "default_value", "initial"))
_IDENTIFIER = re.compile(r"[\w.\[\]\-]{1,100}")
_NOTHING: frozenset = frozenset()


def sensitive_here(mapping: Mapping) -> frozenset:
    """The keys of a dict that never leave because of their neighbours, beside those that never leave anyhow."""
    found = _NOTHING
    if "response" in mapping and not _PIPELINE_KEYS.isdisjoint(mapping):
        found |= {"response"}
    if "key" in mapping:
        key = mapping["key"]
        # By type: ``isinstance`` would wake a lazy object.
        if not _ACTIVATION_KEYS.isdisjoint(mapping) or (issubclass(type(key), str) and _OPAQUE_KEY.fullmatch(key)):
            found |= {"key"}
    if not _VALUE_KEYS.isdisjoint(mapping) and any(
        _names_a_secret(mapping[name], mapping) for name in _NAME_KEYS if name in mapping
    ):
        found |= _VALUE_KEYS
    return found


def _names_a_secret(name: Any, mapping: Mapping) -> bool:
    """A title such as "The secret garden" doesn't."""
    if type(name) is str and name in _BY_VALUE:  # pylint: disable=unidiomatic-typecheck
        return any(hides(name, mapping[key]) for key in _VALUE_KEYS if key in mapping)
    return is_sensitive(name) and _IDENTIFIER.fullmatch(name) is not None


# Names of secrets and of much else. An authorization code of OAuth is told from the code of a language, a country, a
# course or an error by what it looks like; the state of OAuth from that of an address or of an exercise, too.
_BY_VALUE = frozenset(("code", "state"))
_SHOWN_CODE = re.compile(
    r"[A-Za-z]{1,4}(?:[-_][A-Za-z0-9]{1,8}){0,2}|[a-z]+(?:[-_. ][a-z]+)*|[A-Z]+(?:[-_. ][A-Z]+)*"
    r"|[A-Z][a-z]+(?: [A-Z]?[a-z]+)*|[A-Za-z]{2,8}[-_. ]?[0-9]{1,4}[A-Za-z]?|[0-9]{1,3}"
)
_STATE = re.compile(r"(?=[^0-9]*[0-9])[\w\-.~+/=]{16,500}", re.ASCII)


def hides(name: Any, value: Any) -> bool:
    """Whether a value under one of the names that are harmless alone looks like a secret, and so never leaves."""
    if name not in _BY_VALUE:
        return False
    if type(value) in (list, tuple):
        return any(hides(name, item) for item in value[:10])
    if type(value) is int:  # pylint: disable=unidiomatic-typecheck
        # Statuses have three digits, a code that is sent to somebody has more.
        return name == "code" and abs(value) > 999
    if not issubclass(type(value), str):
        return False
    value = str.__str__(value)
    if name == "state":
        return _STATE.fullmatch(value) is not None
    return value != "" and not (len(value) <= 60 and _SHOWN_CODE.fullmatch(value)) and "-v1:" not in value


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


def without_sensitive_pairs(items: Iterable) -> Iterable:
    """``[("Cookie", …), ("Accept", …)]`` says the same as a dict: leave out the pairs whose first half is sensitive."""
    if not items or not all(type(item) in (list, tuple) and len(item) == 2 for item in items):
        return items
    return [item for item in items if not is_sensitive(item[0]) and not (type(item[0]) is str and hides(*item))]


# --- Secrets inside texts

_PASSWORD_HASH = re.compile(
    r"(?:\b(?:pbkdf2_\w+|argon2\w*|bcrypt(?:_sha256)?|scrypt|md5|sha1|sha256|sha512|crypt|unsalted_\w+)|(?<![\w$])"
    r"(?=\$(?:2[abxy]?|argon2\w*|scrypt|y|[1567])\$))\$[\w$./+=,\-]{7,}[\w$/+=]"
)
_JWT = re.compile(r"(?<![\w\-])eyJ[\w\-]{5,}\.[\w\-]{4,}(?:\.[\w\-]*){1,3}")
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S)
_SCHEME = re.compile(r"\b(?=[BJbj])(bearer|jwt|basic)(\s+)(?:[\w.~+/\-]{20,}=*|[\w+/]{8,}={1,2})", re.I)
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
    r"\b(?:A[KS]IA[0-9A-Z]{16}|gh[opsur]_[0-9A-Za-z]{20,255}|github_pat_\w{22,255}|glpat-[\w-]{20,255}"
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
        text = _mask_pairs(text, _SIGNING if file_urls and _URL.fullmatch(text) else _NOTHING)
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
        name = match["name"]
        lower = name.lower()
        is_told = is_sensitive_name(name, extra) or lower in _URL_ONLY
        if (not is_told and lower not in _BY_VALUE) or lower in allowed:
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
        quote = match["quote"]
        is_told = is_sensitive(match["name"])
        if match.start() < done or quote in open_ended or not (is_told or match["name"] in _BY_VALUE):
            continue
        end = _closing_quote(text, match.end(), quote)
        if end < 0:
            open_ended.add(quote)
            continue
        if not is_told and not hides(match["name"], text[match.end() : min(end, match.end() + _PEEK)]):
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
