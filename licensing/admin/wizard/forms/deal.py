"""The second step: which kind of deal, in which words, from when until when."""

from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from licensing.agreements.wizard import drafting
from licensing.agreements.wizard.kinds import kind_of_deal
from licensing.models import Agreement, DealTerms
from licensing.words import DealKind, Exclusivity
from talent.admin import lists
from talent.periods import FIRST_YEAR, LAST_YEAR, local_day, starts_at

from .base import DayInput, StepForm

DAY = timedelta(days=1)


class DealForm(StepForm):
    """The kind of deal, its term, its money and its law."""

    def add_fields(self) -> None:
        row, deal = self.agreement, self.draft.deal
        self.fields["kind"] = forms.ChoiceField(
            label=_("Kind of deal"),
            choices=DealKind.choices(),
            widget=forms.RadioSelect,
            initial=deal and deal.kind,
            help_text=_("It proposes what the next steps begin with. You may change all of it."),
        )
        self.add_columns(row, ["description"], Agreement)
        self.fields["description"].required = False
        self.fields["starts_on"] = _day_field(
            _("First day"), local_day(row.starts_at, row.time_zone)
        )
        self.fields["ends_on"] = _day_field(
            _("Last day"),
            local_day(row.ends_at - DAY / 2, row.time_zone) if row.ends_at else None,
            required=False,
            help_text=_("Left empty: it goes on until somebody ends it."),
        )
        self.add_columns(row, drafting.OF_THE_AGREEMENT[1:], Agreement)
        if deal is None:
            usual = _("as the kind of deal usually has it")
            engagement = self.fields["engagement"]
            engagement.choices = [("", usual), *(one for one in engagement.choices if one[0])]
            engagement.initial, engagement.required = "", False
        self.add_columns(deal, drafting.OF_THE_DEAL[1:], DealTerms)
        law = lists.OnePlace(
            label=_("Governing law"),
            required=False,
            initial=deal.governing_law if deal else row.agency.country,
            help_text=_("A country or a part of one: California, United States."),
        )
        self.fields["governing_law"] = law

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        begins, ends = data.get("starts_on"), data.get("ends_on")
        if begins and ends and ends < begins:
            self.add_error("ends_on", _("It lies before the first day: choose that day or later."))
        category = data.get("exclusivity") == Exclusivity.CATEGORY
        if category and not data.get("exclusive_in"):
            self.add_error("exclusive_in", _("Name the categories, or choose another exclusivity."))
        return data

    def save(self) -> None:
        row, deal = self.agreement, self.draft.deal
        terms = {name: self.kept(name, getattr(row, name)) for name in drafting.OF_THE_AGREEMENT}
        if not self.cleaned_data["engagement"]:
            terms["engagement"] = kind_of_deal(self.cleaned_data["kind"]).engagement.value
        zone_moves = terms["time_zone"] != row.time_zone
        of_deal = {
            name: self.cleaned_data.get(name)
            if deal is None
            else self.kept(name, getattr(deal, name))
            for name in drafting.OF_THE_DEAL
        }
        drafting.set_deal(
            row,
            terms=terms,
            deal=of_deal,
            starts=self._starts(terms["time_zone"], anew=zone_moves),
            ends=self._ends(terms["time_zone"], anew=zone_moves),
        )

    def _starts(self, zone: str, *, anew: bool) -> datetime:
        if not anew and not self.is_touched("starts_on"):
            return self.agreement.starts_at
        return starts_at(self.cleaned_data["starts_on"], zone)

    def _ends(self, zone: str, *, anew: bool) -> datetime | None:
        if not anew and not self.is_touched("ends_on"):
            return self.agreement.ends_at
        last = self.cleaned_data["ends_on"]
        return starts_at(last + DAY, zone) if last else None


def _day_field(label: str, initial: date | None, **more: Any) -> forms.DateField:
    field = forms.DateField(label=label, initial=initial, widget=DayInput, **more)
    field.validators.append(_refuse_far_years)
    return field


def _refuse_far_years(day: date) -> None:
    if not FIRST_YEAR <= day.year < LAST_YEAR:
        text = _("This year is a slip: years go from %(first)d to %(last)d.")
        raise forms.ValidationError(text % {"first": FIRST_YEAR, "last": LAST_YEAR - 1})
