"""Assessments: what an agency's staff say could be claimed for a legal path, dated and kept.

They are the agency's and about a path, not a scenario's: the same build, licence or use is what all
plans of an agency rest on, so that a copy, the independent's version and next year's plan say the
same of it, and what counsel said is entered once. A later one takes an earlier one's place from its
day; none is ever changed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

from talent.models import User
from valuation.models import LegalAssessment
from valuation.worth.legal.risks import Assessment, Path

HUNDRED = Decimal(100)


def assessed(
    paths: Iterable[Path], *, agency_id: int, as_of: date, known_at: datetime
) -> Iterator[Path]:
    """Yield paths with what the agency said of each by a day, as known then, in one query."""
    found = list(paths)
    rows = LegalAssessment.objects.filter(
        agency=agency_id, path__in={path.key for path in found}
    ).counting(as_of, known_at=known_at)
    newest: dict[str, LegalAssessment] = {}
    for row in rows:
        newest.setdefault(row.path, row)
    for path in found:
        row = newest.get(path.key)
        yield replace(path, assessment=_said(row)) if row else path


def _said(row: LegalAssessment) -> Assessment:
    probability = row.probability_percent / HUNDRED
    return Assessment(probability, row.at_risk, row.currency, row.source, row.counts_from)


def assess(
    *,
    agency_id: int,
    path: Path,
    probability_percent: Decimal,
    at_risk: Decimal,
    currency: str,
    source: str,
    counts_from: date,
    by: User,
    now: datetime,
) -> LegalAssessment:
    """Keep what somebody says could be claimed for a path."""
    return LegalAssessment.objects.create(
        agency_id=agency_id,
        path=path.key,
        name=path.name,
        probability_percent=probability_percent,
        at_risk=at_risk,
        currency=currency,
        source=source,
        counts_from=counts_from,
        recorded_at=now,
        recorded_by=by,
    )
