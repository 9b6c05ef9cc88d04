"""What an agency may take, and for how long it may represent."""

from collections.abc import Sequence
from decimal import Decimal

from licensing.agreements.rules.rulebook import Rule
from licensing.words import DealStep, StatedFact
from talent.words import Guild

from .arithmetic import amount, number, texts, years_later
from .deal_facts import DealFacts, Person
from .floors_met import floor_prices
from .places import reach
from .registry import reads, reads_with_figures
from .rule_check import Answer, Mend, fails, is_not_for, is_unknown, passes

HUNDRED = Decimal(100)
COMMISSION = Mend(
    "Lower the commission of the representation.", DealStep.PARTIES, "commission_percent"
)
NOT_REPRESENTED = "No commission of the agency is on record."


def _commissioned(facts: DealFacts) -> list[tuple[Person, Decimal]]:
    return [
        (one, one.commission_percent) for one in facts.persons if one.commission_percent is not None
    ]


@reads_with_figures("agents.commission_cap")
def commission_bounds(facts: DealFacts, rule: Rule, rules: Sequence[Rule]) -> Answer:
    """At most the percentage, and scale is kept whole: pay is scale times the rule's multiple.

    What is marked as scale carries no commission, so that only the rest of a price has to bear it.
    """
    if facts.guild.value not in texts(rule, "guilds"):
        return is_not_for("No guild of the rule covers this deal.")
    above = _above(facts, amount(rule, "percent"))
    if above is not None:
        return above
    if not _commissioned(facts):
        return is_unknown(NOT_REPRESENTED, COMMISSION)
    if not any(percent for _one, percent in _commissioned(facts)):
        return passes("No commission is taken.")
    # A floor that was not verified is shown by its own rule, and is no scale to be kept whole.
    for line, floor in floor_prices(facts, rules):
        if not floor.may_be_relied_on:
            continue
        kept = line.unit * line.scale_portion if line.unit is not None else None
        needed = floor.amount * amount(rule, "scale_multiple")
        if (
            line.unit is not None
            and kept is not None
            and kept < floor.amount
            and line.unit < needed
        ):
            return fails(
                f"“{line.label}” pays {line.unit} {facts.currency}, and commission would be taken "
                f"of scale; it takes {needed} to leave {floor.amount} whole.",
                Mend(
                    "Raise the price, or mark its part that is scale.",
                    DealStep.PRICE,
                    "scale_portion",
                ),
            )
    return passes(f"No commission is above {rule.values['percent']} %, and scale is kept whole.")


@reads("agents.new_york_cap", "models.commission_cap")
def commission_in_a_state(facts: DealFacts, rule: Rule) -> Answer:
    """At most the percentage where the law of the place counts."""
    fact = rule.values.get("fact")
    if fact and not facts.says(StatedFact(str(fact))):
        return is_not_for(f"It is not stated: {StatedFact(str(fact)).label.lower()}.")
    reached = reach(facts, rule)
    if reached.reaches is False:
        return is_not_for(reached.why)
    above = _above(facts, amount(rule, "percent"))
    if above is not None:
        return above if reached.reaches else is_unknown(f"{reached.why} {above.says}", above.mend)
    if not _commissioned(facts):
        return is_unknown(NOT_REPRESENTED, COMMISSION)
    return passes(f"No commission is above {rule.values['percent']} %.")


def _above(facts: DealFacts, percent: Decimal) -> Answer | None:
    for person, taken in _commissioned(facts):
        if taken > percent:
            return fails(
                f"The commission on {person.name}’s part is {taken.normalize():f} %; "
                f"at most {percent.normalize():f} % is allowed.",
                COMMISSION,
            )
    return None


@reads("agents.term")
def length_of_representation(facts: DealFacts, rule: Rule) -> Answer:
    """A representation lasts no longer than a renewal may; which one it is, is not on record."""
    if facts.guild.value not in texts(rule, "guilds"):
        return is_not_for("No guild of the rule covers this deal.")
    shorter = Mend("Let the representation end in time.", DealStep.PARTIES, "ends_on")
    for person in facts.persons:
        if person.guild is Guild.NONE or person.represented_from is None:
            continue
        longest = years_later(person.represented_from, number(rule, "renewal_years"))
        first = years_later(person.represented_from, number(rule, "initial_years"))
        if person.represented_to is None or person.represented_to > longest:
            return fails(
                f"{person.name} is represented for longer than {rule.values['renewal_years']} "
                "years.",
                shorter,
            )
        if person.represented_to > first:
            return is_unknown(
                f"{person.name} is represented for longer than {rule.values['initial_years']} "
                "year, which only a renewal may be.",
                shorter,
            )
    return passes("No representation lasts too long.")
