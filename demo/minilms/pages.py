"""What several pages of the mini LMS need."""

import json
from functools import wraps

from crum import get_current_request
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template import engines
from django.utils.translation import get_language
from opaque_keys import InvalidKeyError
from opaque_keys.edx.keys import CourseKey, UsageKey

ANONYMOUS_CACHE_SECONDS = 180


class CourseKeyConverter:
    """Course keys in paths, such as ``course-v1:edX+DemoX+2026``; anything else is a page not found."""

    regex = r"[^/+?]+\+[^/+?]+\+[^/+?]+"
    key_class = CourseKey

    def to_python(self, value: str) -> CourseKey | UsageKey:
        try:
            return self.key_class.from_string(value)
        except InvalidKeyError as error:
            raise ValueError(value) from error

    def to_url(self, value) -> str:
        return str(value)


class UsageKeyConverter(CourseKeyConverter):
    """Usage keys in paths, such as ``block-v1:edX+DemoX+2026+type@vertical+block@unit``."""

    regex = r"[^/?]+"
    key_class = UsageKey


def demo_links(_request: HttpRequest) -> dict[str, str]:
    """Context of every page: the platform's name, and where the receiver shows what it is sent."""
    return {"platform_name": settings.PLATFORM_NAME, "demo_receiver_url": settings.DEMO_RECEIVER_URL}


def render_to_response(template_name: str, dictionary: dict | None = None, *, status: int = 200) -> HttpResponse:
    """
    Render a page: the platform's function of this name, which asks the engine named ``mako`` and no other.

    Raises:
        TemplateDoesNotExist: that engine has no such template, even if another one has.
    """
    template = engines["mako"].get_template(template_name)
    return HttpResponse(template.render(dictionary, get_current_request()), status=status)


class CourseAccessRedirect(Exception):
    """The learner is sent elsewhere, out of the midst of a view; its message is the address."""


class RedirectMiddleware:
    """Makes a redirect of :class:`CourseAccessRedirect`."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, _request, exception):
        """Other exceptions stay what they are."""
        return redirect(str(exception)) if isinstance(exception, CourseAccessRedirect) else None


def cache_if_anonymous(view):
    """Answer everybody who is not logged in with the first one's response, for a while, as the platform does."""

    @wraps(view)
    def wrapper(request, *args, **kwargs):
        if request.user.is_authenticated:
            return view(request, *args, **kwargs)
        key = f"{request.get_host()}.cache_if_anonymous.{get_language()}.{request.path}"
        response = cache.get(key)
        if response is None:
            response = view(request, *args, **kwargs)
            cache.set(key, response, ANONYMOUS_CACHE_SECONDS)
        return response

    return wrapper


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


def api_answer(response: HttpResponse) -> dict:
    """Context of ``minilms/api_answer.html``, which shows beside a page what the API behind it answered."""
    text = json.dumps(json.loads(response.content), indent=2, ensure_ascii=False)
    return {"answer": text, "answer_status": response.status_code}
