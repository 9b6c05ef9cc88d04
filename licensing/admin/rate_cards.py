"""Rate cards: a card, its lines, and the brackets of each, on one page."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from licensing.agreements import rate_cards
from licensing.models import Bracket, Multiplier, RateCard, RateLine
from licensing.words import AgreementStatus
from talent.admin.base import DeskAdmin, PartPanels, PartsInline
from talent.admin.forms import DeskFormSet
from talent.errors import Refused

from .amendments import AsksForRates

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
    """The lines of one card: one at least."""

    def clean(self):
        super().clean()
        kept = [
            form
            for form in self.forms
            if (form.instance.pk or form.has_changed()) and not self._should_delete_form(form)
        ]
        if not kept:
            raise ValidationError(_("A card has a line at least: without one it prices nothing."))


class RateLineInline(PartOfACard, PartPanels):
    model = RateLine
    formset = LineFormSet
    inlines = [BracketInline]
    fieldsets = [
        (
            None,
            {
                "fields": ["code", "label", "meter", "pricing", "unit_price", "package_size",
                           "minimum", "charge_group", "unlicensed"]
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
    ordering = ["code"]

    def get_extra(self, request, obj=None, **kwargs):
        return 0 if obj and obj.pk else 1


class MultiplierInline(PartOfACard, PartsInline):
    model = Multiplier


@admin.register(RateCard)
class RateCardAdmin(AsksForRates, WhileOpen, DeskAdmin):
    agency_path = "agreement__agency"
    actions_detail = ["ask_for_rates"]
    list_display = ["agreement", "effective_from", "source", "waits"]
    list_select_related = ["agreement"]
    search_fields = ["agreement__reference", "source"]
    ordering = ["agreement__reference", "-effective_from"]
    autocomplete_fields = ["agreement"]
    inlines = [RateLineInline, MultiplierInline]

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
class RateLineAdmin(WhileOpen, DeskAdmin):
    agency_path = "card__agreement__agency"
    list_display = ["label", "agreement", "meter", "pricing", "unit_price", "charge_group",
                    "unlicensed"]  # fmt: skip
    list_filter = ["meter", "pricing", "unlicensed"]
    list_select_related = ["card__agreement"]
    search_fields = ["label", "code", "card__agreement__reference"]
    ordering = ["card__agreement__reference", "code"]
    autocomplete_fields = ["card", "production"]
    inlines = [BracketInline]

    def _choices(self, db_field, request):
        rows = super()._choices(db_field, request)
        if db_field.name != "card":
            return rows
        return rows.filter(Q(agreement__status=DRAFT) | Q(proposed=True))

    @admin.display(description=_("agreement"), ordering="card__agreement__reference")
    def agreement(self, line):
        return line.card.agreement
