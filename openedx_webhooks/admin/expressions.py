"""The form fields of conditions and shapes, and the endpoint that their widgets' script asks."""

from collections.abc import Iterable
from typing import Any

import attrs
from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import JsonResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.translation import gettext as _

from ..catalog import EventType
from ..models import Webhook
from ..operations import payload_fields
from ..payloads import condition_rows, recipes, ticked_fields
from .expression_widgets import (
    EVERYTHING,
    FIELDS,
    RECIPE,
    ROWS,
    ConditionWidget,
    Entered,
    Shape,
    ShapeWidget,
    shortcuts,
)


class ExpressionField(forms.CharField):
    """
    What was entered, in whatever way → JMESPath.

    Attributes:
        stored: the hook's expression, which stays as it is written while what is entered means the same.
    """

    stored = ""

    def clean(self, value: Any) -> str:
        self.widget.made = super().clean(self.expression(value))  # pylint: disable=no-member
        return self.widget.made

    def expression(self, value: Any) -> str:
        """:meth:`clean` without the checks of the expression itself."""
        return self.made(value) if isinstance(value, Entered) else value or ""

    def made(self, entered: Any) -> str:
        raise NotImplementedError

    def has_changed(self, initial, data):
        try:
            return super().has_changed(initial, self.expression(data).strip())  # pylint: disable=no-member
        except ValidationError:
            return True


class ConditionField(ExpressionField):
    """Rows, or JMESPath."""

    def made(self, entered):
        """The rows as an expression. An error names the rows; the widget shows what is wrong at each."""
        if entered.mode != ROWS:
            return entered.text
        rows, problems = [], {}
        for index, typed in enumerate(entered.rows):
            try:
                rows.append(typed.read(self.widget.kinds))
            except ValueError as error:
                problems[index] = str(error)
        self.widget.problems = problems
        if problems:
            numbers = ", ".join(str(index + 1) for index in problems)
            raise ValidationError(_("Correct what is marked in row %s.") % numbers, code="invalid_rows")
        if len(rows) > condition_rows.MAX_ROWS:
            raise ValidationError(
                _("A condition has at most %d rows: use “is one of”, or write JMESPath.") % condition_rows.MAX_ROWS,
                code="too_many_rows",
            )
        made, stored = condition_rows.to_expression(rows, entered.join), condition_rows.rows_of(self.stored)
        return self.stored if stored and condition_rows.to_expression(*stored) == made else made


class ShapeField(ExpressionField):
    """
    Everything, some fields, a recipe, or JMESPath.

    Attributes:
        others: the further types that are chosen: each gets a shape of its own.
    """

    others: Iterable[Any] = ()

    def clean(self, value):
        """The shape for the first of the chosen types, if there is one for each of them."""
        for hook_type in self.others:
            try:
                self.for_type(hook_type, value)
            except ValidationError as error:
                message = f"{hook_type.name}: {' '.join(error.messages)}"
                raise ValidationError(message, code="invalid_for_another") from error
        return super().clean(value)

    @staticmethod
    def for_type(hook_type, value: Any) -> str:
        """The shape for this type: a recipe of what it has, or those of the ticked fields that it has."""
        field = ShapeField(required=False, widget=ShapeWidget)
        tell(hook_type, [field])
        if isinstance(value, Shape):
            value = attrs.evolve(value, fields=tuple(name for name in value.fields if name in field.widget.kinds))
        return field.expression(value)

    def made(self, entered):
        if entered.mode == EVERYTHING:
            return ""
        if entered.mode == FIELDS:
            shape = ticked_fields.to_shape(entered.fields)
            if not shape:
                raise ValidationError(_("Tick at least one field, or choose “everything”."), code="required")
            stored = ticked_fields.fields_of(self.stored)
            return self.stored if stored and ticked_fields.to_shape(stored) == shape else shape
        if entered.mode == RECIPE:
            return self._of_recipe(entered)
        return entered.text

    def _of_recipe(self, entered):
        if entered.recipe not in recipes.RECIPES:
            raise ValidationError(_("Choose the service that is sent to."), code="required")
        if self.widget.ingredients is None:
            raise ValidationError(_("Choose the event first: a recipe is made for it."), code="no_event")
        try:
            return recipes.to_shape(entered.recipe, self.widget.ingredients, entered.parameters)
        except ValueError as error:
            raise ValidationError(str(error), code="invalid_recipe") from error


FIELD_CLASSES = {"condition": ConditionField, "shape": ShapeField}


def prepare(form: forms.ModelForm) -> None:
    """Tell a form of hooks' two fields which types are chosen, and what is stored."""
    chosen, *others = _chosen_types(form) or [None]
    model = form._meta.model
    if "shape" in form.fields:
        form.fields["shape"].others = others
    fields = {name: form.fields[name] for name in FIELD_CLASSES if name in form.fields}
    for name, field in fields.items():
        field.stored = form.initial.get(name) or ""
        field.widget.url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_expressions")
        field.widget.has_recipes = issubclass(model, Webhook)
    tell(chosen, fields.values())


def tell(hook_type, fields: Iterable[ExpressionField]) -> None:
    """Tell the fields' widgets of the chosen type; None: none is chosen, or it is unknown."""
    known = payload_fields.fields_of(hook_type) if hook_type else []
    ingredients = payload_fields.ingredients_of(hook_type, known) if isinstance(hook_type, EventType) else None
    for field in fields:
        field.widget.known, field.widget.ingredients = known, ingredients


def _chosen_types(form) -> list:
    """The catalog's entries of the types that are chosen in a form of hooks."""
    key, data = form.add_prefix("event"), form.data
    chosen = data.getlist(key) if hasattr(data, "getlist") else [data.get(key)]
    if not form.is_bound:
        chosen = [form.initial.get("event")]
    return list(filter(None, (form._meta.model.find_type(str(event)) for event in dict.fromkeys(chosen) if event)))


def shape_for(form, event: str) -> str:
    """The shape that a valid form asks for, made for one of the chosen types."""
    field = form.fields["shape"]
    entered = field.widget.value_from_datadict(form.data, form.files, form.add_prefix("shape"))
    return field.for_type(form._meta.model.find_type(event), entered)


# --- What the script asks


def urls(model_admin) -> list:
    name = model_admin.url_name("expressions")
    return [path("expressions/", model_admin.admin_site.admin_view(endpoint(model_admin)), name=name)]


def endpoint(model_admin):
    """
    A view that answers what the two widgets mean, without a query: the same code that saves them.

    It is a POST because of what is typed, which belongs into no log of addresses.
    """

    def expressions(request):
        if not (model_admin.has_add_permission(request) or model_admin.has_change_permission(request)):
            raise PermissionDenied
        if request.method != "POST":
            opts = model_admin.opts
            return redirect(f"admin:{opts.app_label}_{opts.model_name}_changelist")
        event = next(filter(None, request.POST.getlist("event")), "")
        fields = {
            "condition": ConditionField(required=False, widget=ConditionWidget),
            "shape": ShapeField(required=False, widget=ShapeWidget),
        }
        tell(model_admin.model.find_type(event), fields.values())
        answer = {name: _answer(name, field, request) for name, field in fields.items()}
        if "condition-read" in request.POST:
            answer["condition"]["read"] = _read(fields["condition"], request.POST.get("condition", ""))
        if "fields" in request.POST:
            answer |= _offered(fields["condition"].widget.known)
        return JsonResponse(answer)

    return expressions


def _offered(known: list[payload_fields.Field]) -> dict[str, Any]:
    shown = ("path", "about", "kind", "values", "is_personal")
    return {
        "fields": [{name: getattr(field, name) for name in shown} for field in known],
        "shortcuts": shortcuts(known),
    }


def _answer(name: str, field: ExpressionField, request) -> dict[str, Any]:
    entered = field.widget.value_from_datadict(request.POST, request.FILES, name)
    answer: dict[str, Any] = {"problem": "", "text": None}
    try:
        answer["text"] = field.expression(entered)
    except ValidationError as error:
        answer["problem"] = " ".join(error.messages)
    answer["problems"] = getattr(field.widget, "problems", {})
    return answer


def _read(field: ConditionField, text: str) -> dict[str, Any]:
    """The text as rows, if they can say it."""
    shown = field.widget.entered(text)
    rows = [[row.field, row.comparison, row.value] for row in shown.rows]
    return {"mode": shown.mode, "join": shown.join, "rows": rows}
