"""Rights after death: whether they run, who holds them, and whether they are registered."""

from collections.abc import Sequence
from datetime import date

from licensing.agreements.rules.rulebook import Rule
from licensing.words import DealStep, StatedFact
from talent.territories import place_name

from .arithmetic import number, texts, years_later
from .deal_facts import DealFacts, Person
from .places import reach
from .registry import reads
from .rule_check import Answer, Mend, fails, is_at_risk, is_not_for, is_unknown, passes

NOBODY_DIED = "Nobody deceased performs."
NAME_THE_ESTATE = Mend(
    "Give who acts for the estate a delegation, and name the document it rests on.",
    DealStep.PARTIES,
    "estate",
)
ENTER_DOMICILE = Mend("Enter the domicile at death.", DealStep.PARTIES, "domicile")

STATES_WITH_A_TERM = (
    "indiana", "oklahoma", "california", "hawaii", "south_dakota", "washington", "ohio", "alabama",
    "illinois", "kentucky", "nevada", "texas", "arkansas", "louisiana", "new_york", "florida",
    "pennsylvania", "virginia", "tennessee", "nebraska",
)  # fmt: skip


@reads(*(f"post_mortem.{state}" for state in STATES_WITH_A_TERM))
def rights_after_death(facts: DealFacts, rule: Rule) -> Answer:
    """While the right runs, its successors license it; a law with a registry asks for an entry."""
    answers = [_right_of(person, facts, rule) for person in facts.deceased]
    return _gravest(answers) if answers else is_not_for(NOBODY_DIED)


def _right_of(person: Person, facts: DealFacts, rule: Rule) -> Answer:
    if person.died_on is None or not rule.counts_on(person.died_on):
        return is_not_for(f"It does not reach deaths on the day {person.name} died.")
    if not person.domicile:
        return is_unknown(f"The domicile of {person.name} at death is not known.", ENTER_DOMICILE)
    if person.domicile != rule.jurisdiction and not _reaches_strangers(facts, rule):
        return is_not_for(f"{person.name} was domiciled in {place_name(person.domicile)}.")
    ended = _ends_on(person.died_on, facts, rule)
    if ended is not None and ended <= facts.starts_on:
        return passes(f"The right of {person.name} ended on {ended.isoformat()}.")
    if not person.estate:
        return fails(
            f"The right of {person.name} runs {_until(ended)}, and nobody acts for the estate.",
            NAME_THE_ESTATE,
        )
    if rule.values.get("registry") and not facts.says(StatedFact.REGISTERED):
        return is_at_risk(
            f"The right of {person.name} runs {_until(ended)}; that its successors are "
            "registered was not stated.",
            Mend(
                "State the number of the registration.",
                DealStep.CHECKS,
                StatedFact.REGISTERED.value,
            ),
        )
    return passes(
        f"The right of {person.name} runs {_until(ended)}, and {person.estate[0]} acts for it."
    )


def _reaches_strangers(facts: DealFacts, rule: Rule) -> bool:
    return bool(rule.values.get("any_domicile")) and reach(facts, rule).reaches is True


def _ends_on(died_on: date, facts: DealFacts, rule: Rule) -> date | None:
    """Return the first day without the right; None where its law names no end."""
    if "years" not in rule.values or "lapse_after_years_without_use" in rule.values:
        return None
    without_value = "years_without_value" in rule.values and facts.says(StatedFact.NO_VALUE)
    return years_later(died_on, number(rule, "years_without_value" if without_value else "years"))


def _until(ended: date | None) -> str:
    return "without a fixed end" if ended is None else f"until {ended.isoformat()}"


@reads("post_mortem.common_law", "post_mortem.none")
def states_without_a_term(facts: DealFacts, rule: Rule) -> Answer:
    """Tell what is known of a state that fixes no term; never that nobody need be asked."""
    theirs = [one for one in facts.deceased if one.domicile in texts(rule, "states")]
    if not theirs:
        return is_not_for("Nobody deceased was domiciled in one of its states.")
    without = [one.name for one in theirs if not one.estate]
    if without:
        return is_at_risk(f"{rule.summary} Nobody acts for {', '.join(without)}.", NAME_THE_ESTATE)
    return passes(f"{rule.summary} Somebody acts for the estate.")


@reads("deceased_replicas.california", "deceased_replicas.new_york")
def consent_of_successors(facts: DealFacts, rule: Rule) -> Answer:
    """Who holds the rights of the deceased consents before a replica is shown."""
    if not facts.deceased:
        return is_not_for(NOBODY_DIED)
    theirs = [one for one in facts.deceased if _was_domiciled(one, rule)]
    reached = reach(facts, rule)
    if not theirs and reached.reaches is False:
        return is_not_for(reached.why)
    return _somebody_acts(facts)


@reads("elvis_act")
def simulated_voice(facts: DealFacts, rule: Rule) -> Answer:
    """A right that lives on use after its first years: uses must be on record, one in so many."""
    if not facts.deceased:
        return is_not_for(NOBODY_DIED)
    theirs = [one for one in facts.deceased if _was_domiciled(one, rule)]
    if not theirs:
        return is_not_for("Nobody deceased was domiciled there.")
    first_years = number(rule, "years")
    gap = number(rule, "lapse_after_years_without_use")
    for person in theirs:
        if person.died_on and years_later(person.died_on, first_years) <= facts.starts_on:
            return is_at_risk(
                f"{first_years} years after the death of {person.name} the right lasts until "
                f"{gap} years pass without use; the dated log of uses shows whether they did.",
                NAME_THE_ESTATE,
            )
    return _somebody_acts(facts)


@reads("theatrical.deceased_without_consent")
def representative_of_the_deceased(facts: DealFacts, rule: Rule) -> Answer:
    """An authorised representative decides; where there is none the union does."""
    if not facts.deceased:
        return is_not_for(NOBODY_DIED)
    if facts.guild.value not in texts(rule, "guilds"):
        return is_not_for("No guild of the rule covers this deal.")
    return _somebody_acts(facts)


@reads("theatrical.consent_after_death")
def consent_given_in_life(facts: DealFacts, rule: Rule) -> Answer:
    """Whether consent given in life goes on is thought, not known."""
    if not facts.deceased:
        return is_not_for(NOBODY_DIED)
    if facts.guild.value not in texts(rule, "guilds"):
        return is_not_for("No guild of the rule covers this deal.")
    return is_at_risk(
        "Consent given in life is thought to go on after death unless it was limited.",
        NAME_THE_ESTATE,
    )


@reads("no_fakes.post_mortem")
def proposed_rights_after_death(facts: DealFacts, rule: Rule) -> Answer:
    """A proposed federal right of so many years, renewed by use and notice, up to a limit."""
    answers = []
    for person in facts.deceased:
        if person.died_on is None:
            continue
        first = years_later(person.died_on, number(rule, "years"))
        last = years_later(person.died_on, number(rule, "maximum_years"))
        if last <= facts.starts_on:
            answers.append(passes(f"The right of {person.name} would have ended."))
        elif first <= facts.starts_on and not facts.says(StatedFact.REGISTERED):
            answers.append(
                is_at_risk(
                    f"The right of {person.name} would need renewal since {first.isoformat()}.",
                    Mend(
                        "State the number of the registration.",
                        DealStep.CHECKS,
                        StatedFact.REGISTERED.value,
                    ),
                )
            )
        else:
            answers.append(_somebody_acts(facts))
    return _gravest(answers) if answers else is_not_for(NOBODY_DIED)


def _was_domiciled(person: Person, rule: Rule) -> bool:
    return person.domicile == rule.jurisdiction


def _somebody_acts(facts: DealFacts) -> Answer:
    without = [person.name for person in facts.deceased if not person.estate]
    if without:
        return fails(f"Nobody acts for the estate of {', '.join(without)}.", NAME_THE_ESTATE)
    return passes("Who holds the rights acts for each of the deceased.")


def _gravest(answers: Sequence[Answer]) -> Answer:
    order = list(type(answers[0].result))
    return max(answers, key=lambda answer: order.index(answer.result))
