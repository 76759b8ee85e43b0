"""
Proof by waiting: ``python -m tests.soak``, an hour by hand, minutes in CI.

A day's busiest hour of a site with 100,000 learners, on MariaDB and Redis servers of its own: gunicorn with two
processes, two Celery workers, and faults by a timetable. Beside it the same site without hooks gets the same requests,
so that what hooks add to a request is a difference within one run. At the end nothing may be lost, and nothing grow.
"""
