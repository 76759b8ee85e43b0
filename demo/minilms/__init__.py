"""A miniature LMS: the platform's call sites of ten filters and the events around them, on a few tables."""

from .celery import app as celery_app

__all__ = ["celery_app"]
