"""
How a hook tells the receiver who it is, beside its signature: the value of the ``Authorization`` header.

Each kind is declared once, in :data:`KINDS`: the form, its checks, and what is sent follow. OAuth 2.0 is of these only
in what it needs: its header holds a token that has to be fetched first.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Mapping

import attrs
from django.utils.translation import gettext, gettext_lazy

NONE, BEARER, BASIC, OAUTH2 = "none", "bearer", "basic", "oauth2"
# The error of an outcome: nothing was sent, because there was no access token to be had.
NO_TOKEN = "no_token"  # noqa: S105
# The credentials of OAuth 2.0 that others look at.
TOKEN_URL, CLIENT_ID, CLIENT_SECRET, SCOPE = "token_url", "client_id", "client_secret", "scope"
# Also half of a surrogate pair, which no page and no request can hold.
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
# A token is sent as it is: a header carries no more.
_BEARER = re.compile(r"[\x21-\x7e]+")


@attrs.frozen
class Credential:
    """
    One thing that a kind of authentication needs.

    Attributes:
        is_secret: hidden while it is typed.
        is_required: authentication can't do without it.
        is_address: it is the address of a server, which gets the others.
    """

    name: str
    label: str
    help_text: str = ""
    is_secret: bool = False
    is_required: bool = True
    is_address: bool = False


@attrs.frozen
class Kind:
    """
    A kind of authentication.

    Attributes:
        credentials: what it needs.
        header: credentials → the ``Authorization`` header; None if there is none, or if it takes a token.
        problem: credentials → what else is wrong with them; empty if nothing is.
    """

    title: str
    credentials: tuple[Credential, ...] = ()
    header: Callable[[Mapping[str, str]], str] | None = None
    problem: Callable[[Mapping[str, str]], str] = lambda credentials: ""


def _bearer(credentials: Mapping[str, str]) -> str:
    return f"Bearer {credentials['token']}"


def _bearer_problem(credentials: Mapping[str, str]) -> str:
    if _BEARER.fullmatch(credentials["token"]):
        return ""
    return gettext("A token has no spaces, line breaks or characters outside ASCII. Leave out “Bearer”.")


def _basic(credentials: Mapping[str, str]) -> str:
    pair = f"{credentials['user']}:{credentials.get('password', '')}"
    return f"Basic {b64encode(pair.encode()).decode()}"


def _basic_problem(credentials: Mapping[str, str]) -> str:
    if ":" in credentials["user"]:
        return gettext("A user name has no colon here: what follows it would be read as the password.")
    return ""


KINDS = {
    NONE: Kind(gettext_lazy("None, or own headers")),
    BEARER: Kind(
        gettext_lazy("Bearer token"),
        (
            Credential(
                "token", gettext_lazy("Token"), gettext_lazy("Without the word “Bearer” before it."), is_secret=True
            ),
        ),
        _bearer,
        _bearer_problem,
    ),
    BASIC: Kind(
        gettext_lazy("Basic: user and password"),
        (
            Credential("user", gettext_lazy("User")),
            Credential(
                "password",
                gettext_lazy("Password"),
                gettext_lazy("As it is; it is encoded when it is sent."),
                is_secret=True,
                is_required=False,
            ),
        ),
        _basic,
        _basic_problem,
    ),
    OAUTH2: Kind(
        gettext_lazy("OAuth 2.0: client credentials"),
        (
            Credential(
                TOKEN_URL,
                gettext_lazy("Token URL"),
                gettext_lazy("Where access tokens are issued, such as https://login.example.com/oauth2/token."),
                is_address=True,
            ),
            Credential(CLIENT_ID, gettext_lazy("Client ID")),
            Credential(CLIENT_SECRET, gettext_lazy("Client secret"), is_secret=True),
            Credential(
                SCOPE,
                gettext_lazy("Scope"),
                gettext_lazy("If the service asks for one; several are separated by spaces."),
                is_required=False,
            ),
        ),
    ),
}


_SECRET_NAMES = frozenset(one.name for kind in KINDS.values() for one in kind.credentials if one.is_secret)


def choices() -> list[tuple[str, str]]:
    """The kinds, for the field of the model."""
    return [(name, kind.title) for name, kind in KINDS.items()]


def credentials_of(name: str, stored: object) -> dict[str, str]:
    """
    What a kind needs, of what is stored.

    Raises:
        ValueError: there is no such kind, or something is missing or malformed; says what to do.
    """
    kind = KINDS.get(name)
    if kind is None:
        raise ValueError(gettext("This version knows no authentication “%s”: choose another.") % name[:40])
    texts = stored if isinstance(stored, Mapping) else {}
    found = {one.name: texts[one.name] for one in kind.credentials if texts.get(one.name)}
    if problems := problems_of(name, found):
        raise ValueError(gettext("The authentication can't be used. %s") % " ".join(problems))
    return found


def texts_in(stored: object) -> dict[str, str]:
    """Those of the stored credentials that can be used, or shown in a form to be corrected."""
    texts = stored if isinstance(stored, Mapping) else {}
    return {name: text for name, text in texts.items() if isinstance(text, str) and not _CONTROL.search(text)}


def is_secret(name: str) -> bool:
    """Whether a credential, of whatever kind, is one that nobody may see."""
    return name in _SECRET_NAMES


def secrets_of(credentials: Mapping[str, str]) -> list[str]:
    """Those of the credentials, of whatever kind, that nobody may see."""
    return [text for name, text in credentials.items() if is_secret(name)]


def problems_of(name: str, credentials: Mapping[str, str]) -> list[str]:
    """What is wrong with the credentials of a kind, a sentence each that says what to do."""
    kind = KINDS[name]
    problems = [problem for one in kind.credentials if (problem := _problem(one, credentials.get(one.name, "")))]
    return problems or [problem for problem in [kind.problem(credentials)] if problem]


def _problem(one: Credential, text: object) -> str:
    if text == "":
        return gettext("“%s” is missing: enter it.") % one.label if one.is_required else ""
    if not isinstance(text, str) or _CONTROL.search(text):
        return gettext("“%s” has a line break or control character: enter it again.") % one.label
    return ""
