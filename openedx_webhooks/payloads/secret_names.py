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
        "apikey apikeys authkey authorization basicauth bearer codeverifier cookie cookies credentials cvc cvv dsn "
        "htpasswd jwt kubeconfig magiclink mfa mnemonic netrc otp passcode passkey passphrase passwd pgpass pw pwd "
        "pwhash resetkey resetlink salt samlrequest samlresponse session sessionid sessionkey token tokenid tokens "
        "totp wresult"
    ).split()
)
# Before ``key``: what is encrypted, signed or opened with it. Other keys name content.
_KEY_OF = (
    "access account admin aes api app application auth azure cipher client confirm consumer deploy encryption fernet "
    "github gitlab google gpg hmac kms lti mailchimp mailgun master openai pgp private recovery reset rsa sendgrid "
    "service shared sign signature signing ssh ssl storage stripe tls twilio vault verification wallet webhook"
).split()
# Before ``code``: what it opens, or how it was sent. Other codes name courses, languages, coupons.
_CODE_OF = (
    "access activation auth authentication authorisation backup confirmation device door emergency entry fa login "
    "oauth pin recovery reset scratch security sms tfa twofactor unlock validation verification"
).split()
# Before ``url`` and its like: what is connected to with a password in the address.
_STORES = (
    "amqp broker celery database db jdbc mongo mongodb mysql postgres postgresql rabbitmq redis sqlalchemy".split()
)
_WORD_PATTERN = re.compile(r"^secrets?$|captcha$|tokens?$|^session(?:id|key|token)$|^(?:j|asp|php)?sess(?:ion)?id$")
# Anywhere in the name, whatever the spelling: ``PASSWORDhash``, ``topsecret``.
_ANYWHERE = re.compile(r"password|secret(?!ar(?:y|ies|ial|iat))|csrf|xsrf", re.I)
# The last word of a phrase → what makes a secret of it.
_BEFORE = {
    "auth": "basic digest docker http npm proxy x",
    "hash": "activation auth login pass reset salted session user verification",
    "key": "activation authentication pass",
    "link": "activation confirm login magic reset signin verification verify",
    "pass": "admin db http mail proxy smtp user",
    "pat": "azure github gitlab",
    "phrase": "pass recovery seed",
    "pin": "atm card door exam login parental user",
    "ticket": "granting kerberos krb login proxy service",
    "url": "activation magic reset sas",
}
_OTHER_PHRASES = (
    "auth user hash, aws access key id, captcha response, card number, client assertion, code verifier, conn str, "
    "connect sid, connection string, exam access, id rsa, key pem, my cnf, oauth signature, oauth state, "
    "oauth verifier, one time code, one time pass, pin number, private jwk, saml assertion, saml request, "
    "saml response, security answer, service account json, sess id, sign in link, stripe sk, ticket granting, "
    "two factor code"
)
# Words that are harmless alone, but not side by side.
_PHRASES = frozenset(
    tuple(phrase.split())
    for phrase in (
        *(f"{word} {key}" for word in _KEY_OF for key in ("key", "keys")),
        *(f"{word} {code}" for word in _CODE_OF for code in ("code", "codes")),
        *(f"{word} {address}" for word in _STORES for address in ("url", "uri", "dsn")),
        *(f"{word} {last}" for last, words in _BEFORE.items() for word in words.split()),
        *_OTHER_PHRASES.split(", "),
    )
)
_LONGEST_PHRASE = max(map(len, _PHRASES))
# Known to be harmless: XBlock's scripts find the blocks of one rendering by it.
_HARMLESS = frozenset((("data", "request", "token"),))
# Harmless as one word of several, such as in ``available_sessions``.
_ALONE = "auth credential hash hmac nonce pass pem pepper pfx pgt pin sas sess sessions sid tgt ticket verifier".split()
_WHOLE_NAMES = {("raw", "response"), ("exam", "access"), *((word,) for word in _ALONE)}


def is_sensitive(key: Any) -> bool:
    """Whether a value under this name never leaves, in any spelling; false for what isn't a string."""
    if type(key) is not str:  # pylint: disable=unidiomatic-typecheck
        if not issubclass(type(key), str):
            return False
        key = str.__str__(key)
    return is_sensitive_name(key, operators_names())


def operators_names() -> tuple[str, ...]:
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
    return any(
        words[start : start + size] in _PHRASES
        for size in range(2, _LONGEST_PHRASE + 1)
        for start in range(len(words) - size + 1)
    )


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
    if "code" in mapping and "state" in mapping and are_of_oauth(mapping["code"], mapping["state"]):
        found |= {"code", "state"}
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
# course or an error by what it looks like; the state of OAuth from that of an address, a delivery or an exercise, an
# assertion and a refresh token from a claim and a switch, too.
TOLD_BY_VALUE = frozenset(("assertion", "code", "key", "refresh", "state"))
_SHOWN_CODE = re.compile(
    r"[A-Za-z]{1,4}(?:[-_][A-Za-z0-9]{1,8}){0,2}|[a-z]+(?:[-_. ][a-z]+)*|[A-Z]+(?:[-_. ][A-Z]+)*"
    r"|[A-Z][a-z]+(?: [A-Z]?[a-z]+)*|[A-Za-z]{2,8}[-_. ]?[0-9]{1,4}[A-Za-z]?|[0-9]{1,3}"
)
# Letters and digits that are no word with a number, and no region of ISO 3166-2: ``US-NY``, ``FR-75``, ``attempt_2``.
_STATE = re.compile(r"(?=[^0-9]*[0-9])(?=[^A-Za-z]*[A-Za-z])[\w\-.~+/=%]{6,500}", re.ASCII)
_SHOWN_STATE = re.compile(
    r"[A-Z]{2}-[A-Z0-9]{1,3}|(?:[a-z]+[-_. ])*(?:[a-z]+|[A-Z][a-z]+|[A-Z]+)[-_. ]?[0-9]{1,3}|v?[0-9]+(?:\.[0-9]+)*"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}.{0,30}",
    re.ASCII,
)
_OPAQUE = re.compile(r"[\w\-.~+/=%:]{16,5000}", re.ASCII)
# Side by side, as OAuth has them, less is enough: letters and digits for a code, anything but words for a state.
_CODE_BESIDE_STATE = re.compile(r"(?=[a-z0-9])(?=[^a-z]*[a-z])(?=[^0-9]*[0-9])[\w\-.~+/=%]{4,500}", re.ASCII)
_STATE_BESIDE_CODE = re.compile(r"[A-Z]{2}-[A-Z0-9]{1,3}|[A-Za-z]+(?:[-_. +][A-Za-z]+){0,5}", re.ASCII)


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
        return _STATE.fullmatch(value) is not None and not _SHOWN_STATE.fullmatch(value)
    if name == "key":
        return _OPAQUE_KEY.fullmatch(value) is not None
    if name in ("assertion", "refresh"):
        return value.lstrip()[:1] == "<" or (_OPAQUE.fullmatch(value) is not None and "://" not in value)
    return value != "" and not (len(value) <= 60 and _SHOWN_CODE.fullmatch(value)) and "-v1:" not in value


def are_of_oauth(code: Any, state: Any) -> bool:
    """Whether a code and a state that stand side by side log somebody in, however short they are."""
    code, state = _only(code), _only(state)
    if not (issubclass(type(code), str) and issubclass(type(state), str) and code and state):
        return False
    if hides("code", code) or hides("state", state) or _CODE_BESIDE_STATE.fullmatch(code):
        return True
    return len(state) <= 500 and not _STATE_BESIDE_CODE.fullmatch(state)


def _only(value: Any) -> Any:
    """Of a list of one, as forms have it, that one."""
    return value[0] if type(value) in (list, tuple) and len(value) == 1 else value


def without_sensitive_pairs(items: Iterable) -> Iterable:
    """``[("Cookie", …), ("Accept", …)]`` says the same as a dict: leave out the pairs whose first half is sensitive."""
    if not items or not all(type(item) in (list, tuple) and len(item) == 2 for item in items):
        return items
    by_name = {name: value for name, value in items if type(name) is str}
    here = ("code", "state") if are_of_oauth(by_name.get("code"), by_name.get("state")) else ()

    def is_sent(name: Any, value: Any) -> bool:
        return not is_sensitive(name) and not (type(name) is str and (name in here or hides(name, value)))

    return [item for item in items if is_sent(*item)]
