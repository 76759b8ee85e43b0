"""
What was sent as a secret, in what an endpoint answers: masked in every form in which it may come back.

For records that others may read than those who entered the secret. An endpoint can always turn a secret into something
that nobody recognises; but it has the secret, and needs no record to read it in.
"""

import json
import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator
from functools import cache, lru_cache
from html import escape
from urllib.parse import quote, quote_plus

import attrs

MASK = "***"

# Shorter ones are words such as ``yes``; masking them would only garble the text.
_SHORTEST_SECRET = 8
# But for a user and a password, as words of their own.
_SHORTEST_NAME = 3
_MOST_PARTS = 20
_SEPARATORS = re.compile(r"[\s,;:=&\"']+")
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_OF_BITS = {f"{place:06b}": one for place, one in enumerate(_BASE64)}
# What may stand beside a part of something encoded, and belongs to it.
_ENCODED = frozenset(_BASE64 + "-_=%")


@attrs.frozen
class _Form:
    """
    One form of a secret.

    Attributes:
        before: one of these comes first, and is part of it; none: whatever comes.
        after: one of these comes next, likewise.
        is_word: it stands alone.
        spreads: it is in the midst of something encoded, which goes as a whole.
    """

    text: str
    before: str = ""
    after: str = ""
    is_word: bool = False
    spreads: bool = False

    def hidden_in(self, text: str) -> str:
        """The text with this masked, in one pass."""
        parts, done, at = [], 0, text.find(self.text)
        while at >= 0:
            start, end = at, at + len(self.text)
            if self._is_here(text, start, end):
                start, end = self._whole(text, start, end, done) if self.spreads else (start, end)
                parts += [text[done:start], MASK]
                done = end
                at = text.find(self.text, end)
            else:
                at = text.find(self.text, at + 1)
        return "".join(parts) + text[done:] if parts else text

    def _is_here(self, text: str, start: int, end: int) -> bool:
        if self.is_word:
            return not text[max(0, start - 1) : start].isalnum() and not text[end : end + 1].isalnum()
        if self.before and (start == 0 or text[start - 1] not in self.before):
            return False
        return not self.after or end == len(text) or text[end] in self.after

    @staticmethod
    def _whole(text: str, start: int, end: int, done: int) -> tuple[int, int]:
        while start > done and text[start - 1] in _ENCODED:
            start -= 1
        while end < len(text) and text[end] in _ENCODED:
            end += 1
        return start, end


def hide(text: str, secrets: Iterable[str]) -> str:
    """The text with the secrets masked that it echoes; linear in its length."""
    for form in _forms(tuple(str.__str__(one) for one in secrets if isinstance(one, str) and one)):
        if form.text in text:
            text = form.hidden_in(text)
    return text


@lru_cache(maxsize=256)
def _forms(secrets: tuple[str, ...]) -> tuple[_Form, ...]:
    """
    Secrets, and their parts, in every form in which an endpoint may send them back; the longest first. Some hundreds at
    most, whatever the secrets are; those of a hook are the same each time.
    """
    forms = {form for secret in secrets for form in _each_form(secret)}
    return tuple(sorted(forms, key=lambda form: (-len(form.text), form.text, form.before, form.after)))


def _each_form(secret: str) -> Iterator[_Form]:
    scheme, _blank, rest = secret.rpartition(" ")
    pair = _basic(scheme, rest)
    # "Bearer abc" may come back as "abc", "Basic dXNlcjpw…" as the user or the password, a cookie as its value.
    parts = [secret, rest, *pair, secret.removeprefix("whsec_"), *_SEPARATORS.split(secret)[:_MOST_PARTS]]
    for part in dict.fromkeys(parts):
        if len(part) >= _SHORTEST_SECRET:
            yield from _long(part)
        elif part in pair and len(part) >= _SHORTEST_NAME:
            yield from _short(part)


def _basic(scheme: str, encoded: str) -> list[str]:
    """User and password of HTTP's Basic authentication, together and each alone."""
    if scheme.lower() != "basic":
        return []
    try:
        pair = b64decode(encoded, validate=True).decode()
    except ValueError:
        return []
    user, _colon, password = pair.partition(":")
    return [pair, user, password]


def _long(part: str) -> Iterator[_Form]:
    escaped, data = json.dumps(part)[1:-1], part.encode("utf-8", "replace")
    quoted = quote(part, safe="")
    texts = [part, escaped, json.dumps(escaped)[1:-1], escape(part), part[::-1]]
    texts += [quoted, quote(part), quote_plus(part), quoted.lower(), quote(quoted), data.hex(":"), data.hex(" ")]
    yield from map(_Form, texts)
    yield from _hexadecimal(data)
    for form in _in_base64(data):
        yield form
        for other in (form.text.replace("+", "-").replace("/", "_"), quote(form.text, safe="")):
            yield _Form(other, spreads=True)


def _short(part: str) -> Iterator[_Form]:
    """As a word of its own, or encoded: in a text of some thousand characters that hardly comes about by chance."""
    for text in (part, part[::-1], quote(part, safe="")):
        yield _Form(text, is_word=True)
    data = part.encode("utf-8", "replace")
    yield from _hexadecimal(data)
    yield from _in_base64(data)


def _hexadecimal(data: bytes) -> Iterator[_Form]:
    digits = data.hex()
    for text in (digits, digits.upper(), digits[::-1], digits[::-1].upper()):
        yield _Form(text, spreads=True)


def _in_base64(data: bytes) -> Iterator[_Form]:
    """In a longer text that is encoded as a whole it begins at one of three places of a group; and backwards."""
    bits = f"{int.from_bytes(data, 'big'):0{8 * len(data)}b}"
    for skipped in range(3):
        # What of its bits shares a character with what is before, and with what is behind.
        first, last = (0, 4, 2)[skipped], (8 * (skipped + len(data))) % 6
        middle = bits[first : len(bits) - last]
        text = "".join(_OF_BITS[middle[at : at + 6]] for at in range(0, len(middle), 6))
        before = _characters(bits[:first], str.endswith)
        after = _characters(bits[len(bits) - last :], str.startswith)
        yield _Form(text, before, after, spreads=True)
        yield _Form(text[::-1], after, before, spreads=True)


@cache
def _characters(bits: str, has: Callable[[str, str], bool]) -> str:
    """Those of base64 whose six bits begin, or end, with these; none if there are none."""
    return "".join(one for six, one in _OF_BITS.items() if bits and has(six, bits))
