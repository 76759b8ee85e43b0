"""
Writes the map of the package, modules.rst: each folder and module in the words of its own docstring.

Sphinx runs it before it reads the pages (conf.py); the page is not in the repository. By hand:
``python docs/references/generate_map.py``.
"""

import ast
import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parent.parent / "openedx_webhooks"
TITLE = """\
Folders and modules
###################

Each in the words of its own docstring. How they work together: :doc:`../concepts/map`.
"""


def main(target=HERE):
    """Write ``modules.rst`` below the target."""
    packages = sorted({path.parent for path in modules()})
    (target / "modules.rst").write_text("\n".join([TITLE, *map(section, packages)]), encoding="utf-8")


def modules():
    """Every module but the numbered migrations."""
    return [path for path in PACKAGE.rglob("*.py") if not re.match(r"\d{4}_", path.name)]


def section(package):
    """A folder: what it is about, and its modules."""
    name = str(package.relative_to(PACKAGE.parent)) + "/"
    rows = [path for path in sorted(modules()) if path.parent == package and path.name != "__init__.py"]
    lines = [name, "*" * len(name), "", docstring(package / "__init__.py"), ""]
    if rows:
        lines += [".. list-table::", "   :widths: 25 75", ""]
    for path in rows:
        first, *others = docstring(path).split("\n\n")[0].splitlines() or ["(nothing)"]
        lines += [f"   * - ``{path.name}``", f"     - {first}", *(f"       {line}" for line in others)]
    return "\n".join(lines) + "\n"


def docstring(path):
    """What a module says about itself; other modules by the names of their files."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return re.sub(r":(?:mod|class|func|data|meth):`[~.]*([^`]+)`", _literal, text)


def _literal(match):
    name = match[1].removeprefix("openedx_webhooks.")
    is_module = (PACKAGE / name.replace(".", "/")).with_suffix(".py").exists() or name.islower()
    return f"``{name.replace('.', '/')}.py``" if ":mod:" in match[0] and is_module else f"``{name}``"


if __name__ == "__main__":
    main()
