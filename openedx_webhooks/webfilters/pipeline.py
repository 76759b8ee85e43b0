"""
Our step in every filter's pipeline.

The filters library imports this module in the middle of a request, outside of any guard: it imports nothing that could
fail or that needs the app registry.
"""

import functools
import logging
from typing import Any

from openedx_filters.filters import PipelineStep

from .. import index
from ..background import process
from ..safe_log import where

log = logging.getLogger(__name__)


class WebfilterStep(PipelineStep):
    """Calls the webfilters that are configured for the filter, and passes everything on where there are none."""

    def run_filter(self, **kwargs: Any) -> dict[str, Any]:  # pylint: disable=arguments-differ
        """
        The arguments that the webfilters' answers changed.

        Raises:
            OpenEdxFilterException: one of the filter's own, because a webfilter halts the process. Nothing else.
        """
        webfilters = ()
        try:
            webfilters = index.webfilters.get(self.filter_type)
            if not webfilters:
                return {}
            with process.connections_as_found():
                changed, halt = _runner()(self.filter_type, webfilters, kwargs)
        except Exception as error:  # pylint: disable=broad-exception-caught
            # The traceback would show values of the learner's; the type and the place are enough to find it.
            ids = ", ".join(str(getattr(webfilter, "pk", "?")) for webfilter in webfilters)
            log.error("Webfilters %s for %s were left out: %s", ids, self.filter_type, where(error))
            return {}
        if halt is not None:
            raise halt
        return changed


@functools.cache
def _runner():
    from .run import run  # pylint: disable=import-outside-toplevel

    return run
