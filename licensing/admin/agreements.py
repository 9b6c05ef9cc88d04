"""Agreements with their grants, rates and caps, and the rules of the field."""

from datetime import timedelta

from django.contrib import admin
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from licensing.agreements import agreements
from licensing.models import (
    Agreement,
    AgreementStep,
    Bracket,
    Cap,
    CapYear,
    Grant,
    Multiplier,
    RateCard,
    RateLine,
    RuleSet,
)
from licensing.words import AgreementStatus
from talent.admin.base import DeskAdmin, FactAdmin, FactInline, PartsInline


@admin.register(RuleSet)
class RuleSetAdmin(FactAdmin):
    list_display = ["title", "instrument", "jurisdiction", "effective_from", "effective_to",
                    "confidence_label", "status_label"]  # fmt: skip
    list_filter = ["confidence", "status", "trigger", "jurisdiction"]
    search_fields = ["code", "title", "instrument", "clause", "summary"]
    ordering = ["instrument", "code", "-effective_from"]

    @display(
        description=_("how sure"),
        ordering="confidence",
        label={
            "Read in the primary text": "success",
            "Read in a secondary source": "info",
            "Derived from found figures": "info",
            "Not verified": "warning",
            "Not found or sources conflict": "danger",
        },
    )
    def confidence_label(self, rule):
        return rule.get_confidence_display()

    @display(
        description=_("status"),
        ordering="status",
        label={"In force": "success", "Proposed": "warning", "Expired": "info"},
    )
    def status_label(self, rule):
        return rule.get_status_display()


class EndsWithin(admin.SimpleListFilter):
    title = _("ends within")
    parameter_name = "ends_within"

    def lookups(self, request, model_admin):
        return [(str(days), _("%d days") % days) for days in (30, 60, 90)]

    def queryset(self, request, queryset):
        if self.value() not in {"30", "60", "90"}:
            return queryset
        return queryset.expiring_within(timedelta(days=int(self.value())))


class WhileDraft:
    """Parts of an agreement that are fixed once it is signed."""

    def _is_draft(self, agreement):
        return agreement is None or agreement.status == AgreementStatus.DRAFT

    def has_add_permission(self, request, obj=None):
        return self._is_draft(obj) and super().has_add_permission(request, obj)

    def has_change_permission(self, request, obj=None):
        return self._is_draft(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request, obj=None):
        return self._is_draft(obj) and super().has_delete_permission(request, obj)


class GrantInline(WhileDraft, PartsInline):
    model = Grant


class RateCardInline(PartsInline):
    model = RateCard
    show_change_link = True


class CapInline(PartsInline):
    model = Cap
    fields = ["meter", "limit", "channels", "year_start_month", "hard", "starts_on", "ends_on"]


class StepInline(FactInline):
    model = AgreementStep
    fields = readonly_fields = ["kind", "at", "by", "reason"]
    ordering = ["-at"]


@admin.register(Agreement)
class AgreementAdmin(DeskAdmin):
    agency_path = "agency"
    list_display = ["reference", "licensee", "twin", "agency", "status_label", "starts_at",
                    "ends_at", "currency"]  # fmt: skip
    list_filter = ["status", EndsWithin, "agency", "guild"]
    list_select_related = ["licensee", "twin", "agency"]
    search_fields = ["reference", "licensee__name", "twin__name"]
    ordering = ["-starts_at", "-pk"]
    autocomplete_fields = ["agency", "licensee", "twin", "productions"]
    inlines = [GrantInline, RateCardInline, CapInline, StepInline]
    actions = ["sign"]
    actions_detail = ["sign_this", "end_today"]
    fieldsets = [
        (None, {"fields": ["reference", "agency", "licensee", "twin", "productions"]}),
        (_("Term"), {"fields": ["status", "signed_at", "starts_at", "ends_at"]}),
        (
            _("Money"),
            {"fields": ["currency", "time_zone", "rating_period", "fiscal_year_start_month"]},
        ),
        (_("Engagement"), {"fields": ["engagement", "guild", "description"]}),
    ]
    # Changed by signing and ending only.
    readonly_fields = ["status", "signed_at"]

    @display(
        description=_("status"),
        ordering="status",
        label={"Draft": "warning", "Signed": "success", "Ended": "info"},
    )
    def status_label(self, agreement):
        return agreement.get_status_display()

    def get_readonly_fields(self, request, obj=None):
        if obj is None or obj.status == AgreementStatus.DRAFT:
            return self.readonly_fields
        return [name for _title, part in self.fieldsets for name in part["fields"]]

    @admin.action(description=_("Sign the selected drafts"), permissions=["sign"])
    def sign(self, request, queryset):
        self.each(request, queryset, lambda one: self._sign(request, one), _("%(row)s is signed."))

    @action(description=_("Sign"), permissions=["sign_draft"], icon="draw")
    def sign_this(self, request, object_id):
        agreement = self.get_object(request, object_id)
        step = lambda: self._sign(request, agreement)  # noqa: E731 (one step, tried below)
        self.tried(request, agreement, step, _("%(row)s is signed."))
        return _back(object_id)

    @action(description=_("End now"), permissions=["end_signed"], icon="event_busy")
    def end_today(self, request, object_id):
        agreement, now = self.get_object(request, object_id), timezone.now()

        def step():
            agreements.end(
                agreement=agreement,
                ends_at=now,
                at=now,
                by=request.user,
                reason="Ended in the admin",
            )

        self.tried(request, agreement, step, _("%(row)s has ended."))
        return _back(object_id)

    def _sign(self, request, agreement):
        agreements.sign(agreement=agreement, at=timezone.now(), by=request.user)

    def has_sign_draft_permission(self, request, object_id=None):
        return self._may_step(request, object_id, AgreementStatus.DRAFT)

    def has_end_signed_permission(self, request, object_id=None):
        return self._may_step(request, object_id, AgreementStatus.SIGNED)

    def _may_step(self, request, object_id, status):
        """Offer a step only where it is the next one."""
        standing = object_id and self.get_object(request, object_id).status
        return standing == status and self.has_sign_permission(request, object_id)

    def has_sign_permission(self, request, object_id=None):
        agreement = object_id and self.get_object(request, object_id)
        allowed = request.user.has_perm("licensing.sign_agreement")
        return allowed and self.may(request, "sign", agreement or None)


def _back(object_id):
    return redirect(reverse("admin:licensing_agreement_change", args=[object_id]))


class RateLineInline(PartsInline):
    model = RateLine
    fields = ["code", "label", "meter", "pricing", "unit_price", "charge_group", "unlicensed"]
    show_change_link = True


class MultiplierInline(PartsInline):
    model = Multiplier


@admin.register(RateCard)
class RateCardAdmin(DeskAdmin):
    agency_path = "agreement__agency"
    list_display = ["agreement", "effective_from", "source"]
    list_select_related = ["agreement"]
    search_fields = ["agreement__reference", "source"]
    ordering = ["agreement__reference", "-effective_from"]
    autocomplete_fields = ["agreement"]
    inlines = [RateLineInline, MultiplierInline]


class BracketInline(PartsInline):
    model = Bracket


@admin.register(RateLine)
class RateLineAdmin(DeskAdmin):
    agency_path = "card__agreement__agency"
    list_display = ["label", "agreement", "meter", "pricing", "unit_price", "charge_group",
                    "unlicensed"]  # fmt: skip
    list_filter = ["meter", "pricing", "unlicensed"]
    list_select_related = ["card__agreement"]
    search_fields = ["label", "code", "card__agreement__reference"]
    ordering = ["card__agreement__reference", "code"]
    autocomplete_fields = ["card", "production"]
    inlines = [BracketInline]

    @admin.display(description=_("agreement"), ordering="card__agreement__reference")
    def agreement(self, line):
        return line.card.agreement


class CapYearInline(FactInline):
    model = CapYear
    fields = readonly_fields = ["starts_on", "reserved", "used"]


@admin.register(Cap)
class CapAdmin(DeskAdmin):
    agency_path = "agreement__agency"
    list_display = ["limits", "meter", "limit", "hard", "channels", "starts_on", "ends_on"]
    list_filter = ["meter", "hard"]
    list_select_related = ["agreement", "twin", "performer"]
    search_fields = ["agreement__reference", "twin__name", "performer__name"]
    ordering = ["-pk"]
    autocomplete_fields = ["agreement", "twin", "performer"]
    inlines = [CapYearInline]

    @admin.display(description=_("limits"))
    def limits(self, cap):
        return cap.agreement or cap.twin or cap.performer


class NearItsEnd(admin.SimpleListFilter):
    title = _("near its end")
    parameter_name = "near"

    def lookups(self, request, model_admin):
        return [("80", _("80 % or more")), ("100", _("used up"))]

    def queryset(self, request, queryset):
        shares = {"80": "0.8", "100": "1"}
        return queryset.near_its_end(shares[self.value()]) if self.value() in shares else queryset


@admin.register(CapYear)
class CapYearAdmin(FactAdmin):
    list_display = ["limits", "meter", "starts_on", "used", "reserved", "limit", "burnt"]
    list_filter = [NearItsEnd, "cap__meter"]
    list_select_related = ["cap__agreement", "cap__twin", "cap__performer"]
    ordering = ["-starts_on", "-pk"]

    @admin.display(description=_("limits"))
    def limits(self, year):
        return year.cap.agreement or year.cap.twin or year.cap.performer

    @admin.display(description=_("meter"), ordering="cap__meter")
    def meter(self, year):
        return year.cap.get_meter_display()

    @admin.display(description=_("limit"), ordering="cap__limit")
    def limit(self, year):
        return year.cap.limit

    @admin.display(description=_("burnt down"))
    def burnt(self, year):
        return f"{100 * (year.used + year.reserved) / year.cap.limit:.0f} %"
