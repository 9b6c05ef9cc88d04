"""Exchange rates as they are stored: recorded once, corrected by another row, looked up by day."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction

from talent.errors import Refused
from talent.models import User
from valuation.ledger.ecb import BASE, SOURCE, ReferenceRate
from valuation.ledger.exchange import Rate
from valuation.models import ExchangeRate

ONE = Decimal(1)
ROWS_AT_ONCE = 5_000
# Maundy Thursday is followed by Easter Tuesday, five days later; in a longer gap rates are missing.
MOST_DAYS_BACK = 5


class NoRate(Refused):
    """No rate is stored for a day, nor for the few days before it."""

    code = "no_rate"


@dataclass(frozen=True, slots=True)
class Report:
    """What an import of rates came to, or would."""

    new: int
    corrected: int
    known: int
    first: date | None
    last: date | None


def record(
    rates: Iterable[ReferenceRate], *, by: User | None, now: datetime, save: bool = True
) -> Report:
    """Store the bank's rates that are new or other than before; without `save`, only count them.

    What was stored stays: a corrected rate is another row, and counts from now on.
    """
    told = list(rates)
    days = {rate.on for rate in told}
    first, last = (min(days), max(days)) if days else (None, None)
    before = {
        (code, on): rate
        for code, on, rate in ExchangeRate.objects.known_at(now)
        .filter(base=BASE, on__gte=first or date.max, on__lte=last or date.min)
        .values_list("currency", "on", "rate")
    }
    other = [rate for rate in told if before.get((rate.currency, rate.on)) != rate.rate]
    if save:
        _save(other, by, now)
    corrected = sum((rate.currency, rate.on) in before for rate in other)
    return Report(len(other) - corrected, corrected, len(told) - len(other), first, last)


@transaction.atomic
def _save(rates: Iterable[ReferenceRate], by: User | None, now: datetime) -> None:
    ExchangeRate.objects.bulk_create(
        (
            ExchangeRate(
                base=BASE,
                currency=rate.currency,
                on=rate.on,
                rate=rate.rate,
                source=SOURCE,
                recorded_at=now,
                recorded_by=by,
            )
            for rate in rates
        ),
        batch_size=ROWS_AT_ONCE,
    )


def rate_on(day: date, *, of: str, in_: str, known_at: datetime) -> Rate:
    """Return the stored rate of a day: what one unit of `of` is worth in `in_`.

    Where the day has none (a weekend, a holiday), that of the last day before it that has, at most
    MOST_DAYS_BACK days. Between two currencies that are not the euro, both legs are of one day.
    Raises NoRate, which names what is missing.
    """
    legs = {of, in_} - {BASE}
    if not legs:
        return Rate(of, in_, ONE, ONE, day, SOURCE)
    by_day = _legs_by_day(day, legs, known_at)
    complete = [on for on, found in by_day.items() if found.keys() == legs]
    if not complete:
        raise NoRate(
            f"No rate of {of} in {in_} is stored for {day}, nor for the {MOST_DAYS_BACK} days"
            " before it. Import the bank’s file first."
        )
    on = max(complete)
    found = by_day[on]
    euro = (ONE, SOURCE)
    (numerator, source), (denominator, _) = found.get(in_, euro), found.get(of, euro)
    return Rate(of, in_, numerator, denominator, on, source)


def _legs_by_day(
    day: date, legs: Collection[str], known_at: datetime
) -> dict[date, dict[str, tuple[Decimal, str]]]:
    rows = ExchangeRate.objects.known_at(known_at).filter(
        base=BASE, currency__in=legs, on__lte=day, on__gte=day - timedelta(days=MOST_DAYS_BACK)
    )
    by_day: dict[date, dict[str, tuple[Decimal, str]]] = defaultdict(dict)
    for row in rows:
        by_day[row.on][row.currency] = (row.rate, row.source)
    return by_day
