"""Every command that a page shows can be typed: its program, its target, its file, its options are there."""

import re
import shlex
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"(?m)^( *)\.\. code-block:: (bash|console)\n\n((?:\1 {3,}.*\n|\n)+)")
HOW_TOS = ROOT / "docs" / "how-tos"
# Its blocks are run as they stand: tests/api/test_how_to.py.
RUN = {HOW_TOS / "use_the_api.rst"}
PAGES = [
    ROOT / "README.rst",
    *sorted(path for path in (ROOT / "docs").rglob("*.rst") if "_build" not in path.parts and path not in RUN),
]
# Programs that are not ours: nothing of what follows them is checked here.
OTHERS = {
    "apt-get", "celery", "curl", "docker", "echo", "export", "git", "n8n", "npx", "pip", "pytest", "tox", "sh", "node",
    "mv", "php", "ruby", "go", "mono", "mcs", "datamodel-codegen", "gh",
}  # fmt: skip
TUTOR = {"config save", "images build", "local launch", "local do", "local restart", "local start", "local stop",
         "local logs", "local run", "k8s launch", "k8s stop", "k8s do", "k8s start",
         "images push", "mounts add", "plugins enable"}  # fmt: skip


def commands():
    """(page, words) of each command in a block of a shell, its lines joined where they are continued."""
    for page in PAGES:
        for _indent, kind, block in BLOCK.findall(page.read_text(encoding="utf-8")):
            for line in _lines(_typed(block) if kind == "console" else block):
                words = shlex.split(line, comments=True)
                while words and re.fullmatch(r"[A-Z_]+=.*", words[0], re.S):
                    words.pop(0)
                if words:
                    yield pytest.param(words, id=f"{page.relative_to(ROOT)}: {' '.join(words)[:60]}")


def _typed(block):
    """What follows a prompt; the rest is what is answered."""
    return "\n".join(re.findall(r"(?m)^ *\$ ((?:.*\\\n)*.*)$", block))


def _lines(block):
    """Continued by a backslash, an open quotation, or an option's value that did not fit."""
    lines = []
    for line in block.splitlines():
        text = line.strip()
        if lines and _is_open(lines[-1]):
            lines[-1] += f"\n{line}"
        elif lines and (lines[-1].endswith("\\") or re.search(r" --\w+$", lines[-1])):
            lines[-1] = f"{lines[-1].rstrip(chr(92))} {text}"
        elif text and not text.startswith("#"):
            lines.append(text)
    return lines


def _is_open(line):
    try:
        shlex.split(line, comments=True)
    except ValueError as error:
        return "quotation" in str(error)
    return False


@pytest.mark.parametrize("words", list(commands()))
def test_a_command_of_the_pages_can_be_typed(words):
    program = words[0]
    if "manage.py" in " ".join(words) and "celery" not in program:
        _check_management(words)
    elif program == "make":
        targets = re.findall(r"^([a-zA-Z_-]+):", (ROOT / "Makefile").read_text(), re.M)
        assert [word for word in words[1:] if "=" not in word] != [] and all(
            word in targets for word in words[1:] if "=" not in word and not word.startswith("-")
        )
    elif program == "tutor":
        assert " ".join(words[1:3]) in TUTOR
    elif program.startswith((".venv/", "python", "./")):
        scripts = [word for word in words[1:] if word.endswith((".py", ".mjs"))]
        assert all(any((at / script).exists() for at in (ROOT, HOW_TOS)) for script in scripts)
    else:
        assert program in OTHERS


def _check_management(words):
    """The command exists and takes these options."""
    rest = words[next(index for index, word in enumerate(words) if word.endswith("manage.py")) + 1 :]
    rest = rest[1:] if rest[0] in ("lms", "cms") else rest
    rest = rest[: rest.index(">")] if ">" in rest else rest
    name, *arguments = rest
    found = get_commands()
    assert name in found, f"no such command: {name}"
    app = found[name]
    command = load_command_class(app, name) if isinstance(app, str) else app
    parser = command.create_parser("manage.py", name)
    parser.error = pytest.fail
    parser.parse_args(arguments)
