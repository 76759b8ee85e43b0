"""Run the ``main()`` of every module here, or of those named; exit with 1 if a goal was missed."""

import importlib
import os
import pkgutil
import sys

import django

import benchmarks


def run(names: list[str]) -> int:
    """
    Run them one after the other, so that none disturbs another.

    Args:
        names: of modules; empty for all.

    Returns:
        The exit code. A module's ``main()`` returns False if it missed a goal; None and True are fine.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "test_settings")
    django.setup()
    known = sorted(module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name[0] != "_")
    unknown = set(names) - set(known)
    if unknown:
        sys.exit(f"No such benchmark: {', '.join(sorted(unknown))}. There are: {', '.join(known)}.")
    missed = []
    for name in names or known:
        module = importlib.import_module(f"benchmarks.{name}")
        if not hasattr(module, "main"):
            continue
        print(f"\n== {name}: {(module.__doc__ or '').strip().splitlines()[0]}")
        if module.main() is False:
            missed.append(name)
    if missed:
        print(f"\nMissed a goal: {', '.join(missed)}")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
