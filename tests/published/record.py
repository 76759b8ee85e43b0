"""
Record what the published plugin sends and what it makes of answers: each version from the index, in an environment of
its own. ``make published`` runs this; with ``--check`` it compares with what is kept here and changes nothing.

The newest version is kept whole, of the others what they do otherwise.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

HERE = Path(__file__).parent
RECORDED = HERE / "recorded"
_NEWEST = ["openedx-events==11.2.0", "openedx-filters==3.16.0", "django>=5.2,<5.3", "edx-django-utils", "setuptools"]
# The libraries are the same for all: what differs is the plugin.
VERSIONS = {"22.0.0": _NEWEST, "21.0.1": _NEWEST, "18.0.1": _NEWEST, "1.0.1": _NEWEST}


def record(version, folder):
    """Run one version; returns what was recorded."""
    environment = Path(folder) / version
    if not (environment / "bin" / "python").exists():
        venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    packages = [f"openedx-webhooks=={version}", *VERSIONS[version]]
    subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
    # Some versions print what they send.
    output = Path(folder) / f"{version}.json"
    subprocess.run(
        [python, "site.py", output],
        check=True,
        cwd=HERE,
        env={**os.environ, "PYTHONPATH": str(HERE)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return json.loads(output.read_text())


def differences(recorded, newest):
    """What a version does otherwise than the newest; null for a request that it doesn't make."""
    return {
        part: {
            name: recorded[part].get(name) or None
            for name, value in newest[part].items()
            if (recorded[part].get(name) or None) != (value or None)
        }
        for part in newest
    }


def changed(version, kept, recorded):
    """What is not as it was: of which version, and which request or answer."""
    return [
        f"{version} {part}: {name}"
        for part, values in recorded.items()
        for name in sorted({*values, *kept[part]})
        if values.get(name) != kept[part].get(name)
    ]


def main():
    """Record all, or compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--dir", help="where the environments are made, and kept")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        recorded = {version: record(version, options.dir or temporary) for version in VERSIONS}
    newest = recorded["22.0.0"]
    wrong = []
    for version, one in recorded.items():
        path = RECORDED / f"{version}.json"
        text = json.dumps(one if one is newest else differences(one, newest), indent=0, ensure_ascii=False) + "\n"
        if not options.check:
            path.write_text(text)
        else:
            wrong += changed(version, json.loads(path.read_text()), json.loads(text))
    if wrong:
        sys.exit("\n".join([f"Recorded anew, these differ from what is kept in {RECORDED}:", *wrong]))


if __name__ == "__main__":
    main()
