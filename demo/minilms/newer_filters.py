"""The filters that the openedx-filters of Teak and Ulmo lack: with those, the mini LMS runs none, like the platform."""

from importlib import import_module
from typing import Any


class _NeverRaised(Exception):
    """What an absent filter's exceptions are."""


class _Absent:
    """Instead of a filter's class."""

    @staticmethod
    def run_filter(**inputs: Any) -> tuple[Any, ...]:
        return tuple(inputs.values())

    def __getattr__(self, name: str) -> type[Exception]:
        return _NeverRaised


def _find(name: str, domain: str = "learning"):
    try:
        return getattr(import_module(f"openedx_filters.{domain}.filters"), name)
    except (ImportError, AttributeError):
        return _Absent()


AccountSettingsReadOnlyFieldsRequested = _find("AccountSettingsReadOnlyFieldsRequested")
CourseEnrollmentViewStarted = _find("CourseEnrollmentViewStarted")
CourseModePriceRequested = _find("CourseModePriceRequested")
CourseStartDateValidationFailed = _find("CourseStartDateValidationFailed")
CoursewareAccessChecksRequested = _find("CoursewareAccessChecksRequested")
CoursewareViewStarted = _find("CoursewareViewStarted")
InstructorDashboardTabsRequested = _find("InstructorDashboardTabsRequested")
LoginAltRedirectURLRequested = _find("LoginAltRedirectURLRequested", "authentication")
