"""
What the servers serve: the mini LMS, and in every response which process gave it.

With ``SERVERS_WARM`` an event is sent and a filter runs where this is loaded, as the code of other plugins may do: in a
server that forks afterwards, in the parent of its workers.
"""

import json
import os

from django.core.wsgi import get_wsgi_application

_site = get_wsgi_application()
_found: dict[str, object] = {}


def _warm_up() -> None:
    # pylint: disable=import-outside-toplevel
    from django.contrib.auth.models import User
    from django.db import connections
    from openedx_events.learning.data import UserData, UserPersonalData
    from openedx_events.learning.signals import SESSION_LOGIN_COMPLETED
    from openedx_filters.learning.filters import StudentLoginRequested

    pii = UserPersonalData(username="ada", email="ada@example.com", name="Ada")
    SESSION_LOGIN_COMPLETED.send_event(user=UserData(pii=pii, id=1, is_active=True))
    StudentLoginRequested.run_filter(user=User(id=1, username="ada"))
    _found["open connections"] = [one.alias for one in connections.all() if one.connection is not None]


if os.environ["SERVERS_WARM"]:
    _warm_up()


def application(environ, start_response):
    """``/loaded`` tells what was left behind by the loading; everything else is the site's."""

    def start(status, headers, exc_info=None):
        return start_response(status, [*headers, ("X-Process", str(os.getpid()))], exc_info)

    if environ["PATH_INFO"] == "/loaded":
        start("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(_found).encode()]
    return _site(environ, start)
