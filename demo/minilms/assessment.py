"""The block of an open response assessment, as far as its page for a submission goes."""

from django.template.loader import get_template
from django.utils import timezone
from openedx_filters.learning.filters import ORASubmissionViewRenderStarted
from web_fragments.fragment import Fragment
from webob import Response
from xblock.core import XBlock
from xblock.fields import Scope, String

# What storage services put into the address of a private file: who has it, has the file.
_SIGNED_URL = (
    "https://storage.example.com/submissions/{key}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIADEMO"
    "&X-Amz-Expires=3600&X-Amz-Signature={signature}"
)
SIGNATURE = "4f2c9d0b7e6a4f2c9d0b7e6a4f2c9d0b7e6a4f2c9d0b7e6a4f2c9d0b7e6a4f2c"


class OpenAssessmentBlock(XBlock):
    """A task that is answered by an essay."""

    display_name = String(default="Open Response Assessment", scope=Scope.settings)
    prompt = String(default="", scope=Scope.content)
    saved_response = String(default="", scope=Scope.user_state)

    def student_view(self, _context=None):
        """The page for the submission. (The platform's page loads it from the handler below.)"""
        return Fragment(self._render_submission())

    @XBlock.handler
    def render_submission(self, request, _suffix=""):
        """The page for the submission, with what the learner has written so far; ``submission`` saves that."""
        if "submission" in request.POST:
            self.saved_response = request.POST["submission"]
        return Response(self._render_submission(), content_type="text/html", charset="UTF-8")

    def _render_submission(self) -> str:
        path, context = "legacy/response/oa_response.html", self._context()
        try:
            # By position, and into a template that Django's engines look for: this is not the platform's own code.
            context, path = ORASubmissionViewRenderStarted.run_filter(context, path)
        except ORASubmissionViewRenderStarted.RenderInvalidTemplate as exc:
            # pylint: disable=no-member  # the base class sets every argument as an attribute
            context, path = exc.context, exc.template_name
        return get_template(path).render(context)

    def _context(self):
        usage_key = self.scope_ids.usage_id
        file_url = _SIGNED_URL.format(key=usage_key.block_id, signature=SIGNATURE)
        return {
            "xblock_id": str(usage_key),
            "base_asset_url": None,
            "user_timezone": None,
            "user_language": "en",
            "submission_due": timezone.now() + timezone.timedelta(days=7),
            "prompts_type": "text",
            "text_response": "required",
            "text_response_editor": "text",
            "file_upload_response": "optional",
            "file_upload_type": "pdf-and-image",
            "saved_response": {
                "answer": {"parts": [{"prompt": {"description": self.prompt}, "text": self.saved_response}]}
            },
            "save_status": "",
            "submit_enabled": bool(self.saved_response),
            "file_urls": [
                {"download_url": file_url, "description": "Sketch", "name": "sketch.png", "size": 2048, "num": 0}
            ],
            "team_file_urls": [],
            "rubric_criteria": [],
            "enable_delete_files": True,
        }
