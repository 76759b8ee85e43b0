"""
Where a command's document goes: printed, or into a file. And how a command that takes a while shows how far it is.

In a file it is alone: what starts a command in a container, such as ``tutor local run``, may print lines of its own.
"""

import time
from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

_TERMINAL_SECONDS, _LOG_SECONDS = 0.2, 10


def add_option(parser: ArgumentParser) -> None:
    """``--output FILE``."""
    parser.add_argument("--output", metavar="FILE", type=Path, help="Write it there instead of printing it.")


def write(command: BaseCommand, text: str, path: Path | None) -> None:
    """Write the text into the file, or print it if there is none."""
    if path is None:
        command.stdout.write(text)
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(_("The file can't be written: %s.") % error.strerror) from error


class ProgressLine:
    """A line that is overwritten on a terminal, and a line now and then in a log."""

    def __init__(self, command: BaseCommand):
        self._out, self._is_terminal = command.stdout, command.stdout.isatty()
        self._due_at = time.monotonic() + _TERMINAL_SECONDS

    def show(self, text: str, is_last: bool = False) -> None:
        """Show it, unless another was shown just now."""
        now = time.monotonic()
        if now < self._due_at and not is_last:
            return
        self._due_at = now + (_TERMINAL_SECONDS if self._is_terminal else _LOG_SECONDS)
        is_overwritten = self._is_terminal and not is_last
        self._out.write(f"\r{text}\x1b[K" if self._is_terminal else text, ending="" if is_overwritten else "\n")
        self._out.flush()
