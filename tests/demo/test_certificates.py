"""Certificates: made and shown."""

import pytest
from django.urls import reverse

from demo.minilms.models import CertificateTemplate, GeneratedCertificate

pytestmark = pytest.mark.django_db


@pytest.fixture
def certificate(learner, course):
    """The learner's certificate."""
    return GeneratedCertificate.objects.create(user=learner, course_id=course.id, name="Ada Lovelace", grade="0.91")


def show(client, certificate):
    return client.get(reverse("certificate", args=[certificate.user_id, certificate.course_id]))


def test_a_certificate_is_made_and_its_events_are_sent(learner_client, enrollment, sent):
    response = learner_client.post(reverse("generate_user_cert", args=[enrollment.course_id]))
    assert response.status_code == 200
    made = GeneratedCertificate.objects.get()
    assert (made.mode, made.status, made.grade, made.name) == ("audit", "downloadable", "0.91", "Ada Lovelace")
    assert [name for name, _kwargs in sent] == ["CERTIFICATE_CHANGED", "CERTIFICATE_CREATED"]


def test_the_grade_is_sent_and_the_mode_is_taken_back(learner_client, enrollment, answer, receiver):
    answer("CertificateCreationRequested", {"data": {"mode": "verified", "grade": 1}})
    learner_client.post(reverse("generate_user_cert", args=[enrollment.course_id]))
    assert receiver.received[0].json["grade"] == {"percent": 0.91, "letter_grade": "A", "passed": True}
    made = GeneratedCertificate.objects.get()
    assert (made.mode, made.grade) == ("verified", "0.91")


def test_a_refusal_is_a_400_with_the_message(learner_client, enrollment, answer, sent):
    answer("CertificateCreationRequested", {"exception": {"PreventCertificateCreation": "Fee not paid"}})
    response = learner_client.post(reverse("generate_user_cert", args=[enrollment.course_id]))
    assert (response.status_code, response.content.decode()) == (400, "Fee not paid")
    page = learner_client.post(reverse("generate_certificate", args=[enrollment.course_id]))
    assert page.status_code == 400
    assert "Fee not paid" in page.content.decode()
    assert not sent
    assert not GeneratedCertificate.objects.exists()


@pytest.mark.parametrize("with_template", [True, False])
def test_everybody_sees_the_certificate_with_the_name_of_the_answer(client, certificate, answer, with_template):
    if with_template:
        CertificateTemplate.objects.create(name="t", template="<b>{{ accomplishment_copy_name }}</b>")
    answer("CertificateRenderStarted", {"data": {"context": {"accomplishment_copy_name": "Dr. <Ada>"}}})
    page = show(client, certificate).content.decode()
    assert "Dr. &lt;Ada&gt;" in page
    assert "Ada Lovelace" not in page


@pytest.mark.parametrize(
    "exception, status, location, text",
    [
        ({"RedirectToPage": {"message": "x", "redirect_to": "https://example.com/"}}, 302, "https://example.com/", ""),
        ({"RenderAlternativeInvalidCertificate": "x"}, 200, None, "This certificate is not valid"),
        ({"RenderCustomResponse": {"message": "x", "content": "Gone", "status": 410}}, 410, None, "Gone"),
    ],
)
def test_an_answer_replaces_the_certificate(client, certificate, answer, exception, status, location, text):
    # pylint: disable=too-many-arguments,too-many-positional-arguments
    answer("CertificateRenderStarted", {"exception": exception})
    response = show(client, certificate)
    assert (response.status_code, response.get("Location")) == (status, location)
    assert text in response.content.decode()


def test_without_a_certificate_there_is_an_explanation(client, learner, course):
    response = client.get(reverse("certificate", args=[learner.pk, course.id]))
    assert response.status_code == 404
    assert "no valid certificate" in response.content.decode()
