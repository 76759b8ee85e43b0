"""Measurements on this machine: ``python -m benchmarks``, or ``python -m benchmarks NAME …``. Never part of CI."""
