"""The examples that the demo begins with."""

# Course id, name, what it is about.
COURSES = (
    ("course-v1:DemoX+HOOKS101+2026", "Webhooks for Beginners", "What an event is, who tells whom, why it is signed."),
    ("course-v1:DemoX+FILTER201+2026", "The Art of Saying No", "Filters that change, refuse and redirect."),
    ("course-v1:DemoX+OPS301+2026", "Queues at Three in the Morning", "Retries, backlogs and calm operators."),
)
# Slug, name, price.
MODES = (("audit", "Audit", 0), ("honor", "Honor code", 0), ("verified", "Verified", 49))
COHORTS = ("Group A", "Group B", "Group C")
LEARNERS = (("ada", "Ada Lovelace"), ("grace", "Grace Hopper"))
EVENTS = (
    "STUDENT_REGISTRATION_COMPLETED",
    "SESSION_LOGIN_COMPLETED",
    "COURSE_ENROLLMENT_CREATED",
    "COURSE_ENROLLMENT_CHANGED",
    "COURSE_UNENROLLMENT_COMPLETED",
    "CERTIFICATE_CREATED",
    "COHORT_MEMBERSHIP_CHANGED",
)
# One example of each encoding.
FORM_ENCODED_EVENTS = ("COURSE_UNENROLLMENT_COMPLETED",)
FILTERS = (
    "StudentRegistrationRequested",
    "StudentLoginRequested",
    "CourseEnrollmentStarted",
    "CourseUnenrollmentStarted",
    "CertificateCreationRequested",
    "CertificateRenderStarted",
    "CohortChangeRequested",
    "CohortAssignmentRequested",
    "CourseAboutRenderStarted",
    "DashboardRenderStarted",
    "LoginAltRedirectURLRequested",
    "CourseModePriceRequested",
    "InstructorDashboardRenderStarted",
    "CoursewareViewStarted",
    "RenderXBlockStarted",
    "VerticalBlockRenderCompleted",
    "ORASubmissionViewRenderStarted",
)
TEMPLATE = """\
<p>{{ platform_name }}</p>
<h1>{{ document_title }}</h1>
<p>This is to certify that</p>
<p class="name">{{ accomplishment_copy_name }}</p>
<p>has completed <b>{{ accomplishment_course_title }}</b>,<br>{{ accomplishment_copy_course_description }}.</p>
"""
# Type and name of a block → its fields; every course has these.
UNIT = ("vertical", "unit")
BLOCKS = {
    UNIT: {
        "display_name": "First unit",
        "children_names": [["html", "welcome"], ["problem", "quiz"], ["openassessment", "essay"]],
    },
    ("html", "welcome"): {
        "display_name": "Welcome",
        "data": "<p>An event tells what <b>was</b>, a filter asks first.</p>",
    },
    ("problem", "quiz"): {"display_name": "Quiz", "question": "Which of the two can say no?", "answer": "filter"},
    ("openassessment", "essay"): {
        "display_name": "Essay",
        "prompt": "Write about a morning when everything was green.",
    },
}
