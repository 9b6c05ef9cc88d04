"""Minors: who signs for them, what is set aside for them, and what they are never shown in."""

from licensing.agreements.rules.rulebook import Rule
from licensing.words import DealStep, StatedFact
from talent.words import Exclusion

from .arithmetic import texts
from .deal_facts import DealFacts
from .places import reach
from .registry import reads
from .rule_check import Answer, Mend, fails, is_not_for, is_unknown, passes

NO_MINOR = "No minor performs."


@reads("theatrical.minors", "minors.excluded_content")
def excluded_content(facts: DealFacts, rule: Rule) -> Answer:
    """Each grant of a minor's likeness leaves out the content that the rule names."""
    if not facts.minors:
        return is_not_for(NO_MINOR)
    guilds = texts(rule, "guilds")
    if guilds and facts.guild.value not in guilds:
        return is_not_for("No guild of the rule covers this deal.")
    wanted = texts(rule, "exclusions")
    for grant in facts.grants:
        missing = wanted - {one.value for one in grant.exclusions}
        if missing:
            names = ", ".join(sorted(Exclusion(code).label.lower() for code in missing))
            return fails(
                f"{grant.right.label} × {grant.use.label} does not leave out: {names}.",
                Mend(f"Leave out {names} in each grant.", DealStep.GRANTS, "exclusions"),
            )
    return passes("Each grant leaves it out.")


@reads("minors.guardian")
def guardian_signs(facts: DealFacts, _rule: Rule) -> Answer:
    """Somebody acts for each minor as guardian."""
    if not facts.minors:
        return is_not_for(NO_MINOR)
    without = [person.name for person in facts.minors if not person.guardians]
    if without:
        return fails(
            f"No guardian acts for {', '.join(without)}.",
            Mend(
                "Give the guardian a delegation that decides, and name its document.",
                DealStep.PARTIES,
                "guardian",
            ),
        )
    return passes("A guardian acts for each minor.")


@reads("minors.trust_share", "minors.trust_share_elsewhere")
def trust_account(facts: DealFacts, rule: Rule) -> Answer:
    """A part of a minor's gross pay goes into a blocked trust, for which the account is open."""
    if not facts.minors:
        return is_not_for(NO_MINOR)
    if facts.engagement.value in texts(rule, "excepted_engagements"):
        return is_not_for("Extras are excepted.")
    states = texts(rule, "states")
    if states:
        homes = {person.domicile for person in facts.minors} | {facts.governing_law}
        if states.isdisjoint(homes):
            return is_not_for("No minor’s home, nor the governing law, is one of its states.")
    else:
        reached = reach(facts, rule)
        if reached.reaches is False:
            return is_not_for(reached.why)
    opened = facts.says(StatedFact.TRUST_ACCOUNT)
    share = f"{rule.values['percent']} % of gross"
    mend = Mend(
        "Open the blocked trust account, and enter its bank and number.",
        DealStep.PARTIES,
        StatedFact.TRUST_ACCOUNT.value,
    )
    if opened is None:
        return is_unknown(f"Whether a trust takes {share} is not known.", mend)
    return (
        passes(f"A trust takes {share}.")
        if opened
        else fails(f"There is no trust to take {share}.", mend)
    )


@reads("minors.court_approval")
def court_approval(facts: DealFacts, rule: Rule) -> Answer:
    """A court approves a minor's contract where its law lets a minor disaffirm it otherwise."""
    if not facts.minors:
        return is_not_for(NO_MINOR)
    reached = reach(facts, rule)
    if reached.reaches is False:
        return is_not_for(reached.why)
    if facts.court_approval is None:
        return is_unknown("Whether a court approved it is not known.", _COURT)
    if not facts.court_approval.strip():
        return fails("No court approved it, so that the minor may disaffirm it.", _COURT)
    return passes(f"A court approved it: {facts.court_approval}.")


_COURT = Mend("Enter the court, its number and the day.", DealStep.PARTIES, "court_approval")
