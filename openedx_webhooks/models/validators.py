"""What an operator may enter, and what to tell them if it isn't that."""

import re
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from ..payloads import local_answer, shape

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2: token
_SPACE_OR_CONTROL = re.compile(r"[\x00-\x20\x7f]")
_HOST = re.compile(r"(?=.{1,253}\.?$)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_MAX_HEADERS = 20
_MAX_HEADER_LENGTH = 4096
# Headers that we, or HTTP itself, set: an operator's value would break the request or the signature.
RESERVED_HEADERS = frozenset(
    (
        "accept-encoding connection content-length content-type expect host keep-alive proxy-connection te trailer "
        "transfer-encoding upgrade user-agent webhook-id webhook-sequence webhook-signature webhook-test "
        "webhook-timestamp"
    ).split()
)


def validate_endpoint(value: str) -> None:
    """Accept absolute http and https URLs with a host."""
    example = _("Enter a full address such as https://example.com/hooks.")
    if _SPACE_OR_CONTROL.search(value):
        raise ValidationError(_("An address has no spaces or line breaks. %s") % example, code="invalid_url")
    try:
        parts = urlsplit(value)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise ValidationError(_("This is not a valid address. %s") % example, code="invalid_url") from error
    if parts.scheme not in ("http", "https"):
        raise ValidationError(_("The address must begin with https:// or http://. %s") % example, code="invalid_url")
    if not host:
        raise ValidationError(_("The address names no server. %s") % example, code="invalid_url")
    if not _is_host(host):
        raise ValidationError(
            _("“%(host)s” is not the name of a server. %(example)s") % {"host": host, "example": example},
            code="invalid_url",
        )
    if parts.username or parts.password:
        raise ValidationError(
            _("A user name or password in the address would be shown in logs. Use an Authorization header instead."),
            code="invalid_url",
        )


def _is_host(host: str) -> bool:
    """Whether it could be looked up: an address in brackets, or labels of 1 to 63 characters between dots."""
    if ":" in host:
        return True  # urlsplit has checked what stands in brackets
    try:
        return bool(_HOST.fullmatch(host.encode("idna").decode()))
    except UnicodeError:
        return False


def validate_name(value: str) -> None:
    """Accept a name that reads the same in every file, shell and database: some take capitals for small letters."""
    if not _NAME.fullmatch(value):
        raise ValidationError(
            _("Use small letters, digits and single hyphens between them, such as crm-logins."), code="invalid_name"
        )


def validate_redirect(value: str) -> None:
    """Accept absolute http and https URLs, and paths on this site (``/dashboard``)."""
    # Browsers read a backslash as a slash, so that /\evil.example would leave this site.
    is_path = value.startswith("/") and not value.startswith("//") and "\\" not in value
    if is_path and not _SPACE_OR_CONTROL.search(value):
        return
    try:
        validate_endpoint(value)
    except ValidationError as error:
        raise ValidationError(
            _("Enter a full address such as https://example.com/sorry, or a path on this site such as /dashboard."),
            code="invalid_redirect",
        ) from error


def validate_headers(value) -> None:
    """Accept an object of header names and values that HTTP can carry and that nobody else sets."""
    if value in (None, ""):
        return
    if not isinstance(value, dict):
        raise ValidationError(_('Enter an object, such as {"Authorization": "Bearer …"}.'), code="invalid_headers")
    if len(value) > _MAX_HEADERS:
        raise ValidationError(_("Enter at most %d headers.") % _MAX_HEADERS, code="invalid_headers")
    errors = [message for name, text in value.items() if (message := _header_problem(name, text))]
    if errors:
        raise ValidationError(errors, code="invalid_headers")


def _header_problem(name: str, text) -> str | None:
    if not _HEADER_NAME.fullmatch(name):
        return _("“%s” is not a header name: use letters, digits and hyphens.") % name
    if name.lower() in RESERVED_HEADERS:
        return _("“%s” is set by the plugin itself: remove it.") % name
    if not isinstance(text, str):
        return _("The value of “%s” must be a text in quotes.") % name
    # A line break would let a value add headers of its own, or a second request (response splitting).
    if any((ord(char) < 32 and char != "\t") or ord(char) == 127 for char in text):
        return _("The value of “%s” has a line break or control character: remove it.") % name
    if not text.isascii():
        return _("The value of “%s” has characters outside ASCII: HTTP headers can't carry them.") % name
    if len(text) > _MAX_HEADER_LENGTH:
        return _("The value of “%(name)s” is longer than %(most)d characters.") % {
            "name": name,
            "most": _MAX_HEADER_LENGTH,
        }
    return None


def validate_expression(value: str) -> None:
    """Accept a JMESPath expression."""
    try:
        shape.compile_expression(value)
    except shape.ExpressionError as error:
        raise ValidationError(str(error), code="invalid_expression") from error


def validate_local_answer(value: str) -> None:
    """Accept JSON that is an object, or a JMESPath expression."""
    try:
        local_answer.LocalAnswer(value)
    except shape.ExpressionError as error:
        raise ValidationError(str(error), code="invalid_local_answer") from error


def validate_schedule(value) -> None:
    """Accept a list of waits in seconds, each a positive whole number of at most 30 days."""
    if value in (None, "", []):
        return
    month = 30 * 24 * 3600
    is_list = isinstance(value, list) and len(value) <= 50
    # A boolean is an integer too.
    if not is_list or not all(
        isinstance(wait, int) and not isinstance(wait, bool) and 0 < wait <= month for wait in value
    ):
        raise ValidationError(
            _("Enter a list of waits in seconds, such as [5, 300, 1800]: at most 50, each up to 30 days."),
            code="invalid_schedule",
        )
