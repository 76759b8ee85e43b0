"""What several pages of the mini LMS need."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from opaque_keys import InvalidKeyError
from opaque_keys.edx.keys import CourseKey


class CourseKeyConverter:
    """Course keys in paths, such as ``course-v1:edX+DemoX+2026``; anything else is a page not found."""

    regex = r"[^/+?]+\+[^/+?]+\+[^/+?]+"

    def to_python(self, value: str) -> CourseKey:
        try:
            return CourseKey.from_string(value)
        except InvalidKeyError as error:
            raise ValueError(value) from error

    def to_url(self, value) -> str:
        return str(value)


def demo_links(_request: HttpRequest) -> dict[str, str]:
    """Context of every page: the platform's name, and where the receiver shows what it is sent."""
    return {"platform_name": settings.PLATFORM_NAME, "demo_receiver_url": settings.DEMO_RECEIVER_URL}


def refusal(request: HttpRequest, title: str, message: str, *, status: int, back: str) -> HttpResponse:
    """
    A page that tells the learner why something was not done.

    Args:
        title: what was not done.
        message: why, as the platform's call site got it; shown as text, never as HTML.
        status: HTTP status of the page, 400 or more.
        back: path of the link that leads on.
    """
    context = {"title": title, "message": message, "back": back}
    return render(request, "minilms/refusal.html", context, status=status)
