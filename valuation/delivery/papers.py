"""All papers of a period as one streamed ZIP, each checked by its digest."""

from collections.abc import Iterable, Iterator
from datetime import date
from io import BytesIO

from django.utils.translation import gettext as _

from talent import safe_csv
from talent.models import Agency, User
from talent.streamed_zip import streamed
from valuation.models import Statement
from valuation.models.statements import StatementQuerySet
from valuation.statements import documents

COLUMNS = ("file", "number", "for", "currency", "closing", "sha256", "state")
PART = 64 * 1024
AT_ONCE = 50


def of_period(user: User, *, agency: Agency, currency: str, period_on: date) -> StatementQuerySet:
    """Return the issued statements of a period whose papers a user may have."""
    return (
        Statement.objects.downloadable_by(user)
        .issued()
        .filter(agency=agency, currency=currency, period_on=period_on)
    )


def archive(statements: StatementQuerySet) -> Iterator[bytes]:
    """Yield a ZIP of the papers of issued statements, by number, with a manifest at its end.

    One paper is in memory at a time. One that cannot be read, or is not the one that was issued,
    is named in the manifest with the reason, and the others are there.
    """
    rows = statements.issued().select_related("beneficiary", "agency").order_by("number")
    return streamed(_files(rows.iterator(AT_ONCE)))


def name_of(statement: Statement) -> str:
    return f"{statement.number}.pdf"


def _parts(paper: BytesIO) -> Iterator[bytes]:
    while part := paper.read(PART):
        yield part


def _files(statements: Iterable[Statement]) -> Iterator[tuple[str, Iterable[bytes]]]:
    told: list[list[object]] = []
    for statement in statements:
        state = _("here")
        try:
            if not statement.pdf:
                raise documents.PaperAway(_("There is no paper of it."))
            yield name_of(statement), _parts(documents.read(statement))
        except documents.PaperNotRead as missing:
            state = str(missing)
        told.append([
            name_of(statement), statement.number, statement.beneficiary or statement.agency,
            statement.currency, statement.closing, statement.pdf_sha256, state,
        ])  # fmt: skip
    yield "manifest.csv", (line.encode() for line in safe_csv.lines(COLUMNS, told))
