"""
Our step in every filter's pipeline, the last of it, and nothing of ours in what others read.

The filters library reads ``OPEN_EDX_FILTERS_CONFIG`` each time that a filter runs, and the step is added then. So it
does not matter in which process a filter runs, nor when it is declared: a package may do that long after the start,
with its URLs for example. And other plugins, which extend the setting in their own settings and at the start, find
there what they would find without us.
"""

import logging
import sys
from collections.abc import Mapping
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.signals import setting_changed
from django.utils.translation import gettext as _

from . import catalog

log = logging.getLogger(__name__)
STEP = "openedx_webhooks.webfilters.pipeline.WebfilterStep"
_NAME = "OPEN_EDX_FILTERS_CONFIG"


class FiltersConfig(dict):
    """
    ``OPEN_EDX_FILTERS_CONFIG``, of which :meth:`get`, the library's way to read it, answers with the step.

    Everything else, such as ``[]``, ``items`` and copies, is the dict that the operator and the plugins made.
    """

    def get(self, key: Any, default: Any = None) -> Any:
        """The filter's entry with the step; as it is while apps still start, for it may be extended and put back."""
        entry = super().get(key, default)
        if not apps.ready or not isinstance(key, str) or not catalog.is_hookable(key):
            return entry
        if not entry:
            return {"pipeline": [STEP]}
        try:
            return with_step(entry)
        except TypeError:
            return entry


def connect() -> None:
    """Wire the filters, also in tests that override the setting."""
    _wire()
    setting_changed.connect(_wire_again, dispatch_uid="openedx_webhooks.wiring")
    # PyYAML writes a dict by its exact class; everything else that dumps settings takes this for the dict it is.
    if yaml := sys.modules.get("yaml"):
        yaml.SafeDumper.add_representer(FiltersConfig, yaml.SafeDumper.represent_dict)


def problem_of(filter_type: str) -> str:
    """
    Why webfilters of this filter are never called, and what to do about it; empty if they are.

    Args:
        filter_type: dotted filter type.
    """
    config = getattr(settings, _NAME, None)
    if not isinstance(config, Mapping):
        return _("The setting %(name)s is of the type %(type)s instead of dict, so no filter runs. Correct it.") % {
            "name": _NAME,
            "type": type(config).__name__,
        }
    if not isinstance(config, FiltersConfig):
        return (
            _(
                "Something assigned the setting %s anew after the plugins had started, so no webfilter is called. Let "
                "it extend the setting, or assign it in a settings file."
            )
            % _NAME
        )
    try:
        with_step(config.get(filter_type))
    except TypeError as error:
        return _(
            "The setting %(name)s has an entry of the type %(type)s for %(filter)s, so none of its steps run and its "
            "webfilters are never called. Make it the path of a step, a list of them, or a dict with such a list as "
            "its pipeline."
        ) % {"name": _NAME, "filter": filter_type, "type": error}
    return ""


def problems() -> list[str]:
    """Each different :func:`problem_of` the catalog's filters and of those in the setting."""
    config = getattr(settings, _NAME, None)
    types = [*catalog.filters(), *(config if isinstance(config, Mapping) else ())]
    return list(dict.fromkeys(filter(None, map(problem_of, types))))


def with_step(entry: Any) -> dict[str, Any]:
    """
    Copy the entry of one filter and add the step to it.

    Args:
        entry: as in ``OPEN_EDX_FILTERS_CONFIG``: a step's path, a list of them, a dict with ``pipeline``, or None.

    Raises:
        TypeError: the entry has none of these shapes, and the library can't run it either; its text is the type.
    """
    if not isinstance(entry, Mapping):
        entry = {"pipeline": entry}
    pipeline = entry.get("pipeline") or []
    if not isinstance(pipeline, (str, list, tuple)):
        raise TypeError(type(pipeline).__name__)
    pipeline = [pipeline] if isinstance(pipeline, str) else list(pipeline)
    # Whoever named the step gave it its place.
    if STEP not in pipeline:
        pipeline.append(STEP)
    return {**entry, "pipeline": pipeline}


def _wire() -> None:
    config = getattr(settings, _NAME, None)
    if config is None:
        config = {}
    if isinstance(config, Mapping) and not isinstance(config, FiltersConfig):
        setattr(settings, _NAME, FiltersConfig(config))
    for problem in problems():
        log.error("openedx_webhooks: %s", problem)


def _wire_again(*, setting, **_kwargs) -> None:
    if setting == _NAME:
        _wire()
