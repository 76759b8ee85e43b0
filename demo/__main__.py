"""``python -m demo``: serve the demo; ``python -m demo --smoke``: run its scenario without a person."""

import argparse
import os
import signal
import sys
from pathlib import Path

from .run import Demo, serve
from .supervisor import ROOT, DemoError


def _interrupt(_number, _frame):
    """SIGTERM and SIGHUP stop the demo as Ctrl-C does."""
    raise KeyboardInterrupt


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description="A miniature LMS with webhooks and webfilters.")
    environment = os.environ.get
    parser.add_argument(
        "--lms-port",
        type=int,
        default=environment("DEMO_LMS_PORT", "8000"),
        metavar="PORT",
        help="port of the mini LMS (DEMO_LMS_PORT, 8000)",
    )
    parser.add_argument(
        "--receiver-port",
        type=int,
        default=environment("DEMO_RECEIVER_PORT", "9000"),
        metavar="PORT",
        help="port of the receiver (DEMO_RECEIVER_PORT, 9000)",
    )
    parser.add_argument(
        "--host",
        default=environment("DEMO_HOST", "127.0.0.1"),
        help="address to listen on (DEMO_HOST, 127.0.0.1: this machine only)",
    )
    parser.add_argument(
        "--dir",
        type=Path,
        default=environment("DEMO_DIR", str(ROOT / ".demo")),
        help="directory for database and logs (DEMO_DIR, .demo)",
    )
    parser.add_argument(
        "--smoke",
        action="store_true",
        help="run the whole scenario in a temporary directory, check every step, and stop",
    )
    return parser.parse_args()


def main() -> int:
    """Returns the exit status: 0 if all went well, also after Ctrl-C."""
    # SIGINT, too: a process that a script starts in the background ignores it.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    options = _options()
    try:
        if options.smoke:
            from .smoke import main as smoke  # pylint: disable=import-outside-toplevel

            return smoke()
        serve(Demo(options.dir.resolve(), options.host, options.lms_port, options.receiver_port))
    except KeyboardInterrupt:
        return 130 if options.smoke else 0
    except DemoError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
