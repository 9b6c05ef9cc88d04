"""Charges: what an agreement owes beside the use that its rate lines meter, posted like use.

A true-up or an advance is a reading of its own. It is split by the shares of a day, received,
released and given back like any other, and only its difference is ever posted.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Max, Sum

from licensing.models import Advance, Agreement, Guarantee
from licensing.words import PaidBackFrom, PricePart
from talent.beneficiaries import Share, shares_on, splits_of
from talent.periods import Days, period_containing
from valuation.ledger import journal
from valuation.ledger.closed_periods import closed_until
from valuation.ledger.journal import Side
from valuation.models import NightRun, Reading, ResidualLine
from valuation.residuals.split import MonthOfReading, parts_by_month
from valuation.words import AccountKind, EntryKind, ReadingKind

ZERO = Decimal(0)
# What a reading says of its use; a charge has none.
NO_USE: Mapping[str, list[str]] = {
    "uses": [],
    "rights": [],
    "territories": [],
    "languages": [],
    "production_ids": [],
}

# A term and the first day for which it is owed.
Term = tuple[str, int | None, date]


@dataclass(frozen=True, slots=True)
class ChargeLine:
    """A part of a charge; by days, it is `unit` × days / of_days, rounded once."""

    part: PricePart
    amount: Decimal
    unit: Decimal
    days: int = 1
    of_days: int = 1


@dataclass(frozen=True, slots=True)
class Charge:
    """What an agreement owes by one of its terms, to date, and the lines that add up to it.

    `counts_on` is the day whose shares and whose statement period count.
    """

    kind: ReadingKind
    term: Guarantee | Advance
    period: Days
    counts_on: date
    lines: tuple[ChargeLine, ...] = ()

    @property
    def gross(self) -> Decimal:
        return sum((line.amount for line in self.lines), ZERO)

    @property
    def key(self) -> Term:
        return self.kind.value, self.term.pk, self.period.starts_on


def charges_so_far(agreement: Agreement) -> dict[Term, Reading]:
    """Return the readings of an agreement's true-ups and advances, by their term and first day."""
    kinds = [ReadingKind.TRUE_UP.value, ReadingKind.ADVANCE.value]
    readings = Reading.objects.filter(agreement=agreement, kind__in=kinds)
    return {term_of(reading): reading for reading in readings}


def term_of(reading: Reading) -> Term:
    """Return what identifies a charge of an agreement: its term and first day."""
    return reading.kind, reading.guarantee_id or reading.advance_id, reading.period_on


def post_charges(
    agreement: Agreement, charges: Sequence[Charge], *, run: NightRun, now: datetime
) -> None:
    """Store what an agreement's terms come to, and post the difference from what they came to.

    What stood before and is not among the charges any more comes to nothing.
    """
    before = charges_so_far(agreement)
    readings = [*_charged(agreement, charges, before), *_dropped(charges, before)]
    lines = [
        line
        for reading, charge in readings
        for line in lines_of(run, reading, charge.counts_on if charge else None)
    ]
    ResidualLine.objects.bulk_create(lines)
    journal.post(
        agency_id=agreement.agency_id,
        kind=EntryKind.ACCRUAL,
        currency=agreement.currency,
        sides=[side for line in lines for side in _sides(agreement, line)],
        effective_on=run.as_of,
        recorded_at=now,
        description=f"Beside the use of {agreement.reference} as of {run.as_of}",
        run_id=run.pk,
        agreement_id=agreement.pk,
    )


def _charged(
    agreement: Agreement, charges: Sequence[Charge], before: Mapping[Term, Reading]
) -> Iterator[tuple[Reading, Charge | None]]:
    """Yield the stored reading of each charge; those that come to nothing get none."""
    splits = splits_of(agreement.twin) if charges else ()
    for charge in charges:
        reading = before.get(charge.key)
        if reading is None and not charge.gross:
            continue
        reading = reading or _new_reading(agreement, charge)
        reading.period_ends_on = charge.period.ends_on
        reading.gross = charge.gross
        reading.months = [_month_as_json(charge, shares_on(splits, charge.counts_on))]
        reading.explanation = [_line_as_json(line) for line in charge.lines]
        reading.save()
        yield reading, charge


def _dropped(
    charges: Sequence[Charge], before: Mapping[Term, Reading]
) -> Iterator[tuple[Reading, Charge | None]]:
    for key in before.keys() - {charge.key for charge in charges}:
        reading = before[key]
        if not reading.gross:
            continue
        reading.gross, reading.months, reading.explanation = ZERO, [], []
        reading.save()
        yield reading, None


def _new_reading(agreement: Agreement, charge: Charge) -> Reading:
    return Reading(
        agreement=agreement,
        kind=charge.kind.value,
        guarantee=charge.term if isinstance(charge.term, Guarantee) else None,
        advance=charge.term if isinstance(charge.term, Advance) else None,
        factor=Decimal(1),
        period_on=charge.period.starts_on,
        quantity=ZERO,
        events=0,
        currency=agreement.currency,
        summary=dict(NO_USE),
        first_index=0,
        last_index=0,
    )


def _month_as_json(charge: Charge, shares: Iterable[Share]) -> dict[str, object]:
    return {
        "starts_on": charge.counts_on.isoformat(),
        "gross": str(charge.gross),
        "shares": [
            [share.beneficiary_id, str(share.weight), share.performer_id] for share in shares
        ],
    }


def _line_as_json(line: ChargeLine) -> dict[str, object]:
    values: dict[str, object] = {
        "part": line.part.value,
        "bracket": None,
        "quantity": str(line.days),
        "unit_price": str(line.unit),
        "factor": "1",
        "amount": str(line.amount),
    }
    return values | ({"divisor": str(line.of_days)} if line.days != line.of_days else {})


# Lines


def lines_of(run: NightRun, reading: Reading, counts_on: date | None) -> Iterator[ResidualLine]:
    """Yield unsaved lines: each beneficiary's part, less what was posted before.

    `counts_on` is the day whose statement period counts; None: that of the line before.
    """
    agreement, months = reading.agreement, months_of(reading)
    parts = {seat[1]: amount for seat, amount in parts_by_month(months, reading.currency).items()}
    posted = _posted_so_far(reading)
    weights = dict(months[0].weights) if months else {}
    for beneficiary_id in sorted(parts.keys() | posted.keys()):
        amount, last_line_id, month_on = posted.get(beneficiary_id, (ZERO, None, None))
        part = parts.get(beneficiary_id, ZERO)
        if part == amount:
            continue
        day = counts_on or month_on or reading.period_on
        own = period_containing(day, agreement.agency.statement_period)
        period = _open_period(agreement, beneficiary_id, day)
        yield ResidualLine(
            run=run,
            reading=reading,
            agency=agreement.agency,
            agreement=agreement,
            twin=agreement.twin,
            beneficiary_id=beneficiary_id,
            month_on=day,
            period_on=period.starts_on,
            quantity=ZERO,
            amount=part - amount,
            currency=reading.currency,
            explanation={
                "lines": reading.explanation,
                "gross": str(reading.gross),
                "gross_before": "0",
                "weight": str(weights.get(beneficiary_id, ZERO)),
                "weights": str(sum(weights.values(), ZERO) or 1),
                "part": str(part),
                "posted_before": str(amount),
                "about": reading.summary.get("about", ""),
                **NO_USE,
            },
            adjusts_id=last_line_id if period.starts_on > own.starts_on else None,
        )


def _posted_so_far(reading: Reading) -> dict[int, tuple[Decimal, int, date]]:
    """Return by beneficiary what was posted for a reading, the last line, and its day."""
    rows = ResidualLine.objects.filter(reading=reading).values_list("beneficiary")
    sums = rows.annotate(Sum("amount"), Max("pk"), Max("month_on"))
    return {beneficiary: (amount, last, day) for beneficiary, amount, last, day in sums}


def _open_period(agreement: Agreement, beneficiary_id: int, day: date) -> Days:
    """Return the first statement period from a day on that no issued statement covers."""
    closed = closed_until(
        agency_id=agreement.agency_id,
        currency=agreement.currency,
        beneficiary_ids=[beneficiary_id],
    )
    first = max(day, closed.get(beneficiary_id, date.min))
    return period_containing(first, agreement.agency.statement_period)


def _sides(agreement: Agreement, line: ResidualLine) -> Iterator[Side]:
    """Yield what a line moves; of an advance that use pays back, also what is to be paid back."""
    reading, owes, who = line.reading, agreement.licensee_id, line.beneficiary_id
    yield Side(AccountKind.RECEIVABLE, line.amount, licensee_id=owes, reading_id=reading.pk)
    yield Side(AccountKind.ACCRUED, -line.amount, beneficiary_id=who, reading_id=reading.pk)
    if reading.advance and reading.advance.paid_back_from == PaidBackFrom.GROSS:
        yield Side(AccountKind.ADVANCES, line.amount, beneficiary_id=who, reading_id=reading.pk)
        yield Side(AccountKind.ADVANCES, -line.amount, licensee_id=owes, reading_id=reading.pk)


def months_of(reading: Reading) -> list[MonthOfReading]:
    """Return a reading's months as they are stored; a cleared one has none."""
    return [
        MonthOfReading(
            date.fromisoformat(month["starts_on"]),
            Decimal(month["gross"]),
            tuple((beneficiary, Decimal(weight)) for beneficiary, weight, _ in month["shares"]),
        )
        for month in reading.months
    ]
