"""Biometric data: what comes before its capture, and when it must be gone."""

from licensing.agreements.rules.rulebook import Rule
from licensing.words import CapturedKind, DealStep, RetentionEnds, StatedFact
from talent.words import CaptureMethod

from .arithmetic import number, texts
from .deal_facts import DealFacts
from .places import reach
from .registry import reads
from .rule_check import Answer, Mend, fails, is_at_risk, is_not_for, is_unknown, passes

RETENTION = Mend(
    "Agree on an event and on days after it within the rule.", DealStep.CAPTURE, "retention_days"
)
DAYS_OF_A_YEAR = 365
YEARS_AFTER = {
    RetentionEnds.PURPOSE_MET: "years_after_purpose",
    RetentionEnds.WITH_THE_AGREEMENT: "years_after_purpose",
    RetentionEnds.LAST_INTERACTION: "years_after_last_interaction",
}


@reads("retention.illinois", "retention.texas", "retention.colorado", "retention.washington")
def capture_and_retention(facts: DealFacts, rule: Rule) -> Answer:
    """Before capture come what the rule `asks_for`; the data goes by the end that it names."""
    captured = _captures(facts)
    if captured is False:
        return is_not_for("Nothing biometric is captured for this deal.")
    reached = reach(facts, rule)
    if reached.reaches is False:
        return is_not_for(reached.why)
    if captured is None or reached.reaches is None:
        says = reached.why if captured else "What is captured is not agreed."
        return is_unknown(says, Mend("Enter what is captured.", DealStep.CAPTURE, "captures"))
    late = _kept_too_long(facts, rule)
    if late is not None:
        return late
    return _asked_for(facts, rule) or passes("It is told, released and destroyed in time.")


def _captures(facts: DealFacts) -> bool | None:
    """Tell whether somebody's body is measured for this deal: by its terms, or by its twin."""
    if facts.captures is None:
        return True if facts.capture_method is CaptureMethod.SCAN else None
    measured = facts.captures - {CapturedKind.ARCHIVE, CapturedKind.PHOTOGRAPHY}
    return bool(measured) or facts.capture_method is CaptureMethod.SCAN


def _kept_too_long(facts: DealFacts, rule: Rule) -> Answer | None:
    """Compare the agreed end with the rule's: so many years after its event, or at its purpose.

    An agreement's end is when its purpose is met. A rule without years leaves the end to what is
    necessary, which is shown and never computed.
    """
    ends = facts.retention_ends
    if ends is None:
        return is_unknown("When the data is destroyed is not agreed.", RETENTION)
    if not {*YEARS_AFTER.values(), "until_purpose_met"} & rule.values.keys():
        return None
    if facts.ends_on is None and ends is RetentionEnds.WITH_THE_AGREEMENT:
        return fails(
            "Data is kept until the agreement ends, and it has no end.",
            Mend("Enter a last day, or another event.", DealStep.CAPTURE, "retention_ends"),
        )
    allowed = _days_allowed(ends, rule)
    if allowed is not None and (facts.retention_days or 0) > allowed:
        return fails(
            f"Data is kept {facts.retention_days} days: {ends.label.lower()}. "
            f"The rule allows {allowed}.",
            RETENTION,
        )
    if ends is RetentionEnds.LAST_INTERACTION:
        return is_at_risk("Its purpose may be met before the last interaction.", RETENTION)
    return None


def _days_allowed(ends: RetentionEnds, rule: Rule) -> int | None:
    if YEARS_AFTER[ends] in rule.values:
        return number(rule, YEARS_AFTER[ends]) * DAYS_OF_A_YEAR
    # Once its purpose is met, nothing is kept.
    return None if ends is RetentionEnds.LAST_INTERACTION else 0


def _asked_for(facts: DealFacts, rule: Rule) -> Answer | None:
    for code in sorted(texts(rule, "asks_for")):
        fact = StatedFact(code)
        said = facts.says(fact)
        mend = Mend(f"State, with what shows it: {fact.label.lower()}.", DealStep.CAPTURE, code)
        if said is None:
            return is_unknown(f"Nobody stated: {fact.label.lower()}.", mend)
        if not said:
            return fails(f"There is no: {fact.label.lower()}.", mend)
    return None


@reads("retention.european_union")
def explicit_consent(facts: DealFacts, rule: Rule) -> Answer:
    """Data that identifies a person needs explicit consent, as easily withdrawn as given."""
    reached = reach(facts, rule)
    if reached.reaches is False:
        return is_not_for(reached.why)
    if _captures(facts) is False:
        return is_not_for("Nothing biometric is captured for this deal.")
    if facts.removal_right is False:
        return fails(
            "The performer may withdraw nothing.",
            Mend("Agree on a right to removal.", DealStep.LIMITS, "removal_right"),
        )
    return _asked_for(facts, rule) or passes("Consent is explicit and may be withdrawn.")


@reads("retention.contract", "commercials.dynamic_audio", "audio_ads.marketplace")
def deleted_at_the_end(facts: DealFacts, rule: Rule) -> Answer:
    """Where the rule covers the deal, replica and sources go when the licence ends."""
    kinds, uses = texts(rule, "kinds"), texts(rule, "uses")
    if facts.kind is None or (kinds and facts.kind.value not in kinds):
        return is_not_for("It is not a deal of that kind.")
    if uses and uses.isdisjoint(use.value for use in facts.uses):
        return is_not_for("No grant is for that.")
    rights = texts(rule, "rights")
    if rights and not {right.value for right in facts.rights} <= rights:
        return is_not_for("More is licensed than that.")
    if facts.retention_ends is RetentionEnds.LAST_INTERACTION:
        return fails("Data outlives the agreement.", RETENTION)
    return passes("Data goes when the agreement ends.")


@reads("theatrical.business_reason")
def reason_before_request(facts: DealFacts, rule: Rule) -> Answer:
    """A reason of business is articulated before consent to a scan is asked for."""
    if facts.guild.value not in texts(rule, "guilds"):
        return is_not_for("No guild of the rule covers this deal.")
    scans = {kind.value for kind in facts.captures or ()} & texts(rule, "captures")
    if facts.captures is not None and not scans:
        return is_not_for("Nobody is scanned for this deal.")
    mend = Mend(
        "Write the reason for the capture before it is asked for.",
        DealStep.CAPTURE,
        "capture_reason",
    )
    if facts.captures is None or facts.capture_reason is None:
        return is_unknown("Whether somebody is scanned is not agreed.", mend)
    if not facts.capture_reason.strip():
        return fails("No reason of business is given for the scan.", mend)
    return passes("A reason of business is given for the scan.")
