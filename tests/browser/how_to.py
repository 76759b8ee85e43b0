"""A page of the documentation that somebody follows at the desk."""

import re

from demo.supervisor import ROOT

from .desk import Desk

# All that the page shows, and what stands in its fields.
_SHOWN = """() => [
    document.body.innerText,
    ...[...document.querySelectorAll("input, textarea")].flatMap((field) => [field.placeholder, field.value]),
    ...[...document.querySelectorAll("option")].map((option) => option.textContent),
].join("\\n")"""


class HowTo:
    """
    Whoever follows a page must find on ours whatever it quotes of them: *labels* that it emphasises, and “sentences”.
    What other services have on theirs is **strong** there.

    Args:
        name: of the page in docs, without its suffix.
    """

    def __init__(self, name: str, desk: Desk):
        self._desk, self._name = desk, name
        self.text = (ROOT / "docs" / f"{name}.rst").read_text(encoding="utf-8")
        # Neither what is typed nor what a picture is called.
        prose = re.sub(r"^ *:alt: .*\n(?: {6,}.+\n)*", "", self.text, flags=re.MULTILINE)
        prose = re.sub(r"^ *\.\. code-block::.*\n\n(?: +.+\n)+|``.+?``", "", prose, flags=re.MULTILINE)
        quoted = re.findall(r"(?<![*\w])\*(?![*\s])([^*]+?)\*(?![*\w])|“([^”]+)”", prose)
        self._unseen = {_plain(one or other) for one, other in quoted}

    def look(self) -> None:
        """Look for what the page quotes."""
        self._desk.page.wait_for_load_state()
        shown = _plain(self._desk.page.evaluate(_SHOWN))
        self._unseen = {text for text in self._unseen if not _is_in(text, shown)}

    def press(self, label: str, role: str = "button") -> None:
        """Press a button, or follow a link, of which the page speaks."""
        assert f"*{label}*" in " ".join(self.text.split()), f"{self._name} says nothing of {label}"
        self.look()
        self._desk.page.get_by_role(role, name=label, exact=True).first.click()
        self.look()

    def done(self) -> None:
        """All has been there."""
        self.look()
        assert not self._unseen, f"docs/{self._name}.rst quotes what our pages do not show: {sorted(self._unseen)}"

    def code(self, number: int) -> str:
        """What is to be typed: a code block, in one line."""
        blocks = re.findall(r"\.\. code-block:: \w+\n\n((?: +.+\n)+)", self.text)
        return " ".join(blocks[number].split())


def _is_in(text: str, shown: str) -> bool:
    """An ellipsis stands for what differs, such as a number."""
    return text in shown or re.search(".{1,40}?".join(map(re.escape, text.split("…"))), shown) is not None


def _plain(text: str) -> str:
    return " ".join(text.replace("\u200b", "").split()).casefold().rstrip(".")
