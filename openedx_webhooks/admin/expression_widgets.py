"""
Widgets for the two expressions of a hook: a condition as rows, a shape as ticked fields or a recipe.

Each is the textarea of before with more ways to fill it; a radio button says which of them counts, so that nothing
typed is lost. Without these inputs, as a program sends the form, the textarea counts.
"""

from itertools import zip_longest
from typing import Any

import attrs
from django import forms
from django.utils.translation import gettext_lazy as _

from ..operations.payload_fields import Field, organisation_prefix, roles_of
from ..payloads import condition_rows, recipes, ticked_fields
from ..payloads.jmespath_text import names_of, path
from .widgets import getlist

_CSS = ("openedx_webhooks/admin.css", "openedx_webhooks/expressions.css")
_SCRIPT = "openedx_webhooks/expressions.js"
# What counts.
ROWS, TEXT, EVERYTHING, FIELDS, RECIPE = "rows", "text", "everything", "fields", "recipe"
_MAX_INPUTS = 500


@attrs.frozen
class TypedRow:
    """A row as it was typed."""

    field: str = ""
    comparison: str = "is"
    value: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was typed; the comparison is always chosen."""
        return not self.field.strip() and not self.value.strip()

    def read(self, kinds: dict[str, str]) -> condition_rows.Row:
        """What it means, by the kinds of the chosen type's fields; an error says what to correct."""
        names = names_of(self.field)
        if not names:
            raise ValueError(_("Choose a field from the list, or enter its path, such as enrollment.mode."))
        field = path(names)
        kind = kinds.get(field, condition_rows.ANYTHING)
        return condition_rows.Row(field, self.comparison, condition_rows.value_of(self.value, kind, self.comparison))


@attrs.frozen
class Entered:
    """
    What the form has for an expression.

    Attributes:
        mode: which of the inputs counts.
        text: of the textarea.
        made: the expression, once the field was cleaned; it is what ``str()`` gives, too.
    """

    mode: str
    text: str = ""
    made: str = attrs.field(default="", eq=False, kw_only=True)

    def __str__(self):
        return self.made


@attrs.frozen
class Condition(Entered):
    """What the form has for a condition."""

    join: str = condition_rows.ALL
    rows: tuple[TypedRow, ...] = ()


@attrs.frozen
class Shape(Entered):
    """What the form has for a shape."""

    fields: tuple[str, ...] = ()
    recipe: str = ""
    parameters: dict[str, str] = attrs.field(factory=dict)


class ExpressionWidget(forms.Textarea):
    """
    What both have.

    Attributes:
        known: the fields of the chosen type; empty while none is chosen.
        ingredients: of the chosen type, for recipes; None while none is chosen, and for filters.
        url: of the endpoint that the script asks.
        made: the expression, once the field was cleaned.
    """

    def __init__(self, attrs=None):
        usual = {"rows": 3, "cols": 80, "class": "owh-code", "spellcheck": "false", "aria-label": "JMESPath"}
        super().__init__({**usual, **(attrs or {})})
        self.known: list[Field] = []
        self.ingredients: recipes.Ingredients | None = None
        self.url = self.made = ""

    @property
    def media(self):
        return forms.Media(js=(_SCRIPT,), css={"screen": _CSS})

    @property
    def kinds(self) -> dict[str, str]:
        """Field → kind."""
        return {field.path: field.kind for field in self.known}

    def get_context(self, name, value, attrs):
        entered = self.entered(value)
        context = super().get_context(name, entered.text, attrs)
        return {**context, "entered": entered, "known": self.known, "url": self.url}

    def entered(self, value: Any):
        """What is shown for a stored or entered value."""
        raise NotImplementedError

    def id_for_label(self, id_):
        # Which input the label is for depends on the choice; the group has a name of its own.
        return ""

    def value_omitted_from_data(self, data, files, name):
        return name not in data and f"{name}-mode" not in data


class ConditionWidget(ExpressionWidget):
    """
    Rows of field, comparison and value, or JMESPath.

    Attributes:
        problems: number of a row (from 0) → what is wrong with it.
    """

    template_name = "admin/openedx_webhooks/widgets/condition.html"
    empty_rows = 2

    def __init__(self, attrs=None):
        super().__init__(attrs)
        self.problems: dict[int, str] = {}

    def entered(self, value):
        """Rows if they say the same, else the text."""
        if isinstance(value, Condition):
            return value
        text = value or ""
        found = condition_rows.rows_of(text)
        if not found:
            return Condition(TEXT, text)
        rows, join = found
        typed = tuple(TypedRow(row.field, row.comparison, condition_rows.text_of(row.value)) for row in rows)
        return Condition(ROWS if self._can_be_read(typed, rows) else TEXT, text, join, typed)

    def _can_be_read(self, typed, rows) -> bool:
        """
        Whether saving what the rows show would mean the same: ``'5'`` and ``5`` look the same in them, and an input
        holds no line breaks and no half of a surrogate pair.
        """
        if not all(row.value.isprintable() for row in typed):
            return False
        try:
            read = [row.read(self.kinds) for row in typed]
            return condition_rows.to_expression(read) == condition_rows.to_expression(rows)
        except ValueError:
            return False

    def get_context(self, name, value, attrs):
        context = super().get_context(name, value, attrs)
        entered = context["entered"]
        shown = [*(entered.rows if entered.mode == ROWS or isinstance(value, Condition) else ())]
        rows = [{"row": row, "problem": self.problems.get(index, "")} for index, row in enumerate(shown)]
        rows += [{"row": TypedRow(), "problem": ""}] * self.empty_rows
        return context | {"rows": rows, "comparisons": condition_rows.COMPARISONS.values()}

    def value_from_datadict(self, data, files, name):
        text = super().value_from_datadict(data, files, name)
        mode = data.get(f"{name}-mode")
        if mode is None:
            return text
        inputs = (getlist(data, f"{name}-{part}")[:_MAX_INPUTS] for part in ("field", "comparison", "value"))
        rows = (
            TypedRow(field, comparison if comparison in condition_rows.COMPARISONS else "is", value)
            for field, comparison, value in zip_longest(*inputs, fillvalue="")
        )
        join = data.get(f"{name}-join")
        return Condition(
            ROWS if mode == ROWS else TEXT,
            text or "",
            join if join == condition_rows.ANY else condition_rows.ALL,
            tuple(row for row in rows if not row.is_empty),
            made=self.made,
        )


class ShapeWidget(ExpressionWidget):
    """
    Everything, only some fields, a recipe for a service, or JMESPath.

    Attributes:
        has_recipes: services are told of events; what answers a filter is made for it.
    """

    has_recipes = True
    template_name = "admin/openedx_webhooks/widgets/shape.html"

    def entered(self, value):
        """What makes the stored text, or the text."""
        if isinstance(value, Shape):
            return value
        text = value or ""
        if not text.strip():
            return Shape(EVERYTHING)
        if self.ingredients and (found := recipes.recipe_of(text, self.ingredients)):
            return Shape(RECIPE, text, recipe=found[0], parameters=found[1])
        fields = ticked_fields.fields_of(text)
        return Shape(FIELDS if fields else TEXT, text, tuple(fields or ()))

    def get_context(self, name, value, attrs):
        context = super().get_context(name, value, attrs)
        entered = context["entered"]
        ticked = set(entered.fields)
        fields = [{"field": field, "is_ticked": field.path in ticked} for field in self.known]
        others = [text for text in entered.fields if text not in self.kinds]
        return context | {
            "fields": fields,
            "others": others,
            "has_recipes": self.has_recipes,
            "recipes": recipes.RECIPES.values(),
            "parameters": [(key, label, entered.parameters.get(key, "")) for key, label in recipes.PARAMETERS.items()],
        }

    def value_from_datadict(self, data, files, name):
        text = super().value_from_datadict(data, files, name)
        mode = data.get(f"{name}-mode")
        if mode is None:
            return text
        return Shape(
            mode if mode in (EVERYTHING, FIELDS, RECIPE) else TEXT,
            text or "",
            tuple(getlist(data, f"{name}-field")[:_MAX_INPUTS]),
            data.get(f"{name}-recipe", ""),
            {key: data.get(f"{name}-{key}", "").strip() for key in recipes.PARAMETERS},
            made=self.made,
        )


def shortcuts(known: list[Field]) -> dict[str, dict[str, str]]:
    """The rows that are wished for most: of one course, and of one organisation; empty if the type names no course."""
    course = roles_of(known).get("course")
    if not course:
        return {}
    before, after = organisation_prefix(course)
    is_whole = str(course.sample).startswith(("course-v1:", "ccx-v1:", "lib:"))
    return {
        "course": {"field": course.path, "comparison": "is" if is_whole else "starts_with", "value": before},
        "organisation": {"field": course.path, "comparison": "starts_with", "value": f"{before}ORG{after}"},
    }
