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
_MODIFIED = _("When the certificate was last changed in the database.")

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
    **{
        f"org.openedx.authz.role_assignment.{what}": EventFacts(notes=(_("The learner is named as user^<username>."),))
        for what in ("created", "deleted")
    },
    **{
        f"org.openedx.{event}.v1": EventFacts(notes=(_OTHER_SERVICE,))
        for event in (
            *(f"learning.exam.attempt.{what}" for what in ("submitted", "rejected", "verified", "errored", "reset")),
            *(
                f"learning.{what}.{done}"
                for what in ("program.certificate", "badge")
                for done in ("awarded", "revoked")
            ),
            *(f"enterprise.subsidy.{what}" for what in ("redeemed", "redemption-reversed")),
            *(
                f"enterprise.subsidy_ledger_transaction.{what}"
                for what in ("created", "committed", "failed", "reversed")
            ),
            "enterprise.learner_credit_course_enrollment.revoked",
        )
    },
}
