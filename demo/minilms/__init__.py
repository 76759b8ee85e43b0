"""
A miniature LMS: call sites of the platform's filters and the events around them, on a few tables.

Each call site hands the filter values of the platform's types, catches the exceptions that the platform catches and
uses of the rest what the platform uses: an answer that ends in an error page there ends in one here.
"""

from .celery import app as celery_app

__all__ = ["celery_app"]
