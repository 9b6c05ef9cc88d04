"""Share changes in money: what a correction of shares would claw back, before anybody agrees to it.

What was posted for each reading is divided anew by the shares of the day of use, as the next night
would. Where a share would change within a month, that month is added up again from its events.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Sum

from licensing.models import Agreement
from talent import shares
from talent.beneficiaries import Corrected, Split, shares_on, splits_of
from talent.models import Beneficiary, ShareChange
from talent.periods import Days, months_later
from talent.words import ShareSubject
from valuation.models import RatedAgreement, Reading, ResidualLine
from valuation.residuals import totals
from valuation.residuals.rated_use import AgreementTerms
from valuation.residuals.readings import key_of, price_to_date
from valuation.residuals.segments import rating_period
from valuation.residuals.split import MonthOfReading, parts_by_month

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Redivided:
    """What one beneficiary was given of some readings, and would be given, in one currency."""

    beneficiary: str
    currency: str
    posted: Decimal
    then: Decimal

    @property
    def difference(self) -> Decimal:
        """What is posted if the change counts; below zero it is clawed back."""
        return self.then - self.posted


def redivided(change: ShareChange) -> list[Redivided]:
    """Return whose part of what was posted a change alters, by name and currency.

    Raises NobodyToPay where a day would be nobody's, and MonthIsArchived where the events of a
    month that has to be added up again are in the archive.
    """
    corrected = _corrected(change)
    posted: dict[tuple[str, int], Decimal] = defaultdict(Decimal)
    then: dict[tuple[str, int], Decimal] = defaultdict(Decimal)
    for twin in shares.twins_of(change):
        splits = splits_of(twin, corrected)
        for agreement in Agreement.objects.filter(twin=twin).order_by("pk"):
            for beneficiary, amount in _posted(agreement):
                posted[agreement.currency, beneficiary] += amount
            for beneficiary, amount in _divided(agreement, splits):
                then[agreement.currency, beneficiary] += amount
    names = Beneficiary.objects.in_bulk({pk for _currency, pk in posted.keys() | then.keys()})
    rows = [
        Redivided(names[pk].name, currency, posted[currency, pk], then[currency, pk])
        for currency, pk in sorted(posted.keys() | then.keys())
    ]
    return [row for row in rows if row.difference]


def _corrected(change: ShareChange) -> Corrected:
    rows = shares.rows_after(change)
    return {
        ShareSubject.SOURCES: Corrected(sources=rows),
        ShareSubject.ESTATE: Corrected(heirs=rows),
        ShareSubject.OWNERS: Corrected(earlier_owners=rows),
    }[ShareSubject(change.about)]


def _posted(agreement: Agreement) -> Iterator[tuple[int, Decimal]]:
    lines = ResidualLine.objects.filter(agreement=agreement)
    yield from lines.values_list("beneficiary").annotate(Sum("amount")).order_by("beneficiary")


def _divided(agreement: Agreement, splits: Sequence[Split]) -> Iterator[tuple[int, Decimal]]:
    """Yield each part of what was posted, divided by the splits."""
    readings = Reading.objects.filter(agreement=agreement).order_by("period_on", "pk")
    by_period: dict[Days, list[Reading]] = defaultdict(list)
    for reading in readings:
        by_period[rating_period(agreement, reading.period_on)].append(reading)
    for period, inside in by_period.items():
        for months in _months(agreement, period, inside, splits):
            told = [
                MonthOfReading(starts_on, gross, _weights(splits, starts_on))
                for starts_on, gross in months
            ]
            for (_month_on, beneficiary), part in parts_by_month(told, agreement.currency).items():
                yield beneficiary, part


def _weights(splits: Sequence[Split], day: date) -> tuple[tuple[int, Decimal], ...]:
    return tuple((share.beneficiary_id, share.weight) for share in shares_on(splits, day))


# A reading's gross through each month, or part of one, by the day on which that begins.
Months = list[tuple[date, Decimal]]


def _months(
    agreement: Agreement, period: Days, readings: Sequence[Reading], splits: Sequence[Split]
) -> Iterator[Months]:
    days = [split.starts_on for split in splits]
    cuts = [day for day in days if period.starts_on < day < period.ends_on and day.day != 1]
    kept = [_kept_months(reading) for reading in readings]
    known = {starts_on for months in kept for starts_on, _gross in months}
    if set(cuts) <= known:
        yield from kept
    else:
        yield from _months_cut_anew(agreement, period, readings, cuts)


def _kept_months(reading: Reading) -> Months:
    return [
        (date.fromisoformat(month["starts_on"]), Decimal(month["gross"]))
        for month in reading.months
    ]


def _months_cut_anew(
    agreement: Agreement, period: Days, readings: Sequence[Reading], cuts: Sequence[date]
) -> Iterator[Months]:
    """Yield the months of a period's readings, added up again so that they can be cut."""
    run = RatedAgreement.objects.select_related("run").get(agreement=agreement).run
    cards = agreement.rate_cards.agreed().prefetch_related(
        "lines__brackets", "multipliers", "escalators__index__figures"
    )
    terms = AgreementTerms(agreement, cards)
    cells = totals.with_parts_told_apart(
        run,
        agreement,
        totals.cells_of_periods(run, [(agreement.pk, period)])[agreement.pk, period.starts_on],
        cuts=cuts,
        rounds_each_event=terms.rounds_each_event,
    )
    parts = sorted({*_first_days(period), *cuts})
    prices = price_to_date(terms, terms.rate(period, cells), parts, run.as_of)
    for reading in readings:
        priced = prices.readings.get(key_of(reading))
        # What cannot be priced any more keeps what was posted, as by night.
        yield (
            _kept_months(reading)
            if priced is None
            else [(month.starts_on, month.price.gross) for month in priced.months]
        )


def _first_days(period: Days) -> Iterator[date]:
    month_on = period.starts_on
    while month_on < period.ends_on:
        yield month_on
        month_on = months_later(month_on, 1)
