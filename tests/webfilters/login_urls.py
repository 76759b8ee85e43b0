"""URLs of a login as the platform's: the filter runs first, then the password is checked."""

from django.contrib.auth import authenticate, get_user_model
from django.contrib.auth import login as django_login
from django.http import JsonResponse
from django.urls import path
from openedx_filters.learning.filters import StudentLoginRequested


def login_user(request):
    """With a password; or without one, as another provider vouches for the learner."""
    user = get_user_model().objects.filter(email=request.POST["email"]).first()
    try:
        user = StudentLoginRequested.run_filter(user=user)
    except StudentLoginRequested.PreventLogin as exc:
        return JsonResponse({"success": False, "value": str(exc)}, status=400)
    if "third_party_auth" not in request.POST:
        user = authenticate(request, username=user and user.username, password=request.POST["password"])
    if user is None:
        return JsonResponse({"success": False}, status=400)
    django_login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return JsonResponse({"success": True, "name": request.user.profile.name})


urlpatterns = [path("login_ajax", login_user)]
