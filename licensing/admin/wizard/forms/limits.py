"""The fifth step: how much of it, at most."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from unfold.widgets import UnfoldAdminSelectWidget

from licensing.agreements.wizard import drafting, offered
from licensing.words import Meter
from talent.consent.scope import limit_in_words
from talent.periods import NAMES

from .base import StepForm, figure

REFUSE, CHARGE = "refuse", "charge"


class LimitsForm(StepForm):
    """The most of each meter in a fiscal year."""

    def add_fields(self) -> None:
        row = self.agreement
        caps = {cap.meter: cap for cap in row.caps.all() if cap.channels is None}
        self.on_channels = [cap for cap in row.caps.all() if cap.channels is not None]
        limits = offered.limits_of(
            self.draft.offers, [(grant.right, grant.use) for grant in self.draft.grants]
        )
        self.consented: dict[str, list[str]] = {}
        for name, limit in limits:
            self.consented.setdefault(limit.meter, []).append(f"{name}: {limit_in_words(limit)}")
        lines = [line.meter for card in row.rate_cards.all() for line in card.lines.all()]
        self.meters = list(dict.fromkeys([*lines, *caps, *self.consented]))
        for code in self.meters:
            cap = caps.get(code)
            label = str(Meter(code).label)
            self.fields[f"limit_{code}"] = figure(
                _("%s, at most a year") % label, cap and cap.limit
            )
            self.fields[f"past_{code}"] = forms.ChoiceField(
                label=_("%s, past the limit") % label,
                choices=[(REFUSE, _("refused")), (CHARGE, _("counted as overage"))],
                initial=CHARGE if cap and not cap.hard else REFUSE,
                widget=UnfoldAdminSelectWidget,
            )
        self.fields["fiscal_year_start_month"] = forms.TypedChoiceField(
            label=_("The fiscal year begins in"),
            choices=[(str(place), name) for place, name in enumerate(NAMES, 1)],
            coerce=int,
            initial=str(row.fiscal_year_start_month),
            widget=UnfoldAdminSelectWidget,
        )

    def rows(self) -> list[dict[str, Any]]:
        return [
            {
                "name": Meter(code).label,
                "limit": self[f"limit_{code}"],
                "past": self[f"past_{code}"],
                "consented": self.consented.get(code, ()),
            }
            for code in self.meters
        ]

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        for code in self.meters:
            if data.get(f"limit_{code}") == 0:
                text = _("Say more than nothing, or leave it empty: what is not granted is step 3.")
                self.add_error(f"limit_{code}", text)
        return data

    def save(self) -> None:
        data = self.cleaned_data
        limits = {
            code: (data[f"limit_{code}"], data[f"past_{code}"] == REFUSE)
            for code in self.meters
            if data[f"limit_{code}"] is not None
        }
        drafting.set_limits(
            self.agreement, limits, year_start_month=data["fiscal_year_start_month"]
        )
