"""Rate cards: a card, its lines, and the brackets of each, on one page."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from licensing.agreements import agreements
from licensing.agreements.rates import explained, line_floors, rate_cards
from licensing.models import Bracket, Escalator, Multiplier, RateCard, RateLine
from licensing.words import AgreementStatus, Meter
from talent.admin.as_read import locale_of_reader
from talent.admin.base import DeskAdmin
from talent.admin.forms import DeskFormSet
from talent.admin.parts import PartPanels, PartsInline
from talent.errors import Refused

from .amendments import AsksForRates
from .signing import CallsBack

DRAFT = AgreementStatus.DRAFT.value


def _is_open(card):
    """Tell whether a card's prices may still change: nobody has agreed to them."""
    return card is None or card.proposed or card.agreement.status == DRAFT


class WhileOpen:
    """Prices that are fixed once they are in force; others are a further rate card."""

    def card_of(self, obj):
        """Return the card of a line, or the card itself; None for a new one."""
        if isinstance(obj, RateLine):
            return obj.card if obj.card_id else None
        return obj if obj and obj.pk else None

    def has_change_permission(self, request, obj=None):
        return _is_open(self.card_of(obj)) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request, obj=None):
        return _is_open(self.card_of(obj)) and super().has_delete_permission(request, obj)


class PartOfACard(WhileOpen):
    def has_add_permission(self, request, obj=None):
        return _is_open(self.card_of(obj)) and super().has_add_permission(request, obj)


class BracketFormSet(DeskFormSet):
    """The brackets of one line, which fit how it prices."""

    def clean(self):
        super().clean()
        line, kept = self.instance, [form for form in self.forms if self._is_kept(form)]
        if not line.pricing or self._is_taken_out():
            return
        tops = [form.cleaned_data.get("up_to") for form in kept]
        try:
            rate_cards.refuse_brackets(line.label, line.pricing, tops)
        except Refused as refusal:
            raise ValidationError(str(refusal)) from refusal

    def _is_kept(self, form):
        is_row = form.instance.pk is not None or form.has_changed()
        return is_row and form.is_valid() and not self._should_delete_form(form)

    def _is_taken_out(self):
        """Tell whether the line itself is marked to be deleted, on the page of its card."""
        return f"{self.prefix.rpartition('-')[0]}-{forms.formsets.DELETION_FIELD_NAME}" in self.data


class BracketInline(PartOfACard, PartsInline):
    model = Bracket
    formset = BracketFormSet
    verbose_name_plural = _("brackets of a graduated or volume price")
    ordering = ["up_to"]
    extra = 2


class LineFormSet(DeskFormSet):
    """The lines of one card: one at least. Each figure says its unit."""

    def add_fields(self, form, index):
        super().add_fields(form, index)
        card = self.instance
        currency = card.agreement.currency if card.agreement_id else ""
        for name, text in _units(form.instance, currency).items():
            if name in form.fields:
                form.fields[name].help_text = text

    def clean(self):
        super().clean()
        kept = [
            form
            for form in self.forms
            if (form.instance.pk or form.has_changed()) and not self._should_delete_form(form)
        ]
        if not kept:
            raise ValidationError(_("A card has a line at least: without one it prices nothing."))


# By field, what a figure is in and what it does.
_HELP = {
    "unit_price": _(
        "In %(money)s: for one of %(unit)s, for a package, for a whole period (flat), or in "
        "percent of revenue. Brackets have prices of their own."
    ),
    "package_size": _("In %(unit)s. Whole packages are charged, the last one begun in full."),
    "free_quantity": _(
        "In %(unit)s: so much of each period costs nothing, whatever the multipliers. What "
        "costs least is free first."
    ),
    "discount_percent": _("In percent, 0 to 100. Taken off the price, not off a minimum."),
    "minimum": _(
        "In %(money)s: the least a period costs, used or not. It counts at the period's end."
    ),
    "maximum": _("In %(money)s: the most a period costs. Empty: no limit."),
    "cut_period": _(
        "How a flat fee, the minimum and the maximum count in a period that the term or a new "
        "card cuts: whole, once, by the card with which the period begins; or by days, as in "
        "31 of 92."
    ),
    "charge_group": _(
        "Lines of one group are alternatives: of those that fit a use, the one with the most "
        "conditions rates it. Lines without a group all rate it."
    ),
    "unlicensed": _(
        "Rates use outside the consent, and no other. Paying for it does not allow it."
    ),
    "prompt_classes": _("Kinds of instruction that a generation followed. Empty: any."),
    "round_quantity": _(
        "Whether %(unit)s are rounded before they are priced, for each use or for the period."
    ),
    "round_to": _("In %(unit)s: the step that a quantity is rounded to."),
    "scale_portion": _("Part of the price, 0 to 1, that is guild scale and carries no commission."),
}


def _units(line, currency):
    """Return what each field of a line says below it: its unit, and what it does."""
    words = {
        "money": currency or _("the agreement's currency"),
        "unit": Meter(line.meter).label.lower() if line.meter else _("what is metered"),
    }
    return {name: text % words for name, text in _HELP.items()}


class RateLineInline(PartOfACard, PartPanels):
    model = RateLine
    formset = LineFormSet
    inlines = [BracketInline]
    fieldsets = [
        (
            None,
            {
                "fields": ["code", "label", "meter", "pricing", "unit_price", "package_size",
                           "charge_group", "unlicensed"]
            },
        ),
        (_("What it comes to"), {"fields": ["worked_example", "against_floors"]}),
        (
            _("Each period"),
            {
                "fields": ["free_quantity", "discount_percent", "minimum", "maximum", "cut_period"]
            },
        ),
        (
            _("Only where"),
            {
                "fields": ["rights", "uses", "territories", "languages", "channels",
                           "prompt_classes", "production"]
            },
        ),
        (_("Rounding and scale"), {"fields": ["round_quantity", "round_to", "scale_portion"]}),
    ]  # fmt: skip
    readonly_fields = ["worked_example", "against_floors"]
    ordering = ["code"]

    def get_queryset(self, request):
        return _with_what_floors_ask(super().get_queryset(request))

    @cached_property
    def rules(self):
        """The rules that are floors, read once for the lines of a page."""
        return line_floors.floor_rules()

    @admin.display(description=_("beside the floors of the guild"))
    def against_floors(self, line):
        return _against_floors(line, self.rules)

    @admin.display(description=_("worked example"))
    def worked_example(self, line):
        return _worked_example(line)

    def get_extra(self, request, obj=None, **kwargs):
        return 0 if obj and obj.pk else 1


def _worked_example(line):
    """Say what a saved line charges for a round quantity; the card names its currency."""
    if line.pk is None:
        return _("Save, and what it charges is worked out here.")
    try:
        return explained.example(line, line.card.agreement.currency, locale_of_reader())
    except Refused as refusal:
        return str(refusal)


def _with_what_floors_ask(lines):
    parts = ["brackets", "card__multipliers", "card__agreement__productions",
             "card__agreement__grants"]  # fmt: skip
    return lines.select_related("card__agreement__twin", "production").prefetch_related(*parts)


def _against_floors(line, rules):
    """Say of each floor that asks for what a saved line rates whether it pays so much."""
    if line.pk is None:
        return _("Save, and the floors that ask for it stand here.")
    found = line_floors.findings_of_line(line, rules, used_on=line.card.effective_from)
    if not found:
        return _("No rule of the rulebook has a floor for what it rates.")
    return format_html_join("", "<p>{}</p>", ([finding] for finding in found))


class MultiplierInline(PartOfACard, PartsInline):
    model = Multiplier
    fields = ("dimension", "value", "factor")


class EscalatorInline(PartOfACard, PartsInline):
    """How the card's amounts rise by themselves; the same, changed, is another card."""

    model = Escalator
    fields = ["raises", "first_on", "every", "percent", "index", "base_on", "months_before"]
    autocomplete_fields = ["index"]
    ordering = ["first_on", "pk"]


@admin.register(RateCard)
class RateCardAdmin(AsksForRates, WhileOpen, CallsBack, DeskAdmin):
    agency_path = "agreement__agency"
    actions_detail = ["in_money", "ask_for_rates"]
    list_display = ["agreement", "effective_from", "source", "waits"]
    list_select_related = ["agreement"]
    search_fields = ["agreement__reference", "source"]
    ordering = ["agreement__reference", "-effective_from"]
    autocomplete_fields = ["agreement"]
    inlines = [RateLineInline, MultiplierInline, EscalatorInline]

    def save_related(self, request, form, formsets, change):
        """Say, once all is saved, what forbids the card to count."""
        super().save_related(request, form, formsets, change)
        try:
            agreements.refuse_unclear(RateCard.objects.get(pk=form.instance.pk))
        except Refused as refusal:
            self.message_user(request, _("It cannot count yet. %s") % refusal, messages.WARNING)

    @action(description=_("What would it have earned?"), permissions=["view"], icon="query_stats")
    def in_money(self, request, object_id):
        """Lead to what the last months would have earned by this card."""
        return redirect("admin:simulate_rates", object_id)

    def save_model(self, request, obj, form, change):
        if not change:
            obj.proposed = obj.agreement.status != DRAFT
        super().save_model(request, obj, form, change)
        if obj.proposed:
            self.message_user(request, _what_is_next(obj), messages.WARNING)

    @display(description=_("agreed"), boolean=True)
    def waits(self, card):
        return not card.proposed


def _what_is_next(card):
    """Say how a card of a signed agreement comes to count, and what it would price anew."""
    text = _("These rates count for nothing yet: ask for them here; somebody else approves.")
    if card.effective_from > timezone.localdate():
        return text
    over = _("They are dated back: use since %s would be priced anew, and the difference posted.")
    return f"{text} {over % card.effective_from}"


@admin.register(RateLine)
class RateLineAdmin(WhileOpen, CallsBack, DeskAdmin):
    agency_path = "card__agreement__agency"
    list_display = ["label", "agreement", "meter", "pricing", "unit_price", "charge_group",
                    "unlicensed"]  # fmt: skip
    list_filter = ["meter", "pricing", "unlicensed"]
    list_select_related = ["card__agreement"]
    search_fields = ["label", "code", "card__agreement__reference"]
    ordering = ["card__agreement__reference", "code"]
    autocomplete_fields = ["card", "production"]
    readonly_fields = ["worked_example", "against_floors"]
    inlines = [BracketInline]

    def agreement_of(self, row):
        return row.card.agreement

    @admin.display(description=_("beside the floors of the guild"))
    def against_floors(self, line):
        return _against_floors(line, line_floors.floor_rules())

    @admin.display(description=_("worked example"))
    def worked_example(self, line):
        return _worked_example(line)

    def _choices(self, db_field, request):
        rows = super()._choices(db_field, request)
        if db_field.name != "card":
            return rows
        return rows.filter(Q(agreement__status=DRAFT) | Q(proposed=True))

    @admin.display(description=_("agreement"), ordering="card__agreement__reference")
    def agreement(self, line):
        return line.card.agreement
