"""Closed periods: those that issued statements cover. What comes later counts in an open one."""

from collections.abc import Collection, Sequence
from datetime import date

from django.db.models import Max, Q

from valuation.models import Statement


def closed_until(
    *, agency_id: int, currency: str, beneficiary_ids: Sequence[int]
) -> dict[int, date]:
    """Return each beneficiary's first open day; those without a closed period are left out.

    An issued statement closes its period and all before it, even those without a statement. The
    agency's issued roll-up closes its period for everybody.
    """
    issued = Statement.objects.issued().filter(
        Q(beneficiary__in=beneficiary_ids) | Q(beneficiary=None),
        agency=agency_id,
        currency=currency,
    )
    ends = dict(issued.values_list("beneficiary").annotate(Max("period_ends_on")))
    for_all = ends.pop(None, date.min)
    until = {pk: max(ends.get(pk, date.min), for_all) for pk in beneficiary_ids}
    return {pk: day for pk, day in until.items() if day > date.min}


def open_day(
    day: date, *, agency_id: int, currencies: Collection[str], beneficiary_ids: Collection[int]
) -> date:
    """Return the day on which money of a day counts: that day, or the first that is open after it.

    A day is closed by an issued statement of one of the beneficiaries, or by the agency's roll-up.
    """
    closed = Statement.objects.issued().filter(
        Q(beneficiary__in=beneficiary_ids) | Q(beneficiary=None),
        agency=agency_id,
        currency__in=currencies,
    )
    until = closed.aggregate(end=Max("period_ends_on"))["end"]
    return max(day, until) if until else day


def closed_anywhere_until(agency_ids: Collection[int]) -> dict[int, date]:
    """Return by agency the first day that is open for all; those without a closed one left out."""
    issued = Statement.objects.issued().filter(agency__in=agency_ids).order_by()
    return dict(issued.values_list("agency").annotate(Max("period_ends_on")))
