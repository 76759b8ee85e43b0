"""
The scenario of the smoke run: the steps of these modules, in the order in which they stand there.

A step's first docstring line is what it is called in the output. ``do`` is the :class:`demo.smoke.Smoke` that runs it.
"""

from . import accounts, learning, troubles

STEPS = [
    function
    for module in (accounts, learning, troubles)
    for function in vars(module).values()
    if getattr(function, "is_step", False)
]
