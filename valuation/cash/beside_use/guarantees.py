"""Guarantees: what is missing of the least that an agreement earns, owed when its period ends."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import QuerySet, Sum

from licensing.models import Agreement, Guarantee
from licensing.money import rounded
from licensing.words import CutPeriod, GuaranteePeriod, PricePart
from talent.periods import Days, next_period, period_containing
from valuation.cash.beside_use.charges import Charge, ChargeLine
from valuation.cash.waterfall import true_up
from valuation.models import ResidualLine
from valuation.residuals.segments import first_day, last_day, length_of
from valuation.words import ReadingKind

ZERO = Decimal(0)

# What use of an agreement's consent earned, by the month it counts in.
EarnedByMonth = dict[date, Decimal]


def true_ups(
    agreement: Agreement, guarantees: Iterable[Guarantee], earned: EarnedByMonth, as_of: date
) -> Iterator[Charge]:
    """Yield the true-up of each guarantee and period that ended by a day; nothing missing: zero.

    It counts on the last day of its period, so it is no adjustment of any.
    """
    for guarantee in guarantees:
        for whole, within, promised in promises(guarantee, agreement, as_of):
            missing = true_up(promised.amount, earned_in(whole, earned))
            counted = missing - promised.amount
            yield Charge(
                kind=ReadingKind.TRUE_UP,
                term=guarantee,
                period=within,
                counts_on=within.ends_on - timedelta(days=1),
                lines=(promised, ChargeLine(PricePart.EARNED, counted, counted)),
            )


def promises(
    guarantee: Guarantee, agreement: Agreement, by: date
) -> Iterator[tuple[Days, Days, ChargeLine]]:
    """Yield a guarantee's periods that end by a day, whole and within the term, and its promise."""
    for whole, within in _periods_ended(guarantee, agreement, by):
        yield whole, within, _promised(guarantee, whole, within, agreement.currency)


def earned_by_month(
    agreement_ids: Iterable[int] | QuerySet[Agreement], *, as_of: date = date.max
) -> dict[int, EarnedByMonth]:
    """Return what nights up to a day posted for licensed use, by agreement and month.

    Use outside the consent has its own price, which pays for no guarantee.
    """
    sums = (
        ResidualLine.objects.filter(
            agreement__in=agreement_ids,
            reading__kind=ReadingKind.USE.value,
            reading__rate_line__unlicensed=False,
            run__as_of__lte=as_of,
        )
        .order_by()
        .values_list("agreement", "month_on")
        .annotate(Sum("amount"))
    )
    earned: dict[int, EarnedByMonth] = {}
    for agreement_id, month_on, amount in sums:
        earned.setdefault(agreement_id, {})[month_on] = amount
    return earned


def _periods_ended(
    guarantee: Guarantee, agreement: Agreement, as_of: date
) -> Iterator[tuple[Days, Days]]:
    """Yield the periods of a guarantee that ended by a day: whole, and within the term."""
    starts_on, last = first_day(agreement), last_day(agreement)
    if guarantee.period == GuaranteePeriod.TERM:
        ends_on = last + timedelta(days=1)
        if ends_on <= as_of and guarantee.counts_for(starts_on):
            yield Days(starts_on, ends_on), Days(starts_on, ends_on)
        return
    year = agreement.fiscal_year_start_month
    whole = period_containing(starts_on, guarantee.period, year)
    while whole.starts_on <= last:
        ends_on = min(whole.ends_on, last + timedelta(days=1))
        if ends_on > as_of:
            break
        begins_on = max(whole.starts_on, starts_on)
        if guarantee.counts_for(begins_on):
            yield whole, Days(begins_on, ends_on)
        whole = next_period(whole.starts_on, guarantee.period, year)


def _promised(guarantee: Guarantee, whole: Days, within: Days, currency: str) -> ChargeLine:
    """Return what a guarantee promises for a period: by days in one that the term cuts."""
    unit = guarantee.amount
    if guarantee.cut_period == CutPeriod.WHOLE:
        return ChargeLine(PricePart.GUARANTEE, unit, unit)
    days, of_days = length_of(within), length_of(whole)
    amount = rounded(unit * days / of_days, currency)
    return ChargeLine(PricePart.GUARANTEE, amount, unit, days, of_days)


def earned_in(period: Days, earned: EarnedByMonth) -> Decimal:
    """Add up the months of a period; that of its first day counts whole, as use does."""
    since = period.starts_on.replace(day=1)
    return sum((sum_ for month, sum_ in earned.items() if since <= month < period.ends_on), ZERO)
