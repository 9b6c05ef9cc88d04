"""Guild agreements: notice, form of consent, floors, contributions, terms; by class and kind."""

from collections.abc import Sequence
from decimal import Decimal

from licensing.agreements.rules.rulebook import Rule
from licensing.words import (
    CapturedKind,
    Channel,
    ContributionPlan,
    DealStep,
    Meter,
    RuleStatus,
    StatedFact,
    Trigger,
)
from talent.locales import rate
from talent.words import LegalClass, Right, Use

from .arithmetic import amount, months_later, number, texts
from .deal_facts import DealFacts, Price
from .floors_met import pays_the_floor
from .registry import reads, reads_with_figures
from .rule_check import (
    Answer,
    Mend,
    fails,
    is_at_risk,
    is_not_for,
    is_unknown,
    passes,
)
from .writing import DESCRIBE, INITIAL, described, initialled

VISUAL = {Right.FACE, Right.BODY, Right.MOTION}
TERM = Mend("Enter a last day within it.", DealStep.LIMITS, "ends_at")
NOTICE = Mend(
    "Agree on the hours of notice before the capture.", DealStep.CAPTURE, "capture_notice_hours"
)
UNION_NOTICE = Mend(
    "Tell the union in writing, and enter the day and the reference.",
    DealStep.TWIN,
    "union_notice_on",
)


def not_covered(facts: DealFacts, rule: Rule) -> Answer | None:
    """Return why a guild's rule does not look at a deal; None where it does.

    A rule may name `guilds`, `engagements`, `legal_classes`, and kinds of work: `production_kinds`
    of the titles or, where none is named, `kinds` of the deal.
    """
    if facts.guild.value not in texts(rule, "guilds"):
        return is_not_for("No guild of the rule covers this deal.")
    for key, ours in (
        ("engagements", facts.engagement.value),
        ("legal_classes", facts.legal_class.value),
    ):
        if texts(rule, key) and ours not in texts(rule, key):
            return is_not_for("It is about another class of replica or engagement.")
    if not texts(rule, "production_kinds"):
        return None
    if facts.production_kinds:
        named = {kind.value for kind in facts.production_kinds}
        covers = not named.isdisjoint(texts(rule, "production_kinds"))
    elif facts.kind is not None:
        covers = facts.kind.value in texts(rule, "kinds")
    else:
        return is_unknown(
            "Neither a production nor the kind of deal is known.",
            Mend("Name the kind of deal.", DealStep.KIND, "kind"),
        )
    return None if covers else is_not_for("It is about another kind of work.")


def _captured(facts: DealFacts) -> bool | None:
    if facts.captures is None:
        return None
    return bool(facts.captures - {CapturedKind.ARCHIVE})


@reads("theatrical.replica_classes")
def class_fits(facts: DealFacts, rule: Rule) -> Answer:
    """A background replica is engaged as background or principal; a synthetic one is nobody's."""
    outside = not_covered(facts, rule)
    if outside is not None:
        return outside
    change = Mend("Class the twin anew.", DealStep.TWIN, "legal_class")
    if facts.legal_class is LegalClass.SYNTHETIC and facts.persons:
        return fails("A synthetic performer draws on nobody, and this twin does.", change)
    if facts.legal_class is LegalClass.BACKGROUND and facts.engagement.value not in texts(
        rule, "background_engagements"
    ):
        return fails(
            f"A background replica is not engaged as {facts.engagement.label.lower()}.", change
        )
    return passes(f"{facts.legal_class.label} fits the engagement.")


@reads("theatrical.creation_notice")
def notice_before_creation(facts: DealFacts, rule: Rule) -> Answer:
    """The performer is told so many hours before the services that create the replica."""
    outside = not_covered(facts, rule)
    return outside if outside is not None else _notice(facts, rule)


def _notice(facts: DealFacts, rule: Rule) -> Answer:
    captured = _captured(facts)
    if captured is False:
        return is_not_for("Nobody is captured for this deal.")
    hours = number(rule, "notice_hours")
    if captured is None or facts.capture_notice_hours is None:
        return is_unknown("The notice before a capture is not agreed.", NOTICE)
    if facts.capture_notice_hours < hours:
        return fails(f"{facts.capture_notice_hours} hours of notice; {hours} are due.", NOTICE)
    return passes(f"{facts.capture_notice_hours} hours of notice; {hours} are due.")


@reads("theatrical.consent_form")
def form_of_consent(facts: DealFacts, rule: Rule) -> Answer:
    """Consent stands apart, is signed or initialled on its own, and describes the use."""
    outside = not_covered(facts, rule)
    return outside if outside is not None else _form(facts)


@reads("interactive.consent")
def consent_in_games(facts: DealFacts, rule: Rule) -> Answer:
    """As above, and it says whether real time and sensitive content are included."""
    outside = not_covered(facts, rule)
    if outside is not None:
        return outside
    found = _form(facts)
    if found.mend is not None or not rule.values.get("states_sensitive_content"):
        return found
    says = facts.says(StatedFact.SENSITIVE)
    left_out = {one.value for grant in facts.grants for one in grant.exclusions}
    if says or texts(rule, "sensitive_content") <= left_out:
        return found
    mend = Mend(
        "Say whether sensitive content is included, or leave it out of the grants.",
        DealStep.GRANTS,
        "exclusions",
    )
    if says is None:
        return is_unknown("Whether sensitive content is included is not said.", mend)
    return fails("It does not say whether sensitive content is included.", mend)


def _form(facts: DealFacts) -> Answer:
    description = described(facts)
    if description.is_specific is False:
        return fails(description.says, DESCRIBE)
    signed_apart = initialled(facts)
    if signed_apart is False:
        return fails("The replica clause is not signed or initialled on its own.", INITIAL)
    if signed_apart is None:
        return is_unknown("Whether the replica clause was initialled is not known.", INITIAL)
    if description.is_specific is None:
        return is_at_risk(description.says, DESCRIBE)
    return passes(f"{description.says} The replica clause is initialled on its own.")


@reads("commercials.replica_consent")
def consent_in_commercials(facts: DealFacts, rule: Rule) -> Answer:
    """Notice, a description, and for commercials to come the same advertiser and product line."""
    outside = not_covered(facts, rule)
    if outside is not None:
        return outside
    found = _form(facts)
    if found.mend is not None:
        return found
    if not facts.productions:
        if not facts.says(StatedFact.SAME_PRODUCT):
            return fails(
                "Commercials to come are included, and not bound to one advertiser and product "
                "line.",
                Mend(
                    "Name the commercial, or state that those to come are for the same advertiser "
                    "and product line.",
                    DealStep.GRANTS,
                    "productions",
                ),
            )
        if facts.ends_on is None:
            return fails("Commercials to come are included without an end.", TERM)
    noticed = _notice(facts, rule)
    return found if noticed.mend is None else noticed


@reads("commercials.maximum_period_of_use")
def maximum_period_of_use(facts: DealFacts, rule: Rule) -> Answer:
    """A commercial runs so many months before it is negotiated again."""
    outside = not_covered(facts, rule)
    if outside is not None:
        return outside
    limit = months_later(facts.starts_on, number(rule, "months"))
    if facts.ends_on is None or facts.ends_on >= limit:
        return fails(f"It may run past {limit.isoformat()}, {rule.values['months']} months.", TERM)
    return passes(f"It ends within {rule.values['months']} months.")


@reads("commercials.streaming_year")
def a_year_of_streaming(facts: DealFacts, rule: Rule) -> Answer:
    """A year on streaming pays an amount; a guarantee or a period's minimum may be it."""
    outside = not_covered(facts, rule)
    if outside is not None:
        return outside
    streams = any(
        grant.use is Use.ADVERTISING
        and (grant.channels is None or Channel.STREAMING in grant.channels)
        for grant in facts.grants
    )
    if not streams:
        return is_not_for("Streaming is not granted.")
    least = amount(rule, "amount")
    shown = f"{rate(least, str(rule.values['currency']), 'en')} {rule.values['currency']}"
    mend = Mend(f"Guarantee {shown} a year, or leave streaming out.", DealStep.PRICE, "guarantees")
    if facts.currency != rule.values["currency"]:
        return is_unknown(f"What is paid cannot be compared with {shown}.", mend)
    promised = max([facts.guaranteed, *(price.minimum for price in facts.prices)])
    if promised < least:
        return is_at_risk(f"A year on streaming pays {shown}; less is promised.", mend)
    return passes(f"At least {shown} is promised.")


@reads_with_figures("theatrical.creation_pay")
def pay_for_creation(facts: DealFacts, rule: Rule, rules: Sequence[Rule]) -> Answer:
    """A session of its own is paid as a day; half of it for a short one that suits a performer."""
    outside = not_covered(facts, rule)
    if outside is not None:
        return outside
    captured = _captured(facts)
    if captured is False:
        return is_not_for("Nobody is captured for this deal.")
    day = _figure(rules, str(rule.values["floor_rule"]), facts)
    mend = Mend("Add a price for the session that creates it.", DealStep.PRICE, "sessions")
    sessions = [price for price in facts.prices if price.meter is Meter.SESSIONS]
    if captured is None or day is None or facts.currency != day.values["currency"]:
        return is_unknown("What a session that creates it pays cannot be compared.", mend)
    if not sessions:
        return is_at_risk("No session that creates the replica is priced.", mend)
    due = amount(day, "amount") * amount(rule, "session_days")
    short = amount(day, "amount") * amount(rule, "short_session_days")
    for price in sessions:
        if price.unit is None or price.unit < short:
            return fails(f"A session pays less than {short} {facts.currency}.", mend)
        if price.unit < due:
            return is_at_risk(
                f"A session pays less than {due} {facts.currency}, which only one of "
                f"{rule.values['short_session_hours']} hours that suits the performer may.",
                mend,
            )
    return passes("A session that creates it is paid as a day.")


@reads_with_figures(
    "theatrical.use_pay_same_production",
    "theatrical.background_as_principal",
    "scale.interactive_session",
    "scale.interactive_line",
    "scale.commercial_session",
)
def floor_of_use(facts: DealFacts, rule: Rule, rules: Sequence[Rule]) -> Answer:
    """A price is at least its floor, and one is agreed where the rule asks for it."""
    classes, engagements = texts(rule, "legal_classes"), texts(rule, "engagements")
    if facts.guild.value != rule.values.get("guild") or not facts.prices:
        return is_not_for("No guild of the rule covers this deal, or nothing is priced.")
    counts = any(price.meter.value == rule.values["meter"] for price in facts.prices)
    named = (not classes or facts.legal_class.value in classes) and (
        not engagements or facts.engagement.value in engagements
    )
    if rule.values.get("time_bank") and named and not counts:
        unit = Meter(str(rule.values["meter"])).label.lower()
        return is_at_risk(
            f"Pay follows the days that a person would have worked; nothing is priced by {unit}.",
            Mend(f"Add a price by {unit}.", DealStep.PRICE, "meter"),
        )
    return pays_the_floor(facts, rule, rules)


@reads_with_figures("theatrical.independent_pay")
def pay_of_independent_replicas(facts: DealFacts, rule: Rule, rules: Sequence[Rule]) -> Answer:
    """Freely bargained with contributions; later not below the day rate, with residuals."""
    outside = not_covered(facts, rule)
    if outside is not None:
        return outside
    if rule.values.get("floor_rule"):
        floor = floor_of_use(facts, rule, rules)
        if floor.mend is not None:
            return floor
    if rule.values.get("contributions") and facts.contributions is ContributionPlan.NONE:
        return _no_contributions()
    if rule.values.get("residuals"):
        return _residuals(facts)
    return passes("Pay is freely bargained, and contributions are paid.")


@reads("theatrical.use_pay_other_production")
def one_production(facts: DealFacts, rule: Rule) -> Answer:
    """Use in another production needs a consent of its own, so that each is named."""
    outside = not_covered(facts, rule)
    if outside is not None:
        return outside
    if not facts.productions:
        return fails(
            "It is for all productions of the licensee: consent for another one is signed for it.",
            Mend("Name the productions.", DealStep.GRANTS, "productions"),
        )
    return passes(f"It is for {', '.join(facts.productions)}.")


@reads("theatrical.contributions_due", "contributions.interactive", "contributions.commercials")
def contributions_due(facts: DealFacts, rule: Rule) -> Answer:
    """A plan's contributions are paid on top of pay."""
    outside = not_covered(facts, rule)
    if outside is not None:
        return outside
    plans = texts(rule, "plans")
    if facts.contributions is ContributionPlan.NONE:
        return _no_contributions()
    if facts.contributions.value not in plans:
        return fails(
            f"Contributions are paid by another plan: {facts.contributions.label}.",
            Mend("Choose the plan of the agreement.", DealStep.PRICE, "contribution_plan"),
        )
    return passes(f"Contributions are paid: {facts.contributions.label}.")


def _no_contributions() -> Answer:
    return fails(
        "No contributions are paid on top of pay.",
        Mend("Choose the plan whose rates count.", DealStep.PRICE, "contribution_plan"),
    )


@reads("contributions.deceased")
def contributions_after_death(facts: DealFacts, rule: Rule) -> Answer:
    """Theatrical pay goes on being reported; on television none are due after a death."""
    if not facts.deceased or facts.guild.value not in texts(rule, "guilds"):
        return is_not_for("Nobody deceased performs under the plan.")
    television = facts.contributions.value in texts(rule, "television_plans")
    if television and not rule.values["television"]:
        return is_at_risk(
            "On television, what falls due after a death carries no contributions.",
            Mend("Choose no plan.", DealStep.PRICE, "contribution_plan"),
        )
    return passes("Contributions follow the plan.")


@reads("theatrical.replica_residuals")
def residuals_of_replicas(facts: DealFacts, rule: Rule) -> Answer:
    """A principal's replica earns residuals as if the performer had been there."""
    outside = not_covered(facts, rule)
    return outside if outside is not None else _residuals(facts)


def _residuals(facts: DealFacts) -> Answer:
    if any(price.meter in (Meter.RUNS, Meter.COPIES, Meter.REVENUE) for price in facts.prices):
        return passes("Runs, copies or revenue are priced.")
    return is_at_risk(
        "Residuals are due as if the performer had been there, and no price follows runs, copies "
        "or revenue.",
        Mend("Add a price for runs or for a share of revenue.", DealStep.PRICE, "meter"),
    )


@reads("theatrical.capture_by_photography")
def photography_is_employment(facts: DealFacts, rule: Rule) -> Answer:
    """A replica built from photography on the set is employment-based."""
    outside = not_covered(facts, rule)
    if outside is not None:
        return outside
    by_photography = facts.capture_method is not None and (
        facts.capture_method.value in texts(rule, "capture_methods")
    )
    if not by_photography:
        return is_not_for("It was not built from photography on the set.")
    if facts.legal_class is LegalClass.INDEPENDENT:
        return fails(
            "It was built from photography on the set and is classed as independently created.",
            Mend("Class it as employment-based.", DealStep.TWIN, "legal_class"),
        )
    return passes(f"It is classed as {facts.legal_class.label.lower()}.")


@reads("theatrical.dubbing_consent")
def languages_of_dubbing(facts: DealFacts, rule: Rule) -> Answer:
    """Dubbing by replica needs consent for each language."""
    outside = not_covered(facts, rule)
    if outside is not None:
        return outside
    dubbed = [grant for grant in facts.grants if grant.use is Use.DUBBING]
    if not dubbed:
        return is_not_for("Dubbing is not granted.")
    if any(grant.languages is None for grant in dubbed):
        return fails(
            "Dubbing is granted into every language.",
            Mend("Name the languages.", DealStep.GRANTS, "languages"),
        )
    return passes("The languages of dubbing are named.")


@reads("theatrical.synthetic_performer", "commercials.synthetic_performer")
def union_told_of_synthetic(facts: DealFacts, rule: Rule) -> Answer:
    """The union is told of a synthetic performer before anything is agreed."""
    if facts.legal_class is not LegalClass.SYNTHETIC:
        return is_not_for("It is no synthetic performer.")
    if facts.union_told_on is None:
        return fails("The union was not told of the synthetic performer.", UNION_NOTICE)
    agreed = facts.days[Trigger.AGREEMENT].first
    if facts.union_told_on > agreed:
        return fails("The union was told after the agreement.", UNION_NOTICE)
    if rule.values.get("additional_value"):
        return is_at_risk(
            "The union was told; a human part also asks for significant additional value, which "
            "the desk cannot judge.",
            Mend("Say in the description what it adds.", DealStep.GRANTS, "description"),
        )
    return passes(f"The union was told on {facts.union_told_on.isoformat()}.")


@reads("theatrical.synthetic_payment")
def payment_for_synthetic(facts: DealFacts, rule: Rule) -> Answer:
    """Whether a fund is paid for synthetic performers is told in two ways."""
    if facts.legal_class is not LegalClass.SYNTHETIC:
        return is_not_for("It is no synthetic performer.")
    return is_at_risk(rule.summary)


@reads("theatrical.training_notice")
def union_told_of_training(facts: DealFacts, rule: Rule) -> Answer:
    """Licensing performances for training needs a written notice to the union."""
    outside = not_covered(facts, rule)
    if outside is not None:
        return outside
    if Use.TRAINING not in facts.uses and Right.TRAINING_DATA not in facts.rights:
        return is_not_for("Training is not granted.")
    mend = Mend("Tell the union in writing.", DealStep.CHECKS, StatedFact.UNION_TOLD.value)
    told = facts.says(StatedFact.UNION_TOLD)
    if told is None:
        return is_unknown("Whether the union was told of the training is not stated.", mend)
    return passes("The union was told.") if told else fails("The union was not told.", mend)


@reads("interactive.usage_report")
def usage_report(facts: DealFacts, rule: Rule) -> Answer:
    """Use is reported within so many days of release."""
    outside = not_covered(facts, rule)
    if outside is not None:
        return outside
    days = number(rule, "due_days")
    mend = Mend(f"Agree on {days} days at most.", DealStep.LIMITS, "usage_report_days")
    if facts.usage_report_days is None:
        return is_unknown("When use is reported is not agreed.", mend)
    if facts.usage_report_days > days:
        return fails(
            f"Use is reported within {facts.usage_report_days} days; {days} are due.", mend
        )
    return passes(f"Use is reported within {facts.usage_report_days} days.")


@reads("interactive.line", "interactive.visual_pay")
def unit_of_pay(facts: DealFacts, rule: Rule) -> Answer:
    """A voice is paid by the line, a visual replica by the days it stands for."""
    outside = not_covered(facts, rule)
    if outside is not None:
        return outside
    rights = texts(rule, "rights")
    if rights.isdisjoint(right.value for right in facts.rights):
        return is_not_for("No such right is granted.")
    meter = Meter(str(rule.values["meter"]))
    if any(price.meter in (meter, Meter.SESSIONS) for price in facts.prices):
        return passes(f"It is paid by {meter.label.lower()} or sessions.")
    return is_at_risk(
        f"It is not paid by {meter.label.lower()}.",
        Mend(f"Add a price by {meter.label.lower()}.", DealStep.PRICE, "meter"),
    )


@reads("interactive.secondary_payments")
def use_in_other_projects(facts: DealFacts, rule: Rule) -> Answer:
    """A visual performance used again in another project earns a payment of its own."""
    outside = not_covered(facts, rule)
    if outside is not None:
        return outside
    if not facts.rights & VISUAL:
        return is_not_for("No visual performance is licensed.")
    if len(facts.productions) == 1:
        return passes(f"It is for {facts.productions[0]} alone.")
    return is_at_risk(
        "It is for several projects; use in another one earns a payment of its own.",
        Mend("Name one production.", DealStep.GRANTS, "productions"),
    )


@reads_with_figures("scale.interactive_real_time")
def real_time_multiplier(facts: DealFacts, rule: Rule, rules: Sequence[Rule]) -> Answer:
    """Real time pays so many times scale: by the session, or so many times a line's price."""
    outside = not_covered(facts, rule)
    if outside is not None:
        return outside
    if not facts.real_time:
        return is_not_for("Real time is not granted.")
    times = amount(rule, "times_scale")
    scale = _figure(rules, str(rule.values["scale_rule"]), facts)
    mend = Mend(
        f"Multiply real time by {times.normalize():f}, or raise its price.",
        DealStep.PRICE,
        "multipliers",
    )
    if not facts.prices:
        return is_unknown("Nothing is priced yet.", mend)
    for price in facts.prices:
        least = _least_in_real_time(price, times, scale, facts)
        if price.unit_in_real_time is None or least is None:
            return is_unknown(f"“{price.label}” cannot be compared with scale.", mend)
        if price.unit_in_real_time < least:
            return fails(
                f"“{price.label}” pays {price.unit_in_real_time.normalize():f} {facts.currency} in "
                f"real time; {times.normalize():f} times scale are {least.normalize():f}.",
                mend,
            )
    return passes(f"Real time pays at least {times.normalize():f} times scale.")


def _least_in_real_time(
    price: Price, times: Decimal, scale: Rule | None, facts: DealFacts
) -> Decimal | None:
    """Return the least of one unit: of a session from its scale, of others from their own price."""
    if price.meter is not Meter.SESSIONS:
        return None if price.unit is None else price.unit * times
    if scale is None or scale.values["currency"] != facts.currency:
        return None
    return amount(scale, "amount") * times


def _figure(rules: Sequence[Rule], code: str, facts: DealFacts) -> Rule | None:
    """Return the rule whose figure counts on the day of its fact."""
    for rule in rules:
        days = facts.days.get(rule.trigger, facts.days[Trigger.AGREEMENT])
        if rule.code == code and rule.counts_on(days.first) and "amount" in rule.values:
            return rule if rule.status is RuleStatus.IN_FORCE else None
    return None


@reads("equity.replica")
def agreement_awaited(facts: DealFacts, rule: Rule) -> Answer:
    """An agreement that is not made yet: its members' deals are shown, never judged."""
    if facts.guild.value not in texts(rule, "guilds"):
        return is_not_for("No guild of the rule covers this deal.")
    return is_at_risk(rule.summary)
