"""From what there is to a file."""

import re
from collections.abc import Collection, Iterator
from typing import Any

import yaml
from django.db import IntegrityError, router, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from ...models import Hook
from .document import FORMAT_VERSION, SECTIONS
from .values import is_default, must_be_said, options_of, written

_LONGEST_NAME = 90


class _Dumper(yaml.SafeDumper):
    """Texts of several lines, such as expressions, are lines of the file."""


def _text(dumper, text):
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def export(models: Collection[type[Hook]] | None = None) -> str:
    """
    The hooks as YAML, without any secret. Hooks without a name are given one, which is saved.

    Args:
        models: the kinds of hooks; None: all.
    """
    document: dict[str, Any] = {"version": FORMAT_VERSION}
    for section, model in SECTIONS.items():
        if models is None or model in models:
            document[section] = [_entry(hook) for hook in _named(model)]
    head = [
        _("Webhooks and webfilters. Apply it with: manage.py webhooks_apply FILE"),
        _("keep: a secret stays as it is stored. {env: NAME} and {file: PATH} read it where the file is applied."),
        _("An option that is not here has its default; enabled, paused and mode are left as they are."),
    ]
    text = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return "".join(f"# {line}\n" for line in head) + re.sub(r"^- ", "\n- ", text, flags=re.MULTILINE)


def _entry(hook: Hook) -> dict[str, Any]:
    values = {name: (field, written(field, hook)) for name, field in options_of(type(hook)).items()}
    return {"name": hook.name} | {
        name: value for name, (field, value) in values.items() if must_be_said(field) or not is_default(field, value)
    }


def _named(model: type[Hook]) -> Iterator[Hook]:
    rows = model.objects.using(router.db_for_write(model)).filter(removing_since=None).order_by("pk")
    taken = set(rows.exclude(name=None).values_list("name", flat=True))
    for hook in rows:
        while not hook.name:
            name = _free(_slug(hook), taken)
            taken.add(name)
            try:
                with transaction.atomic(using=rows.db):
                    # Not if somebody else names it at this moment.
                    hook.name = name
                    hook.save(using=rows.db, update_fields=["name", "modified"])
            except IntegrityError:
                hook.name = None
        yield hook


def _slug(hook: Hook) -> str:
    # RenderXBlockStarted, ORASubmissionViewRenderStarted
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", hook.event_name)
    return slugify(re.sub(r"[^A-Za-z0-9]+", "-", words))[:_LONGEST_NAME].strip("-") or hook._meta.model_name


def _free(wanted: str, taken: set[str]) -> str:
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}-{number}"
    return name
