"""``python -m tests.storm``: the storm with the default timeout of webfilters, in full. Takes about ten minutes."""

import argparse
import tempfile
from pathlib import Path

from .storm import Storm, table, weather


def main() -> None:
    """Read the options, run, print."""
    full = Storm(timeout=5, open_seconds=30, calm=100, logins=200, logins_without=200)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--timeout", type=float, default=full.timeout, help="of the webfilter, in seconds")
    parser.add_argument("--open-seconds", type=int, default=full.open_seconds, help="BREAKER_OPEN_SECONDS")
    parser.add_argument("--calm", type=int, default=full.calm, help="logins before, and after")
    parser.add_argument("--logins", type=int, default=full.logins, help="logins while the endpoint hangs")
    parser.add_argument("--logins-without", type=int, default=full.logins_without, help="the same without the breaker")
    parser.add_argument("--redis", default=full.redis, help="URL of a cache, instead of files")
    parser.add_argument("--uwsgi", default=full.uwsgi, help="path of uWSGI, instead of gunicorn")
    with tempfile.TemporaryDirectory() as directory:
        print(table(weather(Storm(**vars(parser.parse_args())), Path(directory))))


if __name__ == "__main__":
    main()
