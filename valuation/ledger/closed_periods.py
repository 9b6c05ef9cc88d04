"""Closed periods: those that issued statements cover, and those that two people closed.

What comes later counts in an open one. A period that is reopened stays closed as far as issued
statements cover it.
"""

from collections.abc import Collection, Sequence
from datetime import date

from django.db.models import BigIntegerField, Max, Q, QuerySet, Value

from talent.database.sql import among
from valuation.models import PeriodClose, Statement


def closed_until(
    *, agency_id: int, currency: str, beneficiary_ids: Sequence[int]
) -> dict[int, date]:
    """Return each beneficiary's first open day; those without a closed period are left out.

    An issued statement closes its period and all before it, even those without a statement. The
    agency's issued roll-up closes its period for everybody, as does a close. One query.
    """
    issued = Statement.objects.issued().filter(
        Q(beneficiary__in=among(beneficiary_ids)) | Q(beneficiary=None),
        agency=agency_id,
        currency=currency,
    )
    closes = PeriodClose.objects.closed().filter(agency=agency_id, currency=currency).order_by()
    for_everybody = closes.annotate(whose=Value(None, BigIntegerField()))
    found = (
        issued.order_by()
        .values_list("beneficiary")
        .annotate(Max("period_ends_on"))
        .union(for_everybody.values_list("whose").annotate(Max("period_ends_on")), all=True)
    )
    ends: dict[int | None, date] = {}
    for beneficiary_id, end in found:
        if end:  # Without a close, its row holds nothing.
            ends[beneficiary_id] = max(ends.get(beneficiary_id, date.min), end)
    for_all = ends.pop(None, date.min)
    until = {pk: max(ends.get(pk, date.min), for_all) for pk in beneficiary_ids}
    return {pk: day for pk, day in until.items() if day > date.min}


def open_day(
    day: date, *, agency_id: int, currencies: Collection[str], beneficiary_ids: Collection[int]
) -> date:
    """Return the day on which money of a day counts: that day, or the first that is open after it.

    A day is closed by an issued statement of one of the beneficiaries, by the agency's roll-up, or
    by a close. One query.
    """
    issued = Statement.objects.issued().filter(
        Q(beneficiary__in=among(beneficiary_ids)) | Q(beneficiary=None),
        agency=agency_id,
        currency__in=currencies,
    )
    closes = PeriodClose.objects.closed().filter(agency=agency_id, currency__in=currencies)
    return max([day, *_ends(issued, closes).values()])


def closed_anywhere_until(agency_ids: Collection[int]) -> dict[int, date]:
    """Return by agency the first day that is open for all; those without a closed one left out."""
    issued = Statement.objects.issued().filter(agency__in=agency_ids)
    closes = PeriodClose.objects.closed().filter(agency__in=agency_ids)
    return _ends(issued, closes)


def _ends(
    issued: QuerySet[Statement, Statement], closes: QuerySet[PeriodClose, PeriodClose]
) -> dict[int, date]:
    """Return by agency with which day the newest of these periods ends. One query."""
    rows = [
        each.order_by().values_list("agency").annotate(Max("period_ends_on"))
        for each in (issued, closes)
    ]
    ends: dict[int, date] = {}
    for agency_id, end in rows[0].union(rows[1], all=True):
        ends[agency_id] = max(ends.get(agency_id, date.min), end)
    return ends
