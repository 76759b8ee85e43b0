"""
Writes one page per event and filter of the installed libraries, from what ``manage.py webhooks_schema`` prints, and a
table of what learners see of the filters.

Sphinx runs it before it reads the pages (conf.py); they are not in the repository. By hand:
``python docs/references/generate_reference.py``.
"""

import json
import os
import re
import shutil
import sys
import textwrap
from itertools import groupby
from pathlib import Path

HERE = Path(__file__).resolve().parent
WIDTH = 116


def main(target=HERE):
    """Write ``events/``, ``filters/`` and ``what_learners_see.rst`` below the target, in place of what is there."""
    sys.path.insert(0, str(HERE.parent.parent))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "test_settings")
    import django  # pylint: disable=import-outside-toplevel

    django.setup()
    from openedx_webhooks import catalog  # pylint: disable=import-outside-toplevel

    for folder, title, intro, entries, page in (
        ("events", "Events", EVENTS, catalog.events(), event_page),
        ("filters", "Filters", FILTERS, catalog.filters(), filter_page),
    ):
        shutil.rmtree(target / folder, ignore_errors=True)
        (target / folder).mkdir(parents=True)
        for entry in entries.values():
            (target / folder / f"{entry.name}.rst").write_text(page(entry), encoding="utf-8")
        index = index_page(title, intro, entries.values())
        (target / folder / "index.rst").write_text(index, encoding="utf-8")
    (target / "what_learners_see.rst").write_text(learners_page(catalog.filters().values()), encoding="utf-8")


EVENTS = """\
What a webhook can be told of: one page per event of the installed ``openedx-events``. ``manage.py webhooks_schema``
prints the same for your installation, other packages' events included, as an OpenAPI 3.1 document."""
FILTERS = """\
What a webfilter can be asked about: one page per filter of the installed ``openedx-filters``, with what is sent, what
may be answered and which exceptions halt the process. ``manage.py webhooks_schema`` prints the same for your
installation, other packages' filters included, as an OpenAPI 3.1 document."""


def index_page(title, intro, entries):
    """All pages by their area: the subdomain of their dotted type."""
    parts = [heading(title, "#"), intro]
    by_subdomain = sorted(entries, key=lambda entry: (entry.subdomain, entry.name))
    for subdomain, group in groupby(by_subdomain, key=lambda entry: entry.subdomain):
        pages = "\n".join(f"   {entry.name}" for entry in group)
        parts += [heading(subdomain, "*"), f".. toctree::\n   :maxdepth: 1\n\n{pages}"]
    return "\n\n".join(parts) + "\n"


def event_page(event_type):
    """What an event carries."""
    from openedx_webhooks.operations import schema  # pylint: disable=import-outside-toplevel

    return "\n\n".join([*head(event_type, schema), *sent(event_type, schema), *personal(event_type)]) + "\n"


def filter_page(filter_type):
    """What a filter is called with, and what may be answered."""
    from openedx_webhooks.operations import schema  # pylint: disable=import-outside-toplevel

    answer = schema.answer_schema(filter_type)
    data = answer["properties"]["data"]
    parts = [*head(filter_type, schema), *sent(filter_type, schema), heading("What may be changed", "*")]
    if data["properties"]:
        parts += [
            "Members of ``data`` in the answer. All others are refused with a log line, and the rest still applies.",
            table(("Member", "Type", "Meaning"), [row[:2] + row[3:] for row in members(data, {})]),
        ]
    else:
        parts.append("Nothing.")
    parts += [heading("What may halt it", "*"), escaped(schema.halting(filter_type))]
    for name in filter_type.exceptions:
        parts += exception_parts(filter_type, name, schema)
    parts.append(heading("Answers to try", "*"))
    parts += [f"To {NAMES[name]}:\n\n{code(value)}" for name, value in schema.sample_answers(filter_type).items()]
    return "\n\n".join(parts) + "\n"


def exception_parts(filter_type, name, schema):
    """What raising an exception does, and what it may be given."""
    description, arguments = schema.exceptions_of(filter_type)[name]
    unread = schema.unread_arguments(filter_type, name)
    rows = [row[:2] + row[3:] for row in members(arguments, {}) if row[0].strip("`") not in unread]
    parts = [heading(f"``{name}``", "="), escaped(description)]
    if ends := exception_ends(filter_type, name):
        parts.append(f":Message: {ends[0]}\n:URL: {ends[1]}")
    parts.append(table(("Argument", "Type", "Meaning"), rows))
    known = ", ".join(f"``{argument}``" for argument in sorted(unread & set(arguments["properties"])))
    if known:
        parts.append(f"The platform does not read {known}: what an answer gives there has no effect.")
    elif arguments["additionalProperties"]:
        parts.append("Further arguments become attributes of the exception.")
    return parts


def exception_ends(filter_type, name):
    """Where the message of an exception ends, and what becomes of a URL; None if it is not known."""
    from openedx_webhooks import platform_facts  # pylint: disable=import-outside-toplevel

    facts = platform_facts.facts_of(filter_type.filter_type).exceptions.get(name)
    return facts and (str(facts.message.label), str(facts.redirect.label))


LEARNERS = """\
One row for each exception of each filter, and one for a filter that has none: what the platform does with an answer,
as far as it is known of Verawood. The pages of the filters say more."""


def learners_page(filters):
    """The table of what learners see."""
    rows = [row for known in sorted(filters, key=lambda known: known.name) for row in learner_rows(known)]
    columns = ("Filter", "Data used", "Exception", "What happens", "Where its message is", "What becomes of a URL")
    return "\n\n".join([heading("What learners see", "#"), LEARNERS, table(columns, rows, "learners")]) + "\n"


def learner_rows(filter_type):
    """
    The rows of one filter.

    Returns:
        (filter, data used, exception, what happens, where its message is, what becomes of a URL) of each exception.
    """
    from openedx_webhooks import platform_facts  # pylint: disable=import-outside-toplevel
    from openedx_webhooks.operations import schema  # pylint: disable=import-outside-toplevel

    facts = platform_facts.facts_of(filter_type.filter_type)
    changeable = schema.answer_schema(filter_type)["properties"]["data"]["properties"]
    data = ", ".join(f"``{name}``" for name in changeable)
    name = f":doc:`filters/{filter_type.name}`"
    if not facts.runs:
        return [(name, "", "", escaped(schema.cautions(filter_type)[0]), "", "")]
    if not filter_type.exceptions:
        return [(name, data, "", "", "", str(facts.redirect.label) if facts.redirect != "ignored" else "")]
    return [
        (name, data, f"``{exception}``", escaped(does), *(exception_ends(filter_type, exception) or ("", "")))
        for exception, (does, _arguments) in schema.exceptions_of(filter_type).items()
    ]


NAMES = {"nothing": "let it go on, or with an empty body", "change": "change something", "halt": "halt it"}


def head(entry, schema):
    """Title, description, identity, and what to know before choosing it."""
    return [
        heading(entry.name, "#"),
        escaped(schema.about(entry) or "The library that defines it says nothing about it."),
        f":Type: ``{entry.dotted}``\n:Area: {entry.subdomain}",
        *(f".. note::\n\n{textwrap.indent(escaped(caution), '   ')}" for caution in schema.cautions(entry)),
    ]


def sent(entry, schema):
    """The payload: its members, and a sample."""
    from openedx_webhooks.payloads.encode import flatten  # pylint: disable=import-outside-toplevel
    from openedx_webhooks.payloads.samples import sample_payload  # pylint: disable=import-outside-toplevel

    payload = schema.payload_schema(entry)
    sample = sample_payload(entry)
    arguments = {name: inner for name, inner in payload["properties"].items() if name != "event_metadata"}
    rows = members({"properties": arguments}, payload["$defs"])
    fields = "\n".join(f"{name}={value}" for name, value in flatten({name: sample[name] for name in arguments}))
    return [
        heading("What is sent", "*"),
        table(("Member", "Type", "Personal data", "Meaning"), rows, "members"),
        "``event_metadata`` is the same for all: see :doc:`../payload`.",
        heading("Sample", "*"),
        code(sample),
        "The same with form encoding, one line per field (``event_metadata_…`` follow):",
        f".. code-block:: text\n\n{textwrap.indent(fields, '   ')}",
    ]


def personal(event_type):
    """What the personal-data modes of a webhook send of an event."""
    from openedx_webhooks.operations import personal_report  # pylint: disable=import-outside-toplevel

    lines = personal_report.lines_of(event_type)
    rows = [(f"``{line.path}``", line.what, line.pseudonymous, line.none) for line in lines if not line.is_clear]
    if not rows:
        return [heading("Personal data", "*"), "Nothing that is known to be: each mode sends the same."]
    return [
        heading("Personal data", "*"),
        "What webhooks send of it that are not set to *full* (:doc:`../../how-tos/personal_data_modes`). All that\n"
        "is not listed is sent as it is.",
        table(("Member", "Personal data", "Pseudonymous", "None"), rows, "modes"),
    ]


def members(schema, definitions, path=""):
    """
    Every member at any depth.

    Returns:
        (path, type, kinds of personal data, description) of each.
    """
    rows = []
    for name, inner in schema.get("properties", {}).items():
        here = f"{path}{name}"
        kinds = ", ".join(inner.get("x-personal-data", ())).replace("_", " ")
        rows.append((f"``{here}``", type_text(inner, definitions), kinds, escaped(inner.get("description", ""))))
        target, suffix = resolved(inner, definitions)
        if here.count(".") < 6:
            rows += members(target, definitions, f"{here}{suffix}.")
    return rows


def resolved(schema, definitions):
    """The object inside a reference, a choice or a list, and ``[]`` for a list."""
    if "$ref" in schema:
        return definitions[schema["$ref"].removeprefix("#/$defs/")], ""
    for inner in schema.get("anyOf", ()):
        if "$ref" in inner or "properties" in inner:
            return resolved(inner, definitions)
    if "items" in schema:
        return resolved(schema["items"], definitions)[0], "[]"
    return schema, ""


def type_text(schema, definitions):
    """``string (date-time) or null``, in words."""
    if "enum" in schema:
        return "one of " + ", ".join("null" if value is None else f"``{value}``" for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(type_text(inner, definitions) for inner in schema["anyOf"])
    if "$ref" in schema:
        return "object"
    kinds = schema.get("type", "anything")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    detail = schema.get("x-opaque-key") or schema.get("format") or schema.get("contentMediaType")
    text = kinds[0] + (f" ({detail})" if detail else "")
    if kinds[0] == "array" and schema.get("items"):
        text = f"list of {type_text(schema['items'], definitions)}"
    return " or ".join([text, *kinds[1:]])


def heading(text, character):
    """A heading of the kind that its underline says."""
    return f"{text}\n{character * len(text)}"


def table(columns, rows, kind=""):
    """A list table; cells may be empty. On a phone, a row of some ``kind`` stands in one column: _static/narrow.css."""
    lines = [".. list-table::", "   :header-rows: 1", *([f"   :class: stacked {kind}"] if kind else []), ""]
    for row in (columns, *rows):
        for index, cell in enumerate(row):
            wrapped = textwrap.wrap(cell, WIDTH - 7, break_long_words=False, break_on_hyphens=False) or [""]
            lines.append(f"   {'*' if index == 0 else ' '} - {wrapped[0]}".rstrip())
            lines += [f"       {line}" for line in wrapped[1:]]
    return "\n".join(lines)


def code(value):
    """JSON as a block."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return f".. code-block:: json\n\n{textwrap.indent(text, '   ')}"


_MARKUP = re.compile(r"``[^`]+``|`[^`]+`|\*\*[^*]+\*\*")


def escaped(text):
    """Text of the libraries' docstrings: their literals and bold words stay, nothing else is markup."""
    result, end = [], 0
    for match in _MARKUP.finditer(text):
        result.append(re.sub(r"([\\*`|_])", r"\\\1", text[end : match.start()]))
        literal = match[0].strip("`")
        result.append(match[0] if match[0].startswith("**") else f"``{literal}``")
        end = match.end()
    result.append(re.sub(r"([\\*`|_])", r"\\\1", text[end:]))
    return textwrap.fill("".join(result), WIDTH, break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    main()
