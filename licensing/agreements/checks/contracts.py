"""Statutes on contracts about replicas: the three-limb test, models, terms of licences."""

from datetime import date

from licensing.agreements.rules.rulebook import Rule
from licensing.words import DealStep, StatedFact
from talent.periods import OF_AGE

from .arithmetic import number, texts, years_later
from .deal_facts import DealFacts
from .places import Reach, reach
from .registry import reads
from .rule_check import Answer, Mend, fails, is_at_risk, is_not_for, is_unknown, passes
from .writing import DESCRIBE, INITIAL, NAME_COUNSEL, described, initialled, represented

STATE_LAW = Mend("Enter the governing law.", DealStep.PARTIES, "governing_law")


@reads("three_limb_test.california", "three_limb_test.new_york", "three_limb_test.illinois")
def three_limb_test(facts: DealFacts, rule: Rule) -> Answer:
    """The clause fails where all three limbs hold; one that does not is enough to save it."""
    if not facts.living:
        return is_not_for("Nobody living performs: the test is about work in person.")
    reached = reach(facts, rule)
    if reached.reaches is False:
        return is_not_for(reached.why)
    in_person = _replaces_work_in_person(facts, rule)
    if in_person is False:
        return passes("The replica takes no place of work in person.")
    return _by_writing(facts, rule, reached)


def _by_writing(facts: DealFacts, rule: Rule, reached: Reach) -> Answer:
    """Judge the two limbs that the writing decides: a description, and who stood beside them."""
    description = described(facts)
    if description.is_specific:
        return passes(description.says)
    by = represented(facts, rule)
    if by.holds:
        return passes(by.says)
    says = f"{description.says} {by.says}"
    if description.is_specific is None:
        return is_at_risk(says, NAME_COUNSEL)
    if by.holds is None:
        return is_unknown(says, INITIAL if facts.counsel else NAME_COUNSEL)
    if reached.reaches is None:
        return is_unknown(f"{reached.why} {says}", STATE_LAW)
    return fails(f"{says} {reached.why}", DESCRIBE)


def _replaces_work_in_person(facts: DealFacts, rule: Rule) -> bool:
    """Tell whether the replica stands in for work in person: as stated, or else by its uses."""
    stated = facts.says(StatedFact.IN_PERSON)
    if stated is not None:
        return stated
    return not {use.value for use in facts.uses}.isdisjoint(texts(rule, "in_person_uses"))


@reads("models.replica")
def consent_of_models(facts: DealFacts, rule: Rule) -> Answer:
    """A model's consent names scope, purpose, rate and duration, in a writing of its own."""
    works_as_model = facts.says(StatedFact.FASHION_MODEL)
    if not works_as_model:
        return is_not_for("The performer is not noted as a fashion model.")
    reached = reach(facts, rule)
    if reached.reaches is False:
        return is_not_for(reached.why)
    if facts.says(StatedFact.POWER_OF_ATTORNEY):
        return fails(
            "The agency holds a power of attorney over the model’s replica.",
            Mend(
                "End the power of attorney, and have the model sign.",
                DealStep.PARTIES,
                StatedFact.POWER_OF_ATTORNEY.value,
            ),
        )
    missing = [
        (lacks, mend)
        for lacks, mend in (
            ("scope", None if facts.grants else Mend("Add what may be done.", DealStep.GRANTS)),
            ("purpose", None if described(facts).is_specific is not False else DESCRIBE),
            ("rate", None if facts.prices else Mend("Add a price.", DealStep.PRICE)),
            (
                "duration",
                Mend("Enter a last day.", DealStep.LIMITS, "ends_at")
                if facts.ends_on is None
                else None,
            ),
            ("writing of its own", INITIAL if initialled(facts) is False else None),
        )
        if mend is not None
    ]
    if missing:
        lacks = ", ".join(what for what, _mend in missing)
        return fails(f"A model’s consent lacks: {lacks}.", missing[0][1] or DESCRIBE)
    if reached.reaches is None:
        return is_unknown(reached.why, STATE_LAW)
    return passes("Scope, purpose, rate and duration are stated.")


@reads("no_fakes.licence_term")
def licence_term(facts: DealFacts, rule: Rule) -> Answer:
    """A licence of the living lasts so many years at most; a minor's fewer, and ends at an age."""
    if not facts.living:
        return is_not_for("Nobody living licenses it.")
    if facts.guild.value in texts(rule, "exempt_guilds"):
        return is_not_for("Licences under a union agreement are exempt.")
    minors = facts.minors
    years = number(rule, "minor_maximum_years" if minors else "maximum_years")
    limit = years_later(facts.starts_on, years)
    for person in minors:
        if person.born_on is not None:
            limit = min(limit, years_later(person.born_on, number(rule, "minor_ends_at_age")))
    shorter = Mend(f"End it before {limit.isoformat()}.", DealStep.LIMITS, "ends_at")
    if _lasts_past(facts.ends_on, limit):
        return fails(f"It lasts longer than {years} years, or past an age of {OF_AGE}.", shorter)
    if minors and not facts.court_approval:
        return fails(
            "A minor’s licence has no court’s approval.",
            Mend("Enter the court’s approval.", DealStep.PARTIES, "court_approval"),
        )
    return passes(f"It ends before {limit.isoformat()}.")


def _lasts_past(ends_on: date | None, limit: date) -> bool:
    return ends_on is None or ends_on >= limit
