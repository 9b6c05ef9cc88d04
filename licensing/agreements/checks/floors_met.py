"""Floors: whether the deal's prices pay what a guild's rules ask for, real time included."""

from collections.abc import Iterator, Sequence

from licensing.agreements.rates.floors import Floor, Rated, floors_of
from licensing.agreements.rules.rulebook import Rule
from licensing.words import DealStep, Trigger
from talent.locales import rate

from .deal_facts import DealFacts, Price
from .rule_check import Answer, Mend, fails, is_not_for, is_unknown, passes

COMPARE = Mend("Price it by the unit that the floor counts.", DealStep.PRICE, "unit_price")


def pays_the_floor(facts: DealFacts, rule: Rule, rules: Sequence[Rule]) -> Answer:
    """Compare each price with the floor that asks for what it rates."""
    found = [
        (price, floor)
        for price, floor in floor_prices(facts, rules)
        if floor.rule.code == rule.code and floor.rule.effective_from == rule.effective_from
    ]
    if not found:
        return is_not_for("No price of the deal is one that it is a floor for.")
    for price, floor in found:
        paid = price.unit_in_real_time if floor.real_time else price.unit
        least = f"{rate(floor.amount, floor.currency, 'en')} {floor.currency}"
        if paid is None or floor.currency != facts.currency:
            return is_unknown(f"“{price.label}” cannot be compared with {least}.", COMPARE)
        if paid < floor.amount:
            shown = f"{rate(paid, facts.currency, 'en')} {facts.currency}"
            return fails(
                f"“{price.label}” pays {shown}, less than {least}.",
                Mend(f"Raise the price to {least}.", DealStep.PRICE, "unit_price"),
            )
    return passes("Each price pays at least the floor.")


def floor_prices(facts: DealFacts, rules: Sequence[Rule]) -> Iterator[tuple[Price, Floor]]:
    """Yield each price with the floors that ask for what it rates."""
    days = {trigger: days.first for trigger, days in facts.days.items()}
    on = days.get(Trigger.AGREEMENT, facts.starts_on)
    for price in facts.prices:
        rated = Rated(
            guild=facts.guild.value,
            legal_class=facts.legal_class.value,
            engagement=facts.engagement.value,
            meter=price.meter.value,
            currency=facts.currency,
            production_kinds=frozenset(kind.value for kind in price.production_kinds),
            days=days,
            used_on=on,
        )
        for floor in floors_of(rated, rules):
            if not floor.real_time or facts.real_time:
                yield price, floor
