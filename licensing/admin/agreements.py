"""Agreements with their grants, rates and caps, and the rules of the field."""

from datetime import timedelta
from functools import partial
from typing import ClassVar
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget

from licensing.agreements import agreements, kept_items
from licensing.agreements.money_terms import refuse_group
from licensing.agreements.rates import line_floors
from licensing.models import (
    Agreement,
    AgreementStep,
    Cap,
    Grant,
    RateCard,
    RuleSet,
)
from licensing.words import AgreementStatus
from talent.admin.base import DeskAdmin, FactAdmin
from talent.admin.columns import moment, once_a_row
from talent.admin.forms import DeskForm
from talent.admin.parts import FactInline, PartsInline
from talent.admin.scopes import Languages, LanguagesByTerritory, Listed, Territories, rules_in
from talent.admin.steps import ReasonForm, step
from talent.consent.scope import is_known_language
from talent.errors import Refused
from talent.models import CustodyItem
from talent.territories import is_known_place
from talent.words import CustodyStepKind, Exclusion

from . import deal_terms, money_terms, obligations, renewals, rule_findings
from .amendments import AmendmentInline, AsksForAmendments
from .audits import AsksForAudit
from .documents import DocumentInline, DrawsDocuments
from .drafts import WhileDraft, is_draft
from .proposals import LeadsToProposals
from .scans import import_of
from .signing import CallsBack, SendsForSignature, SigningRoundInline
from .transfers import AsksForTransfer
from .wizard import WithWizard

ADDS_RATES = "licensing.add_ratecard"


@admin.register(RuleSet)
class RuleSetAdmin(FactAdmin):
    for_programs = ("code",)
    actions_detail = ["law_change"]
    list_display = ["title", "changes", "confidence_label", "status_label", "instrument",
                    "jurisdiction", "effective_from", "effective_to"]  # fmt: skip
    list_filter = ["confidence", "status", "trigger", "jurisdiction"]
    search_fields = ["code", "title", "instrument", "clause", "summary"]
    ordering = ["instrument", "code", "-effective_from"]
    fieldsets = [
        (None, {"fields": ["title", "summary", "values"]}),
        (
            _("How far it can be relied on"),
            {"fields": ["confidence_label", "status_label", "source", "source_url"]},
        ),
        (
            _("Where it stands and when it counts"),
            {
                "fields": ["instrument", "jurisdiction", "clause", "code", "trigger",
                           "effective_from", "effective_to"]
            },
        ),
    ]  # fmt: skip
    readonly_fields = ["confidence_label", "status_label"]

    @admin.display(description=_("change of law"))
    def changes(self, rule):
        """Lead to what stands otherwise from a rule's first day on."""
        url = reverse("admin:law_change", args=[rule.pk])
        return format_html('<a class="desk-link" href="{}">{}</a>', url, _("What it changes"))

    @action(description=_("What it changes"), permissions=["view"], icon="gavel")
    def law_change(self, request, object_id):
        return redirect("admin:law_change", object_id)

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


class GrantForm(DeskForm):
    """A grant with its places and languages by name."""

    territories = Territories(required=False, help_text=_("Empty: everywhere. France, US-CA, EU."))
    territories_excluded = Territories(required=False, label=_("territories left out"))
    languages = Languages(required=False, help_text=_("Empty: every language."))
    languages_in = LanguagesByTerritory(
        required=False, label=_("languages of territories"), help_text=_("Canada: French; …")
    )
    brands = Listed(required=False, help_text=_("Empty: for any brand."))
    exclusions = forms.MultipleChoiceField(
        required=False, label=_("content left out"), choices=Exclusion.choices(),
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip

    class Meta:
        model = Grant
        fields = [
            "right", "use", "territories", "territories_excluded", "languages", "languages_in",
            "channels", "brands", "exclusions", "real_time",
        ]  # fmt: skip

    def clean(self):
        data = super().clean()
        rules = rules_in(data.get("languages_in") or ())
        places = {*(data.get("territories") or ()), *(data.get("territories_excluded") or ())}
        self._refuse_unknown("territories", places | {rule.territory for rule in rules})
        tags = {*(data.get("languages") or ()), *(tag for rule in rules for tag in rule.languages)}
        unknown = sorted(tag for tag in tags if not is_known_language(tag))
        if unknown:
            self.add_error("languages", _("Not known: %s") % ", ".join(unknown))
        # Nothing written says nothing, which for a grant is everywhere, in every language.
        for name in ("territories", "languages", "brands"):
            data[name] = sorted(data.get(name) or ()) or None
        data["territories_excluded"] = sorted(data.get("territories_excluded") or ())
        data["languages_in"] = [
            {"territory": rule.territory, "languages": sorted(rule.languages)} for rule in rules
        ]
        return data

    def _refuse_unknown(self, field, places):
        unknown = sorted(code for code in places if not is_known_place(code))
        if unknown:
            self.add_error(field, _("Not known: %s") % ", ".join(unknown))


class GrantInline(WhileDraft, PartsInline):
    model = Grant
    form = GrantForm
    fields = GrantForm.Meta.fields


class RateCardInline(FactInline):
    """Rates; each card has a page of its own, with its lines."""

    model = RateCard
    fields = readonly_fields = ["its_page", "its_lines", "source"]
    ordering = ["-effective_from"]

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("lines")

    @admin.display(description=_("effective from"))
    def its_page(self, card):
        url = reverse("admin:licensing_ratecard_change", args=[card.pk])
        return format_html('<a class="desk-link" href="{}">{}</a>', url, card.effective_from)

    @admin.display(description=_("lines"))
    def its_lines(self, card):
        return "; ".join(sorted(line.label for line in card.lines.all())) or _("none")


class CapInline(WhileDraft, PartsInline):
    """Caps; once the agreement is signed, others are amendments."""

    model = Cap
    show_change_link = True
    fields = ["meter", "limit", "channels", "year_start_month", "hard", "starts_on", "ends_on"]


class StepInline(FactInline):
    model = AgreementStep
    fields = readonly_fields = ["kind", "at", "by", "reason"]
    ordering = ["-at"]


class KeepForm(forms.Form):
    """Which item of the vault is kept for an agreement."""

    item = forms.ModelChoiceField(
        CustodyItem.objects.none(), label=_("Item"), widget=UnfoldAdminSelectWidget
    )

    def about(self, rows):
        """Offer what is held of the twin's performer at the agreement's agency."""
        (agreement,) = rows
        self.fields["item"].queryset = CustodyItem.objects.in_state(CustodyStepKind.PROVEN).filter(
            agency=agreement.agency_id, performer=agreement.twin.performer_id
        )


class AgreementForm(DeskForm):
    """A new agreement takes what is left empty from its agency and from the twin's performer."""

    TAKEN: ClassVar = {
        "currency": _("Left empty: that of the agency's country."),
        "time_zone": _("Left empty: the agency's. Fixed at signing: its days decide the period."),
        "guild": _("Left empty: that of the twin's performer."),
    }
    KEPT: ClassVar = {
        "reserve_percent", "reserve_periods", "contribution_plan", "contribution_class",
        "contributions_paid_by",
    }  # fmt: skip

    def __init__(self, *args, initial=None, **kwargs):
        super().__init__(*args, initial=initial, **kwargs)
        for name in self.KEPT & self.fields.keys():
            self.fields[name].required = False
        if self.instance._state.adding:
            for name in self.TAKEN.keys() & self.fields.keys():
                self._may_be_left_empty(name, self.fields[name], (initial or {}).get(name, ""))

    def _keep_what_is_left_empty(self):
        """Have terms that are left empty stay what they are; on a new agreement, none."""
        for name in self.KEPT & self.fields.keys():
            if self.cleaned_data.get(name) in (None, ""):
                self.cleaned_data[name] = getattr(self.instance, name)

    def _may_be_left_empty(self, name, field, initial):
        field.required, field.help_text = False, self.TAKEN[name]
        field.initial = self.initial[name] = initial
        if isinstance(field, forms.ChoiceField):
            field.choices = [("", "–"), *(one for one in field.choices if one[0])]

    def clean(self):
        super().clean()
        self._keep_what_is_left_empty()
        agency, twin = (self.cleaned_data.get(name) for name in ("agency", "twin"))
        if self.instance._state.adding and agency and twin:
            for name, value in agreements.taken_over(agency=agency, twin=twin).items():
                self.cleaned_data[name] = self.cleaned_data.get(name) or value
            if not self.cleaned_data["currency"] and "currency" not in self.errors:
                self.add_error("currency", _("The agency's country has no money of its own."))
        if agency and twin:
            self._refuse_group(agency, twin)
        if "time_zone" in self.changed_data and agreements.was_used(self.instance):
            self.add_error("time_zone", _("Uses are counted by the days of this zone already."))
        return self.cleaned_data

    def _refuse_group(self, agency, twin):
        """Say now what would forbid signing it with those that it recoups together with."""
        terms = {name: self.cleaned_data.get(name) or "" for name in ("currency", "recoups_with")}
        sought = Agreement(pk=self.instance.pk, agency=agency, twin=twin, **terms)
        try:
            refuse_group(sought)
        except Refused as refusal:
            self.add_error("recoups_with", str(refusal))


MONEY_TERMS = [money_terms.GuaranteeInline, money_terms.AdvanceInline]


@admin.register(Agreement)
class AgreementAdmin(
    WithWizard,
    SendsForSignature,
    DrawsDocuments,
    rule_findings.AsksForOverrides,
    AsksForAmendments,
    deal_terms.AsksForDealTerms,
    money_terms.AsksForMoneyTerms,
    AsksForTransfer,
    AsksForAudit,
    LeadsToProposals,
    CallsBack,
    DeskAdmin,
):
    form = AgreementForm
    agency_path = "agency"
    list_display = ["reference", "licensee", "twin", "agency", "status_label", "starts_at",
                    "ends_at", "currency"]  # fmt: skip
    list_filter = [
        "status",
        ("signed_elsewhere_on", admin.EmptyFieldListFilter),
        EndsWithin,
        rule_findings.AtRisk,
        "agency",
        "guild",
    ]
    list_select_related = ["licensee", "twin", "agency"]
    search_fields = ["reference", "licensee__name", "twin__name"]
    ordering = ["-starts_at", "-pk"]
    autocomplete_fields = ["agency", "licensee", "twin", "productions"]
    inlines = [
        GrantInline,
        RateCardInline,
        CapInline,
        *MONEY_TERMS,
        DocumentInline,
        rule_findings.FactStatedInline,
        rule_findings.OverrideInline,
        AmendmentInline,
        SigningRoundInline,
        StepInline,
    ]
    actions = ["renew"]
    actions_list = ["import_signed", "export_list", "export_workbook"]
    # The one next thing stands alone, all else by what it is about.
    actions_detail = [
        "go_on",
        {"title": _("Document"),
         "items": ["draw_draft", "take_newer_clauses", "draw_amended"]},
        {"title": _("Sign"),
         "items": ["send", "draw_to_sign", "signed_on_paper", "signed_elsewhere"]},
        {"title": _("Change"),
         "items": ["add_rates", "ask_for_deal_terms", "ask_for_cap", "ask_for_grant",
                   "ask_for_guarantee", "ask_for_advance", "ask_for_money", "ask_to_override"]},
        {"title": _("More"),
         "items": ["see_invoices", "renew", "duplicate", "keep_item", "ask_to_transfer",
                   "ask_for_audit", "end"]},
    ]  # fmt: skip
    fieldsets = [
        (None, {"fields": ["reference", "agency", "licensee", "twin", "productions"]}),
        (
            _("Term"),
            {
                "fields": [
                    "status",
                    "signed_at",
                    "came_signed",
                    "starts_at",
                    "ends_at",
                    "carries_on",
                ]
            },
        ),
        (
            _("Money"),
            {"fields": ["currency", "time_zone", "rating_period", "fiscal_year_start_month"]},
        ),
        (
            _("Reserve and recoupment"),
            {"fields": ["recoups_with", "reserve_percent", "reserve_periods", "reserve_cap"]},
        ),
        (
            _("Contributions on top of pay"),
            {"fields": ["contribution_plan", "contribution_class", "contributions_paid_by"]},
        ),
        (_("Engagement"), {"fields": ["engagement", "guild", "description"]}),
        (_("Consent"), {"fields": ["against_consent"]}),
        (_("Floors"), {"fields": ["below_floors"]}),
        (_("Rules"), {"fields": ["rules_say"]}),
        (_("Text"), {"fields": ["newer_clauses"]}),
        (_("Obligations"), {"fields": ["its_obligations"]}),
    ]
    # Changed by signing and ending only.
    readonly_fields = [
        "status", "signed_at", "came_signed", "carries_on", "against_consent", "below_floors",
        "rules_say", "newer_clauses", "its_obligations",
    ]  # fmt: skip

    @admin.display(description=_("grants against the consent in force"))
    def against_consent(self, agreement):
        """Say what forbids signing a draft; asked once, however often the page shows it."""
        if agreement.pk is None:
            return _("Add grants, and what forbids signing them stands here.")
        if not is_draft(agreement):
            return _("They lay within it when it was signed.")
        if not hasattr(agreement, "_unsignable"):
            agreement._unsignable = _refusals(agreement, timezone.now())
        if not agreement._unsignable:
            return _("Every grant lies within the consent in force today.")
        items = format_html_join("", "<li>{}</li>", ([text] for text in agreement._unsignable))
        return format_html("<ul>{}</ul>", items)

    @admin.display(description=_("rates below a floor of the guild"))
    def below_floors(self, agreement):
        """Say what is at risk; it forbids nothing."""
        if agreement.pk is None:
            return _("Add rates, and what lies below a floor stands here.")
        if not hasattr(agreement, "_below_floors"):
            agreement._below_floors = line_floors.below_floors(agreement)
        if not agreement._below_floors:
            return _("No rate lies below a floor that the rulebook knows.")
        items = format_html_join("", "<li>{}</li>", ([one] for one in agreement._below_floors))
        return format_html("<ul>{}</ul>", items)

    @admin.display(description=_("what the rules say"))
    def rules_say(self, agreement):
        """Show the verdict of each rule that looks at the agreement, the gravest first."""
        if agreement.pk is None:
            return _("Save it, and what the rules say of it stands here.")
        if not hasattr(agreement, "_rules_say"):
            agreement._rules_say = rule_findings.table(agreement, at=timezone.now())
        return agreement._rules_say

    def get_fieldsets(self, request, obj=None):
        """Say where it was signed only if that was elsewhere."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is not None and obj.signed_elsewhere_on is not None:
            return fieldsets
        return [
            (title, {**shown, "fields": [one for one in shown["fields"] if one != "came_signed"]})
            for title, shown in fieldsets
        ]

    @admin.display(description=_("signed elsewhere"))
    @once_a_row
    def came_signed(self, agreement):
        """Say that it was signed elsewhere, and lead to who took it in and who confirmed it."""
        return import_of(agreement)

    @admin.display(description=_("renewal"))
    @once_a_row
    def carries_on(self, agreement):
        """Lead to the agreement that it carries on, and to the one that carries it on."""
        return renewals.links_of(agreement) if agreement.pk else "–"

    @admin.display(description=_("what it has somebody do by a day"))
    @once_a_row
    def its_obligations(self, agreement):
        """Say what is open; a draft obliges nobody."""
        if agreement.pk is None or is_draft(agreement):
            return _("Once it is signed, what it has somebody do by a day stands here.")
        return obligations.of_agreement(agreement)

    @display(
        description=_("status"),
        ordering="status",
        label={"Draft": "warning", "Signed": "success", "Ended": "info"},
    )
    def status_label(self, agreement):
        return agreement.get_status_display()

    def agreement_of(self, row):
        return row

    def has_delete_permission(self, request, obj=None):
        """What was done about an agreement is kept for good, and so is the agreement."""
        return False

    def get_urls(self):
        """Add the pages of obligations and renewals, which are about no one row."""
        pages = {
            "obligations": ("obligations/", obligations.obligations),
            "obligation_tick": ("obligations/tick/", obligations.tick),
            "renewals": ("renewals/", renewals.renewals),
        }
        site = self.admin_site
        return [
            *(
                path(address, site.admin_view(partial(view, site)), name=name)
                for name, (address, view) in pages.items()
            ),
            *super().get_urls(),
        ]

    def get_inlines(self, request, obj):
        """Leave guarantees, advances and stated facts to the page of a draft that is there."""
        inlines = super().get_inlines(request, obj)
        later = (*MONEY_TERMS, rule_findings.FactStatedInline)
        return [inline for inline in inlines if obj or inline not in later]

    def has_change_permission(self, request, obj=None):
        """Show as text what was signed: it changes by steps of its own."""
        return is_draft(obj) and super().has_change_permission(request, obj)

    @action(description=_("Invoices"), permissions=["view"], icon="request_quote")
    def see_invoices(self, request, object_id):
        """Lead to the invoices on which it stands."""
        reference = get_object_or_404(self.get_queryset(request), pk=object_id).reference
        query = urlencode({"q": reference})
        return redirect(f"{reverse('admin:valuation_invoice_changelist')}?{query}")

    @action(description=_("Add rates"), permissions=["add_rates"], icon="sell")
    def add_rates(self, request, object_id):
        """Redirect to the page that adds a rate card with its lines."""
        return redirect(f"{reverse('admin:licensing_ratecard_add')}?agreement={int(object_id)}")

    def has_add_rates_permission(self, request, object_id=None):
        """Offer it until the agreement ends: rates of a signed one wait until they are agreed."""
        may_add = request.user.has_perm(ADDS_RATES)
        if object_id is None or not may_add:
            return may_add
        agreement = self.get_object(request, object_id)
        is_open = agreement.status != AgreementStatus.ENDED
        return is_open and self.has_seat(request, ADDS_RATES, agreement)

    def save_model(self, request, obj, form, change):
        """Draft a new agreement by `agreements.draft`, which stores the first step too."""
        if change:
            super().save_model(request, obj, form, change)
            return
        values = {name: value for name, value in form.cleaned_data.items() if name != "productions"}
        draft = agreements.draft(at=timezone.now(), by=request.user, **values)
        obj.pk, obj._state.adding = draft.pk, False

    @step(
        label=_("Renew"),
        icon="autorenew",
        permission="licensing.add_agreement",
        says=_(
            "A new draft carries it on: the same parties, grants, rates with their escalators, "
            "caps and deal terms, with their dates moved. Nothing is signed by this, and the "
            "agreement itself stays as it is. What is listed here lapses with it all the same."
        ),
        done=_("%(row)s is carried on by a draft: its page leads there. Check it, then sign it."),
        offered=lambda agreement: (
            agreement.status != AgreementStatus.DRAFT
            and agreement.ends_at is not None
            and not agreement.try_out
            and not hasattr(agreement, "renewed_by")
        ),
        facts=lambda agreement: renewals.told(agreement),
    )
    def renew(self, agreement, given):
        renewals.renew(agreement, given)

    @step(
        label=_("Keep an item of the vault for it"),
        icon="timer",
        permission="talent.add_custodyitem",
        says=_(
            "The item's clock follows this licence: once the last licence ends that it is kept for,"
            " the desk proposes to destroy it, and two people decide."
        ),
        done=_("%(row)s: the item is kept for it. Its page says until when."),
        form=KeepForm,
        offered=lambda agreement: agreement.status == AgreementStatus.SIGNED,
        facts=lambda agreement: _parties_of(agreement),
    )
    def keep_item(self, agreement, given):
        kept_items.keep_for(
            agreement=agreement, item_id=given.values["item"].pk, at=given.at, by=given.by
        )

    @step(
        label=_("End now"),
        icon="event_busy",
        permission="licensing.sign_agreement",
        step_up=True,
        says=_(
            "It ends at this moment, for good: nothing is cleared under it any more. What was used "
            "before stays licensed, and is rated and paid as agreed."
        ),
        done=_("%(row)s has ended. What was used before is rated tonight."),
        form=ReasonForm,
        offered=lambda agreement: agreement.status == AgreementStatus.SIGNED,
        facts=lambda agreement: _parties_of(agreement),
    )
    def end(self, agreement, given):
        agreements.end(
            agreement=agreement, ends_at=given.at, at=given.at, by=given.by, reason=given.reason
        )


def _parties_of(agreement):
    """Yield between whom an agreement stands, over what, and how long."""
    yield _("Agency"), agreement.agency
    yield _("Licensee"), agreement.licensee
    yield _("Digital twin"), agreement.twin
    yield _("Starts"), moment(agreement.starts_at)
    yield _("Ends"), moment(agreement.ends_at) if agreement.ends_at else _("open")


def _refusals(agreement, at):
    """Return everything that forbids signing a draft."""
    try:
        agreements.refuse_unsignable(agreement, at=at)
    except agreements.GrantsExceedConsent as refusal:
        return [str(excess) for excess in refusal.excesses]
    except Refused as refusal:
        return [str(refusal)]
    return []
