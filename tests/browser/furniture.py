"""Something of everything that the desk can show, for the pages that need it."""

from .site import Site

# Hooks in trouble, versions, a copy, and one that is gone.
_MAKE = """
from openedx_webhooks.models import Webfilter, Webhook

def webhook(name, **more):
    event = more.pop("event", "org.openedx.learning.auth.session.login.completed.v1")
    hook = Webhook(event=event, webhook_url="{url}/webhooks/" + name.replace(" ", "-"), description=name, **more)
    hook.full_clean()
    hook.save()
    return hook

failing = webhook("failing page", retry_schedule=[1])
pending = webhook("pending page", retry_schedule=[3600])
failing.condition = "user.is_active"
failing.save()
webhook("shapeless page", condition="user.no_such_field == `1`", shape="{{a: user.pii.nmae}}")
webhook("paused page", paused=True, applied_from="hooks.yml")
webhook("disabled page", enabled=False)
webhook("gone page").delete()
observed = Webfilter(
    event="org.openedx.learning.dashboard.render.started.v1", webhook_url="{url}/webfilters/ObservedPage",
    description="observed page", mode="observe", call_log="all", condition="`true`",
)
observed.full_clean()
observed.save()
local = Webfilter(
    event="org.openedx.learning.student.registration.requested.v1", description="local page",
    local_answer="{{exception: {{PreventRegistration: 'Not today'}}}}", mode="observe",
)
local.full_clean()
local.save()
"""
# Until the worker has given up what fails, and written so.
_WAIT = """
import time
from openedx_webhooks.models import Delivery
for _each in range(150):
    if Delivery.objects.filter(state="failed", webhook__description="failing page").count() >= 2:
        break
    time.sleep(0.1)
else:
    raise AssertionError("nothing has failed")
"""


def furnish(site: Site) -> None:
    """Make it, once the demo runs: everything happens for real."""
    site.shell(_MAKE.format(url=site.receiver_url))
    site.settle()
    for name in ("failing-page", "pending-page"):
        site.operator.answer(f"webhooks/{name}", "403")
    site.operator.answer("webfilters/ObservedPage", "exception", {"RedirectToPage": {"redirect_to": "/account"}})
    site.staff("watcher", "view_")
    for name in ("ada", "grace"):
        site.learner(name).get("/dashboard")
    site.operator.wait_for("failing-page", 4)
    site.shell(_WAIT)
