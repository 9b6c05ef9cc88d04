"""Caps with their burn-down, and their fiscal years."""

from decimal import Decimal

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import F, Q
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from licensing.agreements.counted_caps import begin_to_count
from licensing.caps.burn_down import PACE_DAYS, burn_downs
from licensing.caps.years import raise_alerts_of_new_limits
from licensing.models import Cap, CapAlert, CapYear
from licensing.quantities import measured
from licensing.words import AgreementStatus
from talent import locales
from talent.admin.as_read import locale_of_reader
from talent.admin.base import DeskAdmin, FactAdmin
from talent.admin.columns import number
from talent.admin.parts import FactInline
from talent.errors import Refused
from talent.locales import quantity
from talent.periods import local_day

from .amendments import AsksToChangeCap
from .signing import CallsBack

COUNTED = ["agreement", "twin", "performer", "meter", "channels", "year_start_month", "starts_on"]
DRAFT = AgreementStatus.DRAFT.value
HUNDREDTH = Decimal("0.01")


def _is_draft(agreement):
    return agreement.status == DRAFT


class CapYearInline(FactInline):
    model = CapYear
    fields = readonly_fields = ["starts_on", number("reserved"), number("used")]
    ordering = ["-starts_on"]


@admin.register(Cap)
class CapAdmin(AsksToChangeCap, CallsBack, DeskAdmin):
    agency_path = "agreement__agency"
    actions_detail = ["ask_to_change"]
    list_display = ["limits", "meter", number("limit"), "kind", "channels", "starts_on", "ends_on"]
    list_filter = ["meter", "hard"]
    list_select_related = ["agreement", "twin", "performer"]
    search_fields = ["agreement__reference", "twin__name", "performer__name"]
    ordering = ["-pk"]
    autocomplete_fields = ["agreement", "twin", "performer"]
    inlines = [CapYearInline]

    def at_agencies(self, agencies):
        return (
            Q(agreement__agency__in=agencies)
            | Q(performer__representations__agency__in=agencies)
            | Q(twin__agency__in=agencies)
            | Q(twin__performer__representations__agency__in=agencies)
        )

    def get_fieldsets(self, request, obj=None):
        limit = (None, {"fields": [*self.get_fields(request, obj)]})
        if obj is None:
            limit[1]["description"] = _("A cap limits an agreement, a twin or a performer: one.")
            return [limit]
        shown = ["gone", "pace", "full_on"]
        limit[1]["fields"] = [name for name in limit[1]["fields"] if name not in shown]
        return [(_("This fiscal year"), {"fields": shown}), limit]

    def get_readonly_fields(self, request, obj=None):
        """Show as text what a cap that counts keeps."""
        if obj is None:
            return []
        shown = ["gone", "pace", "full_on"]
        if not obj.years.exists():
            return shown
        # A cap that has ended has counted no use since.
        has_ended = obj.ends_on and obj.ends_on <= local_day(timezone.now(), obj.time_zone)
        return [*shown, *COUNTED, *(["ends_on"] if has_ended else [])]

    def get_object(self, request, object_id, from_field=None):
        cap = super().get_object(request, object_id, from_field)
        (cap.burnt,) = burn_downs([cap], at=timezone.now())
        return cap

    def has_change_permission(self, request, obj=None):
        """Show as text the cap of an agreement that was signed."""
        of_a_draft = obj is None or obj.agreement is None or _is_draft(obj.agreement)
        return of_a_draft and super().has_change_permission(request, obj)

    def _choices(self, db_field, request):
        """Offer drafts only: a cap of a signed agreement is no entry of one person."""
        rows = super()._choices(db_field, request)
        return rows.filter(status=DRAFT) if db_field.name == "agreement" else rows

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except Refused as refusal:  # No cap was saved.
            self.message_user(request, str(refusal), messages.ERROR)
            return redirect(request.get_full_path())

    @transaction.atomic
    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        if obj.agreement is None:
            begin_to_count([obj.pk], at=timezone.now())
        if change and "limit" in form.changed_data:
            raise_alerts_of_new_limits([obj.pk], at=timezone.now())

    @admin.display(description=_("limits"))
    def limits(self, cap):
        return cap.agreement or cap.twin or cap.performer

    @display(description=_("kind"), ordering="hard", label={"Hard": "danger", "Overage": "info"})
    def kind(self, cap):
        return "Hard" if cap.hard else "Overage"

    @admin.display(description=_("gone"))
    def gone(self, cap):
        burnt = cap.burnt
        figures = {
            "used": quantity(burnt.used, "en"),
            "reserved": quantity(burnt.reserved, "en"),
            "limit": measured(burnt.limit, cap.meter),
        }
        return format_html(
            '<progress max="100" value="{}" aria-hidden="true"></progress> {} – {}',
            min(burnt.percent, 100),
            locales.percent(Decimal(burnt.percent), "en"),
            _("%(used)s used and %(reserved)s reserved of %(limit)s") % figures,
        )

    @admin.display(description=_("pace"))
    def pace(self, cap):
        pace = quantity(cap.burnt.pace.quantize(HUNDREDTH), "en")
        return _("%(pace)s a day, over at most %(days)d days") % {"pace": pace, "days": PACE_DAYS}

    @admin.display(description=_("full at this pace"))
    def full_on(self, cap):
        if not cap.burnt.left:
            return _("It is full.")
        if cap.burnt.full_on is None:
            return _("Not in this fiscal year.")
        return date_format(cap.burnt.full_on)


class NearItsEnd(admin.SimpleListFilter):
    title = _("near its end")
    parameter_name = "near"

    def lookups(self, request, model_admin):
        return [("80", _("80 % or more")), ("100", _("used up"))]

    def queryset(self, request, queryset):
        shares = {"80": "0.8", "100": "1"}
        if self.value() not in shares:
            return queryset
        return queryset.near_its_end(timezone.now(), shares[self.value()])


class CapAlertInline(FactInline):
    model = CapAlert
    fields = readonly_fields = ["percent", "raised_at"]


@admin.register(CapYear)
class CapYearAdmin(FactAdmin):
    list_display = ["limits", "meter", "starts_on", number("used"),
                    number("still_reserved", "reserved"), number("limit"), "burnt"]  # fmt: skip
    list_filter = [NearItsEnd, "cap__meter"]
    list_select_related = ["cap__agreement", "cap__twin", "cap__performer"]
    search_fields = ["cap__agreement__reference", "cap__twin__name", "cap__performer__name"]
    ordering = ["-starts_on", "-pk"]
    inlines = [CapAlertInline]

    def get_queryset(self, request):
        rows = super().get_queryset(request).with_still_reserved(timezone.now())
        spent = (F("used") + F("still_reserved")) * 100
        return rows.annotate(limit=F("cap__limit"), burnt_down=spent / F("cap__limit"))

    @admin.display(description=_("limits"))
    def limits(self, year):
        return year.cap.agreement or year.cap.twin or year.cap.performer

    @admin.display(description=_("meter"), ordering="cap__meter")
    def meter(self, year):
        return year.cap.get_meter_display()

    @admin.display(description=_("burnt down"), ordering="burnt_down")
    def burnt(self, year):
        return locales.percent(Decimal(round(year.burnt_down)), locale_of_reader())
