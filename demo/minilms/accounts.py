"""The account page, and the API that changes a profile."""

import json

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from .models import UserProfile
from .newer_filters import AccountSettingsReadOnlyFieldsRequested

_CHANGEABLE = ("name", "country", "language", "goals", "city", "bio")


@login_required(login_url=settings.LOGIN_URL)
def account_page(request: HttpRequest) -> HttpResponse:
    """What the mini LMS knows about the learner; also where a dashboard's redirect without an address leads."""
    profile, _created = UserProfile.objects.get_or_create(user=request.user)
    return render(request, "minilms/account.html", {"profile": profile})


@require_http_methods(["PATCH"])
def account_api(request: HttpRequest) -> HttpResponse:
    """Change one's own profile: as much of the platform's accounts API. Fields that are read-only are a 400."""
    if not request.user.is_authenticated:
        return HttpResponseForbidden()
    update = json.loads(request.body)
    readonly, _user = AccountSettingsReadOnlyFieldsRequested.run_filter(readonly_fields=set(), user=request.user)
    # A union: a list that came back would end in an error.
    readonly = {"username", "email"} | (readonly or set())
    if errors := {name: _("This field is not editable via this API") for name in sorted(readonly & set(update))}:
        return JsonResponse({"field_errors": errors}, status=400)
    profile, _created = UserProfile.objects.get_or_create(user=request.user)
    for name in _CHANGEABLE:
        setattr(profile, name, update.get(name, getattr(profile, name)))
    profile.save()
    return JsonResponse({name: getattr(profile, name) for name in _CHANGEABLE})
