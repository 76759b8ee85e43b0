"""``python -m tests.soak``: run, judge, draw."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.live.servers import missing

from .picture import picture
from .rates import LEARNERS
from .record import Record
from .run import Run
from .verdict import table, verdict


def main() -> int:
    """The exit status: 0 if nothing was lost, nothing grew and nobody was harmed."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600, help="for which learners come (3600)")
    parser.add_argument("--cycles", type=int, default=3, help="how often the faults are run through (3)")
    parser.add_argument("--learners", type=int, default=LEARNERS, help=f"accounts of the site ({LEARNERS})")
    parser.add_argument("--picture", type=Path, help="write an SVG of the run")
    parser.add_argument("--machine", default="", help="what the picture says of the machine")
    parser.add_argument("--record", type=Path, help="keep what happened as JSON; if it is there: judge and draw that")
    options = parser.parse_args()
    if options.record and options.record.exists():
        record = Record.load(options.record)
    elif programs := missing():
        print(f"Skipped: this machine has no {', '.join(programs)}.")
        return 0
    else:
        with tempfile.TemporaryDirectory(prefix="webhooks-soak-") as directory:
            record = Run(options.seconds, options.cycles, options.learners, Path(directory)).main()
        if options.record:
            record.save(options.record)
    if options.picture:
        options.picture.write_text(picture(record, options.machine), encoding="utf-8")
    claims = verdict(record)
    print(table(record))
    for claim in claims:
        print(f"{'ok  ' if claim.is_kept else 'FAIL'}  {claim.name:32} {claim.text}")
    is_kept = all(claim.is_kept for claim in claims)
    print("OK" if is_kept else "FAILED")
    return int(not is_kept)


if __name__ == "__main__":
    sys.exit(main())
