"""
Where a command's document goes: printed, or into a file.

In a file it is alone: what starts a command in a container, such as ``tutor local run``, may print lines of its own.
"""

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _


def add_option(parser: ArgumentParser) -> None:
    """``--output FILE``."""
    parser.add_argument("--output", metavar="FILE", type=Path, help="Write it there instead of printing it.")


def write(command: BaseCommand, text: str, path: Path | None) -> None:
    """
    Write the text into the file, or print it if there is none.

    Raises:
        CommandError: the file can't be written.
    """
    if path is None:
        command.stdout.write(text)
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(_("The file can't be written: %s.") % error.strerror) from error
