"""Hooks as a file: exported, applied, refused."""

import os
import threading
from pathlib import Path

import jsonschema
import pytest
import yaml
from django.db import connection, connections
from django.test import override_settings

from openedx_webhooks.models import Webfilter, Webhook
from openedx_webhooks.operations import configuration
from openedx_webhooks.operations.configuration import plan as plans
from openedx_webhooks.operations.configuration import values

LOGIN = "org.openedx.learning.auth.session.login.completed.v1"
MAY_LOGIN = "org.openedx.learning.student.login.requested.v1"
ONE = """
version: 1
webhooks:
- name: crm
  event: SESSION_LOGIN_COMPLETED
  webhook_url: https://crm.example.com/hooks
"""
pytestmark = pytest.mark.django_db


def apply(text, **options):
    """The plan that was carried out."""
    return configuration.apply(text, options.pop("source", "hooks.yml"), **options)


def mistakes(text, **options):
    """Why nothing was done."""
    with pytest.raises(configuration.Mistakes) as error:
        apply(text, **options)
    return error.value.texts


def verbs(plan):
    """What is done with which hook."""
    return [(step.verb, step.hook.name) for step in plan.steps]


def words(plan):
    """As a terminal shows it."""
    return "\n".join(plans.in_words(plan, is_done=False))


@pytest.fixture(name="secrets")
def some_secrets(monkeypatch, tmp_path):
    """An environment variable, and a file as Kubernetes makes them."""
    monkeypatch.setenv("CRM_TOKEN", "Bearer t0p-s3cret")
    monkeypatch.setenv("BROKEN", "\udcff")
    (tmp_path / "secret").write_text("a-secret-of-sixteen-letters\n")
    return tmp_path / "secret"


# --- There and back


def everything(model):
    """A hook that has every option otherwise than most."""
    other = {
        "event": MAY_LOGIN if model is Webfilter else LOGIN,
        "webhook_url": "https://crm.example.com/h00k?a=b",
        "description": "Für die \"Kollegen\": 'ja'\n\nno\ttab, # no comment",
        "payload_format": "current",
        "personal_data": "pseudonymous",
        "condition": "user.is_active == `true` &&\r\n  !contains(user.pii.email, '@example.com')",
        "shape": "{a: user.id, b: `1`}",
        "authentication": "oauth2",
        "credentials": {"token_url": "https://a.example/t", "client_id": "on", "client_secret": "t0p-s3cret"},
        "headers": {"X-A": "t0p-s3cret", "X-No": "t0p-s3cret"},
        "signature": "github",
        "secret": "t0p-s3cret-of-ours",
        "retry_schedule": [5, 300],
        **{f"redirect_on_{on}": "/dashboard" for on in ("4xx", "5xx", "request_exception")},
        "timeout": 2.5,
        "order": -3,
        "mode": "observe",
        "call_log": "all",
        "local_answer": "",
    }
    hook = model()
    for name, field in values.options_of(model).items():
        value = other.get(name, not field.get_default())
        setattr(hook, name, value)
        assert name in ("payload_format", "local_answer") or value != field.get_default(), "this test sets every option"
    hook.use_www_form_encoding = False
    hook.save()
    return hook


def options(hook):
    """Every option with its value."""
    return {name: getattr(hook, name) for name in values.options_of(type(hook))}


@pytest.mark.parametrize("model", [Webhook, Webfilter])
def test_every_option_comes_back_as_it_was(model):
    """An export differs in nothing from what it was made of, and brings back what was changed since."""
    text = configuration.export()
    assert apply(text).steps == []
    before = everything(model)
    text = configuration.export()
    assert "s3cret" not in text
    assert apply(text, is_dry=True).steps == []
    model.objects.update(**{name: model._meta.get_field(name).get_default() for name in ("description", "condition")})
    apply(text)
    assert options(model.objects.get()) == options(before)


NO_PLAIN_TEXTS = ["null", "~", "yes", "1e3", "2026-01-01", "- a", "a: b", "#", " x ", "\x1b[31m", "🙂", "|", "{{ x }}"]


@pytest.mark.parametrize("text", [*NO_PLAIN_TEXTS, "a\n b\n", "\n", "a\r\nb"])
def test_every_text_comes_back_as_it_was(text):
    Webhook.objects.create(event=LOGIN, webhook_url="https://a.example/", name="a", description=text)
    assert apply(configuration.export(), is_dry=True).steps == []


def test_hooks_without_a_name_get_one_that_stays():
    for model, event in ((Webhook, LOGIN), (Webhook, LOGIN), (Webhook, "org.example.Gone.v1"), (Webfilter, MAY_LOGIN)):
        model.objects.create(event=event, webhook_url="https://a.example/")
    text = configuration.export()
    assert list(Webhook.objects.values_list("name", flat=True)) == [
        "session-login-completed", "session-login-completed-2", "org-example-gone-v1",
    ]  # fmt: skip
    assert Webfilter.objects.get().name == "student-login-requested"
    assert configuration.export() == text


# --- For editors


def problems(text):
    """What an editor would underline."""
    return list(jsonschema.Draft202012Validator(configuration.schema()).iter_errors(yaml.safe_load(text)))


def test_the_schema_takes_what_is_exported():
    jsonschema.Draft202012Validator.check_schema(configuration.schema())
    for model in (Webhook, Webfilter):
        everything(model)
    assert problems(configuration.export()) == []


@pytest.mark.parametrize("line", ["conditions: a", "mode: observe", "enabled: 5", "secret: a", "headers: {X-A: a}"])
def test_the_schema_refuses_what_is_refused(line):
    assert problems(ONE) == []
    assert problems(f"{ONE}  {line}\n")
    assert mistakes(f"{ONE}  {line}\n")


def test_the_how_to_is_true(monkeypatch, tmp_path):
    """Its file can be applied, and its mistakes are told as it says."""
    folder = Path(__file__).parents[2] / "docs" / "how-tos"
    text, how_to = (folder / "hooks.yml").read_text(), (folder / "configuration_as_code.rst").read_text()
    assert problems(text) == []
    monkeypatch.setenv("CRM_API_KEY", "a")
    for name in ("crm_signing_secret", "hr_token"):
        (tmp_path / name).write_text("whsec_" + "A" * 32)
    text = text.replace("/run/secrets", str(tmp_path))
    found = mistakes(text.replace("condition:", "conditions:").replace(f"{{file: {tmp_path}/hr_token}}", "t0ken"))
    for mistake in found:
        assert mistake in " ".join(how_to.split())
    assert len(found) == 2
    assert len(apply(text).steps) == 2


# --- Applied


def test_applied_twice_changes_nothing_the_second_time():
    assert verbs(apply(ONE)) == [("add", "crm")]
    hook = Webhook.objects.get()
    versions = hook.history.count()
    assert (hook.event, hook.enabled, hook.applied_from) == (LOGIN, True, "hooks.yml")
    plan = apply(ONE)
    assert (plan.steps, plan.kept, plan.adopted) == ([], 1, [])
    assert (Webhook.objects.get().modified, hook.history.count()) == (hook.modified, versions)


def test_what_the_file_does_not_mention_is_as_usual_but_whether_the_hook_runs():
    apply(ONE)
    Webhook.objects.update(condition="user.id", paused=True, enabled=False)
    secret = Webhook.objects.get().secret
    assert verbs(apply(ONE)) == [("change", "crm")]
    hook = Webhook.objects.get()
    assert (hook.condition, hook.paused, hook.enabled, hook.secret) == ("", True, False, secret)
    apply(ONE + "  enabled: true\n  paused: false\n")
    hook = Webhook.objects.get()
    assert (hook.paused, hook.enabled) == (False, True)


def test_a_webhook_that_the_plugin_disabled_starts_afresh():
    apply(ONE)
    Webhook.objects.update(enabled=False, disabled_reason="410", consecutive_failures=7)
    apply(ONE + "  enabled: true\n")
    hook = Webhook.objects.get()
    assert (hook.disabled_reason, hook.consecutive_failures) == ("", 0)


def test_its_history_says_where_it_came_from():
    apply(ONE)
    assert Webhook.objects.get().history.get().history_change_reason == "Applied from the file hooks.yml."


def test_secrets_are_read_where_the_file_is_applied(secrets):
    text = ONE + f"  headers: {{X-A: {{env: CRM_TOKEN}}}}\n  signature: github\n  secret: {{file: {secrets}}}\n"
    plan = apply(text)
    hook = Webhook.objects.get()
    assert (hook.headers, hook.secret) == ({"X-A": "Bearer t0p-s3cret"}, "a-secret-of-sixteen-letters")
    assert "s3cret" not in words(plan)
    assert "sixteen" not in words(plan)
    assert apply(text).steps == []
    secrets.write_text("another-of-sixteen-letters")
    assert "secret: another one; it is not shown" in words(apply(text))
    assert Webhook.objects.get().secret == "another-of-sixteen-letters"


def test_a_replaced_secret_stays_valid_for_a_while(monkeypatch):
    apply(ONE)
    old = Webhook.objects.get().secret
    monkeypatch.setenv("NEW", "whsec_" + "A" * 32)
    apply(ONE + "  secret: {env: NEW}\n")
    assert Webhook.objects.get().previous_secret == old


def test_what_no_key_opens_is_kept(secrets):
    apply(ONE + "  headers: {X-A: {env: CRM_TOKEN}}\n")
    with connection.cursor() as cursor:
        cursor.execute("SELECT headers, secret FROM openedx_webhooks_webhook")
        before = cursor.fetchall()
        with override_settings(OPENEDX_WEBHOOKS={"ENCRYPTION_KEYS": ["another"]}):
            apply(ONE + "  headers: {X-A: keep}\n  description: x\n")
        cursor.execute("SELECT headers, secret FROM openedx_webhooks_webhook")
        assert cursor.fetchall() == before


def test_only_what_came_from_this_file_is_pruned_and_only_on_request():
    apply(ONE + "- {name: other, event: SESSION_LOGIN_COMPLETED, webhook_url: https://a.example/}\n")
    apply("version: 1\nwebfilters:\n- {name: third, event: StudentLoginRequested, mode: observe, local_answer: 'null'}",
          source="filters.yml")  # fmt: skip
    Webhook.objects.create(event=LOGIN, webhook_url="https://a.example/", name="by-hand")
    plan = apply(ONE)
    assert (verbs(plan), [hook.name for hook in plan.left]) == ([], ["other"])
    assert verbs(apply(ONE, prune=True)) == [("delete", "other")]
    assert set(Webhook.objects.values_list("name", flat=True)) == {"crm", "by-hand"}
    assert Webfilter.objects.count() == 1


def test_a_hook_that_is_being_removed_gives_its_name_back(monkeypatch):
    apply(ONE)
    monkeypatch.setattr("openedx_webhooks.operations.removal._AT_ONCE", -1)
    apply("version: 1", prune=True)
    assert verbs(apply(ONE)) == [("add", "crm")]
    assert Webhook.objects.count() == 2


def test_a_difference_can_be_read():
    apply(ONE + "  condition: user.id\n  headers: {}\n")
    Webhook.objects.update(webhook_url="https://old.example.com/t0ken", headers={"X-A": "x"}, retry_schedule=[5])
    text = words(apply(ONE + "  condition: |-\n    user.id &&\n    user.is_active\n", is_dry=True))
    assert (
        text
        == """\
~ webhook crm
    webhook_url: old.example.com → crm.example.com
    condition:
      - user.id
      + user.id &&
      + user.is_active
    headers: removed: X-A
    retry_schedule: [5] → []
0 would be added, 1 changed, 0 deleted; 0 are so already."""
    )
    assert Webhook.objects.get().headers == {"X-A": "x"}


# --- Refused

NEW = "- name: other\n  event: SESSION_LOGIN_COMPLETED\n  webhook_url: https://a.example/\n"


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", "hooks.yml: The file is empty. It begins with “version: 1”."),
        ("- a", "hooks.yml, line 1: Write names with values here"),
        ("webhooks: []", "hooks.yml, line 1: The version is missing"),
        ("version: 2", "hooks.yml, line 1, version: This release reads version 1."),
        ("version: 1\nwebhook: []", "hooks.yml, line 2, webhook: “webhook” is no section. Did you mean “webhooks”?"),
        ("version: 1\nversion: 1", "hooks.yml, line 2: “version” is there twice: remove one."),
        ("version: 1\n\tx: 1", "hooks.yml, line 2: This is no YAML ("),
        ("version: 1\nwebhooks: [{a: b", "hooks.yml, line 2: This is no YAML ("),
        (b"version: 1 # \xff", "hooks.yml: This is no text in UTF-8"),
        ("[" * 5000, "hooks.yml: It is nested too deeply"),
        ("#" * 3_000_000, "hooks.yml: The file is larger than 2 MB"),
        ("version: 1\nwebhooks: {a: b}", "hooks.yml, line 2, webhooks: Write a list here"),
        ("version: 1\nwebhooks:\n- event: x", "hooks.yml, line 3, webhooks[0]: The name is missing"),
        ("version: 1\nwebhooks:\n- name: A b", "hooks.yml, line 3, webhooks[0].name: Use small letters"),
        ("version: 1\nwebhooks:\n- name: " + "a" * 101, "webhooks[0].name: Enter at most 100 characters."),
        (ONE + ONE[21:], "line 8, webhooks[1]: “crm” is there twice: give one of them another name."),
    ],
)
def test_a_file_that_can_not_be_read_says_where_and_what_to_do(text, expected):
    assert expected in mistakes(text)[0]


@pytest.mark.parametrize(
    "line, expected",
    [
        ("enabled: 'yes please'", "hooks.yml, line 7, webhooks.crm.enabled: Write true or false."),
        ("conditions: a", "webhooks.crm.conditions: “conditions” is no option of a webhook. Did you mean “condition”?"),
        ("mode: observe", "“mode” is no option of a webhook. It may be: description, event, webhook_url,"),
        ("condition: {a: b}", "webhooks.crm.condition: Write “{env: NAME}”, “{file: PATH}” or a text"),
        ("condition: 5", "condition: Write a text here: put it in quotes."),
        ("condition: 'a =='", "webhooks.crm.condition: "),
        ("payload_format: currant", "payload_format: “currant” can't be chosen. Did you mean “current”?"),
        ("payload_format: {env: PATH}", "payload_format: “” can't be chosen. It may be: current,"),
        ("retry_schedule: 5", "retry_schedule: Write a list, such as [5, 300]."),
        ("retry_schedule: [a]", "retry_schedule: Write whole numbers."),
        ("retry_schedule: [-5]", "retry_schedule: Enter a list of waits in seconds"),
        ("secret: hunter2hunter2", "webhooks.crm.secret: Secrets do not stand in the file. Write “keep”,"),
        ("secret: {env: NO_SUCH}", "secret: The environment variable NO_SUCH is not set, or empty."),
        ("secret: {file: /no/such}", "secret: The file /no/such can't be read: No such file or directory."),
        ("secret: {file: /}", "secret: / is no file: give the path of one."),
        ("secret: {env: CRM_TOKEN}", "secret: A signing secret is whsec_ followed by"),
        ("headers: [a]", "webhooks.crm.headers: Write names with values here"),
        ("headers: {X-A: hunter2}", "webhooks.crm.headers.X-A: Secrets do not stand in the file."),
        ("headers: {X-A: keep}", "headers.X-A: There is nothing to keep yet: write “{env: NAME}”"),
        ("headers: {Host: {env: CRM_TOKEN}}", "webhooks.crm.headers: “Host” is set by the plugin itself: remove it."),
        ("authentication: bearer", "webhooks.crm.credentials: “Token” is missing: enter it."),
        ("credentials: {token: hunter2}", "webhooks.crm.credentials.token: Secrets do not stand in the file."),
        ("<<: {enabled: true}", "“<<” is no option"),
        ("description: !!str [a]", "description: Write a text here: put it in quotes."),
        ('description: "a\\0b"', "description: This text has a character that can't be stored."),
        ('condition: "\\ud800"', "condition: This text has a character that can't be stored."),
        ("headers: {X-A: {env: BROKEN}}", "headers.X-A: This text has a character that can't be stored."),
        ("retry_schedule: &a [*a]", "retry_schedule: Write whole numbers."),
        ("headers: &a {X-A: *a}", "headers.X-A: Write “{env: NAME}”, “{file: PATH}” or a text"),
        ("description: !!python/object/apply:os.abort []", "description: Write a text here: put it in quotes."),
    ],
)
@pytest.mark.usefixtures("secrets")
def test_an_option_that_can_not_be_used_says_where_and_what_to_do(line, expected):
    found = mistakes(f"{ONE}  {line}\n")
    assert expected in found[0]
    assert "hunter2" not in found[0]
    assert not Webhook.objects.exists()


def test_of_many_mistakes_the_first_hundred_are_told():
    found = mistakes("version: 1\nwebhooks: [" + "a," * 5000 + "]")
    assert (len(found), found[-1]) == (101, "hooks.yml: Correct these first: nobody has looked any further.")


def test_every_mistake_is_told_and_nothing_is_done():
    apply(ONE)
    found = mistakes(ONE.replace("https://crm", "crm") + "  timeout: 5\n" + NEW + "  condition: '=='\n")
    assert [text.split(": ")[0] for text in found] == [
        "hooks.yml, line 7, webhooks.crm.timeout", "hooks.yml, line 11, webhooks.other.condition",
    ]  # fmt: skip
    found = mistakes(ONE.replace("https://crm", "crm"))
    assert found[0].startswith("hooks.yml, line 6, webhooks.crm.webhook_url: ")
    assert Webhook.objects.get().webhook_url == "https://crm.example.com/hooks"


def test_a_switch_of_a_webfilter_without_effect_is_refused():
    text = "version: 1\nwebfilters:\n- {name: a, event: StudentLoginRequested, webhook_url: https://a.example/, "
    assert "webfilters.a.mode: “mode” is missing: write one of enforce / observe." in mistakes(text + "}")[0]
    text += "mode: observe, "
    assert "serve_stale_answers: Tick “cache answers” too" in mistakes(text + "serve_stale_answers: true}")[0]
    assert "timeout: Write a number" in mistakes(text + "timeout: .nan}")[0]
    assert "timeout: Ensure" in mistakes(text + "timeout: 900}")[0]


@pytest.mark.usefixtures("secrets")
def test_values_that_are_kept_stay_with_their_address():
    apply(ONE + "  headers: {X-A: {env: CRM_TOKEN}}\n")
    moved = ONE.replace("crm.example.com", "evil.example.com")
    found = mistakes(moved + "  headers: {X-A: keep}\n")
    assert found == [
        "hooks.yml, line 7, webhooks.crm.headers: The address was changed. Enter the values again that may be sent to "
        "it: X-A."
    ]
    assert mistakes(moved + "  headers: keep\n")[0].endswith("it: headers.")
    apply(moved + "  headers: {X-A: {env: CRM_TOKEN}}\n")


def test_credentials_that_are_kept_stay_with_their_token_server(secrets):
    oauth = "  authentication: oauth2\n  credentials: {token_url: https://%s/t, client_id: a, client_secret: %s}\n"
    apply(ONE + oauth % ("a.example", f"{{file: {secrets}}}"))
    assert apply(ONE + oauth % ("a.example", "keep")).steps == []
    assert "credentials: The address was changed." in mistakes(ONE + oauth % ("b.example", "keep"))[0]


@pytest.mark.usefixtures("secrets")
def test_an_upload_refers_to_nothing_on_the_server():
    """Whoever may edit hooks could else read the environment, and files, by sending them to a server of their own."""
    for line in ("headers: {X-A: {env: CRM_TOKEN}}", "description: {file: /etc/passwd}"):
        assert "can't refer to the server's environment" in mistakes(f"{ONE}  {line}\n", may_refer=False)[0]
    text = ONE + "  headers: {X-A: {env: CRM_TOKEN}}\n  description: {env: CRM_TOKEN}\n"
    apply(text)
    Webhook.objects.update(headers={"X-A": "as it is"})
    assert apply(text, may_refer=False).steps == []
    moved = text.replace("crm.example.com", "evil.example.com")
    assert "The address was changed" in mistakes(moved, may_refer=False)[0]


def test_an_upload_keeps_each_credential_that_it_refers_to(secrets):
    """One at a time: a user name is no password."""
    text = f"{ONE}  authentication: basic\n  credentials: {{user: {{env: CRM_TOKEN}}, password: {{file: {secrets}}}}}\n"
    assert "credentials.user: There is nothing to keep yet" in mistakes(text, may_refer=False)[0]
    apply(text.replace("user: {env: CRM_TOKEN}", "user: bob"))
    assert apply(text, may_refer=False).steps == []
    assert Webhook.objects.get().credentials["user"] == "bob"


def test_an_unknown_type_may_stay_as_it_is_but_not_come():
    text = ONE.replace("SESSION_LOGIN_COMPLETED", "org.example.gone.v1")
    assert "webhooks.crm.event: This installation has no “org.example.gone.v1”" in mistakes(text)[0]
    Webhook.objects.create(name="crm", event="org.example.gone.v1", webhook_url="https://crm.example.com/hooks")
    assert verbs(apply(text + "  description: x\n")) == [("change", "crm")]


# --- Two at once


@pytest.mark.django_db(transaction=True)
def test_two_at_once_make_each_hook_once():
    """Two replicas initialise at the same time."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer, and this database is in memory")
    text = ONE + NEW
    together, results = threading.Barrier(4), []

    def run():
        together.wait()
        results.append(verbs(apply(text)))
        connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [[], [], [], [("add", "crm"), ("add", "other")]]
    assert Webhook.objects.count() == 2


def test_a_pipe_that_nobody_writes_to_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    node = yaml.compose(str(tmp_path / "pipe"))
    with pytest.raises(values.Mistake, match="is no file"):
        values.REFERENCES["file"](node)
