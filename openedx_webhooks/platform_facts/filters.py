"""The facts of each filter."""

from django.utils.translation import gettext_lazy as _

from .facts import ExceptionFacts, FilterFacts, Message, Redirect, Text

OFTEN = _("It runs many times for one page. Use a condition, a short timeout and cached answers.")
_ANSWERS = _(
    "For staff, the HTML of a unit holds the answers to its problems (Staff Debug Info). Send it only to an endpoint "
    "that may know them."
)
_LEGACY_PAGE = _("It runs on the old page only, not where a site uses the micro-frontend (MFE) instead.")
_CUSTOM = ExceptionFacts(
    _("The learner gets the given response instead of the page; without content, one that shows the message."),
    message=Message.SHOWN,
    reads=["response"],
)


def _goes_to(otherwise: Text) -> ExceptionFacts:
    return ExceptionFacts(otherwise, redirect=Redirect.FOLLOWED, reads=["redirect_to"])


def _renders(argument: str) -> ExceptionFacts:
    return ExceptionFacts(
        _("The learner gets the given template instead of the page. The message is not in it."),
        reads=[argument, "template_context"],
    )


_LEARNING = "org.openedx.learning."
_AUTHENTICATION = "org.openedx.authentication."
_AUTHORING = "org.openedx.content_authoring."

FILTERS: dict[str, FilterFacts] = {
    # --- Accounts, login, registration
    f"{_LEARNING}student.settings.render.started.v1": FilterFacts(
        _("Ran before the old page of account settings, which the platform has no more."),
        {
            "RedirectToPage": _goes_to(_("The learner is sent to the URL.")),
            "RenderInvalidAccountSettings": _renders("account_settings_template"),
            "RenderCustomResponse": _CUSTOM,
        },
        runs=False,
    ),
    f"{_LEARNING}student.registration.requested.v1": FilterFacts(
        _("Runs when somebody submits the sign-up form, before anything is checked or stored. There is no user yet."),
        {
            "PreventRegistration": ExceptionFacts(
                _(
                    "No account is made. The sign-up page (authn MFE) shows a text of its own, which it chooses by "
                    "error_code, never the message; other apps find the message in the response. The status is 403, "
                    "400 or 409; any other becomes 403."
                ),
                message=Message.RESPONSE,
                reads=["status_code", "error_code"],
            )
        },
        is_wanted=True,
    ),
    f"{_LEARNING}student.login.requested.v1": FilterFacts(
        _("Runs at every attempt to log in, before the password is checked."),
        {
            "PreventLogin": ExceptionFacts(
                _(
                    "The login fails with the status 400. The login page (authn MFE) shows the message inside a text "
                    "of its own, which says that the learner is not authorized to use this channel, under “Error "
                    "Details”; for another error_code it shows its own text only. A URL is in the response, and the "
                    "page ignores it."
                ),
                message=Message.WRAPPED,
                redirect=Redirect.RESPONSE,
                reads=["redirect_to", "error_code", "context"],
            )
        },
        (
            _(
                "Anybody who knows an e-mail address or a username can make it run, without the password: it does not "
                "mean that this person is logging in."
            ),
            _("For an account that does not exist, user is null."),
        ),
        is_wanted=True,
    ),
    f"{_LEARNING}account.settings.read_only_fields.requested.v1": FilterFacts(
        _("Runs when an account is changed, to learn which of its fields may not be. An answer can only add fields.")
    ),
    f"{_AUTHENTICATION}login.alt_redirect_url.requested.v1": FilterFacts(
        _("Runs after a successful login with a password on the login page (authn MFE), to learn where to go next."),
        notes=(
            _("The platform drops a URL of another host, unless LOGIN_REDIRECT_WHITELIST of the site names it."),
            _("It does not run for logins through another identity provider."),
        ),
        redirect=Redirect.FOLLOWED,
    ),
    f"{_AUTHENTICATION}account_activation.email.context.generated.v1": FilterFacts(
        _("Runs before the e-mail that asks to activate an account: at registration, and at a login before that."),
        # It activates the account.
        secrets=frozenset(("key",)),
    ),
    f"{_AUTHENTICATION}logistration_view.context.generated.v1": FilterFacts(
        _("Runs before the old page for login and registration is made."), notes=(_LEGACY_PAGE,)
    ),
    f"{_AUTHENTICATION}logistration_view.render.completed.v1": FilterFacts(
        _("Runs after the old page for login and registration was made."), notes=(_LEGACY_PAGE,)
    ),
    f"{_AUTHENTICATION}mfe.context.generated.v1": FilterFacts(
        _("Runs each time the page for login and registration (authn MFE) is opened, by anybody.")
    ),
    f"{_AUTHENTICATION}login.form.generated.v1": FilterFacts(
        _("Runs whenever the login form is made, before it has fields.")
    ),
    f"{_AUTHENTICATION}registration.form.generated.v1": FilterFacts(
        _("Runs whenever the sign-up form is made, before it has fields.")
    ),
    # --- Enrollment
    f"{_LEARNING}course.enrollment.started.v1": FilterFacts(
        _(
            "Runs whenever somebody is to be enrolled, by whatever way: before it is checked whether the course is "
            "open or full, and also when the learner is enrolled already."
        ),
        {
            "PreventEnrollment": ExceptionFacts(
                _(
                    "Nobody is enrolled. Apps that use the enrollment API get the status 403 with the message, the old "
                    "pages get 400 with it; on the page to choose a track (audit, honor) and in the support tools it "
                    "ends in an error page, and the creation of a course in Studio fails."
                ),
                message=Message.RESPONSE,
            )
        },
        (
            _(
                "The enrollment API changes the mode after this filter: a mode that an answer gives lasts only where "
                "the request names none."
            ),
        ),
        is_wanted=True,
    ),
    f"{_LEARNING}course.unenrollment.started.v1": FilterFacts(
        _(
            "Runs when a learner leaves a course on the dashboard, or is removed by e-mail address. It does not run "
            "when the enrollment API deactivates an enrollment or an account is retired."
        ),
        {
            "PreventUnenrollment": ExceptionFacts(
                _("The learner stays enrolled; the dashboard gets the status 400 with the message."),
                message=Message.RESPONSE,
            )
        },
        is_wanted=True,
    ),
    f"{_LEARNING}course.enrollment.view.started.v1": FilterFacts(
        _(
            "Runs at each request to the enrollment API, also at changes of the mode. CourseEnrollmentStarted runs "
            "after it."
        ),
        {
            "PreventEnrollment": ExceptionFacts(
                _("The API answers with the status 400 and a general sentence of its own.")
            )
        },
    ),
    f"{_LEARNING}course_enrollment_queryset.requested.v1": FilterFacts(
        _("Is meant for lists of enrollments."),
        {"PreventEnrollmentQuerysetRequest": ExceptionFacts(_("It would hold the list back."))},
        runs=False,
    ),
    f"{_LEARNING}discount.eligibility.check.requested.v1": FilterFacts(
        _("Runs when a discount is about to be offered, where the site has discounts switched on."),
        {"DiscountIneligible": ExceptionFacts(_("The learner is offered no discount, and isn't told why."))},
    ),
    f"{_LEARNING}course_mode.price.requested.v1": FilterFacts(
        _("Runs on the page to choose a track. The price is shown there only; the checkout has its own.")
    ),
    # --- Certificates, grades, cohorts
    f"{_LEARNING}certificate.creation.requested.v1": FilterFacts(
        _("Runs before a certificate is made: when a learner asks for it, after passing, and once each in bulk."),
        {
            "PreventCertificateCreation": ExceptionFacts(
                _(
                    "No certificate is made. A learner who asked for it gets the status 400 with the message; after "
                    "passing a course nobody is told. A management command or task of an instructor ends with an "
                    "error."
                ),
                message=Message.RESPONSE,
            )
        },
        (_("Whether a learner may have a certificate is not checked again after an answer changed the course."),),
        is_wanted=True,
    ),
    f"{_LEARNING}certificate.render.started.v1": FilterFacts(
        _("Runs before the page of a certificate, which anybody can open."),
        {
            "RedirectToPage": _goes_to(_("Whoever opened the page is sent to the URL, which must be given.")),
            "RenderAlternativeInvalidCertificate": ExceptionFacts(
                _("The page says that the certificate is invalid, in its own words or with the given template."),
                reads=["template_name"],
            ),
            "RenderCustomResponse": _CUSTOM,
        },
    ),
    f"{_LEARNING}cohort.change.requested.v1": FilterFacts(
        _("Runs when a learner who has a cohort is put into another, while the database holds a lock for it."),
        {
            "PreventCohortChange": ExceptionFacts(
                _("The learner stays; the instructor sees the name among those not allowed, without the message.")
            )
        },
    ),
    f"{_LEARNING}cohort.assignment.requested.v1": FilterFacts(
        _(
            "Runs when a learner is put into a cohort: by an instructor, or automatically at the first visit to "
            "content of the course."
        ),
        {
            "PreventCohortAssignment": ExceptionFacts(
                _(
                    "The instructor sees the learner among those not allowed, without the message. At the first visit "
                    "to content of the course, the learner gets an error page (HTTP 500) instead of the course."
                )
            )
        },
        (
            _("After an answer changed the cohort, the first page still shows content for the original one."),
            _("A cohort that the learner is in already ends in an error."),
        ),
    ),
    f"{_LEARNING}grade.context.requested.v1": FilterFacts(
        _("Runs when a learner passes a course for the first time. The context goes into the tracking log only.")
    ),
    f"{_LEARNING}schedule.queryset.requested.v1": FilterFacts(
        _("Runs in background tasks that send course reminders: many times a day, with many learners each.")
    ),
    # --- Courseware and pages
    f"{_LEARNING}course_about.render.started.v1": FilterFacts(
        _("Runs before the about page of a course."),
        {
            "RedirectToPage": _goes_to(_("The visitor is sent to the URL, without one to the dashboard.")),
            "RenderInvalidCourseAbout": _renders("course_about_template"),
            "RenderCustomResponse": _CUSTOM,
        },
        (
            _(
                "The page is cached for visitors who are not logged in: what an answer does for one of them is served "
                "to others, too, and the webfilter isn't asked again until the cache expires."
            ),
            _LEGACY_PAGE,
        ),
        is_wanted=True,
    ),
    f"{_LEARNING}dashboard.render.started.v1": FilterFacts(
        _("Runs before the learner's dashboard."),
        {
            "RedirectToPage": _goes_to(_("The learner is sent to the URL, without one to the account page.")),
            "RenderInvalidDashboard": _renders("dashboard_template"),
            "RenderCustomResponse": _CUSTOM,
        },
        (_LEGACY_PAGE,),
        is_wanted=True,
    ),
    f"{_LEARNING}instructor.dashboard.render.started.v1": FilterFacts(
        _("Runs before the instructor dashboard."),
        {
            "RedirectToPage": _goes_to(_("The instructor is sent to the URL, which must be given.")),
            "RenderInvalidDashboard": _renders("instructor_template"),
            "RenderCustomResponse": _CUSTOM,
        },
        (_("The context holds e-mail addresses of learners (certificate_allowlist)."), _LEGACY_PAGE),
    ),
    f"{_LEARNING}instructor.dashboard.tabs.requested.v1": FilterFacts(
        _("Runs when the instructor dashboard (MFE) asks for its tabs."),
        {
            "PreventTabsGeneration": ExceptionFacts(
                _("The dashboard shows the given tabs, without them none."), reads=["tabs"]
            )
        },
    ),
    f"{_LEARNING}xblock.render.started.v1": FilterFacts(
        _("Runs once for each unit that a learner opens, before it is made."),
        {
            "PreventXBlockBlockRender": ExceptionFacts(_("An error page (HTTP 500) takes the place of the unit.")),
            "RenderCustomResponse": ExceptionFacts(
                _("The given HTML, without it the message, takes the place of the unit; a URL becomes a link in it."),
                message=Message.SHOWN,
                redirect=Redirect.LINK,
                reads=["response"],
            ),
        },
    ),
    f"{_LEARNING}vertical_block_child.render.started.v1": FilterFacts(
        _("Runs once for each component of a unit, before it is made."),
        {"PreventChildBlockRender": ExceptionFacts(_("The component is left out, without a word."))},
        (OFTEN,),
    ),
    f"{_LEARNING}vertical_block.render.completed.v1": FilterFacts(
        _("Runs once for each unit that a learner opens, after its HTML was made."),
        {
            "PreventVerticalBlockRender": ExceptionFacts(
                _("The message takes the place of the unit's HTML."), message=Message.SHOWN
            )
        },
        (_ANSWERS,),
    ),
    f"{_LEARNING}ora.submission_view.render.started.v1": FilterFacts(
        _("Runs before the form for the response to an open response assessment, as long as none was submitted."),
        {
            "RenderInvalidTemplate": ExceptionFacts(
                _("The form is made with the given template and context. The message is not in it."),
                reads=["context", "template_name"],
            )
        },
        (_("The context holds the learner's draft, and links that open the uploaded files."),),
    ),
    f"{_LEARNING}courseware.view.started.v1": FilterFacts(
        _("Runs before the old pages of courseware, such as the progress page; not before those of the MFE."),
        {"RedirectToUrl": _goes_to(_("The learner is sent to the URL, which must be given."))},
    ),
    f"{_LEARNING}course.start_date.validation_failed.v1": FilterFacts(
        _("Runs for each course or block that has not started, after access was refused. No answer can grant it."),
        {
            "OverrideStartDateError": ExceptionFacts(
                _(
                    "Access stays refused, with the given code and texts. The learning MFE goes by the code: for one "
                    "that it does not know it shows the home page of the course."
                ),
                message=Message.RESPONSE,
                reads=["error_code", "developer_message", "user_message"],
            )
        },
        (OFTEN,),
    ),
    f"{_LEARNING}courseware.access_checks.requested.v1": FilterFacts(
        _("Runs when the learning MFE asks whether the learner may see a course, after the platform said yes."),
        {
            "PreventCoursewareAccess": ExceptionFacts(
                _(
                    "The learner, also staff, gets no access. The learning MFE goes by the code: for one that it does "
                    "not know it shows the home page of the course, for data_sharing_access_required it goes to the "
                    "path on this site that is in developer_message."
                ),
                message=Message.RESPONSE,
                redirect=Redirect.FOLLOWED,
                reads=["error_code", "developer_message", "user_message"],
            )
        },
        (_("Pages and APIs that do not ask are not closed by it."),),
        is_wanted=True,
    ),
    f"{_LEARNING}course.homepage.url.creation.started.v1": FilterFacts(
        _("Runs for each link to a course, on pages and in e-mails."), notes=(OFTEN,)
    ),
    f"{_LEARNING}idv.page.url.requested.v1": FilterFacts(
        _("Runs for each link to the verification of an identity, on pages and in e-mails."), notes=(OFTEN,)
    ),
    f"{_LEARNING}course_about.page.url.requested.v1": FilterFacts(
        _("Runs for each link to the about page of a course."), notes=(OFTEN,)
    ),
    f"{_AUTHORING}lms.page.url.requested.v1": FilterFacts(
        _("Runs in Studio for each file in the list of a course's files. The URL is what their addresses begin with."),
        notes=(OFTEN,),
    ),
    f"{_LEARNING}home.enrollment.api.rendered.v1": FilterFacts(
        _("Runs for each enrollment that the learner's home (MFE) shows."), notes=(OFTEN,)
    ),
    f"{_LEARNING}home.courserun.api.rendered.started.v1": FilterFacts(
        _("Runs for each course that the learner's home (MFE) shows."), notes=(OFTEN,)
    ),
    f"{_LEARNING}support.contact.context.requested.v1": FilterFacts(
        _("Runs before the page to contact the site's support.")
    ),
    f"{_LEARNING}support.enrollment.data.requested.v1": FilterFacts(
        _("Runs when support staff looks at a learner's enrollments.")
    ),
}
