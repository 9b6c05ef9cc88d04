"""Late-payment interest that is the payees': told to them by lines of the night, like a true-up.

A claim posts it at once; the next night says it in lines, so that a statement has it as its own.
"""

from decimal import Decimal

from django.db.models import Case, F, Q, Sum, Value, When
from django.db.models.functions import Coalesce

from licensing.models import Agreement
from valuation.cash.beside_use.charges import lines_of, months_of
from valuation.models import NightRun, Reading, ResidualLine
from valuation.words import ReadingKind

ZERO = Value(Decimal(0))


def tell(agreement: Agreement, *, run: NightRun) -> None:
    """Store lines of what claims came to for payees, less what was told; back where taken back."""
    readings = Reading.objects.filter(agreement=agreement, kind=ReadingKind.INTEREST.value)
    lines = [
        line
        for reading in readings.select_related("agreement__agency", "agreement__twin")
        for line in lines_of(run, reading, next((m.starts_on for m in months_of(reading)), None))
    ]
    ResidualLine.objects.bulk_create(lines)


def untold() -> list[int]:
    """Return the agreements whose payees were not told all that was claimed. One query."""
    owed = Case(When(Q(months=[]), then=ZERO), default=F("gross"))
    rows = (
        Reading.objects.filter(kind=ReadingKind.INTEREST.value)
        .annotate(told=Coalesce(Sum("lines__amount"), ZERO), owed_to_payees=owed)
        .exclude(told=F("owed_to_payees"))
    )
    return sorted(set(rows.values_list("agreement", flat=True)))
