"""
Writes the sample payload of every event and filter, one file each: ``python write_samples.py DIRECTORY``.

For developers of receivers, who try theirs with them: docs/how-tos/test_a_receiver.rst.
"""

import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main(target):
    """Write ``<short name>.json`` into the directory, in place of what is there."""
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "test_settings")
    import django  # pylint: disable=import-outside-toplevel

    django.setup()
    from openedx_webhooks import catalog  # pylint: disable=import-outside-toplevel
    from openedx_webhooks.payloads.samples import sample_payload  # pylint: disable=import-outside-toplevel

    target.mkdir(parents=True, exist_ok=True)
    for entry in (*catalog.events().values(), *catalog.filters().values()):
        text = json.dumps(sample_payload(entry), indent=2, ensure_ascii=False)
        (target / f"{entry.name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "samples"))
