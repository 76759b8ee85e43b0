"""The facts of events."""

from django.utils.translation import gettext_lazy as _

from .facts import EventFacts

_LEARNING = "org.openedx.learning."
_AUTHORING = "org.openedx.content_authoring."
_OTHER_SERVICE = _("Another service sends it. It reaches this site only if the site reads that service's event bus.")
_BUSY = _(
    "It is sent at every recalculation, whether anything changed or not, and so is among the busiest events: one "
    "answer of a learner can send it. Use a condition."
)
_USER_PREFIX = _("The learner is named as user^<username>.")
_MODIFIED = _("When the certificate was last changed in the database.")

# Of these nothing was read but what the library says. It is said here in words that can be translated, and without the
# library's notes for its own developers.
_OF_LIBRARY: dict[str, EventFacts] = {
    "org.openedx.authz.role_assignment.created": EventFacts(_("Sent when somebody is given a role."), (_USER_PREFIX,)),
    "org.openedx.authz.role_assignment.deleted": EventFacts(_("Sent when a role is taken away."), (_USER_PREFIX,)),
    **{
        f"{_LEARNING}{event}.v1": EventFacts(when)
        for event, when in {
            "ccx.course.passing.status.updated": _(
                "Sent whenever it was found out whether a learner passes a custom course (CCX)."
            ),
            "course.notification.requested": _("Sent when the users of a course are to be notified of something."),
            "external_grader.score.submitted": _("Sent when an external grader gives a score for a submission."),
            "forum.thread.created": _("Sent when somebody begins a thread in a discussion."),
            "forum.thread.response.created": _("Sent when somebody responds to a thread of a discussion."),
            "forum.thread.response.comment.created": _("Sent when somebody comments on a response in a discussion."),
            "idv_attempt.created": _("Sent when a learner begins to verify who they are."),
            "idv_attempt.pending": _("Sent when the verification of an identity waits for a decision."),
            "idv_attempt.approved": _("Sent when the identity of a learner was confirmed."),
            "idv_attempt.denied": _("Sent when the identity of a learner was not confirmed."),
            "lti_provider.launch.success": _("Sent when a learner opens content from another system by LTI."),
            "ora.submission.created": _("Sent when a learner submits an open response assessment."),
            "user.course_access_role.added": _("Sent when somebody is given a role in a course, such as staff."),
            "user.course_access_role.removed": _("Sent when a role in a course is taken away from somebody."),
            "user.notification.requested": _("Sent when some users are to be notified of something."),
            "xblock.skill.verified": _("Sent when it was confirmed that a block teaches a skill."),
        }.items()
    },
    **{
        f"{_AUTHORING}{event}.v1": EventFacts(when)
        for event, when in {
            "content.object.associations.changed": _("Sent when the tags or collections of content change."),
            "content.object.tags.changed": _(
                "Sent when the tags of content change. Outdated: choose CONTENT_OBJECT_ASSOCIATIONS_CHANGED."
            ),
            "content_library.created": _("Sent when a content library is made."),
            "content_library.updated": _(
                "Sent when a content library itself changes, such as its name; not when only something in it changes."
            ),
            "content_library.deleted": _("Sent when a content library is deleted."),
            "content_library.collection.created": _("Sent when a collection is made in a content library."),
            "content_library.collection.updated": _("Sent when a collection of a content library changes."),
            "content_library.collection.deleted": _("Sent when a collection of a content library is deleted."),
            "content_library.container.created": _("Sent when a unit or section is made in a content library."),
            "content_library.container.updated": _("Sent when a unit or section of a content library changes."),
            "content_library.container.deleted": _("Sent when a unit or section of a content library is deleted."),
            "content_library.container.published": _(
                "Sent when a unit or section of a content library is published, or its deletion is."
            ),
            "library_block.created": _("Sent when a component is made in a content library."),
            "library_block.updated": _("Sent when the draft of a component of a content library changes."),
            "library_block.deleted": _("Sent when the draft of a component of a content library is deleted."),
            "library_block.published": _(
                "Sent when a component of a content library is published, or its deletion is."
            ),
            "course.created": _("Sent when a course is made."),
            "course.import.completed": _("Sent after the content of a course was imported."),
            "course.rerun.completed": _("Sent after a course was made as a re-run of another."),
            "xblock.created": _("Sent when a block of a course, such as a unit or a problem, is made in Studio."),
            "xblock.updated": _("Sent when a block of a course is changed in Studio."),
            "xblock.deleted": _("Sent when a block of a course is deleted in Studio."),
            "xblock.duplicated": _("Sent when a block of a course is duplicated in Studio."),
            "xblock.published": _(
                "Sent when a block of a course is published: once for a section, whatever has changed inside it."
            ),
        }.items()
    },
    "org.openedx.enterprise.enterprise_group.deleted.v1": EventFacts(
        _("Sent when a group of an enterprise is deleted.")
    ),
    f"{_AUTHORING}course.certificate_config.deleted.v1": EventFacts(
        _("Is meant for the removal of the certificates of a course."),
        (_("Its library says that no service of Open edX uses it."),),
    ),
    **{
        f"org.openedx.{event}": EventFacts(when, (_OTHER_SERVICE,))
        for event, when in {
            "learning.exam.attempt.submitted.v1": _("Sent when a learner submits a proctored exam."),
            "learning.exam.attempt.rejected.v1": _("Sent when a proctored exam of a learner is rejected."),
            "learning.exam.attempt.verified.v1": _("Sent when a proctored exam of a learner is verified."),
            "learning.exam.attempt.errored.v1": _("Sent when a proctored exam of a learner ends in an error."),
            "learning.exam.attempt.reset.v1": _("Sent when a proctored exam of a learner is reset."),
            "learning.program.certificate.awarded.v1": _("Sent when a learner is given the certificate of a program."),
            "learning.program.certificate.revoked.v1": _("Sent when the certificate of a program is revoked."),
            "learning.badge.awarded.v1": _("Sent when a learner is given a badge."),
            "learning.badge.revoked.v1": _("Sent when the badge of a learner is revoked."),
            "enterprise.learner_credit_course_enrollment.revoked.v1": _(
                "Sent when an enrollment that an enterprise paid for is revoked, mostly because the learner left."
            ),
            "enterprise.subsidy.redeemed.v1": _("Sent when the subsidy of an enterprise is used."),
            "enterprise.subsidy.redemption-reversed.v1": _("Sent when the use of a subsidy is reversed."),
            "enterprise.subsidy_ledger_transaction.created.v1": _("Sent when a payment from a subsidy begins."),
            "enterprise.subsidy_ledger_transaction.committed.v1": _("Sent when a payment from a subsidy is made."),
            "enterprise.subsidy_ledger_transaction.failed.v1": _("Sent when a payment from a subsidy fails."),
            "enterprise.subsidy_ledger_transaction.reversed.v1": _("Sent when a payment from a subsidy is reversed."),
        }.items()
    },
}

EVENTS: dict[str, EventFacts] = {
    f"{_LEARNING}auth.session.login.completed.v1": EventFacts(
        _("Sent after each successful login; not after the automatic one that follows a registration."), is_wanted=True
    ),
    f"{_LEARNING}student.registration.completed.v1": EventFacts(
        _("Sent after somebody registered, also through another identity provider."), is_wanted=True
    ),
    f"{_LEARNING}course.enrollment.created.v1": EventFacts(
        _("Sent after each enrollment, also that of a learner who had left the course or was in it already."),
        (_("A new enrollment sends COURSE_ENROLLMENT_CHANGED first, then this."),),
        is_wanted=True,
    ),
    f"{_LEARNING}course.enrollment.changed.v1": EventFacts(
        _("Sent whenever an enrollment becomes active or inactive, or its mode changes."),
        (_("A new enrollment sends it, too, before COURSE_ENROLLMENT_CREATED."),),
        is_wanted=True,
    ),
    f"{_LEARNING}course.unenrollment.completed.v1": EventFacts(
        _("Sent after an enrollment became inactive, in whatever way; COURSE_ENROLLMENT_CHANGED comes before it."),
        is_wanted=True,
    ),
    f"{_LEARNING}certificate.created.v1": EventFacts(
        _("Sent each time a certificate with a passing status is saved, not only when it is made."),
        time=_MODIFIED,
        is_wanted=True,
    ),
    f"{_LEARNING}certificate.changed.v1": EventFacts(
        _("Sent each time a certificate is saved, whatever its status."), time=_MODIFIED
    ),
    f"{_LEARNING}certificate.revoked.v1": EventFacts(
        _("Sent after a certificate was revoked; CERTIFICATE_CHANGED comes before it."), time=_MODIFIED
    ),
    f"{_LEARNING}cohort_membership.changed.v1": EventFacts(
        _("Sent when a learner is put into a cohort or into another; not when one is taken out."),
        (_("Which cohort the learner was in before is not in it."),),
    ),
    f"{_LEARNING}course.persistent_grade_summary.changed.v1": EventFacts(
        _("Sent whenever the platform has calculated a learner's grade in a course."), (_BUSY,), is_wanted=True
    ),
    f"{_LEARNING}course.passing.status.updated.v1": EventFacts(
        _("Sent whenever the platform has found out whether a learner passes a course."), (_BUSY,), is_wanted=True
    ),
    f"{_LEARNING}discussions.configuration.changed.v1": EventFacts(
        _("Sent some time after each publication of a course, whether its discussions changed or not."),
        (_("contexts lists every unit of the course."), _("enabled is true, whatever the course says.")),
    ),
    f"{_AUTHORING}course.catalog_info.changed.v1": EventFacts(
        _("Sent after a course was published."), time=_("When the course's content was last edited.")
    ),
    f"{_AUTHORING}course.certificate_config.changed.v1": EventFacts(
        _("Is meant for changes to the certificates of a course."), runs=False
    ),
    "org.openedx.analytics.tracking.event.emitted.v1": EventFacts(
        _("Sent for each line of the tracking log, where the site has this switched on."),
        (_("That is several for each click of each learner."),),
    ),
    **_OF_LIBRARY,
}
