"""
What can be hooked: every event and filter of the installed libraries and of any other installed package.

Nothing here is a list by hand. Events come from the registry of ``openedx_events``, filters from the subclasses of
``OpenEdxPublicFilter``. The two libraries are imported only when somebody asks what they have, so that one that can't
be imported costs its own hooks, not the models and ``manage.py``.
"""

from __future__ import annotations

import importlib
import inspect
import logging
import pkgutil
import sys
from collections.abc import Mapping
from functools import cache, cached_property
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from openedx_events.tooling import OpenEdxPublicSignal
    from openedx_filters.exceptions import OpenEdxFilterException
    from openedx_filters.tooling import OpenEdxPublicFilter

log = logging.getLogger(__name__)

# Filters around ``manage.py`` commands run before Django is set up, ``migrate`` included: a step that needs the
# database would end every command with AppRegistryNotReady.
_BEFORE_DJANGO = ".management.command."


@attrs.frozen(slots=False)
class EventType:
    """
    An Open edX event that a webhook can subscribe to.

    Attributes:
        event_type: dotted type, its identity, such as ``org.openedx.learning.auth.session.login.completed.v1``.
        name: short name: the constant's, such as ``SESSION_LOGIN_COMPLETED``.
        signal: the event itself.
    """

    event_type: str
    name: str
    signal: OpenEdxPublicSignal = attrs.field(eq=False, repr=False)

    @property
    def dotted(self) -> str:
        """The type's identity, of an event or a filter."""
        return self.event_type

    @property
    def init_data(self) -> Mapping[str, type]:
        """Argument name → data class."""
        return self.signal.init_data

    @property
    def subdomain(self) -> str:
        """``learning``, ``content_authoring``, …"""
        return _subdomain(self.event_type)


@attrs.frozen(slots=False)
class FilterType:
    """
    An Open edX filter that a webfilter can subscribe to.

    Attributes:
        filter_type: dotted type, its identity, such as ``org.openedx.learning.student.login.requested.v1``.
        name: short name: the class's, such as ``StudentLoginRequested``.
        filter_class: the filter itself.
    """

    filter_type: str
    name: str
    filter_class: type[OpenEdxPublicFilter] = attrs.field(eq=False, repr=False)

    @property
    def dotted(self) -> str:
        """The type's identity, of an event or a filter."""
        return self.filter_type

    @cached_property
    def arguments(self) -> Mapping[str, inspect.Parameter]:
        """The named arguments of ``run_filter`` in its order; what comes as ``**kwargs`` is known only in a call."""
        run_filter = getattr(self.filter_class, "run_filter", None)
        parameters = inspect.signature(run_filter).parameters if run_filter else {}
        unnamed = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        return {name: parameter for name, parameter in parameters.items() if parameter.kind not in unnamed}

    @cached_property
    def exceptions(self) -> Mapping[str, type[OpenEdxFilterException]]:
        """The filter's own exceptions by name, in the order they are defined, those of its bases included."""
        from openedx_filters.exceptions import OpenEdxFilterException  # pylint: disable=import-outside-toplevel

        return {
            name: value
            for base in reversed(self.filter_class.__mro__)
            for name, value in vars(base).items()
            if inspect.isclass(value) and issubclass(value, OpenEdxFilterException)
        }

    @property
    def subdomain(self) -> str:
        """``learning``, ``authentication``, …"""
        return _subdomain(self.filter_type)


def events() -> Mapping[str, EventType]:
    """Every event known to this process now, by its dotted type."""
    return _events.current()


def filters() -> Mapping[str, FilterType]:
    """Every filter known to this process now, by its dotted type."""
    return _filters.current()


def is_hookable(filter_type: str) -> bool:
    """Whether webfilters may be for a filter of this dotted type; it need not be known to this process."""
    return bool(filter_type) and _BEFORE_DJANGO not in filter_type


def find_event(type_or_name: str) -> EventType | None:
    """Look up an event by its dotted type or its short name."""
    return _events.find(type_or_name)


def find_filter(type_or_name: str) -> FilterType | None:
    """Look up a filter by its dotted type or its short name."""
    return _filters.find(type_or_name)


def exception_arguments(exception: type[OpenEdxFilterException]) -> Mapping[str, inspect.Parameter]:
    """The constructor's arguments without ``self``; a ``**kwargs`` parameter means that any name is accepted."""
    parameters = dict(inspect.signature(exception.__init__).parameters)
    parameters.pop("self")
    return parameters


def _subdomain(dotted: str) -> str:
    """``org.openedx.learning.….v1`` → ``learning``; types outside ``org.openedx`` keep their first two parts."""
    parts = dotted.split(".")
    return parts[2] if parts[:2] == ["org", "openedx"] and len(parts) > 2 else ".".join(parts[:2])


class _Cached:
    """A mapping that is built again when its sources have grown: packages may declare more at any time."""

    def __init__(self, sources, build):
        self._sources, self._build = sources, build
        self._seen, self._value = None, {}

    def current(self):
        seen = self._sources()
        if seen != self._seen:
            self._value, self._seen = self._build(), seen
        return self._value

    def find(self, type_or_name):
        # Looking at the sources takes longer than a webfilter's whole run: what was found stays.
        if entry := self._value.get(type_or_name):
            return entry
        current = self.current()
        return current.get(type_or_name) or next((one for one in current.values() if one.name == type_or_name), None)


def _try_import(module: str):
    """Import a module of the libraries; a failure is kept in :data:`import_problems`, and None returned."""
    try:
        return importlib.import_module(module)
    except Exception as error:  # pylint: disable=broad-exception-caught
        _note_import_problem(module, error)
        return None


def _note_import_problem(module: str, error: BaseException | None) -> None:
    problem = f"{module} could not be imported: {type(error).__name__}: {error}"
    if problem not in import_problems:
        import_problems.append(problem)
        log.error("openedx_webhooks: %s", problem, exc_info=error)


def _event_sources():
    tooling = _try_import("openedx_events.tooling")
    if not tooling:
        return None
    _load_signals(tooling)
    signals = tooling.OpenEdxPublicSignal.all_events()
    return len(signals), id(signals[-1]) if signals else 0


@cache
def _load_signals(tooling) -> None:
    try:
        tooling.load_all_signals()
    except Exception as error:  # pylint: disable=broad-exception-caught
        _note_import_problem("openedx_events", error)


def _build_events():
    if not (tooling := _try_import("openedx_events.tooling")):
        return {}
    signals = {signal.event_type: signal for signal in tooling.OpenEdxPublicSignal.all_events()}
    names = _constant_names(signals.values(), tooling.OpenEdxPublicSignal)
    return {
        event_type: EventType(event_type, names.get(id(signal), event_type), signal)
        for event_type, signal in sorted(signals.items())
    }


def _constant_names(signals, signal_class) -> dict[int, str]:
    """A signal doesn't know its constant's name: find it in the modules, those called ``signals`` first."""
    missing = {id(signal) for signal in signals}
    names: dict[int, str] = {}
    modules = sorted(sys.modules.items(), key=lambda item: "signals" not in item[0])
    for _, module in modules:
        if not missing:
            break
        for name, value in list(getattr(module, "__dict__", {}).items()):
            if id(value) in missing and isinstance(value, signal_class):
                names[id(value)] = name
                missing.discard(id(value))
    return names


def _filter_classes(base=None):
    if base is None:
        tooling = _try_import("openedx_filters.tooling")
        if not tooling:
            return
        base = tooling.OpenEdxPublicFilter
    for subclass in base.__subclasses__():
        yield subclass
        yield from _filter_classes(subclass)


def _filter_sources():
    _load_filters()
    return frozenset((id(filter_class), filter_class.filter_type) for filter_class in _filter_classes())


@cache
def _load_filters() -> None:
    package = _try_import("openedx_filters")
    for module in pkgutil.walk_packages(getattr(package, "__path__", ()), "openedx_filters.", onerror=_skip):
        if module.name.endswith(".filters") and ".tests" not in module.name:
            _try_import(module.name)


def _skip(package: str) -> None:
    """A package that can't be imported; the walk goes on with the next."""
    _note_import_problem(package, sys.exc_info()[1])


def _build_filters():
    found: dict[str, FilterType] = {}
    for filter_class in _filter_classes():
        filter_type = filter_class.filter_type
        if is_hookable(filter_type):
            found.setdefault(filter_type, FilterType(filter_type, filter_class.__name__, filter_class))
    return dict(sorted(found.items()))


# One sentence for each module of the libraries that could not be imported; ``apps.py`` reports them to the operator.
import_problems: list[str] = []
_events = _Cached(_event_sources, _build_events)
_filters = _Cached(_filter_sources, _build_filters)
