"""
What Tutor reads. README.rst has the settings; each patch is a file of ``patches/``, named as Tutor names the place.

The file of hooks and the environment that it refers to are templates below ``apps/openedx/config``: what is there is
mounted at /openedx/config into each container of the LMS, by Docker and, in a ConfigMap, by Kubernetes.
"""

import re
import shlex
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import click
from tutor import exceptions, hooks
from tutor.hooks import priorities

HERE = Path(__file__).parent
VERSION = metadata.version("tutor-contrib-openedx-webhooks")
FILE = "/openedx/config/openedx-webhooks.yml"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

DEFAULTS = {
    "VERSION": VERSION,
    # What pip installs into the image; empty: nothing, because something else does.
    "PIP_REQUIREMENT": f"openedx-webhooks=={VERSION}",
    # Single settings of the plugin, such as {RETENTION_ROW_DAYS: 90}.
    "SETTINGS": {},
    # The file of hooks, relative to the root of this Tutor project; empty: none.
    "FILE": "",
    # Whether hooks that are no longer in the file are deleted.
    "PRUNE": False,
    # Environment variables to which the file refers with {env: NAME}.
    "SECRETS": {},
    # Whether deliveries have a queue and a worker of their own, how many deliver at once, and how many workers there
    # are on Kubernetes.
    "OWN_WORKER": False,
    "WORKER_CONCURRENCY": 2,
    "WORKER_REPLICAS": 1,
    "QUEUE": "edx.lms.core.webhooks",
}
hooks.Filters.CONFIG_DEFAULTS.add_items([(f"OPENEDX_WEBHOOKS_{name}", value) for name, value in DEFAULTS.items()])
hooks.Filters.ENV_TEMPLATE_ROOTS.add_item(str(HERE / "templates"))
hooks.Filters.ENV_PATCHES.add_items([(path.name, path.read_text()) for path in sorted((HERE / "patches").iterdir())])


# --- What the templates of the file and its environment are made of


def _root() -> str:
    """Of the Tutor project that the command is about."""
    context = click.get_current_context(silent=True)
    return getattr(context and context.obj, "root", ".")


def file_of_hooks(name: str) -> str:
    """
    The file, as it is: what looks like a template in it is none.

    Raises:
        TutorError: it can't be read.
    """
    if not name:
        return "version: 1\n"
    path = Path(_root(), name)
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise exceptions.TutorError(
            f"OPENEDX_WEBHOOKS_FILE: {path} can't be read ({error}). The path is relative to the root of the Tutor "
            "project; empty it if there are no hooks to apply."
        ) from error


def environment(secrets: dict[str, str]) -> str:
    """
    Assignments for the shell.

    Raises:
        TutorError: a name is none of a variable.
    """
    if not isinstance(secrets, dict) or not all(map(_VARIABLE.fullmatch, secrets)):
        raise exceptions.TutorError(
            "OPENEDX_WEBHOOKS_SECRETS is an object of names and values; names have letters, digits and underscores, "
            "such as CRM_TOKEN."
        )
    return "".join(f"{name}={shlex.quote(str(value))}\n" for name, value in secrets.items())


hooks.Filters.ENV_TEMPLATE_VARIABLES.add_items(
    [("openedx_webhooks_file", file_of_hooks), ("openedx_webhooks_environment", environment)]
)


# --- What is run

# Jinja's; what is put in the place of the last word is none.
APPLY = f"""
{{% if OPENEDX_WEBHOOKS_FILE %}}
set -a
. /openedx/config/openedx-webhooks.env
set +a
./manage.py lms webhooks_apply{{% if OPENEDX_WEBHOOKS_PRUNE %}} --prune{{% endif %}} {FILE} ARGUMENTS
{{% else %}}
echo "OPENEDX_WEBHOOKS_FILE is not set: there are no webhooks to apply."
{{% endif %}}
"""
ACTIONS = {
    "status": "./manage.py lms webhooks_status ARGUMENTS",
    "export": "./manage.py lms webhooks_export ARGUMENTS",
    "apply": APPLY,
}


def script(action: str, arguments: tuple[str, ...] = ()) -> str:
    """What the shell of the LMS runs."""
    return ACTIONS[action].replace("ARGUMENTS", f"{{% raw %}}{shlex.join(arguments)}{{% endraw %}}")


# After the migrations of the LMS.
hooks.Filters.CLI_DO_INIT_TASKS.add_item(("lms", script("apply")), priority=priorities.LOW)


@click.command(name="webhooks", context_settings={"ignore_unknown_options": True})
@click.argument("action", type=click.Choice(list(ACTIONS)))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def webhooks(action: str, arguments: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """
    Webhooks and webfilters: how they are, as a file, from the file.

    Further ARGUMENTS are those of the command in the LMS, such as --dry-run.
    """
    yield "lms", script(action, arguments)


hooks.Filters.CLI_DO_COMMANDS.add_item(webhooks)
