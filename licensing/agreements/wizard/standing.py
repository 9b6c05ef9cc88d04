"""Standing: how far a draft is, and what it still needs for a signature, step by step."""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from licensing.agreements.agreements import claimed_by
from licensing.agreements.checks.rule_check import RuleCheck
from licensing.agreements.document import Missing
from licensing.agreements.rates.line_floors import Finding
from licensing.approvals.specificity import has_substance, open_ended_phrase
from licensing.models import Agreement, DealTerms
from licensing.words import CheckResult, DealStep, StatedFact
from talent.territories import place_name
from talent.words import RepresentedBy

from .drafting import OF_THE_AGREEMENT, OF_THE_DEAL, asked_for_handling
from .offered import Offers, scope_granted
from .steps import Step


class State(StrEnum):
    """How one thing stands; the worst stands last."""

    COMPLETE = "complete"
    OPTIONAL = "optional"
    UNKNOWN = "unknown"
    AT_RISK = "at_risk"
    MISSING = "missing"
    FAILS = "fails"

    @property
    def label(self) -> Promise:
        return LABELS[self]

    @property
    def stops(self) -> bool:
        """Whether nothing can be signed as long as it stands so."""
        return self in (State.MISSING, State.FAILS)


LABELS = {
    State.COMPLETE: gettext_lazy("complete"),
    State.OPTIONAL: gettext_lazy("none"),
    State.UNKNOWN: gettext_lazy("unknown"),
    State.AT_RISK: gettext_lazy("at risk"),
    State.MISSING: gettext_lazy("missing"),
    State.FAILS: gettext_lazy("not allowed"),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """One thing that a signature stands on: how it stands, why, and what would mend it."""

    step: Step | None  # None: no step of the wizard, but a page of the desk's own
    name: str
    state: State
    why: str = ""
    source: str = ""
    mend: str = ""
    field: str = ""


def standing_of(
    agreement: Agreement,
    offers: Offers,
    below_floors: Sequence[Finding],
    found: Sequence[RuleCheck],
    let_pass: Container[str],
    lacking: Sequence[Missing],
) -> list[Standing]:
    """Return how a draft stands, in the order of the steps. Takes no query of its own.

    `found` is what the rules say of it, `let_pass` are the digests of what two people let pass,
    `lacking` is what its text still misses. What a rule says is not said a second time.
    """
    deal = getattr(agreement, "deal", None)
    rules = _of_rules(found, let_pass)
    spoken = {one.code for one in found if one.result is not CheckResult.NOT_APPLICABLE}
    by_rule = any(code.startswith(THREE_LIMBS) for code in spoken)
    floors = [finding for finding in below_floors if finding.floor.rule.code not in spoken]
    told = [
        Standing(Step.WHO, _("Agency, licensee, twin"), State.COMPLETE),
        _of_kind(deal),
        _of_description(agreement),
        *_of_grants(agreement, offers),
        *_of_prices(agreement, floors),
        _of_limits(agreement),
        *(() if by_rule else _of_handling(deal)),
        *rules,
        *_of_text(agreement, lacking),
    ]
    order = list(Step)
    return sorted(told, key=lambda one: order.index(one.step or Step.CHECKS))


def _of_rules(found: Sequence[RuleCheck], let_pass: Container[str]) -> Iterator[Standing]:
    """Yield what the rules have against a draft, or cannot tell."""
    for one in found:
        passed = one.may_be_overridden and one.digest in let_pass
        if one.result not in STATES or passed:
            continue
        yield Standing(
            step=step_of(one.mend.step, one.mend.field) if one.mend else Step.CHECKS,
            name=one.title,
            state=State.FAILS if one.blocks else STATES[one.result],
            why=one.sentence,
            source=_cited(one),
            mend=one.mend.says if one.mend else "",
            field=FIELDS.get(one.mend.field, one.mend.field) if one.mend else "",
        )


def _cited(one: RuleCheck) -> str:
    parts = [one.where, place_name(one.jurisdiction) if one.jurisdiction else "", one.source]
    told = " · ".join(part for part in parts if part)
    return f"{told} ({one.confidence.label.lower()})"


STATES = {CheckResult.FAIL: State.AT_RISK, CheckResult.AT_RISK: State.AT_RISK}
THREE_LIMBS = "three_limb_test."
# Columns and placeholders that a step asks for under another name; empty: of no one field.
FIELDS = {
    "ends_at": "ends_on", "starts_at": "starts_on", "last_day": "ends_on", "holder": "held_by",
    "counsel": "counsel_name", "unit_price": "", "meter": "", "sessions": "",
    "scale_portion": "", "multipliers": "", "pricing": "",
}  # fmt: skip
# What no step asks for: it stands on other pages of the desk.
ELSEWHERE = {
    *("contribution_plan", "guarantees", "advances", "legal_class", "tier", "commission_percent"),
    *("domicile", "agency_address", "licensee_notices", "guardian", "estate", "captured_on"),
    *("died_on", "of_age_on", "sources", "union_notice_on", "union_notice_reference"),
    *("approval_hours", "performer"),
    *StatedFact.codes(),
}
ASKED_BY_DEAL = {*OF_THE_DEAL, *OF_THE_AGREEMENT, "ends_on", "starts_on"}
BY_PLACE = {
    DealStep.PARTIES: Step.WHO,
    DealStep.TWIN: Step.WHO,
    DealStep.KIND: Step.DEAL,
    DealStep.GRANTS: Step.GRANTS,
    DealStep.PRICE: Step.PRICES,
    DealStep.LIMITS: Step.LIMITS,
    DealStep.CAPTURE: Step.HANDLING,
    DealStep.CHECKS: Step.CHECKS,
    DealStep.DOCUMENT: Step.CHECKS,
}


def _of_text(agreement: Agreement, lacking: Sequence[Missing]) -> Iterator[Standing]:
    """Yield what the text still misses, but for what is told of the steps already."""
    told = set() if agreement.description.strip() else {"description"}
    for one in lacking:
        if one.place not in TOLD_BY_STEPS and one.field not in told:
            yield Standing(
                step=step_of(one.step, one.field),
                name=one.place,
                state=State.MISSING,
                why=one.sentence,
                mend=_("Put it right"),
                field=FIELDS.get(one.field, one.field),
            )


TOLD_BY_STEPS = {"Kind of deal", "Schedule A", "Schedule B"}


def step_of(place: DealStep, field: str) -> Step | None:
    """Return the step where a field is asked for; None: it stands on a page beside the wizard."""
    name = FIELDS.get(field, field)
    if field in ELSEWHERE:
        return None
    if name == "productions":
        return Step.WHO
    if name in ASKED_BY_DEAL:
        return Step.DEAL
    if name in asked_for_handling():
        return Step.HANDLING
    return BY_PLACE[place]


def first_open(agreement: Agreement, found: Sequence[Standing]) -> Step:
    """Return the step at which whoever comes back goes on."""
    missing = (one.step for one in found if one.step and one.state is State.MISSING)
    return next(missing, Step.CHECKS)


def _of_kind(deal: DealTerms | None) -> Standing:
    name = _("Kind of deal")
    if deal is None:
        return Standing(
            Step.DEAL, name, State.MISSING, mend=_("Choose the kind of deal"), field="kind"
        )
    return Standing(Step.DEAL, name, State.COMPLETE, why=deal.get_kind_display())


def _of_description(agreement: Agreement) -> Standing:
    name, mend = _("Reasonably specific description"), _("Describe the intended uses")
    text = agreement.description.strip()

    def told(state: State, why: str = "") -> Standing:
        wanted = "" if state is State.COMPLETE else mend
        return Standing(Step.DEAL, name, state, why, mend=wanted, field="description")

    if not text:
        return told(State.MISSING, _("What is intended is not described yet."))
    phrase = open_ended_phrase(text)
    if phrase is not None:
        why = _("“%(phrase)s” leaves it open: %(instead)s.") % {
            "phrase": phrase[0], "instead": phrase[1].rstrip("."),
        }  # fmt: skip
        return told(State.AT_RISK, why)
    if not has_substance(text, sentence=True):
        return told(State.AT_RISK, _("It says too little of what is done in which work."))
    return told(State.COMPLETE)


def _of_grants(agreement: Agreement, offers: Offers) -> Iterator[Standing]:
    grants = list(agreement.grants.all())
    name = _("Granted within the consent")
    if not grants:
        why = _("An agreement without a grant licenses nothing.")
        mend = _("Choose what may be done")
        yield Standing(Step.GRANTS, name, State.MISSING, why, mend=mend)
        return
    claimed = claimed_by(agreement)
    reasons = [
        reason
        for grant in grants
        for reason in offers[grant.right, grant.use].refusals(
            replace(scope_granted(grant), **claimed)
        )
    ]
    if reasons:
        mend = _("Take out what goes beyond it")
        yield Standing(Step.GRANTS, name, State.FAILS, " ".join(reasons), mend=mend)
    else:
        yield Standing(Step.GRANTS, name, State.COMPLETE, ", ".join(str(grant) for grant in grants))


def _of_prices(agreement: Agreement, below_floors: Sequence[Finding]) -> Iterator[Standing]:
    lines = [line for card in agreement.rate_cards.all() for line in card.lines.all()]
    name = _("What it costs")
    if not lines:
        why = _("Use without a price is held until there is one.")
        yield Standing(Step.PRICES, name, State.MISSING, why, mend=_("Say what it costs"))
        return
    yield Standing(Step.PRICES, name, State.COMPLETE, ", ".join(line.label for line in lines))
    for finding in below_floors:
        relied = finding.floor.may_be_relied_on
        yield Standing(
            Step.PRICES,
            _("At least what the guild asks for"),
            State.AT_RISK if relied else State.UNKNOWN,
            str(finding),
            mend=_("Raise the price"),
        )


def _of_limits(agreement: Agreement) -> Standing:
    caps = list(agreement.caps.all())
    if not caps:
        return Standing(Step.LIMITS, _("Limits"), State.OPTIONAL, _("No cap beside the consent's."))
    told = "; ".join(str(cap).rpartition(": ")[2] for cap in caps)
    return Standing(Step.LIMITS, _("Limits"), State.COMPLETE, told)


def _of_handling(deal: DealTerms | None) -> Iterator[Standing]:
    if deal is None:
        return
    name = _("Lawyer or union named")
    if deal.represented_by == RepresentedBy.NONE:
        yield Standing(
            Step.HANDLING,
            name,
            State.AT_RISK,
            _("Without either, the clause may be void."),
            _("California AB 2602, New York GOL 5-302"),
            _("Name the counsel or the union"),
            "represented_by",
        )
        return
    yield Standing(
        Step.HANDLING, name, State.COMPLETE, deal.counsel_name or deal.get_represented_by_display()
    )
