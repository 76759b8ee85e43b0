"""
Log in and out: ``login_user`` does what the platform's view of this name does, and answers API clients; the page beside
it shows people what the platform's login page makes of that answer.
"""

import json
import logging

from django.conf import settings
from django.contrib.auth import authenticate, get_user_model
from django.contrib.auth import login as django_login
from django.contrib.auth import logout as django_logout
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import escape
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from openedx_events.learning.signals import SESSION_LOGIN_COMPLETED
from openedx_filters.learning.filters import StudentLoginRequested

from .learner_data import user_data
from .newer_filters import LoginAltRedirectURLRequested
from .pages import api_answer

log = logging.getLogger(__name__)

User = get_user_model()
# Where another identity provider has put whom it vouches for: a login without a password is that person's.
PIPELINE_SESSION_KEY = "partial_pipeline_user_id"


class AuthFailedError(Exception):
    """A login that fails, with what the client is told."""

    def __init__(self, value="", redirect_url=None, error_code=None, context=None):
        self.value = escape(value)
        self.redirect_url, self.error_code, self.context = redirect_url, error_code, context

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
    Log in with ``email_or_username`` and ``password``, or as the person that another identity provider vouches for: the
    platform's view of this name.

    The filter runs before the password is checked, and for unknown accounts with no user.
    """
    user = None
    third_party = PIPELINE_SESSION_KEY in request.session and "password" not in request.POST
    try:
        user = _third_party_user(request) if third_party else _find_user(request.POST.get("email_or_username", ""))
        authenticated = user
        try:
            authenticated = StudentLoginRequested.run_filter(user=authenticated)
        except StudentLoginRequested.PreventLogin as exc:
            # pylint: disable=no-member  # the base class sets every argument as an attribute
            raise AuthFailedError(
                str(exc), redirect_url=exc.redirect_to, error_code=exc.error_code, context=exc.context
            ) from exc
        if not third_party:
            # What the filter returned is thrown away; the object that it was given may have been changed.
            authenticated = authenticate(
                request, username=user.username if user else "", password=request.POST.get("password", "")
            )
        if authenticated is None or not authenticated.is_active:
            raise AuthFailedError(_("Email or password is incorrect."), error_code="incorrect-email-or-password")
        django_login(request, authenticated)
        SESSION_LOGIN_COMPLETED.send_event(user=user_data(authenticated))
    except AuthFailedError as error:
        return JsonResponse({**error.get_response(), "email": user.email if user else None}, status=400)
    redirect_url = _next_url(request)
    if not third_party:
        redirect_url = _alt_redirect_url(request, redirect_url, authenticated)
    return JsonResponse({"success": True, "redirect_url": request.build_absolute_uri(redirect_url)})


def _third_party_user(request: HttpRequest):
    return User.objects.filter(pk=request.session.pop(PIPELINE_SESSION_KEY)).first()


def _find_user(email_or_username: str):
    matches = User.objects.filter(Q(email__iexact=email_or_username) | Q(username=email_or_username))
    return matches.select_related("profile").first() if email_or_username else None


def _next_url(request: HttpRequest) -> str:
    url = request.POST.get("next", "")
    return url if _is_safe_redirect(request, url) else reverse("dashboard")


def _alt_redirect_url(request: HttpRequest, redirect_url: str, user) -> str:
    """Where a filter wants the learner to go after the login, if that is on this site or on the whitelist."""
    alternative, _user = LoginAltRedirectURLRequested.run_filter(redirect_url=redirect_url, user=user)
    if alternative != redirect_url and not _is_safe_redirect(request, alternative):
        log.warning("Unsafe redirect to %s after login", alternative)
        return redirect_url
    return alternative


def _is_safe_redirect(request: HttpRequest, url: str) -> bool:
    allowed = {request.get_host(), *settings.LOGIN_REDIRECT_WHITELIST}
    return url_has_allowed_host_and_scheme(url, allowed, require_https=request.is_secure())


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
        "error": _boilerplate(answer),
        "details": _details(answer),
        "email_or_username": request.POST.get("email_or_username", ""),
        **api_answer(response),
    }
    return render(request, "minilms/login.html", context, status=response.status_code)


def _boilerplate(answer: dict) -> str:
    """
    What the platform's login page shows of a refusal: a text of its own for each code it knows.

    It reads neither ``value`` (the message) nor ``redirect_url``.
    """
    code = answer.get("error_code")
    if code == "incorrect-email-or-password":
        return _("The username, email, or password you entered is incorrect. Please try again.")
    if code == "tpa-authentication-failure":
        return _("We are sorry, you are not authorized to access %s via this channel.") % settings.PLATFORM_NAME
    if code is None:
        return _("Too many failed login attempts. Try again later.")
    return _("An error has occurred. Try refreshing the page, or check your internet connection.")


def _details(answer: dict) -> str:
    """What stands after “Error Details” on the login page: the one place for a text of somebody else."""
    if answer.get("error_code") != "tpa-authentication-failure":
        return ""
    return answer.get("context", {}).get("errorMessage", "")


@require_POST
def logout_page(request: HttpRequest) -> HttpResponse:
    """End the session."""
    django_logout(request)
    return redirect("courses")
