"""The page on which a learner chooses a mode."""

from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from opaque_keys.edx.keys import CourseKey

from ..enrollments import enroll
from ..models import CourseOverview
from ..newer_filters import CourseModePriceRequested
from ..pages import render_to_response
from .models import CourseMode


class ChooseModeView(View):
    """The platform's view of this name."""

    @method_decorator(login_required)
    @method_decorator(transaction.atomic)
    def get(self, request: HttpRequest, course_key: CourseKey) -> HttpResponse:
        """The modes with their prices, struck through where a filter changed one. What is paid is decided elsewhere."""
        course = get_object_or_404(CourseOverview, pk=course_key)
        offers = []
        for mode in CourseMode.modes_for_course_dict(course_key).values():
            price = mode.min_price
            if mode.slug == "verified":
                _user, _mode, price = CourseModePriceRequested.run_filter(
                    user=request.user, course_mode_data=mode, price=mode.min_price
                )
            offers.append({"mode": mode, "price": price, "before": mode.min_price if price != mode.min_price else None})
        context = {"course": course, "course_modes": offers, "currency": "USD", "title": _("Choose a track")}
        return render_to_response("course_modes/choose.html", context)

    @method_decorator(login_required)
    def post(self, request: HttpRequest, course_key: CourseKey) -> HttpResponse:
        """Enroll in the chosen mode. An enrollment that a filter prevents is caught by nobody here: an error page."""
        mode = request.POST.get("mode", "audit")
        get_object_or_404(CourseOverview, pk=course_key)
        enroll(request.user, course_key, mode if mode in CourseMode.modes_for_course_dict(course_key) else "audit")
        return redirect("dashboard")
