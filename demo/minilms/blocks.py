"""
The blocks of a unit, of XBlock's own classes, on a runtime that binds them to a learner as the platform's does.

XBlock is not among what the demo needs: without it, courses have no units.
"""

import json
import uuid

from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from opaque_keys.edx.keys import UsageKey
from openedx_filters.learning.filters import VerticalBlockChildRenderStarted, VerticalBlockRenderCompleted
from web_fragments.fragment import Fragment
from xblock.core import XBlock
from xblock.field_data import ReadOnlyFieldData, SplitFieldData
from xblock.fields import DateTime, Float, List, Scope, ScopeIds, String
from xblock.runtime import IdReader, KeyValueStore, KvsFieldData, Runtime

from .assessment import OpenAssessmentBlock
from .examples import BLOCKS
from .models import CourseOverview


class CourseBlock(XBlock):
    """A course."""

    display_name = String(scope=Scope.settings)
    start = DateTime(scope=Scope.settings)
    end = DateTime(scope=Scope.settings)
    has_children = True

    @property
    def id(self):
        """The course's key."""
        return self.scope_ids.usage_id.course_key


class HtmlBlock(XBlock):
    """A text."""

    display_name = String(default="Text", scope=Scope.settings)
    data = String(default="", scope=Scope.content)

    def student_view(self, _context=None):
        """The text as it is."""
        return Fragment(self.data)

    public_view = student_view


class ProblemBlock(XBlock):
    """A question with one right answer."""

    display_name = String(default="Problem", scope=Scope.settings)
    weight = Float(default=1.0, scope=Scope.settings)
    question = String(default="", scope=Scope.content)
    answer = String(default="", scope=Scope.content)
    student_answer = String(default="", scope=Scope.user_state)

    def student_view(self, _context=None):
        """A form, with the token that it must be sent back with."""
        return Fragment(
            render_to_string(
                "minilms/problem.html",
                {
                    "block": self,
                    "csrf_token": get_token(self.runtime.request),
                    "url": self.runtime.handler_url(self, "problem_check"),
                    "anchor": self.scope_ids.usage_id.block_id,
                },
            )
        )

    @XBlock.handler
    def problem_check(self, request, _suffix=""):
        """Whether the answer is right, as JSON."""
        self.student_answer = request.POST.get("answer", "")
        return self.runtime.json_response({"correct": self.student_answer.strip().lower() == self.answer.lower()})


class VerticalBlock(XBlock):
    """A unit: its children in a column."""

    display_name = String(default="Unit", scope=Scope.settings)
    children_names = List(default=[], scope=Scope.content)
    has_children = True

    def student_view(self, context):
        """What learners see."""
        return self._student_or_public_view(context, "student_view")

    def public_view(self, context):
        """What visitors see of a public course."""
        return self._student_or_public_view(context, "public_view")

    def _student_or_public_view(self, context, view):
        fragment = Fragment()
        contents = []
        child_context = {**context, "child_of_vertical": True, "username": self.runtime.user.username}
        for usage_key in self.runtime.child_keys(self):
            child = self.runtime.get_block(usage_key)
            # A tuple of one, by a comma too many of the platform's.
            child_context["bookmarked"] = (False,)
            child_context["wrap_xblock_data"] = {"mark-completed-on-view-after-delay": 5000}
            try:
                child, shown_context = VerticalBlockChildRenderStarted.run_filter(
                    block=child, context=dict(child_context)
                )
            except VerticalBlockChildRenderStarted.PreventChildBlockRender:
                continue
            rendered = child.render(view, shown_context)
            fragment.add_fragment_resources(rendered)
            contents.append((usage_key, mark_safe(rendered.content)))
        fragment.add_content(
            format_html(
                '<h2 class="unit-title">{}</h2><div class="vert-mod">{}</div>',
                self.display_name,
                format_html_join("", '<div class="vert" data-id="{}">{}</div>', contents),
            )
        )
        fragment.add_css(".vert-mod { margin: 0; }")
        try:
            _block, fragment, context, view = VerticalBlockRenderCompleted.run_filter(
                block=self, fragment=fragment, context=context, view=view
            )
        except VerticalBlockRenderCompleted.PreventVerticalBlockRender as exc:
            # As HTML, and the scripts and styles stay.
            fragment.content = exc.message
        return fragment


_CLASSES = {
    "course": CourseBlock,
    "html": HtmlBlock,
    "problem": ProblemBlock,
    "vertical": VerticalBlock,
    "openassessment": OpenAssessmentBlock,
}


class LmsFieldData(SplitFieldData):
    """What authors wrote, which nobody changes here, and what the learner did: the platform's class of this name."""

    def __init__(self, authored_data, student_data):
        self._authored_data, self._student_data = ReadOnlyFieldData(authored_data), student_data
        super().__init__(
            {
                Scope.content: self._authored_data,
                Scope.settings: self._authored_data,
                Scope.parent: self._authored_data,
                Scope.children: self._authored_data,
                Scope.user_state: student_data,
            }
        )


class _AuthoredStore(KeyValueStore):
    """What authors wrote, by the name of the field: the modulestore's."""

    def __init__(self, fields):
        self._fields = fields

    def get(self, key):
        return self._fields[key.field_name]

    def set(self, key, value):
        raise NotImplementedError

    def delete(self, key):
        raise NotImplementedError

    def has(self, key):
        return key.field_name in self._fields


class _SessionStore(KeyValueStore):
    """What the learner did, for as long as the session lasts."""

    def __init__(self, session):
        self._session = session

    @staticmethod
    def _name(key):
        return f"{key.block_scope_id}:{key.field_name}"

    def get(self, key):
        return self._session.get("xblock_state", {})[self._name(key)]

    def set(self, key, value):
        self._session["xblock_state"] = {**self._session.get("xblock_state", {}), self._name(key): value}

    def delete(self, key):
        state = dict(self._session.get("xblock_state", {}))
        del state[self._name(key)]
        self._session["xblock_state"] = state

    def has(self, key):
        return self._name(key) in self._session.get("xblock_state", {})


class _IdReader(IdReader):
    """Usage keys say all."""

    def get_usage_id_from_aside(self, aside_id):
        raise NotImplementedError

    def get_definition_id_from_aside(self, aside_id):
        raise NotImplementedError

    def get_aside_type_from_usage(self, aside_id):
        raise NotImplementedError

    def get_aside_type_from_definition(self, aside_id):
        raise NotImplementedError

    def get_definition_id(self, usage_id):
        return usage_id

    def get_block_type(self, def_id):
        return def_id.block_type


class LmsRuntime(Runtime):
    """
    Renders blocks for one request.

    Attributes:
        request_token: marks this request's blocks; the page's script takes care of no others.
    """

    def __init__(self, request: HttpRequest):
        self.request, self.user = request, request.user
        self.request_token = uuid.uuid4().hex
        self._student_data = KvsFieldData(_SessionStore(request.session))
        super().__init__(_IdReader(), None)

    def get_block(self, usage_id: UsageKey, for_parent=None):
        """
        The block; its fields are read when somebody asks for them.

        Raises:
            LookupError: there is no such block.
        """
        fields = self._fields(usage_id)
        scope_ids = ScopeIds(self.user.pk, usage_id.block_type, usage_id, usage_id)
        block = self.construct_xblock_from_class(_CLASSES[usage_id.block_type], scope_ids, for_parent=for_parent)
        # As the platform binds a block to a learner, past the warning of XBlock's that this is not its way any more.
        # pylint: disable-next=protected-access
        block._deprecated_per_instance_field_data = LmsFieldData(
            KvsFieldData(_AuthoredStore(fields)), self._student_data
        )
        return block

    @staticmethod
    def _fields(usage_key):
        if usage_key.block_type == "course":
            course = CourseOverview.objects.get(pk=usage_key.course_key)
            return {"display_name": course.display_name, "start": course.start and course.start.isoformat()}
        return BLOCKS[usage_key.block_type, usage_key.block_id]

    @staticmethod
    def child_keys(block) -> list[UsageKey]:
        """The children of a unit."""
        course_key = block.scope_ids.usage_id.course_key
        return [course_key.make_usage_key(*name) for name in block.children_names]

    def applicable_aside_types(self, block):
        return []

    def wrap_xblock(self, block, view, frag, context):
        """What the platform's page puts around each block, and for the course team the fields of the block."""
        usage_key = block.scope_ids.usage_id
        wrapped = Fragment()
        wrapped.add_fragment_resources(frag)
        wrapped.add_content(
            format_html(
                '<div class="xblock xblock-{view} xblock-{view}-{kind}" data-runtime-class="LmsRuntime"'
                ' data-block-type="{kind}" data-usage-id="{key}" data-request-token="{token}" data-graded="False"'
                ' data-has-score="{score}" data-course-id="{course}">{content}{debug}</div>',
                view=view,
                kind=usage_key.block_type,
                key=usage_key,
                token=self.request_token,
                score=usage_key.block_type == "problem",
                course=usage_key.course_key,
                content=mark_safe(frag.content),
                debug=self._staff_debug(block) if self.user.is_staff else "",
            )
        )
        return wrapped

    @staticmethod
    def _staff_debug(block):
        fields = ((name, json.dumps(getattr(block, name), default=str)) for name in sorted(block.fields))
        rows = format_html_join("", "<tr><td>{}</td><td><pre>{}</pre></td></tr>", fields)
        return format_html(
            '<details class="staff-modal"><summary>Staff Debug</summary><table>{}</table></details>', rows
        )

    def handler_url(self, block, handler_name, suffix="", query="", thirdparty=False):
        usage_key = block.scope_ids.usage_id
        return reverse("xblock_handler", args=[usage_key.course_key, usage_key, handler_name])

    def resource_url(self, resource):
        raise NotImplementedError

    def local_resource_url(self, block, uri):
        raise NotImplementedError

    def publish(self, block, event_type, event_data):
        """Nobody listens."""

    @staticmethod
    def json_response(data):
        """A response of a handler."""
        from webob import Response  # pylint: disable=import-outside-toplevel

        return Response(json.dumps(data), content_type="application/json", charset="UTF-8")


def get_block(request: HttpRequest, usage_key: UsageKey) -> XBlock:
    """
    A block, for the learner of a request.

    Raises:
        LookupError, CourseOverview.DoesNotExist: there is no such block or course.
    """
    return LmsRuntime(request).get_block(usage_key)
