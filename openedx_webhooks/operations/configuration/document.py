"""A configuration file as it is written: entries with the places of their options, so that a mistake can be shown."""

import difflib
from collections.abc import Iterable, Iterator

import attrs
import yaml
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from ...models import Hook, Webfilter, Webhook
from ...models.validators import validate_name

FORMAT_VERSION = 1
# Section of the file → what is in it.
SECTIONS: dict[str, type[Hook]] = {f"{model._meta.model_name}s": model for model in (Webhook, Webfilter)}
# A file of so many hooks that somebody could read it has a tenth of that.
MOST_BYTES = 2 * 1024 * 1024
# Whoever has so many has another kind of file, perhaps of a hundred thousand lines.
MOST_MISTAKES = 100


class Mistakes(Exception):
    """
    What is wrong with a file, all of it.

    Attributes:
        texts: a line each, with file, line, path and what to do.
    """

    def __init__(self, texts: Iterable[str]):
        self.texts = list(texts)
        super().__init__("\n".join(self.texts))


class Mistake(Exception):
    """
    One mistake, where it is noticed.

    Args:
        text: a sentence that says what to do.
        node: where it is; None: the file as a whole.
        below: the path from what is being read to there.
    """

    def __init__(self, text: str, node: yaml.Node | None = None, below: str = ""):
        super().__init__(text)
        self.text, self.node, self.below = str(text), node, below


@attrs.frozen
class Entry:
    """
    One hook of a file.

    Attributes:
        section: of :data:`SECTIONS`.
        node: all of it.
        options: name of an option → its value.
    """

    section: str
    name: str
    node: yaml.Node
    options: dict[str, yaml.Node]

    @property
    def path(self) -> str:
        """Where it is, for a person."""
        return f"{self.section}.{self.name}"


@attrs.define
class Document:
    """
    A file that was read.

    Attributes:
        source: what the file is called.
        texts: the mistakes found so far.
    """

    source: str
    entries: list[Entry] = attrs.field(factory=list)
    texts: list[str] = attrs.field(factory=list)

    def note(self, path: str, mistake: Mistake) -> None:
        """Keep a mistake, and look for more, until there are enough of them."""
        where = [self.source]
        if mistake.node is not None:
            where.append(_("line %d") % (mistake.node.start_mark.line + 1))
        if path + mistake.below:
            where.append((path + mistake.below).lstrip("."))
        self.texts.append(f"{', '.join(where)}: {mistake.text}")
        if len(self.texts) == MOST_MISTAKES:
            self.texts.append(_("%s: Correct these first: nobody has looked any further.") % self.source)
            self.check()

    def check(self) -> None:
        """Stop if there are mistakes."""
        if self.texts:
            raise Mistakes(self.texts)


def read(text: str | bytes, source: str) -> Document:
    """
    The entries of a file. Their options are read later: what *keep* means depends on what there is.

    Args:
        text: YAML 1.1; bytes are UTF-8 or UTF-16 with its mark.
        source: what the file is called.

    Raises:
        Mistakes: it is no YAML, or has another form.
    """
    document = Document(source)
    try:
        root = _compose(text)
        top = members(root)
        _check_version(root, top.pop("version", None))
        for name in top.keys() - SECTIONS.keys():
            raise unknown(name, SECTIONS, _("“%s” is no section.") % name[:100], top[name], name)
    except Mistake as mistake:
        document.note("", mistake)
        document.check()
    for section, node in top.items():
        document.entries += _entries(document, section, node)
    document.check()
    return document


def _compose(text: str | bytes) -> yaml.Node:
    if len(text) > MOST_BYTES:
        raise Mistake(_("The file is larger than %d MB: divide it.") % (MOST_BYTES // 1024 // 1024))
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)  # composes, and constructs nothing
    except yaml.MarkedYAMLError as error:
        place = yaml.ScalarNode("", "", error.problem_mark) if error.problem_mark else None
        text = _("This is no YAML (%s). Check indentation, quotes and colons here.") % error.problem
        raise Mistake(text, place) from error
    except (yaml.YAMLError, UnicodeError) as error:
        raise Mistake(_("This is no text in UTF-8: save it as that. (%s)") % str(error).partition("\n")[0]) from error
    except RecursionError:
        raise Mistake(_("It is nested too deeply to be a configuration.")) from None
    if root is None:
        raise Mistake(_("The file is empty. It begins with “version: %d”.") % FORMAT_VERSION)
    return root


def _check_version(root: yaml.Node, node: yaml.Node | None) -> None:
    if node is None:
        raise Mistake(_("The version is missing: begin the file with “version: %d”.") % FORMAT_VERSION, root)
    if node.value != str(FORMAT_VERSION):
        raise Mistake(
            _("This release reads version %(version)d. Install the release that wrote the file, or export anew.")
            % {"version": FORMAT_VERSION},
            node,
            "version",
        )


def _entries(document: Document, section: str, node: yaml.Node) -> Iterator[Entry]:
    if node.tag == "tag:yaml.org,2002:null":
        return
    if not isinstance(node, yaml.SequenceNode):
        document.note(section, Mistake(_("Write a list here: each hook begins with “- name: …”."), node))
        return
    seen: set[str] = set()
    for number, item in enumerate(node.value):
        try:
            entry = _entry(section, item)
            if entry.name in seen:
                raise Mistake(_("“%s” is there twice: give one of them another name.") % entry.name, item)
        except Mistake as mistake:
            document.note(f"{section}[{number}]", mistake)
        else:
            seen.add(entry.name)
            yield entry


def _entry(section: str, node: yaml.Node) -> Entry:
    options = members(node)
    name = options.pop("name", None)
    if name is None:
        raise Mistake(_("The name is missing: add one that will stay the same, such as “name: crm-logins”."), node)
    try:
        validate_name(name.value if isinstance(name.value, str) else "")
    except ValidationError as error:
        raise Mistake(error.message, name, ".name") from error
    if len(name.value) > (most := Hook._meta.get_field("name").max_length):
        raise Mistake(_("Enter at most %d characters.") % most, name, ".name")
    return Entry(section, name.value, node, options)


def members(node: yaml.Node) -> dict[str, yaml.Node]:
    """The members of an object, each of which is there once."""
    if not isinstance(node, yaml.MappingNode):
        raise Mistake(_("Write names with values here, such as “name: value”, a line each."), node)
    found: dict[str, yaml.Node] = {}
    for key, value in node.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else "?"
        if name in found:
            raise Mistake(_("“%s” is there twice: remove one.") % name, key)
        found[name] = value
    return found


def unknown(name: str, known: Iterable[str], text: str, node: yaml.Node, below: str = "") -> Mistake:
    """That a name is none of those that may be there, as the text says, and which was probably meant."""
    near = difflib.get_close_matches(name, known, n=1)
    remedy = _("Did you mean “%s”?") % near[0] if near else _("It may be: %s.") % ", ".join(known)
    return Mistake(f"{text} {remedy}", node, below[:100])
