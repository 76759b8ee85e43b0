"""
Register, log in, log out, and the account page.

``registration`` and ``login_user`` do what the platform's views of the same purpose do and answer API clients; the
pages beside them show the same answers to people.
"""

import json

from django import forms
from django.conf import settings
from django.contrib.auth import authenticate, get_user_model
from django.contrib.auth import login as django_login
from django.contrib.auth import logout as django_logout
from django.contrib.auth.decorators import login_required
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from openedx_events.learning.signals import SESSION_LOGIN_COMPLETED, STUDENT_REGISTRATION_COMPLETED
from openedx_filters.learning.filters import StudentLoginRequested, StudentRegistrationRequested

from .learner_data import user_data
from .models import UserProfile

User = get_user_model()


class AccountForm(forms.Form):
    """Checks what a registration sends, after the filter has seen it."""

    name = forms.CharField(label=gettext_lazy("Full name"), max_length=255)
    username = forms.CharField(
        label=gettext_lazy("Public username"), min_length=2, max_length=30, validators=[UnicodeUsernameValidator()]
    )
    email = forms.EmailField(label=gettext_lazy("E-mail"), max_length=254)
    password = forms.CharField(label=gettext_lazy("Password"), min_length=8, strip=False)
    country = forms.CharField(label=gettext_lazy("Country code"), max_length=2, required=False)


@transaction.non_atomic_requests
@require_POST
def registration(request: HttpRequest) -> JsonResponse:
    """
    Create an account and log it in: ``RegistrationView.post`` of the platform.

    Not in a transaction, as there: the account is stored before its event is sent.
    """
    data = request.POST.copy()
    try:
        data = StudentRegistrationRequested.run_filter(form_data=data)
    except StudentRegistrationRequested.PreventRegistration as exc:
        errors = {"error_message": [{"user_message": str(exc)}]}
        error_code = getattr(exc, "error_code", None)
        if error_code:
            errors["error_code"] = error_code
        # The platform takes the exception's status as it is; without one the answer would be a 200.
        return JsonResponse(errors, status=exc.status_code)

    data = dict(data.items())
    if errors := _duplicates(data):
        return JsonResponse(errors, status=409)
    form = AccountForm(data)
    if not form.is_valid():
        errors = {field: [{"user_message": message} for message in messages] for field, messages in form.errors.items()}
        return JsonResponse({**errors, "error_code": "validation-error"}, status=400)

    user = _create_account(form.cleaned_data)
    STUDENT_REGISTRATION_COMPLETED.send_event(user=user_data(user))
    # Logged in without SESSION_LOGIN_COMPLETED: the platform sends that event from its login view only.
    django_login(request, user)
    return JsonResponse({"success": True, "redirect_url": reverse("dashboard")})


def _duplicates(data: dict[str, str]) -> dict:
    errors = {}
    if User.objects.filter(username__iexact=data.get("username", "")).exists():
        errors["username"] = [{"user_message": _("It looks like this username is already taken")}]
        errors["error_code"] = "duplicate-username"
    if User.objects.filter(email__iexact=data.get("email", "") or None).exists():
        errors["email"] = [{"user_message": _("This email is already associated with an existing account")}]
        errors["error_code"] = "duplicate-email"
    return errors


@transaction.atomic
def _create_account(data: dict[str, str]):
    user = User.objects.create_user(data["username"], data["email"], data["password"])
    UserProfile.objects.create(user=user, name=data["name"], country=data["country"].upper())
    return user


@transaction.non_atomic_requests
def register_page(request: HttpRequest) -> HttpResponse:
    """The registration form; a refusal is shown above it, with the status that API clients get."""
    if request.method != "POST":
        return render(request, "minilms/register.html")
    response = registration(request)
    answer = json.loads(response.content)
    if answer.get("success"):
        return redirect(answer["redirect_url"])
    errors = [error["user_message"] for value in answer.values() if isinstance(value, list) for error in value]
    fields = {name: value[0]["user_message"] for name, value in answer.items() if isinstance(value, list) and value}
    context = {"errors": errors, "field_errors": fields, "values": request.POST}
    return render(request, "minilms/register.html", context, status=response.status_code)


class AuthFailedError(Exception):
    """A login that fails, with what the client is told."""

    def __init__(self, value="", redirect_url=None, error_code=None, context=None):
        self.value, self.redirect_url, self.error_code, self.context = value, redirect_url, error_code, context

    def get_response(self) -> dict:
        """What is set, as JSON."""
        parts = {
            "value": self.value,
            "redirect_url": self.redirect_url,
            "error_code": self.error_code,
            "context": self.context,
        }
        return {"success": False, **{name: part for name, part in parts.items() if part}}


@require_POST
def login_user(request: HttpRequest) -> JsonResponse:
    """
    Log in with ``email_or_username`` and ``password``: the platform's view of this name.

    The filter runs before the password is checked, and for unknown accounts with no user.
    """
    user = None
    try:
        user = _find_user(request.POST.get("email_or_username", ""))
        try:
            # What it returns is not used for a login by password; the object it was given may have been changed.
            StudentLoginRequested.run_filter(user=user)
        except StudentLoginRequested.PreventLogin as exc:
            # pylint: disable=no-member  # the base class sets every argument as an attribute
            raise AuthFailedError(
                str(exc), redirect_url=exc.redirect_to, error_code=exc.error_code, context=exc.context
            ) from exc
        username = user.username if user else ""
        authenticated = authenticate(request, username=username, password=request.POST.get("password", ""))
        if authenticated is None:
            raise AuthFailedError(_("Email or password is incorrect."), error_code="incorrect-email-or-password")
        django_login(request, authenticated)
        SESSION_LOGIN_COMPLETED.send_event(user=user_data(authenticated))
    except AuthFailedError as error:
        return JsonResponse({**error.get_response(), "email": user.email if user else None}, status=400)
    return JsonResponse({"success": True, "redirect_url": _next_url(request)})


def _find_user(email_or_username: str):
    matches = User.objects.filter(Q(email__iexact=email_or_username) | Q(username=email_or_username))
    return matches.select_related("profile").first() if email_or_username else None


def _next_url(request: HttpRequest) -> str:
    url = request.POST.get("next", "")
    return url if url_has_allowed_host_and_scheme(url, {request.get_host()}) else reverse("dashboard")


def login_page(request: HttpRequest) -> HttpResponse:
    """The login form; a refusal is shown above it, with the status that API clients get."""
    context = {"next": request.POST.get("next", request.GET.get("next", ""))}
    if request.method != "POST":
        return render(request, "minilms/login.html", context)
    response = login_user(request)
    answer = json.loads(response.content)
    if answer["success"]:
        return redirect(answer["redirect_url"])
    context |= {
        "error": answer.get("value") or _("You cannot log in now."),
        "redirect_url": answer.get("redirect_url", ""),
        "email_or_username": request.POST.get("email_or_username", ""),
    }
    return render(request, "minilms/login.html", context, status=response.status_code)


@require_POST
def logout_page(request: HttpRequest) -> HttpResponse:
    """End the session."""
    django_logout(request)
    return redirect("courses")


@login_required(login_url=settings.LOGIN_URL)
def account_page(request: HttpRequest) -> HttpResponse:
    """What the mini LMS knows about the learner; also where a dashboard's redirect without an address leads."""
    profile, _created = UserProfile.objects.get_or_create(user=request.user)
    return render(request, "minilms/account.html", {"profile": profile})
