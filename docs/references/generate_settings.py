"""
Writes settings.rst from openedx_webhooks/app_settings.py, where every default has its comment: make references.

A test compares the two, so neither can be changed alone.
"""

import ast
import re
import textwrap
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent.parent / "openedx_webhooks" / "app_settings.py"
TARGET = HERE / "settings.rst"

HEAD = """\
.. Written by generate_settings.py (make references); the texts are the comments in openedx_webhooks/app_settings.py.

Settings
########

All settings are keys of one dict, ``OPENEDX_WEBHOOKS``; what it doesn't name has its default. No setting must be set.
``manage.py check`` reports a key that is no setting, and a value of the wrong kind.

With Tutor, a small plugin sets them:

.. code-block:: python

    from tutor import hooks

    mine = 'OPENEDX_WEBHOOKS = {"DELIVERY_QUEUE": "webhooks"}'
    hooks.Filters.ENV_PATCHES.add_item(("openedx-common-settings", mine))
"""


def entries(source):
    """
    The settings of the source in its order.

    Yields:
        (section, [(name, default), …], comment): settings that share a comment come together.
    """
    [defaults] = [
        node.value for node in ast.parse(source).body
        if isinstance(node, ast.AnnAssign) and node.target.id == "DEFAULTS"
    ]  # fmt: skip
    lines = source.splitlines()
    section, group, comment, after = "", [], "", defaults.lineno
    for key, value in zip(defaults.keys, defaults.values, strict=True):
        between = [line.strip() for line in lines[after : key.lineno - 1]]
        after = value.end_lineno
        if between:
            if group:
                yield section, group, comment
            group = []
            section = next((line.removeprefix("# --- ") for line in between if line.startswith("# --- ")), section)
            comment = " ".join(line.removeprefix("#").strip() for line in between if not line.startswith("# --- "))
        group.append((key.value, ast.unparse(value)))
    yield section, group, comment


def render(source):
    """The page."""
    parts, last = [HEAD], None
    for section, group, comment in entries(source):
        if section != last:
            parts.append(f"{section}\n{'*' * len(section)}\n")
            last = section
        names = ", ".join(f"``{name}`` = ``{default}``" for name, default in group)
        text = textwrap.fill(re.sub(r"(?<!`)\b(settings\.[A-Z_]+)", r"``\1``", comment), 116)
        parts.append(f"{names}\n{textwrap.indent(text, '    ')}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    TARGET.write_text(render(SOURCE.read_text()))
