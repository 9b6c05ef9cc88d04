"""What is reported to a guild's plan of a month: each contribution once, late corrections apart.

A row belongs to the month of the night that found it. So what is corrected later is no other report
of that month but rows of the next, which name the period that they are about.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from licensing.agreements.rules.rulesets import rule_of
from licensing.models import RuleSet
from licensing.money import rounded
from licensing.words import Confidence, ContributionPlan, ContributionsPaidBy, PayClass
from talent.models import Agency
from talent.periods import Days, label, period_containing
from valuation.cash.beside_use.plan_money import seat_of
from valuation.models import Contribution, PayoutPayment, RemittedContribution
from valuation.tax_year.columns import ColumnMap

ZERO = Decimal(0)
COLUMN_RULE = "guild.columns_contributions"
# What a column may show.
FIELDS = (
    "plan", "employer", "performer", "production", "eidr", "agreement", "pay_class", "period",
    "adjustment", "clause", "rate", "ceiling", "base", "amount", "currency", "paid_by", "sure",
    "note",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PlanReport:
    """What an agency reports to a plan of a month, `days`, row by row.

    `owed` is by currency what the agency pays the plan; what licensees pay themselves is a memo.
    """

    agency: Agency
    plan: ContributionPlan
    days: Days
    rows: tuple[dict[str, object], ...]
    owed: dict[str, Decimal]


def report(agency: Agency, plan: ContributionPlan, days: Days) -> PlanReport:
    """Return what nights of some days found that a plan is owed. One query."""
    found = (
        Contribution.objects.filter(
            agreement__agency=agency,
            plan=plan.value,
            run__as_of__gte=days.starts_on,
            run__as_of__lt=days.ends_on,
        )
        .select_related("agreement__agency", "performer", "production", "run")
        .order_by("performer__name", "period_on", "pk")
    )
    rows = list(found)
    owed: dict[str, Decimal] = {}
    for row in rows:
        if row.reading_id is not None:
            owed[row.currency] = rounded(owed.get(row.currency, ZERO) + row.amount, row.currency)
    return PlanReport(agency, plan, days, tuple(map(_told, _with_late(rows))), owed)


def remitted(payment: PayoutPayment) -> list[dict[str, object]]:
    """Return what a payment to a plan pays, row by row; nothing for another payee's. Two queries.

    A credit, or more of what an earlier payment paid, is told as a correction.
    """
    rows = list(
        payment.remitted.select_related(
            "contribution__agreement__agency",
            "contribution__performer",
            "contribution__production",
        ).order_by("contribution__performer__name", "pk")
    )
    before = RemittedContribution.objects.filter(
        payment__beneficiary=payment.beneficiary_id,
        payment__lt=payment.pk,
        contribution__reading__in=[row.contribution.reading_id for row in rows],
    ).select_related("contribution")
    known = {seat_of(row.contribution) for row in before} if rows else set()
    return [
        {
            **_told((row.contribution, row.amount < 0 or seat_of(row.contribution) in known)),
            "amount": rounded(row.amount, row.currency),
        }
        for row in rows
    ]


def _with_late(rows: list[Contribution]) -> Iterator[tuple[Contribution, bool]]:
    """Yield rows with whether they correct what another night had found of the same before."""
    before = set(
        Contribution.objects.filter(agreement__in={row.agreement_id for row in rows})
        .order_by("pk")
        .values_list("pk", "agreement", "performer", "production", "period_on")
    )
    firsts: dict[tuple[object, ...], int] = {}
    for pk, *about in sorted(before):
        firsts.setdefault(tuple(about), pk)
    for row in rows:
        key = (row.agreement_id, row.performer_id, row.production_id, row.period_on)
        yield row, firsts.get(key, row.pk) < row.pk


def _told(found: tuple[Contribution, bool]) -> dict[str, object]:
    row, is_late = found
    period = period_containing(row.period_on, row.agreement.rating_period)
    return {
        "plan": ContributionPlan(row.plan).label,
        "employer": row.agreement.agency.name,
        "performer": row.performer.name,
        "production": row.production.title if row.production else "",
        "eidr": row.production.eidr if row.production else "",
        "agreement": row.agreement.reference,
        "pay_class": PayClass(row.pay_class).label,
        "period": label(period),
        "adjustment": "yes" if is_late else "no",
        "clause": row.clause,
        "rate": row.rate,
        "ceiling": row.ceiling,
        "base": row.base,
        "amount": row.amount,
        "currency": row.currency,
        "paid_by": ContributionsPaidBy(row.paid_by).label,
        "sure": Confidence(row.confidence).label if row.confidence else "",
        "note": row.note,
    }


def column_map(on: date) -> ColumnMap | None:
    """Return the columns of a plan's file on a day; None: no rule says. Raises BadColumnMap."""
    rule = RuleSet.objects.on(on).filter(code=COLUMN_RULE).first()
    if rule is None:
        return None
    caveat = "" if rule_of(rule).may_be_relied_on else f"{rule.source}, not verified"
    return ColumnMap.of(rule.values["columns"], FIELDS, caveat=caveat)
