"""Line floors: how the rate lines of an agreement stand to the floors of the rulebook.

A price below a floor is flagged, with the clause and how sure its figure is. It blocks nothing:
figures are bargained over, and an unverified one is only shown.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import prod

from django.db.models import Q
from django.utils.translation import gettext as _

from licensing.models import Agreement, Production, RateLine, RuleSet
from licensing.words import Factor, Meter, Pricing, Trigger
from talent import locales
from talent.periods import local_day

from ..rules.rulebook import Rule
from ..rules.rulesets import rule_of
from .floors import Floor, Rated, floors_of, is_floor
from .price_terms import brackets_in_order

ONE, HUNDRED = Decimal(1), Decimal(100)
HAS_NO_UNIT = {Pricing.FLAT, Pricing.PERCENTAGE}


@dataclass(frozen=True, slots=True)
class Finding:
    """A floor beside what a line charges for one unit; None where the two cannot be compared."""

    label: str
    meter: str
    floor: Floor
    price: Decimal | None

    @property
    def is_below(self) -> bool:
        return self.price is not None and self.price < self.floor.amount

    def __str__(self) -> str:
        unit = Meter(self.meter).label.lower()
        words = {
            "label": self.label,
            "price": self.price is not None and _amount(self.price, self.floor.currency),
            "floor": _amount(self.floor.amount, self.floor.currency),
            "unit": unit,
        }
        return " ".join([self._verdict() % words, self._where()])

    def _verdict(self) -> str:
        if self.price is None:
            return _("“%(label)s” cannot be compared with the floor of %(floor)s for %(unit)s.")
        if not self.is_below:
            return _("“%(label)s” pays %(price)s, not less than the floor of %(floor)s.")
        if not self.floor.may_be_relied_on:
            return _(
                "“%(label)s” pays %(price)s, less than %(floor)s. That figure is not verified: it "
                "is shown, and counts for nothing."
            )
        return _("“%(label)s” pays %(price)s, below the floor of %(floor)s.")

    def _where(self) -> str:
        rule = self.floor.rule
        clause = f"{rule.instrument}, {rule.clause}" if rule.clause else rule.instrument
        text = f"{clause}: {rule.title} ({self.floor.confidence.label.lower()}: "
        text += f"{self.floor.source})."
        if self.floor.assumed:
            fact = Trigger(rule.trigger).label.lower()
            text += " " + _("Nobody entered its %s: the day of use was taken.") % fact
        return text


def floor_rules() -> list[Rule]:
    """Return the rules that are floors, and those that have their amounts, in one query."""
    rows = RuleSet.objects.filter(Q(values__has_key="meter") | Q(values__has_key="amount"))
    return [rule_of(row) for row in rows.order_by("code", "effective_from")]


def below_floors(agreement: Agreement) -> list[Finding]:
    """Return the lines of an agreement's agreed rates that pay less than a floor."""
    cards = agreement.rate_cards.agreed().order_by("effective_from")
    parts = ("lines__brackets", "lines__production", "multipliers")
    rules = floor_rules()
    found = []
    for card in cards.prefetch_related(*parts):
        for line in card.lines.all():
            line.card, card.agreement = card, agreement
            found += findings_of_line(line, rules, used_on=card.effective_from)
    return [finding for finding in found if finding.is_below]


def floors_for(
    agreement: Agreement, meter: str, rules: Sequence[Rule], *, used_on: date
) -> list[Floor]:
    """Return the floors that ask for what an agreement would rate by a meter, for use on a day."""
    return list(floors_of(_rated(RateLine(meter=meter), agreement, used_on), rules))


def findings_of_line(
    line: RateLine, rules: Sequence[Rule], *, used_on: date, paid: Decimal | None = None
) -> list[Finding]:
    """Return how a line stands to each floor that asks for what it rates, for use on a day.

    `paid` is what one unit came to, where that is known; else the least that the line charges.
    Use outside the consent has no floor: no rule allows it.
    """
    if line.unlicensed or not any(map(is_floor, rules)):
        return []
    agreement = line.card.agreement
    findings = []
    for floor in floors_of(_rated(line, agreement, used_on), rules):
        if floor.real_time and not any(grant.real_time for grant in agreement.grants.all()):
            continue
        price = least_price(line, real_time=floor.real_time) if paid is None else paid
        comparable = floor.currency == agreement.currency
        findings.append(Finding(line.label, line.meter, floor, price if comparable else None))
    return findings


def least_price(line: RateLine, *, real_time: bool) -> Decimal | None:
    """Return the least that a line charges for one unit, in full; None if it has no such price."""
    if line.pricing in HAS_NO_UNIT:
        return None
    brackets = brackets_in_order(line)
    prices = [bracket.unit_price for bracket in brackets] or [line.unit_price]
    price: Decimal = min(prices)
    if line.pricing == Pricing.PACKAGE and line.package_size:
        price /= line.package_size
    if line.free_quantity:
        price = Decimal(0)
    return (
        price * (ONE - line.discount_percent / HUNDRED) * _least_factor(line, real_time=real_time)
    )


def _least_factor(line: RateLine, *, real_time: bool) -> Decimal:
    """Return the least that the card's multipliers come to, for use in real time or not."""
    real = "yes" if real_time else "no"
    least: dict[str, Decimal] = defaultdict(lambda: ONE)
    for row in line.card.multipliers.all():
        if row.dimension != Factor.REAL_TIME:
            least[row.dimension] = min(least[row.dimension], row.factor)
        elif row.value == real:
            least[row.dimension] = row.factor
    return prod(least.values(), start=ONE)


def _rated(line: RateLine, agreement: Agreement, used_on: date) -> Rated:
    productions = [line.production] if line.production else list(agreement.productions.all())
    return Rated(
        guild=agreement.guild,
        legal_class=agreement.twin.legal_class,
        engagement=agreement.engagement,
        meter=line.meter,
        currency=agreement.currency,
        production_kinds=frozenset(production.kind for production in productions),
        days=dict(_days(agreement, productions)),
        used_on=used_on,
    )


def _days(
    agreement: Agreement, productions: Sequence[Production]
) -> Iterator[tuple[Trigger, date]]:
    """Yield the days of facts that select rules. Of several photographies the latest counts."""
    starts_on = local_day(agreement.starts_at, agreement.time_zone)
    yield Trigger.AGREEMENT, agreement.signed_on or starts_on
    begun = [one.photography_starts_on for one in productions if one.photography_starts_on]
    if begun:
        yield Trigger.PHOTOGRAPHY, max(begun)


def _amount(amount: Decimal, currency: str) -> str:
    return f"{locales.rate(amount, currency, 'en')} {currency}"
