"""
The admin section OPENEDX_WEBHOOKS: one module per page. Django imports this package and so registers the pages.

It does so in every ``manage.py`` command; if a library that the pages need can't be imported, the commands and the rest
of the admin must work all the same.
"""

from .. import startup_problems

try:
    from . import calls, deliveries, events, overview, webfilters, webhooks  # noqa: F401
except Exception as error:  # pylint: disable=broad-exception-caught
    startup_problems.note("loading the admin pages", error)
