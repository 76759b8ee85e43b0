"""
Names under which a value never leaves: passwords, tokens, sessions and their like.

Names are compared word by word, whatever joins the words (``access_token``, ``accessToken``, ``X-Access-Token``), so
that ``author``, ``course_key`` and ``tokenized`` stay.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from ..app_settings import app_settings

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
    if type(name) is str and name in TOLD_BY_VALUE:  # pylint: disable=unidiomatic-typecheck
        return any(hides(name, mapping[key]) for key in _VALUE_KEYS if key in mapping)
    return is_sensitive(name) and _IDENTIFIER.fullmatch(name) is not None


# Names of secrets and of much else. An authorization code of OAuth is told from the code of a language, a country, a
# course or an error by what it looks like; the state of OAuth from that of an address or of an exercise, too.
TOLD_BY_VALUE = frozenset(("code", "state"))
_SHOWN_CODE = re.compile(
    r"[A-Za-z]{1,4}(?:[-_][A-Za-z0-9]{1,8}){0,2}|[a-z]+(?:[-_. ][a-z]+)*|[A-Z]+(?:[-_. ][A-Z]+)*"
    r"|[A-Z][a-z]+(?: [A-Z]?[a-z]+)*|[A-Za-z]{2,8}[-_. ]?[0-9]{1,4}[A-Za-z]?|[0-9]{1,3}"
)
_STATE = re.compile(r"(?=[^0-9]*[0-9])[\w\-.~+/=]{16,500}", re.ASCII)


def hides(name: Any, value: Any) -> bool:
    """Whether a value under one of the names that are harmless alone looks like a secret, and so never leaves."""
    if name not in TOLD_BY_VALUE:
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


def without_sensitive_pairs(items: Iterable) -> Iterable:
    """``[("Cookie", …), ("Accept", …)]`` says the same as a dict: leave out the pairs whose first half is sensitive."""
    if not items or not all(type(item) in (list, tuple) and len(item) == 2 for item in items):
        return items
    return [item for item in items if not is_sensitive(item[0]) and not (type(item[0]) is str and hides(*item))]
