"""URLs of a page that runs two filters."""

from django.http import HttpResponse
from django.urls import path
from openedx_filters.learning.filters import DashboardRenderStarted, StudentLoginRequested


def both(request):
    """Run two filters, one after the other."""
    StudentLoginRequested.run_filter(user=request.user)
    DashboardRenderStarted.run_filter(context={}, template_name="minilms/dashboard.html")
    return HttpResponse()


urlpatterns = [path("both", both)]
