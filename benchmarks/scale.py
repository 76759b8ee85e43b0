"""1, 2 and 4 Celery workers on one MariaDB and Redis: what more of them deliver, and whether a learner waits for one.

The endpoints take 300 ms. Servers and workers are its own; ``BENCHMARK_SECONDS`` is how long each number of workers is
looked at in each round (15), ``BENCHMARK_THREADS`` what one worker sends at a time (10, so that four of them need no
more than two cores).
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks._server import serving
from tests.live.servers import MariaDB, Redis, environment, missing

WORKERS = (0, 1, 2, 4)
QUEUE = "webhooks"
THREADS = int(os.environ.get("BENCHMARK_THREADS", "10"))


def main() -> bool:
    """Print the table; False if four workers deliver less than three times what one does, or a learner waited."""
    if programs := missing():
        print(f"Skipped: this machine has no {', '.join(programs)}.")
        return True
    options = {
        "DELIVERY_QUEUE": QUEUE,
        "DELIVERY_WORKERS": max(WORKERS),
        "DELIVERY_THREADS": 2 * THREADS,
        "DELIVERY_THREADS_PER_ENDPOINT": THREADS,
        "DELIVERY_LEASE_SECONDS": 120,
        "DELIVERY_TASK_SECONDS": 30,
    }
    with tempfile.TemporaryDirectory(prefix="webhooks-scale-") as name, serving() as (url, _https, _bundle):
        directory = Path(name)
        database, redis = MariaDB(directory), Redis(directory)
        variables = environment(database, redis, LIVE_OPTIONS=json.dumps(options), SCALE_DIR=name)
        database.start()
        redis.start()
        try:
            # In a process of its own, for this one has the settings of the other benchmarks.
            command = [sys.executable, "-m", "benchmarks._scale", url]
            return subprocess.run(command, env=variables, check=False).returncode == 0
        finally:
            redis.kill()
            database.kill()
