"""
A site under the load of 100,000 learners, for an hour or for minutes: ``make soak``.

Two sites of the mini LMS on one MariaDB and Redis, each behind two gunicorn processes: one with hooks, one without.
Each request goes to both, so what hooks add to it is a difference in one run. Faults are injected by a timetable. At
the end everything that was promised must have arrived, and nothing may have grown.
"""
