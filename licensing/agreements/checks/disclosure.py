"""Duties to tell an audience that a replica performs."""

from datetime import date

from licensing.agreements.rules.rulebook import Rule
from licensing.words import DealStep, StatedFact
from talent.words import Right, Tier, Use

from .arithmetic import texts
from .deal_facts import DealFacts
from .places import reach
from .registry import reads
from .rule_check import Answer, Mend, fails, is_not_for, is_unknown, passes

LABEL = Mend("Have the licensee label what it shows as synthetic.", DealStep.LIMITS, "ai_label")
NOT_GRANTED = "No grant is for that."


@reads("advert_disclosure.new_york")
def advertisements(facts: DealFacts, rule: Rule) -> Answer:
    """An advertisement that shows a synthetic performer says so; sound alone is excepted."""
    advertising = [g for g in facts.grants if g.use.value in texts(rule, "uses")]
    if not advertising:
        return is_not_for(NOT_GRANTED)
    if all(grant.right is Right.VOICE for grant in advertising):
        return is_not_for("Only a voice advertises: sound is excepted.")
    if facts.says(StatedFact.EXPRESSIVE):
        return is_not_for("It promotes an expressive work, in keeping with it.")
    return _labelled(facts, rule)


@reads("ai_act.label")
def labelled_replicas(facts: DealFacts, rule: Rule) -> Answer:
    """Whoever shows a replica says so, whatever the person agreed to."""
    if facts.uses <= {Use.TRAINING}:
        return is_not_for("Nothing is shown.")
    return _labelled(facts, rule)


def _labelled(facts: DealFacts, rule: Rule) -> Answer:
    reached = reach(facts, rule)
    if reached.reaches is False:
        return is_not_for(reached.why)
    if facts.ai_label is None:
        return is_unknown(f"{reached.why} Whether it is labelled is not agreed.", LABEL)
    if not facts.ai_label:
        return fails(f"{reached.why} It is agreed that nobody labels it.", LABEL)
    return passes("The licensee labels it as synthetic.")


@reads("ai_act.tell_people")
def machine_that_talks(facts: DealFacts, rule: Rule) -> Answer:
    """A persona that talks with people in real time says that it is a machine."""
    if facts.tier is not Tier.PERSONA and not facts.real_time:
        return is_not_for("Nobody talks with it.")
    return _stated(
        facts, rule, StatedFact.SAYS_MACHINE,
        holds="It tells people that they talk to a machine.",
        lacks="It does not tell people that they talk to a machine.",
    )  # fmt: skip


@reads("ai_act.marking")
def machine_readable_mark(facts: DealFacts, rule: Rule) -> Answer:
    """Outputs carry a mark that machines read; older systems have until a day of grace."""
    if facts.uses <= {Use.TRAINING}:
        return is_not_for("Nothing is shown.")
    grace = date.fromisoformat(str(rule.values["grace_until"]))
    if facts.says(StatedFact.ON_MARKET) and facts.today < grace:
        return passes(f"The system was on the market before: it has until {grace.isoformat()}.")
    return _stated(
        facts, rule, StatedFact.MARKED,
        holds="Outputs carry a machine-readable mark.",
        lacks="Outputs carry no machine-readable mark.",
    )  # fmt: skip


def _stated(facts: DealFacts, rule: Rule, fact: StatedFact, *, holds: str, lacks: str) -> Answer:
    reached = reach(facts, rule)
    if reached.reaches is False:
        return is_not_for(reached.why)
    mend = Mend(f"State, with what shows it: {fact.label.lower()}.", DealStep.CHECKS, fact.value)
    said = facts.says(fact)
    if said is None:
        return is_unknown(f"{reached.why} Nobody stated: {fact.label.lower()}.", mend)
    return passes(holds) if said else fails(f"{reached.why} {lacks}", mend)
