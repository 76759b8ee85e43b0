"""Secrets that are told by their form, wherever they stand: hashes, tokens, private keys, keys of services."""

import re

from .echoes import MASK

# Not inside a word; but the letter of an escaped line break or tab, in the text of a text, is none of it.
ESCAPED = r"(?<=\\[bfnrt])"
_PASSWORD_HASH = re.compile(
    rf"(?:(?:\b|{ESCAPED})(?:pbkdf2_\w+|argon2\w*|bcrypt(?:_sha256)?|scrypt|md5|sha1|sha256|sha512|crypt|unsalted_\w+)"
    rf"|(?:(?<![\w$])|{ESCAPED})(?=\$(?:2[abxy]?|argon2\w*|scrypt|y|[1567])\$))"
    r"\$[\w$./+=,\-]{7,}[\w$/+=]"
)
_JWT = re.compile(
    rf"(?:(?<![\w\-])|{ESCAPED})"
    r"eyJ[\w\-]{5,}\.(?:eyJ[\w\-]{4,}(?:\.[\w\-]*){0,3}|[\w\-]{4,}(?:\.[\w\-]*){1,3})"
)
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|\Z)", re.S
)
# Of SAML: it logs in whom it names.
_SAML = re.compile(
    r"<(?:\w{1,20}:)?(?:Encrypted)?Assertion[\s>].*?(?:</(?:\w{1,20}:)?(?:Encrypted)?Assertion>|\Z)", re.S
)
_SHORTEST_KEY = 20
# Keys of services that say by their form what they are.
_KEYS = re.compile(
    rf"(?:\b|{ESCAPED})"
    r"(?:A[KS]IA[0-9A-Z]{16}|AIza[\w-]{35}|GOCSPX-[\w-]{20,255}|ya29\.[\w-]{20,1000}|1//0[\w-]{20,255}"
    r"|gh[opsur]_[0-9A-Za-z]{20,255}|github_pat_\w{22,255}|gl(?:agent|cbt|dt|ffct|ft|imt|oas|pat|ptt|rt|soat)-[\w-]{20,255}|ATATT3[\w=-]{20,500}"
    r"|xox[abeoprs]-[\w-]{10,255}|xapp-[\w-]{10,255}|(?:sk|rk|rzp)_(?:live|test)_[0-9A-Za-z]{10,255}"
    r"|sk-(?:(?:proj|ant|svcacct|or-v1)-[\w-]{20,255}|[0-9A-Za-z]{32,255})|hf_[0-9A-Za-z]{30,255}|dapi[0-9a-f]{32}|key-[0-9a-f]{32}"
    r"|[0-9a-f]{32}-us[0-9]{1,2}|SK[0-9a-f]{32}|SG\.[\w-]{16,32}\.[\w-]{16,64}|shp(?:at|ca|pa|ss)_[0-9a-f]{32}"
    r"|sq0[a-z]{3}-[\w-]{22,255}|npm_[0-9A-Za-z]{36}|pypi-[\w-]{20,500}|dckr_pat_[\w-]{20,255}|dop_v1_[0-9a-f]{64}"
    r"|whsec_[0-9A-Za-z+/]{16,255}={0,2}|hvs\.[\w-]{20,255}|AGE-SECRET-KEY-1[0-9A-Z]{50,70}|lin_api_\w{20,255}"
    r"|ntn_[0-9A-Za-z]{30,255}|fig[dou]_[\w-]{30,255}|secret_[0-9A-Za-z]{43}|EAA[0-9A-Za-z]{60,500})"
    r"|(?<=hooks\.slack\.com/services/)[\w/]{10,255}|(?<=hooks\.zapier\.com/hooks/catch/)[\w/]{5,255}"
    r"|(?<=/api/webhooks/)[0-9]{5,30}/[\w-]{10,255}|(?<=outlook\.office\.com/webhook/)[\w@/-]{5,255}"
    r"|(?<!\d)[0-9]{8,10}:AA[\w-]{32,36}",
    re.ASCII,
)
# Each of these keys has one of these in it, beside a character that most texts are without.
_KEY_SIGNS = {
    "_": (
        *("gh", "_live_", "_test_", "hf_", "shpat_", "shpca_", "shppa_", "shpss_", "npm_", "dckr_pat_", "dop_v1_"),
        *("whsec_", "lin_api_", "ntn_", "figd_", "figo_", "figu_", "secret_"),
    ),
    "-": ("GOCSPX-", "gl", "xox", "xapp-", "sk-", "key-", "-us", "sq0", "pypi-", "AGE-SECRET-KEY"),
    "": ("AKIA", "ASIA", "AIza", "ya29.", "1//0", "ATATT3", "dapi", "SK", "SG.", "hvs.", ":AA", "EAA"),
    "/": ("hooks.slack.com", "hooks.zapier.com", "/api/webhooks/", "outlook.office.com/webhook/"),
}


def mask_forms(text: str) -> str:
    """The text with :data:`MASK` for each of them; most texts cost a few comparisons."""
    if "$" in text:
        text = _PASSWORD_HASH.sub(MASK, text)
    if "eyJ" in text:
        text = _JWT.sub(MASK, text)
    if "PRIVATE KEY" in text:
        text = _PRIVATE_KEY.sub(MASK, text)
    if "Assertion" in text:
        text = _SAML.sub(MASK, text)
    return _mask_keys(text) if len(text) >= _SHORTEST_KEY else text


def _mask_keys(text: str) -> str:
    """What services give out as keys."""
    for character, signs in _KEY_SIGNS.items():
        if character in text and any(sign in text for sign in signs):
            return _KEYS.sub(MASK, text)
    return text
