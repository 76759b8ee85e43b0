"""The addresses of the API, below ``/openedx_webhooks/api/v1/``, and its description."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.permissions import IsAdminUser
from rest_framework.routers import SimpleRouter

from .. import __version__
from . import authentication
from .hooks import WebfilterViews, WebhookViews
from .records import CallViews, CapturedEventViews, DeliveryViews

_DESCRIPTION = "What the pages of the admin do, with the same permissions. Secrets can be written and never read."


class SchemaView(SpectacularAPIView):
    """The OpenAPI description, for staff."""

    authentication_classes = authentication.classes()
    permission_classes = [IsAdminUser, *authentication.permissions()]
    schema = None

    def get(self, request, *args, **kwargs):
        """With the address at which it was asked for."""
        self.custom_settings = {
            "TITLE": "openedx_webhooks",
            "DESCRIPTION": _DESCRIPTION,
            "VERSION": __version__,
            "SERVERS": [{"url": request.build_absolute_uri("..").rstrip("/")}],
            "DISABLE_ERRORS_AND_WARNINGS": True,
            "PREPROCESSING_HOOKS": [],
            "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums"],
            "SCHEMA_PATH_PREFIX": "/",
            "SCHEMA_PATH_PREFIX_TRIM": False,
            "COMPONENT_SPLIT_REQUEST": True,
        }
        return super().get(request, *args, **kwargs)


_router = SimpleRouter()
for _prefix, _views in (
    ("webhooks", WebhookViews),
    ("webfilters", WebfilterViews),
    ("captured_events", CapturedEventViews),
    ("deliveries", DeliveryViews),
    ("calls", CallViews),
):
    _router.register(_prefix, _views, basename=f"api-{_prefix}")

urlpatterns = [path("schema/", SchemaView.as_view(patterns=_router.urls), name="api-schema"), *_router.urls]
