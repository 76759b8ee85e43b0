"""The translations that come with the plugin."""

import gettext
import re
from pathlib import Path

import pytest

import openedx_webhooks

LOCALE = Path(openedx_webhooks.__file__).parent / "locale"
LANGUAGES = sorted(path.parent.parent.name for path in LOCALE.glob("*/LC_MESSAGES/django.mo"))
_PLACEHOLDER = re.compile(r"%(?:\(\w+\))?(?:\.\d+)?[sdf]")


def texts_of(language):
    """(original, translation) of a compiled catalog."""
    with (LOCALE / language / "LC_MESSAGES" / "django.mo").open("rb") as file:
        catalog = gettext.GNUTranslations(file)._catalog  # pylint: disable=protected-access
    for key, text in catalog.items():
        # A compiled catalog has the singular of the original only; msgfmt --check compares the plurals.
        original, form = key if isinstance(key, tuple) else (key, 0)
        if original and form == 0:
            yield original, text


def test_there_are_some():
    assert {"es", "pt_BR"} <= set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_placeholders_of_its_original(language):
    """One that is missing or mistyped would make the page fail in that language only."""
    for original, text in texts_of(language):
        assert sorted(_PLACEHOLDER.findall(original)) == sorted(_PLACEHOLDER.findall(text)), original


@pytest.mark.parametrize("language", LANGUAGES)
def test_addresses_and_examples_are_not_translated(language):
    for original, text in texts_of(language):
        for address in re.findall(r"https?://[\w./-]*\w|/dashboard|manage\.py \w+|--[\w-]+", original):
            assert address in text, original


@pytest.mark.parametrize(
    "accept, says",
    [
        ("es", "Enviar prueba"),
        ("es-419", "Enviar prueba"),
        ("pt-br", "Enviar teste"),
        ("en", "Send test"),
        ("tlh", "Send test"),
    ],
)
def test_the_admin_speaks_the_languages_of_the_browser(admin_client, accept, says):
    from openedx_webhooks.models import Webhook  # pylint: disable=import-outside-toplevel

    hook = Webhook.objects.create(
        event="org.openedx.learning.auth.session.login.completed.v1", webhook_url="https://example.com/"
    )
    page = admin_client.get(f"/admin/openedx_webhooks/webhook/{hook.pk}/change/", headers={"accept-language": accept})
    assert says in page.content.decode()


def test_no_text_hides_in_an_f_string():
    """xgettext does not look into them, so that such a text would stay English."""
    hidden = re.compile(r"""f["'][^\n]*\{(?:_|n?gettext)\(""")
    sources = Path(openedx_webhooks.__file__).parent.rglob("*.py")
    assert not [str(source) for source in sources if hidden.search(source.read_text())]
