"""Webhooks and webfilters for the Open edX LMS and Studio."""

__version__ = "23.0.0"
