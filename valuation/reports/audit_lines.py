"""Audit lines: what an agreement's period came to, as the side that audits may see it."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import QuerySet

from licensing.agreements import evidence
from licensing.agreements.evidence import EvidenceFile
from licensing.models import Audit
from licensing.words import AuditSide
from talent import safe_csv
from talent.models import Beneficiary, User
from valuation.models import Reading, ResidualLine

from .earnings import every_line, lines_of

CHARGE_COLUMNS = ("period_on", "period_ends_on", "kind", "what", "quantity", "gross", "currency")
LINE_COLUMNS = (
    "night_on", "period_on", "period_ends_on", "licensee", "agreement", "twin", "payee", "what",
    "quantity", "meter", "amount", "currency", "adjusts",
)  # fmt: skip


def archive_of(audit: Audit, *, user: User, at: datetime) -> Iterator[bytes]:
    """Return the evidence of an audit as one archive, streamed: uses, and what they came to.

    The caller has made sure that the user may see the audit. Raises what `evidence.files_of` does.
    """
    files = [*evidence.files_of(audit, at=at), *files_of(audit, user=user)]
    return evidence.archive(audit, files)


def files_of(audit: Audit, *, user: User) -> list[EvidenceFile]:
    """Return the files about money that an audit's side may see.

    A studio sees what it is charged, never who is paid; a performer's side its own lines, and
    what the agreement was charged in all.
    """
    charges = EvidenceFile("charges.csv", safe_csv.lines(CHARGE_COLUMNS, _charges(audit)))
    if audit.side == AuditSide.LICENSEE:
        return [charges]
    lines = every_line(_lines(audit, user))
    rows = ([getattr(line, name) for name in LINE_COLUMNS] for line in lines)
    return [charges, EvidenceFile("statement_lines.csv", safe_csv.lines(LINE_COLUMNS, rows))]


def _charges(audit: Audit) -> Iterator[list[object]]:
    """Yield the readings whose period touches the audited days."""
    readings = Reading.objects.filter(
        agreement=audit.agreement,
        period_on__lt=audit.period_to,
        period_ends_on__gt=audit.period_from,
    ).select_related("rate_line", "advance")
    for reading in readings.order_by("period_on", "pk").iterator():
        what = reading.rate_line or reading.advance
        yield [
            reading.period_on,
            reading.period_ends_on,
            reading.kind,
            getattr(what, "label", ""),
            reading.quantity,
            reading.gross,
            audit.agreement.currency,
        ]


def _lines(audit: Audit, user: User) -> QuerySet[ResidualLine]:
    """Return the lines of the twin's people, as far as a user may see them."""
    performer = audit.agreement.twin.performer
    people = [performer.pk] if performer else []
    payees = Beneficiary.objects.visible_to(user).filter(performer__in=people)
    lines = lines_of(user, list(payees), performer.pk if performer else None)
    return lines.filter(
        agreement=audit.agreement,
        month_on__gte=audit.period_from.replace(day=1),
        month_on__lt=audit.period_to,
    )
