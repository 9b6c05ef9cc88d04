"""Alternatives: what the use of some months would cost by other terms, or if some of it were not.

It prices with the night's own code and stores nothing. Facts are the usage totals, so what came in
since the last night is not in them. Where a share changes within a month, the whole month counts by
the shares of its first day.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet, Sum

from licensing.models import Agreement, RateCard, RateLine
from licensing.usage.totals.statements import DIMENSIONS, METERS, TERMS
from licensing.words import EACH_EVENT
from talent.beneficiaries import Split, shares_on, splits_of
from talent.periods import Days, months_later
from valuation.models import UsageTotal
from valuation.residuals.rated_use import AgreementTerms, RatedDays
from valuation.residuals.readings import PricedReading, price_to_date
from valuation.residuals.segments import periods_that_open_or_end, rating_period
from valuation.residuals.split import MonthOfReading, parts_by_month
from valuation.residuals.totals import cell_of

ZERO = Decimal(0)
# A usage total, by the names of its columns.
Row = Mapping[str, Any]
# Of rows that stand for no certain leaves of the log.
NO_SPAN = {"first_index": 0, "last_index": 0}


@dataclass(frozen=True, slots=True)
class Terms:
    """What an agreement's use is priced and paid by: its cards by their first day, and shares."""

    agreement: Agreement
    cards: Sequence[RateCard]
    splits: Sequence[Split] = ()

    def rate(self, days: Days, rows: Iterable[Row], as_of: date) -> RatedDays:
        """Rate rows of some days' use by the cards."""
        return self.book().rate(days, [cell_of(row, as_of) for row in rows])

    def book(self) -> AgreementTerms:
        return AgreementTerms(self.agreement, self.cards)


@dataclass(slots=True)
class Money:
    """An amount, told apart by the part of each price that is guild scale: from 0 to 1."""

    by_scale: dict[Decimal, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    @property
    def amount(self) -> Decimal:
        return sum(self.by_scale.values(), ZERO)

    def add(self, amount: Decimal, scale_portion: Decimal) -> None:
        self.by_scale[scale_portion] += amount


@dataclass(slots=True)
class Priced:
    """What use comes to, by month and beneficiary; and what cannot be priced, with the reason."""

    parts: dict[tuple[date, int], Money] = field(default_factory=lambda: defaultdict(Money))
    gross: Decimal = ZERO
    reasons: list[str] = field(default_factory=list)


def terms_of(agreements: Collection[int], *, with_shares: bool = False) -> dict[int, Terms]:
    """Load what agreements' use is priced by, in as many queries for one as for many.

    `with_shares` also who is paid, which takes some queries a twin.
    """
    rows = Agreement.objects.filter(pk__in=agreements).select_related(
        "agency", "licensee", "twin__performer__beneficiary", "twin__owner"
    )
    cards: dict[int, list[RateCard]] = defaultdict(list)
    for card in complete(RateCard.objects.agreed().filter(agreement__in=agreements)):
        cards[card.agreement_id].append(card)
    splits: dict[int, Sequence[Split]] = {}
    found = {}
    for agreement in rows:
        if with_shares and agreement.twin_id not in splits:
            splits[agreement.twin_id] = splits_of(agreement.twin)
        shares = splits.get(agreement.twin_id, ())
        found[agreement.pk] = Terms(agreement, cards[agreement.pk], shares)
    return found


def complete(cards: QuerySet[RateCard]) -> list[RateCard]:
    """Return rate cards with all that prices hang on, the earliest first."""
    parts = ("lines__brackets", "multipliers", "escalators__index__figures")
    return list(cards.order_by("effective_from").prefetch_related(*parts))


def facts_of(agreements: Collection[int], since: date) -> dict[int, list[Row]]:
    """Return what agreements used in the months from a day on, as the nights have counted it.

    Rows of several nights that are equal in all that a rate can see are one, but for those that
    tell what each of their events carries.
    """
    kept = ("agreement_id", "month_on", *DIMENSIONS, *TERMS)
    totals = UsageTotal.objects.read().filter(agreement__in=agreements, month_on__gte=since)
    sums = (
        totals.filter(uniform=False)
        .order_by("month_on")
        .values(*kept)
        .annotate(in_all=Sum("events"), told=Sum("leaves"), **{f"sum_{m}": Sum(m) for m in METERS})
    )
    facts: dict[int, list[Row]] = defaultdict(list)
    for found in sums:
        row = {name: found[name] for name in kept}
        row |= {meter: found[f"sum_{meter}"] for meter in METERS}
        row |= {"events": found["in_all"], "leaves": found["told"], "uniform": False}
        facts[found["agreement_id"]].append(row | NO_SPAN)
    apart = totals.filter(uniform=True).order_by("month_on", "pk")
    for row in apart.values(*kept, *METERS, "events", "leaves", "uniform"):
        facts[row["agreement_id"]].append(row | NO_SPAN)
    return facts


def price(terms: Terms, rows: Sequence[Row], since: date, as_of: date) -> Priced:
    """Price what was used from a day on, as the night does; `since` begins a rating period."""
    priced = Priced()
    book = terms.book()
    for period in _periods(terms, book, rows, since, as_of):
        inside = [row for row in rows if period.starts_on <= row["month_on"] < period.ends_on]
        rated = book.rate(period, [cell_of(row, as_of) for row in inside])
        prices = price_to_date(book, rated, list(_months(period)), as_of)
        priced.reasons += [f"{use.rate_line}: {use.reason}" for use in prices.set_aside]
        for reading in prices.readings.values():
            _add(priced, terms, reading)
    return priced


def _periods(
    terms: Terms, book: AgreementTerms, rows: Iterable[Row], since: date, as_of: date
) -> list[Days]:
    periods = {rating_period(terms.agreement, row["month_on"]) for row in rows}
    if book.can_owe_without_use:
        opened = periods_that_open_or_end(terms.agreement, None, as_of)
        periods |= {period for period in opened if period.starts_on >= since}
    return sorted(periods)


def _months(period: Days) -> Iterator[date]:
    month_on = period.starts_on
    while month_on < period.ends_on:
        yield month_on
        month_on = months_later(month_on, 1)


def _add(priced: Priced, terms: Terms, reading: PricedReading) -> None:
    priced.gross += reading.reading.gross
    if not terms.splits:
        return
    months = [
        MonthOfReading(
            month.starts_on,
            month.price.gross,
            tuple(
                (share.beneficiary_id, share.weight)
                for share in shares_on(terms.splits, month.starts_on)
            ),
        )
        for month in reading.months
    ]
    line = reading.reading.rate_line
    portion = line.scale_portion if line else ZERO
    for seat, amount in parts_by_month(months, terms.agreement.currency).items():
        priced.parts[seat].add(amount, portion)


def opposite(row: Row) -> Row:
    """Return what takes the use of a row out again."""
    taken = {meter: None if row[meter] is None else -row[meter] for meter in METERS}
    return {**row, **taken, "events": -row["events"], "leaves": -row["leaves"]}


def some_rate_rounds_events() -> bool:
    """Tell whether any rate rounds each event, so that sums have to tell equal events apart."""
    each_event = [rounding.value for rounding in EACH_EVENT]
    return RateLine.objects.filter(round_quantity__in=each_event).exists()


def whole_periods_since(agreement: Agreement, day: date) -> date:
    """Return the first day of the rating period that a day lies in."""
    return rating_period(agreement, day).starts_on


def whole_of(group: Mapping[str, Any]) -> dict[str, str] | None:
    """Return what each of some equal events says in all; None where they are not told apart."""
    if "over" not in group:
        return None
    return {meter: str(group[meter]) for meter in METERS if group[meter] is not None}
