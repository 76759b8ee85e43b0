"""
Register: ``registration`` does what the platform's view of this purpose does, and answers API clients; the page beside
it shows people what the platform's sign-up page makes of that answer.
"""

import json

from django import forms
from django.contrib.auth import get_user_model
from django.contrib.auth import login as django_login
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from openedx_events.learning.signals import STUDENT_REGISTRATION_COMPLETED
from openedx_filters.learning.filters import StudentRegistrationRequested

from .learner_data import user_data
from .models import UserProfile
from .pages import api_answer

User = get_user_model()
# The statuses that the sign-up page knows; it takes any other for an error of the server.
KNOWN_STATUSES = (400, 403, 409)


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
        # The platform takes the exception's status as it is (without one the answer is a 200), and nothing else of it.
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
    fields = {
        name: value[0]["user_message"]
        for name, value in answer.items()
        if name in AccountForm().fields and isinstance(value, list)
    }
    context = {
        "errors": list(fields.values()) or [_boilerplate(response.status_code, answer)],
        "field_errors": fields,
        "values": request.POST,
        **api_answer(response),
    }
    return render(request, "minilms/register.html", context, status=response.status_code)


def _boilerplate(status: int, answer: dict) -> str:
    """
    What the platform's sign-up page shows of a refusal: a text of its own for each code it knows.

    The message of an exception is not among what it shows: it has no place for it.
    """
    if status not in KNOWN_STATUSES:
        return _("An error has occurred. Try refreshing the page, or check your internet connection.")
    if answer.get("error_code") == "forbidden-request":
        return _("An error has occurred because of too many requests. Please try again after some time.")
    return _("Please check your responses and try again.")
