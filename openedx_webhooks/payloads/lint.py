"""
Mistakes in an expression that JMESPath allows, or refuses without saying what would be right: each with its place and
the remedy. The schema of the payload says which paths there are; payloads at hand say which there are besides.

What is unknown is taken for good: a warning that is wrong costs more trust than one that is missing.
"""

import re
from collections.abc import Collection, Sequence
from typing import Any

from django.utils.translation import gettext as _

from . import shape
from .lint_tokens import Finding, lint_tokens, tokens_of
from .lint_tree import MAX_FINDINGS, Walk
from .local_answer import LocalAnswer, is_json
from .places import Place


def lint(
    text: str, schema: dict[str, Any], samples: Sequence[Any] = (), *, is_condition: bool = False
) -> list[Finding]:
    """
    What is probably wrong with an expression.

    Args:
        schema: JSON Schema of the payload, complete in itself.
        samples: payloads; a path that one of them has is there.
        is_condition: the result is taken for true or false.
    """
    if len(text) > shape.MAX_EXPRESSION:
        return []
    tokens = list(tokens_of(text))
    found = list(lint_tokens(tokens))
    try:
        expression = shape.compile_expression(text)
    except shape.ExpressionError:
        return _sorted(found)
    walk = Walk(expression.parsed, tokens, len(text), schema)
    try:
        result = walk.visit(expression.parsed, Place.of(schema, samples))
        if is_condition and not walk.found:
            walk.check_result(expression.parsed, result)
    except RecursionError:
        pass
    return _sorted([*found, *walk.found])


def lint_answer(
    text: str, schema: dict[str, Any], samples: Sequence[Any], keys: Collection[str], exceptions: Collection[str]
) -> list[Finding]:
    """
    What is probably wrong with a local answer.

    Args:
        keys: what ``data`` may have.
        exceptions: the names of the filter's exceptions.
    """
    try:
        answer = LocalAnswer(text)
    except shape.ExpressionError:
        # Of JSON, the parser says what is wrong with it.
        return [] if is_json(text) else lint(text, schema, samples)
    found = [] if answer.parsed is None else lint(text, schema, samples)
    if answer.parsed is None:
        names = list(answer.constant)
    elif answer.parsed["type"] == "multi_select_dict":
        names = [pair["value"] for pair in answer.parsed["children"]]
    else:
        names = []
    for name in names:
        if name in ("data", "exception"):
            continue
        outer = "data" if name in keys else "exception" if name in exceptions else ""
        if not outer:
            continue
        match = re.search(rf'"?\b{re.escape(name)}\b"?', text)
        start, end = match.span() if match else (0, len(text))
        quote = '"' if answer.parsed is None else ""
        found.append(
            Finding(
                start,
                end,
                _("“%(name)s” belongs into “%(outer)s”: alone it does nothing.") % {"name": name, "outer": outer},
                f"{{{quote}{outer}{quote}: {{{quote}{name}{quote}: …}}}}",
            )
        )
    return _sorted(found)


def _sorted(found: list[Finding]) -> list[Finding]:
    unique = {(finding.start, finding.end): finding for finding in reversed(found)}
    return [unique[place] for place in sorted(unique)][:MAX_FINDINGS]
