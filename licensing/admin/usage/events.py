"""Usage events, which nobody edits, and the batches they came in."""

from datetime import UTC, timedelta

from django.contrib import admin
from django.http import Http404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from licensing.models import UsageBatch, UsageEvent
from licensing.models.usage import UsageEventQuerySet
from licensing.quantities import measured
from licensing.usage import explanations
from licensing.usage.archive import archived_events
from licensing.wire.instants import SKEW
from talent.admin.base import FactAdmin
from talent.admin.columns import LANGUAGE, TERRITORY
from talent.admin.waiting import Waiting
from talent.periods import month_range

from .long_lists import EstimatedPaginator, KeysetList
from .prompts import PromptActions
from .rulings import RulingActions

MONTHS_OFFERED = 24


class Month(admin.SimpleListFilter):
    """The month in which a use happened, in UTC."""

    title = _("month")
    parameter_name = "month"

    def lookups(self, request, model_admin):
        first = timezone.now().date().replace(day=1)
        for _month in range(MONTHS_OFFERED):
            yield f"{first:%Y-%m}", date_format(first, "YEAR_MONTH_FORMAT")
            first = (first - timedelta(days=1)).replace(day=1)

    def queryset(self, request, queryset):
        if not self.value():
            return queryset
        try:
            start, end = month_range(self.value(), UTC)
        except ValueError:
            return queryset.none()
        return queryset.filter(occurred_at__gte=start, occurred_at__lt=end)


class ToRuleOn(Waiting):
    title = _("ruling")
    parameter_name = "ruling"
    label = _("Outside the consent, and nobody has ruled on it")
    narrow = UsageEventQuerySet.to_rule_on


class Ahead(admin.SimpleListFilter):
    """Uses that came before they happen: wrong years, mostly. They are held until their time."""

    title = _("time")
    parameter_name = "ahead"

    def lookups(self, request, model_admin):
        return [("yes", _("In the future"))]

    def queryset(self, request, queryset):
        if self.value() != "yes":
            return queryset
        return queryset.filter(occurred_at__gt=timezone.now() + SKEW)


class Leaves(admin.SimpleListFilter):
    """Events from one leaf of the log to another, as links from other pages name them."""

    title = _("leaves of the log")
    parameter_name = "leaves"

    def lookups(self, request, model_admin):
        sent = request.GET.get(self.parameter_name, "")
        return [(sent, sent)] if sent else []

    def queryset(self, request, queryset):
        if not self.value():
            return queryset
        first, _dash, last = self.value().partition("-")
        if not (is_number(first) and is_number(last)):
            return queryset.none()
        return queryset.with_leaves(int(first), int(last))


def is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19


@admin.register(UsageEvent)
class UsageEventAdmin(RulingActions, PromptActions, FactAdmin):
    agency_path = "agency"
    list_display = ["__str__", "occurred_at", "licensee", "agreement", "twin", "right", "use",
                    "quantity", "standing_label"]  # fmt: skip
    list_filter = [
        "standing",
        ToRuleOn,
        Month,
        Ahead,
        Leaves,
        "kind",
        "use",
        ("licensee", AutocompleteSelectFilter),
        ("agreement", AutocompleteSelectFilter),
        ("twin", AutocompleteSelectFilter),
    ]
    list_select_related = ["licensee", "agreement", "twin"]
    search_fields = ["=id"]
    search_help_text = _("The number of an event")
    ordering = ["-id"]
    sortable_by = ()
    paginator = EstimatedPaginator
    fieldsets = [
        (None, {"fields": ["kind", "replaces", "replaced_by", "standing", "standing_reason",
                           "decision", "earned", "quantity", "over", "over_meter", "rulings"]}),
        (_("Who, what, where, when"), {
            "fields": ["licensee", "agreement", "twin", "build", "production", "right", "use",
                       TERRITORY, LANGUAGE, "channel", "prompt_class", "prompt_state",
                       "real_time", "occurred_at"],
        }),
        (_("In the log"), {"fields": ["number", "batch", "seat", "index", "entry_hex", "permit",
                                      "subject"]}),
    ]  # fmt: skip
    readonly_fields = ["decision", "earned", "replaces", "replaced_by", "quantity", "rulings",
                       "subject", "prompt_state", "number", "index", "entry_hex",
                       TERRITORY, LANGUAGE]  # fmt: skip
    actions_detail = ("rule", *PromptActions.actions_detail)

    def get_urls(self):
        view = self.admin_site.admin_view(self.decision_page)
        name = "licensing_usageevent_decision"
        return [path("<int:pk>/decision/", view, name=name), *super().get_urls()]

    def get_changelist(self, request, **kwargs):
        return KeysetList

    def get_queryset(self, request):
        return super().get_queryset(request).defer("entry")

    def decision_page(self, request, pk):
        """Show why an event stands as it does, and the consents that decided it."""
        event = self.get_object(request, str(pk))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Why %s stands as it does") % event,
            "opts": self.opts,
            "original": event,
            "event": event,
            "explanation": explanations.explained(event),
        }
        return TemplateResponse(request, "admin/event_decision.html", context)

    @admin.display(description=_("why"))
    def decision(self, event):
        url = reverse("admin:licensing_usageevent_decision", args=[event.pk])
        return format_html('<a class="desk-link" href="{}">{}</a>', url, _("The decision"))

    @admin.display(description=_("earned"))
    def earned(self, event):
        """Lead on to the lines that the use is in, which are known further down the way."""
        url = reverse("admin:earned_by_event", args=[event.pk])
        text = _("Lines, statements and entries")
        return format_html('<a class="desk-link" href="{}">{}</a>', url, text)

    def get_object(self, request, object_id, from_field=None):
        """Find an event in the tables, or in an archive once its partition has left them."""
        try:
            return super().get_object(request, object_id, from_field)
        except Http404:
            event = (
                archived_events.event_in_archive(int(object_id)) if is_number(object_id) else None
            )
            if event is None or not event.is_visible_to(request.user):
                raise
            return event

    @admin.display(description=_("quantity"))
    def quantity(self, event):
        quantities = ", ".join(
            measured(value, meter) for meter, value in event.quantities().items()
        )
        return quantities or event.get_kind_display()

    @display(
        description=_("standing"),
        label={
            "Cleared": "success",
            "Uncleared": "danger",
            "Out of scope": "danger",
            "Over cap": "warning",
            "On hold": "warning",
        },
    )
    def standing_label(self, event):
        return event.get_standing_display()

    @admin.display(description=_("number"))
    def number(self, event):
        return event.pk

    @admin.display(description=_("index"))
    def index(self, event):
        first = event.batch.first_index
        return _("not sealed yet") if first is None else first + event.seat

    @admin.display(description=_("entry"))
    def entry_hex(self, event):
        return bytes(event.entry).hex()


@admin.register(UsageBatch)
class UsageBatchAdmin(FactAdmin):
    list_display = ["__str__", "licensee", "agency", "door", "size", "received_at", "first_index"]
    list_filter = ["door"]
    list_select_related = ["terms__licensee", "terms__agency"]
    ordering = ["-pk"]

    @admin.display(description=_("licensee"))
    def licensee(self, batch):
        return batch.terms.licensee

    @admin.display(description=_("agency"))
    def agency(self, batch):
        return batch.terms.agency
