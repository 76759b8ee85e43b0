"""``manage.py webhooks_export`` and ``webhooks_apply``."""

import io

import pytest
from django.core.management import CommandError, call_command

from openedx_webhooks.models import Webhook

pytestmark = pytest.mark.django_db
ONE = "version: 1\nwebhooks:\n- {name: crm, event: SESSION_LOGIN_COMPLETED, webhook_url: https://a.example/}\n"


@pytest.fixture(name="file")
def a_file(tmp_path):
    """A file with one webhook."""
    path = tmp_path / "hooks.yml"
    path.write_text(ONE)
    return path


def run(*arguments):
    """What a command says."""
    out = io.StringIO()
    call_command(*map(str, arguments), stdout=out)
    return out.getvalue()


def test_a_dry_run_changes_nothing_and_its_status_tells_whether_something_would(file):
    with pytest.raises(SystemExit) as status:
        run("webhooks_apply", file, "--dry-run")
    assert status.value.code == 2
    assert not Webhook.objects.exists()
    assert "1 added, 0 changed" in run("webhooks_apply", file)
    assert "1 are so already" in run("webhooks_apply", file, "--dry-run")


def test_what_is_exported_is_applied(tmp_path, file):
    run("webhooks_apply", file)
    exported = tmp_path / "exported.yml"
    run("webhooks_export", "--output", exported)
    assert exported.read_text() == run("webhooks_export")
    assert "0 added, 0 changed, 0 deleted; 1 were so already" in run("webhooks_apply", exported)


def test_a_mistake_is_an_error_that_names_the_file(file):
    file.write_text(ONE.replace("https:", "htps:"))
    with pytest.raises(CommandError, match=r"(?s)hooks\.yml, line 3, webhooks\.crm\.webhook_url: .*\nNothing was chan"):
        run("webhooks_apply", file)


def test_what_is_piped_has_no_name_to_prune_by(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(ONE.encode())))
    with pytest.raises(CommandError, match="needs a file with a name"):
        run("webhooks_apply", "-", "--prune")
    assert "1 added" in run("webhooks_apply", "-")


def test_files_that_can_not_be_read_or_written(tmp_path):
    with pytest.raises(CommandError, match="can't be read: No such file"):
        run("webhooks_apply", tmp_path / "none.yml")
    with pytest.raises(CommandError, match="can't be written"):
        run("webhooks_export", "--output", tmp_path)
