"""
Put our pipeline step into ``OPEN_EDX_FILTERS_CONFIG`` without disturbing what is there.

The step is the last of each pipeline, once. Other plugins' steps, their order, ``fail_silently`` and extra keys stay as
they are, whether an entry was a string, a list or a dict.
"""

from collections.abc import Mapping
from typing import Any

from . import catalog

STEP = "openedx_webhooks.webfilters.pipeline.WebfilterStep"


def wire_filters(settings: Any) -> list[str]:
    """
    Add the step to every filter of the catalog, in place of ``settings.OPEN_EDX_FILTERS_CONFIG``.

    Idempotent: a second call changes nothing. An entry that the filters library could not run either is left alone.

    Args:
        settings: a settings module or ``django.conf.settings``.

    Returns:
        one sentence for each entry that could not be wired.
    """
    config = getattr(settings, "OPEN_EDX_FILTERS_CONFIG", None) or {}
    if not isinstance(config, Mapping):
        return [f"OPEN_EDX_FILTERS_CONFIG is a {type(config).__name__}, not a dict: no filter runs"]
    config = dict(config)
    problems = []
    for filter_type in catalog.filters():
        try:
            config[filter_type] = with_step(filter_type, config.get(filter_type))
        except TypeError as error:
            problems.append(str(error))
    settings.OPEN_EDX_FILTERS_CONFIG = config
    return problems


def with_step(filter_type: str, entry: Any) -> dict[str, Any]:
    """
    Copy the entry of one filter and add the step to it.

    Args:
        filter_type: dotted filter type, for the error.
        entry: as in ``OPEN_EDX_FILTERS_CONFIG``: a step's path, a list of them, a dict with ``pipeline``, or None.

    Raises:
        TypeError: the entry has none of these shapes.
    """
    if not isinstance(entry, Mapping):
        entry = {"pipeline": entry}
    pipeline = entry.get("pipeline") or []
    if not isinstance(pipeline, (str, list, tuple)):
        raise TypeError(
            f"OPEN_EDX_FILTERS_CONFIG[{filter_type!r}] has a {type(pipeline).__name__} for its steps; "
            "use the path of a step, a list of paths, or a dict with a 'pipeline' list"
        )
    pipeline = [pipeline] if isinstance(pipeline, str) else list(pipeline)
    if STEP not in pipeline:
        pipeline.append(STEP)
    return {**entry, "pipeline": pipeline}
