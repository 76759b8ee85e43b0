"""By what a client of the API is recognised: as the platform's own APIs do it, or as the site's settings say."""

import importlib.util

from django.utils.module_loading import import_string
from drf_spectacular.extensions import OpenApiAuthenticationExtension

from ..app_settings import app_settings

# What a platform has, and what only a platform has. A password in each request is none of them: it would pass by the
# platform's limit for wrong passwords.
_JWT = "edx_rest_framework_extensions.auth.jwt.authentication.JwtAuthentication"
_BEARER = "openedx.core.lib.api.authentication.BearerAuthentication"
_NOT_RESTRICTED = "edx_rest_framework_extensions.permissions.NotJwtRestrictedApplication"
_SESSION = "rest_framework.authentication.SessionAuthentication"


def classes() -> list[type]:
    """
    Classes of Django REST framework, the first that recognises a client counts.

    Raises:
        ImportError: the site's settings name something that there isn't.
    """
    names = app_settings.API_AUTHENTICATION_CLASSES or [*filter(_is_installed, (_JWT, _BEARER)), _SESSION]
    return [import_string(name) for name in names]


def permissions() -> list[type]:
    """What clients must be beside having permissions: no application to which a user has lent some of them."""
    return [import_string(_NOT_RESTRICTED)] if _is_installed(_NOT_RESTRICTED) else []


def _is_installed(name: str) -> bool:
    return importlib.util.find_spec(name.partition(".")[0]) is not None


class BearerScheme(OpenApiAuthenticationExtension):
    """The platform's bearer tokens in the OpenAPI description; that of JWT comes with drf-spectacular."""

    target_class = _BEARER
    name = "bearerAuth"

    def get_security_definition(self, auto_schema):
        return {"type": "http", "scheme": "bearer"}
