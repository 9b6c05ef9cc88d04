"""Documents: a statement's PDF, drawn, stored whole or not at all, and checked by its digest."""

import hashlib
import logging
from dataclasses import dataclass
from io import BytesIO

from django.core.files.base import ContentFile

from talent.errors import Refused
from valuation.models import Statement
from valuation.statements.snapshot import Snapshot

logger = logging.getLogger(__name__)


class PaperNotStored(Refused):
    """The disk is full, or cannot be written."""

    code = "paper_not_stored"


class PaperNotRead(Refused):
    """A stored document cannot be handed out."""


class PaperAway(PaperNotRead):
    """The file of a document cannot be reached, which says nothing about the document."""

    code = "paper_away"


class PaperChanged(PaperNotRead):
    """A stored document's bytes are not those that were recorded."""

    code = "paper_changed"


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A stored document: its name in the storage and the SHA-256 of its bytes."""

    name: str
    sha256: str


def store(statement: Statement, content: Snapshot, *, verify_url: str = "") -> StoredDocument:
    """Draw a snapshot as a PDF and store it. Call it outside any transaction.

    Raises NotDrawn, and PaperNotStored when the disk is full; then no part of the file is left.
    """
    # Imported here: WeasyPrint takes longer to import than all the rest together.
    from valuation.statements import pdf

    drawn = pdf.draw(content, verify_url=verify_url)
    digest = hashlib.sha256(drawn).hexdigest()
    field = Statement._meta.get_field("pdf")
    name = field.generate_filename(statement, f"{statement.pk}-{digest[:16]}.pdf")
    if field.storage.exists(name):
        # An earlier process stored the same bytes and crashed before recording them.
        field.storage.delete(name)
    try:
        return StoredDocument(field.storage.save(name, ContentFile(drawn)), digest)
    except OSError as failure:
        field.storage.delete(name)
        raise PaperNotStored(
            f"The statement's PDF could not be stored: {failure.strerror}. Nothing was changed; "
            "free some space and draw it again."
        ) from failure


def remove(name: str | None) -> None:
    """Delete a stored file that no statement refers to any more; an empty name does nothing."""
    if name:
        Statement._meta.get_field("pdf").storage.delete(name)


def read(statement: Statement) -> BytesIO:
    """Return the stored document, checked against its digest. Raises PaperAway, PaperChanged."""
    try:
        with statement.pdf.open("rb") as stored:
            content = stored.read()
    except OSError as failure:
        logger.error("The file %s cannot be reached: %s", statement.pdf.name, failure.strerror)
        raise PaperAway(
            f"The file of {statement} cannot be reached at the moment. Its figures are not touched;"
            " ask who runs the desk to look after its files."
        ) from failure
    if hashlib.sha256(content).hexdigest() != statement.pdf_sha256:
        raise PaperChanged(f"The PDF of {statement} is not the one that was issued.")
    return BytesIO(content)
