"""Documents: a statement's PDF, drawn, signed at its issue, stored whole, checked by its digest."""

import hashlib
import logging
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

from django.conf import settings
from django.core.files.base import ContentFile
from django.db.models import Exists, OuterRef, Q
from django.db.models.fields.files import FieldFile

from talent.errors import Refused
from talent.papers import certificate
from talent.words import SealLevel
from valuation.models import LastingCopy, Statement
from valuation.statements.snapshot import RollUpSnapshot, Snapshot

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
    """A stored document: its name in the storage, the SHA-256 of its bytes, how it is signed."""

    name: str
    sha256: str
    level: SealLevel = SealLevel.NONE


def store(statement: Statement, content: Snapshot) -> StoredDocument:
    """Draw a draft as a PDF and store it. Call it outside any transaction.

    Raises NotDrawn, and PaperNotStored when the disk is full; then no part of the file is left.
    """
    # Imported here: WeasyPrint takes longer to import than all the rest together.
    from valuation.statements import pdf

    return _stored(statement, pdf.draw(content), SealLevel.NONE)


def store_issued(statement: Statement, content: Snapshot, *, at: datetime) -> StoredDocument:
    """Draw what is issued, sign it, and store it. Call it outside any transaction and lock.

    A desk without a certificate issues without a signature, and the document says nothing of one;
    a certificate that cannot be used is refused instead. The digest is of the signed file. Raises
    also NoSeal, CertificateEnded, NotSealable.
    """
    from talent.papers import seal
    from valuation.statements import pdf

    verify_url = verify_url_of(content.number)
    if not certificate.is_there():
        return _stored(statement, pdf.draw(content, verify_url=verify_url), SealLevel.NONE)
    own = certificate.of_the_desk()
    named = certificate.certificate_of(own)
    # Before it is drawn: that takes a hundred times as long.
    named.refuse_outside_its_time(at)
    agency = agency_of(content)
    drawn = pdf.draw_to_sign(content, verify_url=verify_url, signed_by=named.name)
    box = drawn.boxes[pdf.SIGNATURE]
    sealed = seal.seal_whole(
        drawn.pdf,
        place=seal.Place(
            pdf.SIGNATURE,
            f"Signature of {agency}",
            *(box.page, box.left, box.top, box.width, box.height),
        ),
        name=agency,
        reason=f"Issued as {content.number}.",
        certificate=own,
        at=at,
    )
    return _stored(statement, sealed.pdf, sealed.level)


def agency_of(content: Snapshot) -> str:
    """Return the agency's name as a document has it."""
    party = content.agency if isinstance(content, RollUpSnapshot) else content.payee
    return party.name


def verify_url_of(number: str) -> str:
    """Return the address at which anybody can ask whether a file is the one that was issued."""
    return f"{settings.DESK_URL}/verify/{number}/"


def is_what_was_issued(number: str, digest: str) -> bool:
    """Tell whether bytes of a SHA-256 are those that were issued under a number; nothing else.

    So are those of a lasting copy, which begins with them.
    """
    issued = Statement.objects.issued().filter(number=number)
    copies = LastingCopy.objects.filter(statement=OuterRef("pk"), sha256=digest)
    return bool(digest) and issued.filter(Q(pdf_sha256=digest) | Exists(copies)).exists()


def read_copy(copy: LastingCopy) -> BytesIO:
    """Return a lasting copy, checked against its digest. Raises PaperAway, PaperChanged."""
    return _read(copy.pdf, copy.sha256, copy.statement)


def store_copy(statement: Statement, content: bytes) -> StoredDocument:
    """Store a lasting copy of an issued statement. Raises PaperNotStored."""
    return _stored(statement, content, SealLevel.B_LTA)


def _stored(statement: Statement, drawn: bytes, level: SealLevel) -> StoredDocument:
    digest = hashlib.sha256(drawn).hexdigest()
    field = Statement._meta.get_field("pdf")
    name = field.generate_filename(statement, f"{statement.pk}-{digest[:16]}.pdf")
    if statement.reserved is None and field.storage.exists(name):
        # An earlier process stored the same bytes of a draft and crashed before recording them. Of
        # an issue, another process may store them now: then the storage gives these a free name.
        field.storage.delete(name)
    try:
        return StoredDocument(field.storage.save(name, ContentFile(drawn)), digest, level)
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
    return _read(statement.pdf, statement.pdf_sha256, statement)


def _read(file: FieldFile, digest: str, statement: Statement) -> BytesIO:
    try:
        with file.open("rb") as stored:
            content = stored.read()
    except OSError as failure:
        logger.error("The file %s cannot be reached: %s", file.name, failure.strerror)
        raise PaperAway(
            f"The file of {statement} cannot be reached at the moment. Its figures are not touched;"
            " ask who runs the desk to look after its files."
        ) from failure
    if hashlib.sha256(content).hexdigest() != digest:
        raise PaperChanged(f"The PDF of {statement} is not the one that was issued.")
    return BytesIO(content)
