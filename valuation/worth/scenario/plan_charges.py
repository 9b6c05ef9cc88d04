"""Plan charges: what a scenario's agreements charge for its planned use, by rating period.

A planned use is priced as the night would price it: by the card that counts on the day, what its
escalators have come to, its multipliers for such use, and the days of the term. Then come what the
agreement promises beside its rates. A guarantee's true-up is owed for each of its periods that ends
in the plan's months. An advance that nothing pays back is a fee of its day. One that use pays back
is not part of a price: the ledger charges it ahead and credits the use to it, so it moves money in
time; nor is one that the agency advances, for which the licensee owes nothing.
"""

import copy
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import cache

from licensing.agreements.rates.escalators import foreseen_rises
from licensing.agreements.rates.price_terms import terms_of
from licensing.models import Advance, Agreement, Guarantee, RateCard, RateLine
from licensing.pricing import UnpriceableTerms
from licensing.words import (
    EACH_EVENT,
    CutPeriod,
    Factor,
    GuaranteePeriod,
    PaidBackFrom,
    Pricing,
)
from talent.periods import LAST_YEAR, months_later
from valuation.cash.beside_use.guarantees import EarnedByMonth, earned_by_month, earned_in, promises
from valuation.models import Scenario, ScenarioItem
from valuation.residuals.rating import KindOfUse, PriceFactor, factors_of, product_of
from valuation.residuals.segments import (
    Segment,
    last_day,
    rating_period,
    segments,
)
from valuation.words import InputRole, SourceStanding, Spreading, Term
from valuation.worth.scenario.input_figures import InputFigures
from valuation.worth.scenario.plans import (
    Guaranteed,
    PlanCharge,
    PlanInput,
    PlanItem,
    PricedBy,
    UnsoundPlan,
)

DAY = timedelta(days=1)
NEVER = date(LAST_YEAR, 1, 1)


class PlanPrices:
    """The rates and promises of a scenario's agreements, read once."""

    def __init__(
        self,
        scenario: Scenario,
        agreements: Iterable[Agreement],
        items: Sequence[ScenarioItem],
        as_of: date,
    ) -> None:
        self.scenario, self.as_of = scenario, as_of
        self.agreements = {agreement.pk: agreement for agreement in agreements}
        self.until = months_later(scenario.begins_on.replace(day=1), scenario.months)
        self.pricing = {
            item.rate_line.card.agreement_id: self.agreements[item.rate_line.card.agreement_id]
            for item in items
            if item.rate_line and item.rate_line.card.agreement_id in self.agreements
        }
        self.cards = list(
            RateCard.objects.agreed()
            .filter(agreement__in=self.pricing)
            .prefetch_related("lines__brackets", "multipliers", "escalators__index__figures")
            .order_by("effective_from", "pk")
        )
        for card in self.cards:
            card.agreement = self.agreements[card.agreement_id]
        self.guarantees = list(Guarantee.objects.filter(agreement__in=self.pricing).order_by("pk"))
        self.advances = list(
            Advance.objects.filter(
                agreement__in=self.pricing, due_on__gt=as_of, due_on__lt=self.until
            ).order_by("due_on", "pk")
        )
        self.used_until = {
            pk: max(
                self._month_of(item.begins_in - 1 + item.months)
                for item in items
                if item.rate_line and item.rate_line.card.agreement_id == pk
            )
            for pk in self.pricing
        }
        self._charges = cache(self._charges_of)

    def of(self, item: ScenarioItem, chosen: RateLine) -> PricedBy:
        """Return how a line prices an item in each of its rating periods. Raises UnsoundPlan."""
        agreement = self.agreements.get(chosen.card.agreement_id)
        if agreement is None:
            raise UnsoundPlan(
                f"“{item.label}” is priced by a line of an agreement that is not the scenario's. "
                "Add the agreement, or choose another line."
            )
        first, last = item.begins_in - 1, item.begins_in - 1 + item.months
        try:
            found = self._charges(agreement.pk, chosen.code)
        except UnpriceableTerms as unpriceable:
            raise UnsoundPlan(f"“{item.label}”: {unpriceable}") from unpriceable
        told = [one for one in found if one[0].begins < last and first < one[0].ends]
        if not told:
            raise UnsoundPlan(f"“{item.label}” is priced by a line that no agreed card has.")
        lines = [line for _, line, _ in told]
        multipliers = [(one, self._multipliers(item, one.card)) for one in lines]
        if len({product_of(factors) for _, factors in multipliers}) > 1:
            raise UnsoundPlan(
                f"The multipliers for “{item.label}” change within its months: divide it in two "
                "items, one for each rate card."
            )
        factors = multipliers[0][1]
        return PricedBy(
            agreement=agreement.reference,
            line=lines[0].label,
            code=chosen.code,
            currency=agreement.currency,
            charges=tuple(charge for charge, _, _ in told),
            factor=product_of(factors),
            factors=tuple(
                (one.dimension, one.value, f"{one.factor.normalize():f}") for one in factors
            ),
            unlicensed=chosen.unlicensed,
            left_out=tuple(
                dict.fromkeys(
                    [
                        *self._unsaid(item, lines),
                        *(text for _, _, missing in told for text in missing),
                        *self._beyond(agreement),
                    ]
                )
            ),
        )

    def promised(self) -> Iterator[tuple[PlanItem, str]]:
        """Yield what agreements that price items promise beside their rates, and its currency."""
        earned = earned_by_month(list(self.pricing), as_of=self.as_of) if self.guarantees else {}
        for guarantee in self.guarantees:
            agreement = self.pricing[guarantee.agreement_id]
            for item in self._true_ups(guarantee, agreement, earned.get(agreement.pk, {})):
                yield item, agreement.currency
        for advance in self.advances:
            in_plan = advance.due_on >= self.scenario.begins_on
            if advance.paid_back_from == PaidBackFrom.NOTHING and in_plan:
                agreement = self.pricing[advance.agreement_id]
                yield self._fee_of(advance, agreement), agreement.currency

    # Rates

    def _charges_of(
        self, agreement_id: int, code: str
    ) -> list[tuple[PlanCharge, RateLine, list[str]]]:
        """Return a line's terms in each rating period of the plan, and what is not known of them.

        Only cards count that have a line of this code. Use before the first of them is priced by
        it, and use after the term as if it had been renewed.
        """
        agreement = self._as_if_renewed(self.agreements[agreement_id])
        lines = {
            card.pk: line
            for card in self.cards
            if card.agreement_id == agreement_id
            for line in card.lines.all()
            if line.code == code
        }
        cards = [card for card in self.cards if card.pk in lines]
        begins_on = self.scenario.begins_on.replace(day=1)
        if cards and cards[0].effective_from > begins_on:
            first = copy.copy(cards[0])
            first.effective_from = rating_period(agreement, begins_on).starts_on
            cards[0] = first
        found, day = [], begins_on
        while cards and day < self.until:
            period = rating_period(agreement, day)
            for segment in segments(agreement, cards, period):
                line = lines[segment.card.pk]
                line.card = segment.card
                if told := self._charge_of(agreement, segment, line):
                    found.append(told)
            day = period.ends_on
        return found

    def _charge_of(
        self, agreement: Agreement, segment: Segment, line: RateLine
    ) -> tuple[PlanCharge, RateLine, list[str]] | None:
        """Return a line's terms in a part of a rating period; None: it charges nothing in it."""
        begins, ends = map(self._first_month_from, segment.days)
        owes = segment.owes(line)
        if begins == ends or (line.pricing == Pricing.FLAT and not owes):
            return None
        rises, missing = foreseen_rises(segment.card, segment.days.starts_on)
        terms = terms_of(
            line if owes else _without_minimum(line),
            agreement.currency,
            days=segment.counted_days,
            of_days=segment.period_length,
            rises=rises,
        )
        once = line.cut_period == CutPeriod.WHOLE
        return PlanCharge(segment.period.starts_on, begins, ends, terms, once), line, missing

    def _as_if_renewed(self, agreement: Agreement) -> Agreement:
        """Return an agreement without an end where items are planned after it."""
        if self.used_until[agreement.pk] <= last_day(agreement) + DAY:
            return agreement
        renewed = copy.copy(agreement)
        renewed.ends_at = None
        return renewed

    def _multipliers(self, item: ScenarioItem, card: RateCard) -> tuple[PriceFactor, ...]:
        """Return the multipliers of a card for the use that an item plans."""
        rows = [PriceFactor(row.dimension, row.value, row.factor) for row in card.multipliers.all()]
        return factors_of(_kind_of(item), rows)

    # What is said beside them

    def _unsaid(self, item: ScenarioItem, lines: Iterable[RateLine]) -> Iterator[str]:
        """Yield what an item does not say, or a plan cannot know, that may change its price."""
        for line in lines:
            unsaid = [
                row
                for row in line.card.multipliers.all()
                if (row.dimension == Factor.TERRITORY and not item.territory)
                or (row.dimension == Factor.LANGUAGE and not item.language)
            ]
            if unsaid:
                named = "; ".join(map(str, sorted(unsaid, key=str)))
                yield f"Multipliers for what the item does not say ({named})"
            if line.round_quantity in EACH_EVENT:
                yield "The rounding of each use, since a plan knows no single uses"
            if _depends_on_other_use(line):
                yield "Use beside this plan in the same rating periods, which counts with it"

    def _beyond(self, agreement: Agreement) -> Iterator[str]:
        """Yield what an agreement promises whose money the plan does not see."""
        for one in self.guarantees:
            if one.agreement_id != agreement.pk:
                continue
            for _whole, within, _line in promises(one, agreement, self._far(one)):
                if within.starts_on < self.until < within.ends_on:
                    on = f" on {_day(within.ends_on - DAY)}" if within.ends_on < NEVER else ""
                    yield (
                        f"The guarantee of {_plain(one.amount)} {agreement.currency} for a period "
                        f"that ends after the plan{on}: what is missing is owed then"
                    )
        for advance in self.advances:
            if advance.agreement_id == agreement.pk and (
                advance.paid_back_from == PaidBackFrom.GROSS
            ):
                yield (
                    f"The advance of {_plain(advance.amount)} {agreement.currency} due on "
                    f"{_day(advance.due_on)}: use pays it back, so it moves money in time only"
                )
        if self.used_until[agreement.pk] > last_day(agreement) + DAY:
            yield (
                f"A renewal: use after {_day(last_day(agreement))}, when the agreement ends, is "
                "priced as if it went on"
            )

    def _far(self, guarantee: Guarantee) -> date:
        """Return a day by which the period has ended that the plan's end is in."""
        is_of_term = guarantee.period == GuaranteePeriod.TERM
        return date.max if is_of_term else min(self.until, NEVER) + timedelta(days=367)

    # Promises

    def _true_ups(
        self, guarantee: Guarantee, agreement: Agreement, earned: EarnedByMonth
    ) -> Iterator[PlanItem]:
        """Yield a guarantee's true-up of each period that ends in the plan, after its day."""
        for whole, within, line in promises(guarantee, agreement, self.until):
            if within.ends_on <= max(self.as_of, self.scenario.begins_on):
                continue
            last_on = within.ends_on - DAY
            yield PlanItem(
                term=Term.LICENSING,
                label=f"Guarantee of {agreement.reference}, {within}",
                begins=self._month_index(last_on),
                months=1,
                inputs=(),
                guaranteed=Guaranteed(
                    agreement=agreement.reference,
                    currency=agreement.currency,
                    promised=line.amount,
                    earned=earned_in(whole, earned),
                    begins_on=within.starts_on,
                    ends_on=within.ends_on,
                    begins=self._month_index(whole.starts_on),
                    ends=self._first_month_from(within.ends_on),
                ),
            )

    def _fee_of(self, advance: Advance, agreement: Agreement) -> PlanItem:
        label = f"{advance.label} ({agreement.reference})"
        figure = PlanInput(
            key=f"advance-{advance.pk}",
            role=InputRole.QUANTITY,
            name=label,
            unit="",
            figures=InputFigures(Spreading.FIXED, middle=advance.amount),
            source=f"Advance of {agreement.reference}, due on {_day(advance.due_on)}: nothing "
            "pays it back",
            standing=SourceStanding.AGREED,
        )
        return PlanItem(Term.LICENSING, label, self._month_index(advance.due_on), 1, (figure,))

    # Months of the plan

    def _month_of(self, index: int) -> date:
        return months_later(self.scenario.begins_on.replace(day=1), index)

    def _month_index(self, day: date) -> int:
        begins_on = self.scenario.begins_on
        return (day.year - begins_on.year) * 12 + day.month - begins_on.month

    def _first_month_from(self, day: date) -> int:
        """Return the first month of the plan that begins on a day or after it."""
        return self._month_index(day) + (day.day > 1)


def _kind_of(item: ScenarioItem) -> KindOfUse:
    """Return what an item says of its use, as multipliers look at it."""
    return KindOfUse(
        right="", use="", territory=item.territory, language=item.language, channel="",
        prompt_class="", real_time=item.real_time, standing="", treatment="", production_id=None,
        meters=(),
    )  # fmt: skip


def _without_minimum(line: RateLine) -> RateLine:
    """Return a line for a part of a period that does not owe what is owed once for it."""
    other = copy.copy(line)
    other.minimum = Decimal(0)
    return other


def _plain(figure: Decimal) -> str:
    return f"{figure.normalize():f}"


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _depends_on_other_use(line: RateLine) -> bool:
    """Tell whether what one use costs depends on how much else was used in its rating period."""
    bounded = line.minimum > 0 or line.maximum is not None
    return bool(line.brackets.all() or line.free_quantity > 0 or bounded)
