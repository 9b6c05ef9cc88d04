"""Ageing: what licensees owe by an agency's invoices, and for how long it is late, on any day."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from django.db import connection
from django.db.models import Q, Sum

from licensing.models import Licensee
from talent.database.sql import sql_file
from talent.models import Agency
from talent.periods import local_day
from valuation.models import Dispute, Posting
from valuation.residuals.totals import last_day_rated
from valuation.words import AccountKind, Age, DisputeSide, ReadingKind

from .settled import open_by_invoice, paid_by

ON = "%(on)s"
AGEING = sql_file(__file__, "ageing.sql", paid=paid_by(ON), on=ON)
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Owed:
    """What one licensee owes in one currency at the end of a day.

    `by_age` is what is left of issued invoices, `receivable` what the books say is owed,
    `on_account` money of theirs that pays nothing yet. `interest` is what was claimed of them for
    paying late: letters ask for it, and no invoice does. `not_invoiced` is what else was posted
    and stands on no issued invoice, `disputed` what of the invoices they dispute today.
    """

    licensee: Licensee
    currency: str
    by_age: Mapping[Age, Decimal] = field(default_factory=dict)
    receivable: Decimal = ZERO
    on_account: Decimal = ZERO
    disputed: Decimal = ZERO
    interest: Decimal = ZERO

    @property
    def invoiced(self) -> Decimal:
        return sum(self.by_age.values(), ZERO)

    @property
    def not_invoiced(self) -> Decimal:
        return self.receivable - self.invoiced - self.interest


def newest_day(now: datetime, zone: str) -> date:
    """Return the newest day that the books know: today in a zone, or the last night's.

    A night is of a day in UTC: in California its day begins the evening before. Between the two,
    what was received would stand without what it was received for.
    """
    return max(local_day(now, zone), last_day_rated())


def ageing(*, agency: Agency, on: date) -> list[Owed]:
    """Return what each licensee owes an agency at the end of a day. A fixed number of queries."""
    by_age: dict[tuple[int, str], dict[Age, Decimal]] = {}
    with connection.cursor() as cursor:
        cursor.execute(AGEING, {"agency": agency.pk, "on": on})
        for licensee_id, currency, age, left, _invoices in cursor.fetchall():
            by_age.setdefault((licensee_id, currency), {})[Age(age)] = left
    owed, interest = _balances(agency, AccountKind.RECEIVABLE, on)
    on_account, _none = _balances(agency, AccountKind.UNMATCHED, on)
    keys = {*by_age, *(key for key in {*owed, *on_account} if owed.get(key) or on_account.get(key))}
    disputed = _disputed(agency)
    licensees = Licensee.objects.in_bulk({licensee_id for licensee_id, _ in keys})
    rows = (
        Owed(
            licensees[licensee_id],
            currency,
            by_age.get((licensee_id, currency), {}),
            owed.get((licensee_id, currency), ZERO),
            -on_account.get((licensee_id, currency), ZERO),
            disputed.get((licensee_id, currency), ZERO),
            interest.get((licensee_id, currency), ZERO),
        )
        for licensee_id, currency in keys
    )
    return sorted(rows, key=lambda row: (row.licensee.name, row.currency))


def _disputed(agency: Agency) -> dict[tuple[int, str], Decimal]:
    """Return what is left to pay of invoices and disputed by licensees, by these and currency."""
    readings = {
        row.reading_id: (row.licensee_id or 0, row.currency)
        for row in Dispute.objects.holding().filter(agency=agency, side=DisputeSide.LICENSEE.value)
    }
    found: dict[tuple[int, str], Decimal] = defaultdict(Decimal)
    if readings:
        for parts in open_by_invoice(agency_id=agency.pk).values():
            for reading, amount in parts.items():
                if key := readings.get(reading):
                    found[key] += amount
    return found


Balances = dict[tuple[int, str], Decimal]


def _balances(agency: Agency, kind: AccountKind, on: date) -> tuple[Balances, Balances]:
    """Return by licensee and currency what accounts hold, and what of it is claimed interest."""
    postings = Posting.objects.filter(
        account__agency=agency,
        account__kind=kind.value,
        account__licensee__isnull=False,
        entry__effective_on__lte=on,
    )
    of_interest = Q(reading__kind=ReadingKind.INTEREST.value)
    sums = postings.values_list("account__licensee", "currency").annotate(
        Sum("amount"), interest=Sum("amount", filter=of_interest, default=ZERO)
    )
    balances, interest = {}, {}
    for licensee, currency, amount, claimed in sums:
        balances[licensee, currency], interest[licensee, currency] = amount, claimed
    return balances, interest


def age_of(due_on: date | None, on: date) -> Age:
    """Return how late an invoice is on a day, by when it was due."""
    if due_on is None:
        return Age.CREDIT
    late = (on - due_on).days
    bounds = [(0, Age.NOT_DUE), (30, Age.TO_30), (60, Age.TO_60), (90, Age.TO_90)]
    return next((age for days, age in bounds if late <= days), Age.OVER_90)
