"""Drawing: an agreement's document is drawn from its terms, numbered, and kept as it was drawn."""

import hashlib
import logging
from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef

from licensing.agreements import agreements
from licensing.agreements.findings import findings
from licensing.models import Agreement, AgreementDocument, AgreementStep, SigningRound
from licensing.words import AgreementStatus, AgreementStepKind, AmendmentStepKind, DocumentKind
from talent import locales
from talent.errors import Refused
from talent.models import User

from . import clause_versions
from .content import Content, content_of, digest_of, rules_of
from .gathered import gather
from .missing import Missing, chosen_of, missing_of

log = logging.getLogger(__name__)


class CannotBeDrawn(Refused):
    """The document misses something, or says what the terms do not. `missing` says what."""

    code = "cannot_be_drawn"

    def __init__(self, missing: Sequence[Missing]):
        self.missing = tuple(missing)
        super().__init__(" ".join(map(str, missing)))


class NotThatKind(Refused):
    """A draft is drawn as a draft or to be signed, a signed agreement as it was amended."""

    code = "not_that_kind"


def draw(
    *, agreement: Agreement, kind: DocumentKind, at: datetime, by: User | None
) -> AgreementDocument:
    """Draw the document of an agreement as its terms are, and keep it under the next number.

    A draft says what is still missing. Call it outside any transaction: drawing takes a second.
    Raises NotThatKind; CannotBeDrawn where a document that binds misses something; and NotDrawn
    (of talent.papers.draw) when the machine is full.
    """
    _refuse_kind(agreement, kind)
    gathered = gather(agreement, at=at)
    clauses = chosen_of(gathered)
    lacking = list(missing_of(gathered, clauses))
    if lacking and (not clauses or (kind != DocumentKind.DRAFT and not _came_whole(agreement))):
        raise CannotBeDrawn(lacking)
    follows = latest(agreement) if kind == DocumentKind.AMENDED else None
    content = content_of(gathered, clauses)
    content["rules"] = rules_of(findings.of(agreement, at=at), content["locale"])
    content["amended_by"] = _amended_by(agreement, follows)
    if agreement.signed_elsewhere_on is not None:
        content["signed_elsewhere"] = {
            "on": locales.day(agreement.signed_elsewhere_on, content["locale"]),
            "sha256": _imported(agreement).digest,
        }
    number = _next_number(agreement)
    # Imported here: WeasyPrint takes longer to import than all the rest together.
    from . import pdf

    drawn = pdf.draw(
        content,
        number=number,
        kind=kind,
        dated=at.date(),
        missing=[str(one) for one in lacking],
        before=_content(follows),
    )
    with transaction.atomic():
        locked = agreements.lock(agreement)
        if _next_number(locked) != number:
            raise NotThatKind(
                f"Somebody drew a document of {locked.reference} at the same time. Draw it again."
            )
        clause_versions.keep(locked, clauses, at=at)
        return AgreementDocument.objects.create(
            agreement=locked, number=number, kind=str(kind), drawn_at=at, drawn_by=by,
            content=content, content_sha256=digest_of(content), pdf=drawn,
            digest=hashlib.sha256(drawn).hexdigest(), follows=follows,
        )  # fmt: skip


# Their words were agreed before the desk's clauses stood beside them: terms may be missing there.
CAME_WHOLE = (DocumentKind.IMPORTED, DocumentKind.TAKEN)


def _came_whole(agreement: Agreement) -> bool:
    kinds = [kind.value for kind in CAME_WHOLE]
    return AgreementDocument.objects.filter(agreement=agreement, kind__in=kinds).exists()


def _refuse_kind(agreement: Agreement, kind: DocumentKind) -> None:
    is_draft = agreement.status == AgreementStatus.DRAFT
    if kind in CAME_WHOLE:
        raise NotThatKind("What was signed elsewhere or taken has its words; no others are drawn.")
    if is_draft == (kind == DocumentKind.AMENDED):
        raise NotThatKind(
            f"{agreement.reference} is {agreement.get_status_display().lower()}: draw it "
            + ("as a draft, or to be signed." if is_draft else "as it was amended.")
        )


def _next_number(agreement: Agreement) -> int:
    last = AgreementDocument.objects.filter(agreement=agreement).order_by("-number")
    return (last.values_list("number", flat=True).first() or 0) + 1


def latest(agreement: Agreement) -> AgreementDocument | None:
    """Return the document that holds last: what was to be signed, came signed, or was amended."""
    rows = AgreementDocument.objects.filter(agreement=agreement)
    return rows.exclude(kind=DocumentKind.DRAFT.value).order_by("-number").first()


class FileChanged(Refused):
    """The kept file is not the one that was drawn."""

    code = "file_changed"


def drawn_file(document: AgreementDocument | SigningRound) -> BytesIO:
    """Return the file of a document. Raises FileChanged unless its digest is the one kept."""
    content = bytes(document.pdf)
    if hashlib.sha256(content).hexdigest() != document.digest:
        raise FileChanged(f"The file of {document} is not the one that was drawn.")
    return BytesIO(content)


def _amended_by(agreement: Agreement, before: AgreementDocument | None) -> list[str]:
    """Say which amendments came into force since a document was drawn, from when, and why."""
    if before is None:
        return []
    rows = agreement.amendments.filter(
        steps__kind=AmendmentStepKind.APPLIED.value, steps__at__gt=before.drawn_at
    )
    return [
        f"Amendment {row.number}, {row.get_about_display().lower()}, "
        f"from {locales.day(row.counts_from, 'en-GB')}: {row.reason}"
        for row in rows.order_by("number")
    ]


@transaction.atomic
def keep_whole(
    *,
    agreement: Agreement,
    kind: DocumentKind,
    pdf: bytes,
    at: datetime,
    by: User | None,
    **beside: Any,
) -> AgreementDocument:
    """Keep a PDF that came whole, with the content that the agreement's terms make.

    `beside` stands in the content, too, and is no term.
    """
    gathered = gather(agreement, at=at)
    clauses = chosen_of(gathered)
    content = content_of(gathered, clauses) | beside
    clause_versions.keep(agreement, clauses, at=at)
    return AgreementDocument.objects.create(
        agreement=agreement, number=_next_number(agreement), kind=kind.value,
        drawn_at=at, drawn_by=by, content=content, content_sha256=digest_of(content), pdf=pdf,
        digest=hashlib.sha256(pdf).hexdigest(),
    )  # fmt: skip


def _imported(agreement: Agreement) -> AgreementDocument:
    """Return the document that was signed elsewhere: its words count beside what the desk draws."""
    return AgreementDocument.objects.get(agreement=agreement, kind=DocumentKind.IMPORTED.value)


def _content(document: AgreementDocument | None) -> Content | None:
    return document.content if document is not None and document.content else None


def content_now(agreement: Agreement, *, at: datetime) -> Content:
    """Return the content that a document drawn at an instant would have."""
    gathered = gather(agreement, at=at)
    return content_of(gathered, chosen_of(gathered))


def is_current(document: AgreementDocument, *, at: datetime) -> bool:
    """Tell whether the terms are still those that a document was drawn from."""
    content = content_now(document.agreement, at=at)
    return digest_of(content) == document.content_sha256


def draw_amended(*, at: datetime) -> int:
    """Draw the new version of each signed agreement that was amended since its last document.

    Agreements without a document, signed before there were any, are left alone. Returns how many
    were drawn; one that cannot be drawn stays for the next time.
    """
    drawn = 0
    amended = AgreementStep.objects.filter(
        agreement=OuterRef("agreement"), kind=AgreementStepKind.AMENDED.value,
        at__gt=OuterRef("drawn_at"),
    )  # fmt: skip
    newer = AgreementDocument.objects.filter(
        agreement=OuterRef("agreement"), number__gt=OuterRef("number")
    ).exclude(kind=DocumentKind.DRAFT.value)
    rows = (
        AgreementDocument.objects.exclude(kind=DocumentKind.DRAFT.value)
        .filter(Exists(amended), ~Exists(newer), agreement__status=AgreementStatus.SIGNED.value)
        .select_related("agreement")
        .order_by("pk")
    )
    for document in list(rows):
        if is_current(document, at=at):
            continue
        try:
            draw(agreement=document.agreement, kind=DocumentKind.AMENDED, at=at, by=None)
        except Refused:
            log.exception("document of %s not drawn as amended", document.agreement)
            continue
        drawn += 1
    return drawn
