"""What all views of the API have in common. Who may do what, and how much, is not left to the site's settings."""

import json
from collections.abc import Mapping

from django.utils.translation import gettext as _
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser
from rest_framework.renderers import JSONRenderer

from ..models import json_fields
from ..payloads import limits
from . import authentication
from .access import AsInTheAdmin, PerUser
from .pages import Newest

_MOST_BYTES = 1024 * 1024


def documented(**kwargs):
    """``extend_schema``, also where the site's settings have another class of schemas, or none."""

    def decorate(view):
        view.kwargs = {"schema": AutoSchema, **getattr(view, "kwargs", {})}
        return extend_schema(**kwargs)(view)

    return decorate


class StoredJSONField(serializers.JSONField):
    """JSON as it is stored, or its text: somebody may have written there what no answer can carry, such as NaN."""

    def to_representation(self, value):
        try:
            return json.loads(limits.dump(value))
        except (ValueError, RecursionError):
            return json_fields.dump(value)


class TooLarge(APIException):
    """More than any hook needs."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE


class Conflict(APIException):
    """It can't be done with what there is now."""

    status_code = status.HTTP_409_CONFLICT


class Parser(JSONParser):
    """JSON, not without end."""

    strict = True

    def parse(self, stream, media_type=None, parser_context=None):
        if int(parser_context["request"].META.get("CONTENT_LENGTH") or 0) > _MOST_BYTES:
            raise TooLarge(_("Send at most %d bytes.") % _MOST_BYTES)
        try:
            value = super().parse(stream, media_type, parser_context)
            # Half a character can be written in JSON as an escape. Nothing can store it, nor can an error quote it.
            json.dumps(value, ensure_ascii=False).encode()
        except RecursionError as error:
            raise ParseError(_("The JSON is nested too deeply.")) from error
        except UnicodeEncodeError as error:
            raise ParseError(_("The JSON has half of a character: a lone surrogate, such as \\ud800.")) from error
        return value


class StrictMixin:
    """For serializers: a name that nobody reads is a mistake, and not to be passed over in silence."""

    def to_internal_value(self, data):
        unknown = sorted(map(str, data.keys() - self.fields.keys())) if isinstance(data, Mapping) else []
        if unknown:
            names = ", ".join(name for name, field in self.fields.items() if not field.read_only)
            text = _("There is no such field. There are: %s.") % names
            raise serializers.ValidationError({name[:100]: [text] for name in unknown[:20]})
        return super().to_internal_value(data)


class ApiMixin:
    """
    For views and viewsets.

    Attributes:
        rights: action → what somebody must be allowed to do, “view” where nothing is said: see access.py.
    """

    authentication_classes = authentication.classes()
    permission_classes = [AsInTheAdmin, *authentication.permissions()]
    renderer_classes = [JSONRenderer]
    parser_classes = [Parser]
    throttle_classes = [PerUser]
    pagination_class = Newest
    filter_backends: list = []
    versioning_class = None
    schema = AutoSchema()
    http_method_names = ["get", "post", "patch", "delete", "head"]
    rights: Mapping[str, str] = {}

    def finalize_response(self, request, response, *args, **kwargs):
        """What is answered is kept nowhere on its way: it may hold a secret, or personal data."""
        response = super().finalize_response(request, response, *args, **kwargs)
        response.headers.setdefault("Cache-Control", "no-store")
        return response
