"""Contributions: what guild plans are owed on top of pay, by dated rate and ceiling.

They are never taken from the performer. Where the agency pays them it charges the licensee, who
owes that much more; where the licensee pays the plan itself, they are lines that say so.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.db.models import Sum

from licensing.agreements.rules.rulesets import rule_of
from licensing.models import Agreement, Production, RuleSet
from licensing.words import ContributionPlan, ContributionsPaidBy, PricePart
from talent.models import Performer
from talent.periods import local_day
from valuation.cash.beside_use import plan_money
from valuation.cash.beside_use.charges import NO_USE
from valuation.cash.waterfall import ZERO, contribution
from valuation.ledger import journal
from valuation.ledger.journal import Side
from valuation.models import Contribution, NightRun, Posting, Reading, ResidualLine
from valuation.residuals.segments import rating_period
from valuation.words import AccountKind, EntryKind, ReadingKind

DAY = timedelta(days=1)
TELEVISION = {ContributionPlan.TELEVISION_HALF_HOUR, ContributionPlan.TELEVISION_HOUR}
RATES: Mapping[str, str] = {
    ContributionPlan.THEATRICAL: "contributions.theatrical",
    ContributionPlan.TELEVISION_HALF_HOUR: "contributions.theatrical",
    ContributionPlan.TELEVISION_HOUR: "contributions.theatrical",
    ContributionPlan.INTERACTIVE: "contributions.interactive",
    ContributionPlan.COMMERCIALS: "contributions.commercials",
}
# The rule of a plan's ceiling, and the figure of it that counts.
CEILINGS: Mapping[str, tuple[str, str]] = {
    ContributionPlan.THEATRICAL: ("contributions.theatrical_ceiling", "amount"),
    ContributionPlan.TELEVISION_HALF_HOUR: ("contributions.television_ceiling", "half_hour"),
    ContributionPlan.TELEVISION_HOUR: ("contributions.television_ceiling", "hour"),
}
LEAVE_OUT = "What is paid for use of several productions at once has no ceiling of its own."
NO_PRODUCTION = "No production is named, so no start of photography selects the rate."
NO_PHOTOGRAPHY = "The production's start of photography is not known, which selects the rate."
NO_RATE = "No rate was found for this pay on that day: enter it from the plan's notice."


class Unit(NamedTuple):
    """A performer's pay on a production that has a ceiling; None where it cannot be told."""

    performer_id: int
    production_id: int | None


class Seat(NamedTuple):
    """A unit's pay of one rating period."""

    unit: Unit
    period_on: date


@dataclass(frozen=True, slots=True)
class Rate:
    """The rate and ceiling that count for a pay, from which rule; or what is missing."""

    percent: Decimal | None
    ceiling: Decimal | None = None
    rule: RuleSet | None = None
    missing: str = ""


def contribute(agreement: Agreement, *, run: NightRun, now: datetime) -> None:
    """Store what plans are owed for an agreement's pay to date, and post what the agency pays.

    Only differences are stored and posted. A rate that may not be relied on is shown, not charged.
    """
    stored = _stored(agreement)
    if agreement.contribution_plan == ContributionPlan.NONE and not stored:
        return
    found = list(_found(agreement, run, stored))
    readings: dict[date, Reading] = {}
    for row in _charged(agreement, found):
        if row.period_on not in readings:
            readings[row.period_on] = _reading_of(agreement, row.period_on)
        row.reading = readings[row.period_on]
    Contribution.objects.bulk_create(found)
    _charge(agreement, found, run, now)
    if found:
        plan_money.follow([agreement.pk], agency_id=agreement.agency_id, now=now)


# Pay


def _pay(agreement: Agreement) -> dict[Seat, Decimal]:
    """Return what was earned or advanced and not paid back, by performer, production and period."""
    # Interest on what was paid late is no pay.
    lines = ResidualLine.objects.filter(agreement=agreement).exclude(
        reading__kind=ReadingKind.INTEREST.value
    )
    rows = [
        *lines.order_by().values_list("reading", "beneficiary", "month_on").annotate(Sum("amount")),
        *_recouped(agreement),
    ]
    readings = Reading.objects.in_bulk({reading for reading, *_ in rows})
    only = _only_production(agreement)
    died = _deaths(readings.values()) if agreement.contribution_plan in TELEVISION else {}
    pay: dict[Seat, Decimal] = defaultdict(Decimal)
    for reading_id, beneficiary_id, month_on, amount in rows:
        reading = readings[reading_id]
        performer_id = _performers_of(reading).get(beneficiary_id)
        day = month_on or reading.period_on
        # On television nothing is owed on what falls due after a death.
        if performer_id is None or day >= died.get(performer_id, date.max):
            continue
        unit = Unit(performer_id, _production_of(reading, only))
        pay[Seat(unit, rating_period(agreement, day).starts_on)] += amount
    return pay


def _recouped(agreement: Agreement) -> list[tuple[int, int, date | None, Decimal]]:
    """Return what advances paid instead of money, by reading and beneficiary: below zero."""
    postings = Posting.objects.filter(
        entry__agreement=agreement,
        entry__kind=EntryKind.RECOUPMENT.value,
        account__kind=AccountKind.ACCRUED.value,
    ).order_by()
    sums = postings.values_list("reading", "account__beneficiary").annotate(Sum("amount"))
    return [(reading, payee, None, -amount) for reading, payee, amount in sums]


def _performers_of(reading: Reading) -> dict[int, int]:
    return {
        beneficiary: performer
        for month in reading.months
        for beneficiary, _, performer in month["shares"]
        if performer is not None
    }


def _deaths(readings: Iterable[Reading]) -> dict[int, date]:
    ids = {performer for reading in readings for performer in _performers_of(reading).values()}
    died = Performer.objects.filter(pk__in=ids).values_list("pk", "died_on")
    return {pk: day for pk, day in died if day is not None}


def _only_production(agreement: Agreement) -> int | None:
    ids = list(agreement.productions.values_list("pk", flat=True)[:2])
    return ids[0] if len(ids) == 1 else None


def _production_of(reading: Reading, only: int | None) -> int | None:
    """Return the one production that a reading is about, or else that of its agreement."""
    ids = [pk for pk in reading.summary.get("production_ids", []) if pk is not None]
    if len(ids) > 1:
        return None
    return ids[0] if ids else only


# Rates


def _found(
    agreement: Agreement, run: NightRun, stored: Mapping[Seat, Decimal]
) -> Iterator[Contribution]:
    """Yield unsaved rows: what each pay comes to by now, less what was stored for it."""
    has_plan = agreement.contribution_plan != ContributionPlan.NONE
    pay = _pay(agreement) if has_plan else {}
    known = Production.objects.in_bulk({seat.unit.production_id for seat in pay} - {None})
    used: dict[Unit, Decimal] = defaultdict(Decimal)
    for seat in sorted(pay.keys() | stored.keys(), key=_in_order):
        amount = pay.get(seat, ZERO)
        rate = _rate(agreement, known.get(seat.unit.production_id or 0), seat.period_on)
        before = stored.get(seat)
        if rate.percent is None or not has_plan:
            if (amount and before is None) or before:
                yield _row(agreement, run, seat, rate, ZERO, -(before or ZERO))
            continue
        step = contribution(amount, used[seat.unit], rate.percent, rate.ceiling, agreement.currency)
        used[seat.unit] += amount
        if step.amount != (before or ZERO):
            yield _row(agreement, run, seat, rate, step.base, step.amount - (before or ZERO))


def _in_order(seat: Seat) -> tuple[object, ...]:
    return seat.period_on, seat.unit.performer_id, seat.unit.production_id or 0


def _rate(agreement: Agreement, production: Production | None, period_on: date) -> Rate:
    plan = agreement.contribution_plan
    day = _day_that_selects(agreement, production, period_on)
    if isinstance(day, str):
        return Rate(None, missing=day)
    rule = _rule(RATES[plan], day) if plan in RATES else None
    percent = rule.values.get(agreement.contribution_class) if rule else None
    if percent is None:
        return Rate(None, rule=rule, missing=NO_RATE)
    code, figure = CEILINGS.get(plan, ("", ""))
    limit = _rule(code, day) if code else None
    if code and (limit is None or figure not in limit.values):
        return Rate(None, rule=limit or rule, missing=NO_RATE)
    if limit and limit.values.get("currency") != agreement.currency:
        return Rate(None, rule=limit, missing=NO_RATE)
    return Rate(Decimal(percent), Decimal(limit.values[figure]) if limit else None, rule)


def _day_that_selects(
    agreement: Agreement, production: Production | None, period_on: date
) -> date | str:
    """Return the day that selects a plan's rate, or what is missing to tell it.

    Of payment stands the last day of the period in which the pay was earned.
    """
    match agreement.contribution_plan:
        case ContributionPlan.INTERACTIVE:
            return rating_period(agreement, period_on).ends_on - DAY
        case ContributionPlan.COMMERCIALS:
            return agreement.signed_on or local_day(agreement.starts_at, agreement.time_zone)
    if production is None:
        return NO_PRODUCTION
    return production.photography_starts_on or NO_PHOTOGRAPHY


def _rule(code: str, day: date) -> RuleSet | None:
    rule: RuleSet | None = RuleSet.objects.on(day).filter(code=code).first()
    return rule


def _stored(agreement: Agreement) -> dict[Seat, Decimal]:
    rows = Contribution.objects.filter(agreement=agreement).order_by()
    sums = rows.values_list("performer", "production", "period_on").annotate(Sum("amount"))
    return {Seat(Unit(who, what), period_on): amount for who, what, period_on, amount in sums}


def _row(
    agreement: Agreement, run: NightRun, seat: Seat, rate: Rate, base: Decimal, amount: Decimal
) -> Contribution:
    rule = rate.rule
    is_known = rate.percent is not None
    return Contribution(
        run=run,
        agreement=agreement,
        performer_id=seat.unit.performer_id,
        production_id=seat.unit.production_id,
        period_on=seat.period_on,
        plan=agreement.contribution_plan,
        pay_class=agreement.contribution_class,
        paid_by=agreement.contributions_paid_by,
        rule=rule,
        clause=f"{rule.instrument}, {rule.clause}"[:200] if rule else "",
        confidence=rule.confidence if rule else "",
        rate=rate.percent if is_known else (ZERO if amount else None),
        ceiling=rate.ceiling,
        base=base,
        amount=amount,
        currency=agreement.currency,
        note=rate.missing or _caveat(rate),
    )


def _caveat(rate: Rate) -> str:
    return (
        "" if _is_sure(rate.rule) else "The figure is not verified: it is shown, and not charged."
    )


# The ledger


def _charged(agreement: Agreement, found: Iterable[Contribution]) -> Iterator[Contribution]:
    """Yield what the licensee is charged for, or was charged for and is not any more."""
    rows = Contribution.objects.filter(agreement=agreement, reading__isnull=False).order_by()
    before = set(rows.values_list("performer", "production", "period_on"))
    for row in found:
        was_charged = (row.performer_id, row.production_id, row.period_on) in before
        is_desks = row.paid_by == ContributionsPaidBy.DESK and _is_sure(row.rule)
        if was_charged if row.amount < 0 else row.amount > 0 and is_desks:
            yield row


def _is_sure(rule: RuleSet | None) -> bool:
    return rule is not None and rule_of(rule).may_be_relied_on


def _reading_of(agreement: Agreement, period_on: date) -> Reading:
    """Return the reading of a period's contributions, which the licensee owes like use."""
    reading, _ = Reading.objects.get_or_create(
        agreement=agreement,
        kind=ReadingKind.CONTRIBUTION.value,
        period_on=period_on,
        defaults={
            "factor": Decimal(1),
            "period_ends_on": rating_period(agreement, period_on).ends_on,
            "quantity": ZERO,
            "events": 0,
            "gross": ZERO,
            "currency": agreement.currency,
            "summary": dict(NO_USE),
            "explanation": [],
            "first_index": 0,
            "last_index": 0,
        },
    )
    return reading


def _charge(
    agreement: Agreement, found: Iterable[Contribution], run: NightRun, now: datetime
) -> None:
    """Debit the licensee, and credit what is owed to the plan, by what the rows add."""
    moved: dict[Reading, Decimal] = defaultdict(Decimal)
    for row in found:
        if row.reading is not None:
            moved[row.reading] += row.amount
    for reading, amount in moved.items():
        reading.gross += amount
        reading.explanation = list(map(_line_as_json, Contribution.objects.filter(reading=reading)))
        reading.save(update_fields=["gross", "explanation"])
    owes = agreement.licensee_id
    sides = [
        Side(kind, sign * amount, reading_id=reading.pk, licensee_id=owes)
        for reading, amount in moved.items()
        for kind, sign in ((AccountKind.RECEIVABLE, 1), (AccountKind.CONTRIBUTIONS, -1))
    ]
    plan = ContributionPlan(agreement.contribution_plan).label
    journal.post(
        agency_id=agreement.agency_id,
        kind=EntryKind.CONTRIBUTION,
        currency=agreement.currency,
        sides=sides,
        effective_on=run.as_of,
        recorded_at=now,
        description=f"Contributions ({plan}) of {agreement.reference} as of {run.as_of}",
        run_id=run.pk,
        agreement_id=agreement.pk,
    )


def _line_as_json(row: Contribution) -> dict[str, object]:
    return {
        "part": PricePart.CONTRIBUTION.value,
        "bracket": None,
        "quantity": str(row.base),
        "unit_price": str(row.rate),
        "factor": "1",
        "amount": str(row.amount),
    }
