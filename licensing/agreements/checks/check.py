"""Check a deal against the rulebook: pure, so that a form, a page and a night ask the same."""

from collections.abc import Iterator, Sequence
from datetime import date

from licensing.agreements.rules.rulebook import Rule
from licensing.words import CheckResult, Confidence, RuleStatus, Trigger

from . import after_death, agents, biometrics, contracts, disclosure, guilds, minors
from .deal_facts import Days, DealFacts
from .registry import CHECKS
from .rule_check import Answer, RuleCheck, is_not_for

# The modules above enter their checks when they are imported; this is where they are named.
ROOMS = (after_death, agents, biometrics, contracts, disclosure, guilds, minors)

NOT_KNOWN_WELL = {
    Confidence.UNVERIFIED: "This rule was not verified: ask before relying on it.",
    Confidence.CONFLICTING: "Sources on this rule conflict, or none was found: ask first.",
}


def check(facts: DealFacts, rules: Sequence[Rule]) -> list[RuleCheck]:
    """Return what each rule that has a check says of a deal, in the order of the rules.

    A rule counts where its days and those of its fact have one in common, from today on. Of a rule
    with several versions each that does is told, with the day from which it counts.
    """
    found = []
    for rule in rules:
        if rule.code in CHECKS:
            found += list(_checked(facts, rule, rules))
    return found


def is_checked(rule: Rule) -> bool:
    """Tell whether a check reads a rule."""
    return rule.code in CHECKS


def blocking(found: Sequence[RuleCheck]) -> list[RuleCheck]:
    """Return what forbids a signature."""
    return [one for one in found if one.blocks]


def _checked(facts: DealFacts, rule: Rule, rules: Sequence[Rule]) -> Iterator[RuleCheck]:
    if rule.status is RuleStatus.EXPIRED:
        return
    days = _days_of(facts, rule.trigger)
    selected = None if days is None else _first_day(rule, days, facts.today)
    if days is not None and selected is None:
        return
    # Without anybody who died, or a capture, there is no such day and nothing to check.
    answer = (
        is_not_for("There is no such day.")
        if days is None
        else CHECKS[rule.code](facts, rule, rules)
    )
    answer = _weighed(answer, rule, facts, days, selected)
    yield RuleCheck(
        code=rule.code,
        title=rule.title,
        effective_from=rule.effective_from,
        result=answer.result,
        blocks=answer.result is CheckResult.FAIL and rule.may_block,
        may_be_overridden=not rule.absolute,
        instrument=rule.instrument,
        clause=rule.clause,
        jurisdiction=rule.jurisdiction,
        source="; ".join(s.name for s in (rule.source, rule.second_source) if s is not None),
        confidence=rule.confidence,
        status=rule.status,
        trigger=rule.trigger,
        day=selected,
        assumed=days is not None and days.assumed,
        sentence=answer.says,
        mend=answer.mend,
        in_plain_words=rule.in_plain_words,
    )


def _days_of(facts: DealFacts, trigger: Trigger) -> Days | None:
    """Return the days of a fact; those of the agreement stand in for a photography's."""
    known = facts.days.get(trigger)
    if known is None and trigger is Trigger.PHOTOGRAPHY:
        agreed = facts.days[Trigger.AGREEMENT]
        return Days(agreed.first, agreed.last, assumed=True)
    return known


def _first_day(rule: Rule, days: Days, today: date) -> date | None:
    """Return the first day, from today on, on which a fact meets a rule; None: there is none.

    Of what has happened already the day itself is asked, however long ago it was.
    """
    first, last = days.first, days.last
    if last is None or last > first:
        first = max(first, today if last is None else min(today, last))
    selected = max(first, rule.effective_from)
    ends = [day for day in (last, rule.effective_to) if day is not None]
    return None if any(selected > end for end in ends) else selected


def _weighed(
    answer: Answer, rule: Rule, facts: DealFacts, days: Days | None, selected: date | None
) -> Answer:
    """Weaken a verdict by what is not sure about its rule, or about the day that selected it."""
    if answer.result is CheckResult.NOT_APPLICABLE:
        return answer
    if days is not None and days.assumed:
        answer = _assumed(answer, rule)
    if answer.result is not CheckResult.FAIL:
        return _told(answer, rule)
    if rule.status is RuleStatus.PROPOSED:
        return _told(_at_risk(answer, "It is proposed and not law yet."), rule)
    if not rule.may_be_relied_on:
        return _told(_at_risk(answer, ""), rule)
    if selected is not None and selected > max(facts.today, facts.starts_on):
        return _at_risk(answer, f"It counts from {selected.isoformat()} on.")
    return answer


def _assumed(answer: Answer, rule: Rule) -> Answer:
    says = f"{answer.says} Nobody entered its {rule.trigger.label.lower()}: the day of the "
    says += "agreement was taken."
    weaker = {CheckResult.PASS: CheckResult.UNKNOWN, CheckResult.FAIL: CheckResult.AT_RISK}
    # What nobody may override is no less forbidden for a day that is missing.
    result = answer.result if rule.absolute else weaker.get(answer.result, answer.result)
    return Answer(result, says, answer.mend)


def _at_risk(answer: Answer, because: str) -> Answer:
    return Answer(CheckResult.AT_RISK, f"{answer.says} {because}".strip(), answer.mend)


def _told(answer: Answer, rule: Rule) -> Answer:
    caveat = NOT_KNOWN_WELL.get(rule.confidence)
    return (
        answer if caveat is None else Answer(answer.result, f"{answer.says} {caveat}", answer.mend)
    )
