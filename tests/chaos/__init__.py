"""
Proof by breaking it: ``python -m tests.chaos``.

Real events, real Celery workers, MariaDB and Redis servers of its own; everything is killed while deliveries are under
way. At the end every committed event must have arrived, and nothing else.
"""
