"""The fourth step: what it costs."""

from decimal import Decimal
from typing import Any

from django.forms.boundfield import BoundField
from django.utils.translation import gettext as _

from licensing.agreements.wizard import drafting, priced
from licensing.agreements.wizard.drafting import PriceSought
from licensing.quantities import measured
from licensing.words import Exclusivity, Factor

from .base import StepForm, figure

HUNDRED = Decimal(100)


LEAST_STEPS = 2


class PricesForm(StepForm):
    """What a unit of each meter costs, and by which factors."""

    def add_fields(self) -> None:
        self.meters = [row for row in self.draft.meters if not row.elsewhere]
        self.steps: dict[str, int] = {}
        self.live_proposed = None
        if self.draft.several_cards:
            return
        for row in self.meters:
            self._add_meter(row)
        card = self.draft.card
        live = priced.factor_of(card, Factor.REAL_TIME)
        self.live_proposed = priced.real_time_factor(self.agreement, self.draft.rules)
        if self.draft.in_real_time or live is not None:
            proposed = self.live_proposed if card is None else None
            initial = live if live is not None else proposed and proposed.amount
            self.fields["real_time_factor"] = figure(
                _("Times the price where it is generated in real time"), initial
            )
        alone = priced.factor_of(card, Factor.EXCLUSIVITY)
        deal = self.draft.deal
        if alone is not None or (deal and deal.exclusivity != Exclusivity.NONE):
            self.fields["exclusivity_factor"] = figure(
                _("Times the price where it is exclusive"), alone
            )

    def _add_meter(self, row: priced.PricedMeter) -> None:
        code, line = row.meter.value, row.line
        unit = str(row.meter.label).lower()
        one = measured(Decimal(1), code)
        prices = _steps_of(line)
        start = prices[0][1] if prices else None
        if start is None and row.by_default and row.proposed:
            start = row.proposed.amount
        self.fields[f"price_{code}"] = figure(_("Price of %s") % one, start)
        count = max(LEAST_STEPS, len(prices) - 1)
        self.steps[code] = count
        for place in range(1, count + 1):
            after = prices[place - 1][0] if place < len(prices) else None
            price = prices[place][1] if place < len(prices) else None
            words = {"unit": unit, "place": place}
            self.fields[f"after_{code}_{place}"] = figure(
                _("%(unit)s: step %(place)d, above so many a period") % words, after
            )
            self.fields[f"then_{code}_{place}"] = figure(
                _("%(unit)s: step %(place)d, price from there on") % words, price
            )
        self.fields[f"minimum_{code}"] = figure(
            _("At least, a period"), (line.minimum or None) if line else None
        )
        floor = row.highest_floor
        scale = line.scale_portion * HUNDRED if line else None
        if scale is None and floor is not None and start == floor.amount:
            scale = HUNDRED
        self.fields[f"scale_{code}"] = figure(
            _("Of it guild scale, in percent"),
            scale or None,
            max_value=HUNDRED,
            help_text=_("That part carries no commission."),
        )

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        self.prices = [
            price for row in self.meters if (price := self._price_of(row.meter.value)) is not None
        ]
        for name in ("real_time_factor", "exclusivity_factor"):
            if data.get(name) == 0:
                self.add_error(name, _("Say a factor above zero, or leave it empty."))
        return data

    def _price_of(self, code: str) -> PriceSought | None:
        data = self.cleaned_data
        unit, least = data.get(f"price_{code}"), data.get(f"minimum_{code}")
        steps = self._steps_sent(code)
        if unit is None:
            if steps or least:
                self.add_error(f"price_{code}", _("Say what one costs; 0 if the first are free."))
            return None
        brackets: list[tuple[Decimal | None, Decimal]] = []
        if steps:
            tops: list[Decimal | None] = [after for after, _price in steps]
            costs = [unit, *(price for _after, price in steps)]
            brackets = list(zip([*tops, None], costs, strict=True))
        scale = (data.get(f"scale_{code}") or Decimal(0)) / HUNDRED
        return PriceSought(
            code, Decimal(0) if brackets else unit, tuple(brackets), least or Decimal(0), scale
        )

    def _steps_sent(self, code: str) -> list[tuple[Decimal, Decimal]]:
        steps: list[tuple[Decimal, Decimal]] = []
        for place in range(1, self.steps[code] + 1):
            after = self.cleaned_data.get(f"after_{code}_{place}")
            then = self.cleaned_data.get(f"then_{code}_{place}")
            if after is None and then is None:
                continue
            if after is None or then is None:
                missing = f"after_{code}_{place}" if after is None else f"then_{code}_{place}"
                if missing not in self.errors:
                    self.add_error(missing, _("Say both: above how many, and the price."))
                continue
            if after == 0 or (steps and after <= steps[-1][0]):
                self.add_error(
                    f"after_{code}_{place}", _("Say more than the step before ends with.")
                )
                continue
            steps.append((after, then))
        return steps

    def rows(self) -> list[dict[str, Any]]:
        """Return the meters for the template, each with its fields."""
        return [
            {
                "meter": row,
                "price": self[f"price_{row.meter.value}"],
                "steps": [
                    (
                        self[f"after_{row.meter.value}_{place}"],
                        self[f"then_{row.meter.value}_{place}"],
                    )
                    for place in range(1, self.steps[row.meter.value] + 1)
                ],
                "minimum": self[f"minimum_{row.meter.value}"],
                "scale": self[f"scale_{row.meter.value}"],
                "open": any(
                    self[name].errors or self[name].initial is not None
                    for name in self.fields
                    if name.startswith(f"after_{row.meter.value}_")
                    or name in (f"minimum_{row.meter.value}", f"scale_{row.meter.value}")
                ),
                "usual": self._is_usual(row),
            }
            for row in self.meters
        ]

    def _is_usual(self, row: priced.PricedMeter) -> bool:
        kind = self.draft.kind
        return row.line is not None or (kind is not None and row.meter.value in kind.meters)

    def factors(self) -> list[BoundField]:
        names = ("real_time_factor", "exclusivity_factor")
        return [self[name] for name in names if name in self.fields]

    def save(self) -> None:
        if self.draft.several_cards:
            return
        drafting.set_prices(
            self.agreement,
            self.prices,
            real_time=self.cleaned_data.get("real_time_factor"),
            exclusivity=self.cleaned_data.get("exclusivity_factor"),
            source=self._source(),
        )

    def _source(self) -> str:
        """Return where the prices come from: that of a proposal which is taken as it is."""
        card = self.draft.card
        if card is not None:
            return card.source
        taken = [
            row.proposed.source
            for row in self.meters
            if row.proposed
            and self.cleaned_data.get(f"price_{row.meter.value}") == row.proposed.amount
        ]
        return "; ".join(dict.fromkeys(taken))[:300]


def _steps_of(line: Any) -> list[tuple[Decimal | None, Decimal]]:
    """Return up to where each price of a line goes; one without end for a price by unit."""
    if line is None:
        return []
    rows = sorted(line.brackets.all(), key=lambda row: (row.up_to is None, row.up_to or 0))
    return [(row.up_to, row.unit_price) for row in rows] or [(None, line.unit_price)]
