"""The admin section OPENEDX_WEBHOOKS: one module per page. Django imports this package and so registers the pages."""
from . import calls, deliveries, webfilters, webhooks  # noqa: F401
