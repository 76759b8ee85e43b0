"""Filters of the lists of records. None of them touches a query: each says its conditions, and newest.py meets them."""

from datetime import timedelta

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..models import Attempt, Delivery, Webfilter, Webhook
from ..operations.newest import Condition
from .filters import MODES, BarFilter, types_in_use
from .parts import first_characters
from .times import parse_time

_MOST_HOOKS = 50
# More hooks than this have one type nowhere.
_MOST_OF_A_TYPE = 1000


class RecordFilter(BarFilter):
    """
    Attributes:
        parameters: the names in the address.
    """

    parameters: tuple[str, ...] = ()

    def __init_subclass__(cls):
        cls.parameters = cls.parameters or ((cls.parameter_name,) if cls.parameter_name else ())

    def queryset(self, request, queryset):
        """Untouched: see :meth:`conditions`."""
        return queryset

    def conditions(self) -> list[Condition]:
        """What rows must meet."""
        return self.conditions_for(self.chosen) if self.chosen else []

    def conditions_for(self, value: str) -> list[Condition]:
        """What rows must meet for one of the choices."""
        raise NotImplementedError


class ColumnFilter(RecordFilter):
    """By the values that a column may have."""

    column = ""

    def lookups(self, request, model_admin):
        return model_admin.model._meta.get_field(self.column).choices

    def conditions_for(self, value):
        return [Condition(Q(**{self.column: value}), self.column, is_single=True)]


class StateFilter(ColumnFilter):
    """By the state of a delivery."""

    title, parameter_name, column = _("state"), "state__exact", "state"


class ResultFilter(ColumnFilter):
    """By the result of a call."""

    title, parameter_name, column = _("result"), "result__exact", "result"


class ModeFilter(ColumnFilter):
    """By whether the answer counted."""

    title, parameter_name, column = _("mode"), "mode__exact", "mode"

    def lookups(self, request, model_admin):
        return MODES


class SampleFilter(ColumnFilter):
    """Whether no condition matched an event."""

    title, parameter_name, column = _("kept"), "is_sample__exact", "is_sample"

    def lookups(self, request, model_admin):
        return [("0", _("for webhooks")), ("1", _("as samples"))]

    def conditions_for(self, value):
        return [Condition(Q(is_sample=value == "1"))]


class HookFilter(RecordFilter):
    """By hook: the newest ones, and the one that a link asked for."""

    hook_model: type
    column = ""

    def lookups(self, request, model_admin):
        """At most fifty hooks: a site may have thousands."""
        hooks = list(self.hook_model.objects.order_by("-pk")[:_MOST_HOOKS])
        asked = request.GET.get(self.parameter_name, "")
        if asked.isascii() and asked.isdecimal() and asked not in {str(hook.pk) for hook in hooks}:
            hooks += self.hook_model.objects.filter(pk=int(asked[:9]))
        return [(str(hook.pk), hook_label(hook)) for hook in hooks]

    def conditions_for(self, value):
        return [Condition(Q(**{f"{self.column}_id": int(value)}), self.column, is_single=True)]


class WebhookFilter(HookFilter):
    """By webhook."""

    title, parameter_name, hook_model, column = _("webhook"), "webhook__id__exact", Webhook, "webhook"


class WebfilterFilter(HookFilter):
    """By webfilter."""

    title, parameter_name, hook_model, column = _("webfilter"), "webfilter__id__exact", Webfilter, "webfilter"


class EventFilter(RecordFilter):
    """By the type of a captured event, of those that webhooks have."""

    title, parameter_name = _("event"), "event_type"

    def lookups(self, request, model_admin):
        return types_in_use(Webhook)

    def conditions_for(self, value):
        return [Condition(Q(event_type=value), "event_type", is_single=True)]


class HookTypeFilter(RecordFilter):
    """By the type of a record's hook: the record's own table does not have it, but the hook's number has an index."""

    parameter_name = "event_type"
    hook_model: type
    column = ""

    def lookups(self, request, model_admin):
        return types_in_use(self.hook_model)

    def conditions_for(self, value):
        rows = self.hook_model.objects.filter(event=value).order_by()
        hooks = list(rows.values_list("pk", flat=True)[:_MOST_OF_A_TYPE])
        return [Condition(Q(**{f"{self.column}_id__in": hooks}), self.column, is_single=len(hooks) == 1)]


class DeliveryEventFilter(HookTypeFilter):
    """By event."""

    title, hook_model, column = _("event"), Webhook, "webhook"


class CallEventFilter(HookTypeFilter):
    """By filter."""

    title, hook_model, column = _("filter"), Webfilter, "webfilter"


class AnswerFilter(RecordFilter):
    """By the class of the status code; of a delivery: the last attempt's."""

    title, parameter_name = _("answer"), "answer"
    status = "status_code"
    # Rows that had no answer because none was asked for.
    unasked = Q()

    def lookups(self, request, model_admin):
        return [*((f"{digit}xx", f"{digit}xx") for digit in "2345"), ("none", _("no answer"))]

    def conditions_for(self, value):
        if value == "none":
            return [Condition(Q(**{f"{self.status}__isnull": True}) & ~self.unasked)]
        first = int(value[0]) * 100
        return [Condition(Q(**{f"{self.status}__gte": first, f"{self.status}__lt": first + 100}))]


class CallAnswerFilter(AnswerFilter):
    """A webfilter without a server answers by itself."""

    unasked = Q(status_code=None, error="")


class DeliveryAnswerFilter(AnswerFilter):
    """By the last attempt, which rows have as an alias: :func:`with_last_status`."""

    status = "last_status"
    unasked = Q(attempt_count=0) | Q(state=Delivery.State.SKIPPED)

    def conditions_for(self, value):
        """What is delivered was answered with 2xx: of the others only the attempts need be looked at."""
        if value == "2xx":
            return [Condition(Q(state=Delivery.State.DELIVERED), "state", is_single=True)]
        return [Condition(~Q(state=Delivery.State.DELIVERED) & each.q) for each in super().conditions_for(value)]


def with_last_status(deliveries: QuerySet[Delivery]) -> QuerySet[Delivery]:
    """Deliveries with the alias ``last_status``: of the last attempt; None without answer, or attempt."""
    last = Attempt.objects.filter(delivery=OuterRef("pk")).order_by("-pk").values("status_code")[:1]
    return deliveries.alias(last_status=Subquery(last))


class TimeFilter(RecordFilter):
    """The last hour, day, week; or since and until any time."""

    title, parameter_name = _("time"), "when"
    parameters = ("when", "since", "until")
    template = "admin/openedx_webhooks/record_filter_time.html"
    column = "created"
    _SPANS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}

    def __init__(self, request, params, model, model_admin):
        super().__init__(request, params, model, model_admin)
        for name in self.parameters[1:]:
            value = params.pop(name, "")
            # Django 4.2 has a text here, and its successors a list of them.
            self.used_parameters[name] = value if isinstance(value, str) else value[-1]

    def expected_parameters(self):
        return list(self.parameters)

    def lookups(self, request, model_admin):
        return [("hour", _("last hour")), ("day", _("last day")), ("week", _("last week"))]

    def conditions(self):
        found = super().conditions()
        for name, lookup in (("since", "gte"), ("until", "lte")):
            if time := parse_time(self.used_parameters[name]):
                found.append(Condition(Q(**{f"{self.column}__{lookup}": time}), self.column))
        return found

    def conditions_for(self, value):
        return [Condition(Q(**{f"{self.column}__gte": timezone.now() - self._SPANS[value]}), self.column)]


class CallTimeFilter(TimeFilter):
    """When a call began."""

    column = "started_at"


def hook_label(hook) -> str:
    """``12: SESSION_LOGIN_COMPLETED, first words of the description``."""
    text = first_characters(hook.description, 40)
    return f"{hook.pk}: {hook.event_name}" + (f", {text}" if text else "")
