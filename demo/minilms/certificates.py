"""Certificates: ask for one, and look at one."""

# The filters' exceptions set every argument as an attribute:
# pylint: disable=no-member
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect
from django.template import Context, Template
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from opaque_keys.edx.keys import CourseKey
from openedx_filters.learning.filters import CertificateCreationRequested, CertificateRenderStarted

from .grades import read_grade
from .models import CertificateTemplate, CourseEnrollment, CourseOverview, GeneratedCertificate
from .pages import refusal, render_to_response

INVALID_TEMPLATE = "certificates/invalid.html"


class CertificateGenerationNotAllowed(Exception):
    """A filter prevents the certificate."""


def generate_certificate(user, course_key: CourseKey, generation_mode: str = "self") -> GeneratedCertificate:
    """
    Make a certificate: the platform's ``_generate_certificate_task`` and the task it starts.

    Raises:
        CertificateGenerationNotAllowed: a filter says so.
    """
    enrollment = CourseEnrollment.objects.filter(user=user, course_id=course_key).first()
    grade = read_grade(user, course_key)
    # The platform takes the percentage before the filter runs: a grade that the filter returns does not count.
    percent = str(grade.percent)
    try:
        user, course_key, mode, status, grade, generation_mode = CertificateCreationRequested.run_filter(
            user=user,
            course_key=course_key,
            mode=enrollment.mode if enrollment else "audit",
            status=None,
            grade=grade,
            generation_mode=generation_mode,
        )
    except CertificateCreationRequested.PreventCertificateCreation as exc:
        raise CertificateGenerationNotAllowed(str(exc)) from exc
    certificate, _created = GeneratedCertificate.objects.update_or_create(
        user=user,
        course_id=course_key,
        defaults={
            "mode": mode,
            "status": status or "downloadable",
            "grade": percent,
            "name": getattr(getattr(user, "profile", None), "name", "") or user.username,
        },
    )
    return certificate


@login_required
@require_POST
def generate_user_cert(request: HttpRequest, course_key: CourseKey) -> HttpResponse:
    """For API clients, as the platform's view of this name: 200, or 400 with the reason as body."""
    try:
        generate_certificate(request.user, course_key)
    except CertificateGenerationNotAllowed as error:
        return HttpResponseBadRequest(str(error), content_type="text/plain; charset=utf-8")
    return HttpResponse()


@login_required
@require_POST
def generate_page(request: HttpRequest, course_key: CourseKey) -> HttpResponse:
    """The button on the dashboard."""
    course = get_object_or_404(CourseOverview, pk=course_key)
    response = generate_user_cert(request, course_key)
    if response.status_code != 200:
        title = _("You did not get a certificate for %s") % course.display_name
        message = response.content.decode()
        return refusal(request, title, message, status=response.status_code, back=reverse("dashboard"))
    messages.success(request, _("Your certificate is ready."))
    return redirect("certificate", user_id=request.user.pk, course_key=course_key)


def render_html_view(request: HttpRequest, user_id: int, course_key: CourseKey) -> HttpResponse:
    """A certificate, which is public: the platform's view of this name."""
    certificate = GeneratedCertificate.objects.filter(
        user_id=user_id, course_id=course_key, status="downloadable"
    ).first()
    if certificate is None:
        return render_to_response(INVALID_TEMPLATE, status=404)
    course = get_object_or_404(CourseOverview, pk=course_key)
    custom_template = CertificateTemplate.objects.first()
    context = {
        "platform_name": settings.PLATFORM_NAME,
        "course_id": str(course_key),
        "accomplishment_course_title": course.display_name,
        "accomplishment_copy_name": certificate.name,
        "accomplishment_copy_course_org": course_key.org,
        "accomplishment_copy_course_description": _("a course of study offered by %s") % course_key.org,
        "username": certificate.user.username,
        "accomplishment_user_id": certificate.user_id,
        "certificate_id_number": str(certificate.pk),
        "document_title": _("Certificate"),
        "certificate_data": {"signatories": [{"name": "Grace Hopper", "title": _("Professor")}]},
    }
    try:
        context, custom_template = CertificateRenderStarted.run_filter(context=context, custom_template=custom_template)
    except CertificateRenderStarted.RenderAlternativeInvalidCertificate as exc:
        return render_to_response(exc.template_name or INVALID_TEMPLATE)
    except CertificateRenderStarted.RedirectToPage as exc:
        # Without an address this leads to this page again, and so on.
        return redirect(exc.redirect_to)
    except CertificateRenderStarted.RenderCustomResponse as exc:
        return exc.response
    if custom_template:
        context["certificate_body"] = Template(custom_template.template).render(Context(context))
    return render_to_response("certificates/valid.html", context)
