"""``python -m tests.storm.become PROGRAM ARGUMENT…``: become a program that is no Python module."""

import os
import sys

if __name__ == "__main__":
    os.execv(sys.argv[1], sys.argv[1:])
