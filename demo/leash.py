"""
``python -m demo.leash FD MODULE ARGUMENT…``: run a module that ends when its starter does.

FD is the read end of a pipe whose write end only the starter holds. The system closes it when the starter ends, however
that happens; then this process group gets SIGTERM, and SIGKILL if that does not help. Works wherever there are pipes.
"""

import os
import runpy
import signal
import sys
import threading
import time

GRACE_SECONDS = 5


def _hold(descriptor: int) -> None:
    os.read(descriptor, 1)
    os.killpg(0, signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Put on the leash, then become the module."""
    descriptor, module = int(sys.argv[1]), sys.argv[2]
    threading.Thread(target=_hold, args=[descriptor], daemon=True, name="leash").start()
    sys.argv = [module, *sys.argv[3:]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
