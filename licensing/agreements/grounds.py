"""Grounds: what an agreement holds by. Whoever says that it was signed shows the rows for it."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeGuard

from licensing.models import (
    Agreement,
    AgreementDocument,
    FindingSet,
    OfferTaking,
    Signatory,
    SignedScan,
    SigningRound,
    Transfer,
)
from licensing.words import (
    CheckOccasion,
    DocumentKind,
    RoundState,
    ScanKind,
    ScanState,
    TransferStepKind,
)
from talent.errors import Refused

# A round that all have signed; an approved scan of what the desk drew, or of what was signed
# elsewhere. A taking and a transfer have no document: the words that were accepted stand in them.
Words = SigningRound | SignedScan | OfferTaking | Transfer


class NothingWasSigned(Refused):
    """What is shown does not say that this agreement was signed as it is now."""

    code = "nothing_was_signed"


class NotChecked(Refused):
    """The rules were not asked about what was signed as it comes to hold, or one says no."""

    code = "not_checked"


@dataclass(frozen=True, slots=True)
class Grounds:
    """What was signed or accepted, and what the rules said of it when it came to hold."""

    words: Words
    found: FindingSet

    @property
    def signed_elsewhere_on(self) -> date | None:
        """The day on what was signed outside the desk; None: it was signed here."""
        words = self.words
        return words.signed_on if _came_signed(words) else None


def digest_of(words: Words) -> str:
    """Return the SHA-256 of the document, or of the words, that were signed.

    Raises NothingWasSigned for a transfer that nobody assumed.
    """
    if isinstance(words, OfferTaking):
        return words.digest
    if isinstance(words, SigningRound):
        return words.document.digest
    if isinstance(words, SignedScan):
        return words.digest if words.document is None else words.document.digest
    assumed = words.step(TransferStepKind.ASSUMED)
    if assumed is None:
        raise NothingWasSigned(f"Nobody has assumed in writing what {words} hands on.")
    return hashlib.sha256(assumed.text.encode()).hexdigest()


def refuse_groundless(agreement: Agreement, grounds: Grounds, *, at: datetime) -> None:
    """Refuse what was not signed, or not checked as it was signed, at an instant.

    Raises NothingWasSigned and NotChecked.
    """
    if not _is_signed(agreement, grounds.words):
        raise NothingWasSigned(
            f"{agreement.reference}: what is shown does not say that all have signed this "
            "agreement, as its last document reads."
        )
    if not _is_checked(agreement, grounds, at):
        raise NotChecked(
            f"{agreement.reference}: the rules were not asked about what was signed. Nothing holds "
            "before they are."
        )


def _is_signed(agreement: Agreement, words: Words) -> bool:
    if isinstance(words, Transfer):
        return (
            words.step(TransferStepKind.ASSUMED) is not None
            and words.licensee_id == agreement.licensee_id
            and words.agreement.twin_id == agreement.twin_id
            and words.agreement.agency_id == agreement.agency_id
        )
    if words.agreement_id != agreement.pk:
        return False
    if isinstance(words, SigningRound):
        return _all_have_signed(words) and _is_last(words.document)
    if isinstance(words, SignedScan):
        return words.state is ScanState.APPROVED and _is_last(_document_of(words))
    return True


def _came_signed(words: Words) -> TypeGuard[SignedScan]:
    return isinstance(words, SignedScan) and words.kind == ScanKind.ELSEWHERE


def _document_of(scan: SignedScan) -> AgreementDocument | None:
    """Return the document that a scan shows; for what came signed, the document that it is."""
    if not _came_signed(scan):
        return scan.document
    kept = AgreementDocument.objects.filter(
        agreement=scan.agreement_id, kind=DocumentKind.IMPORTED.value, digest=scan.digest
    )
    return kept.order_by("-number").first()


def _all_have_signed(found: SigningRound) -> bool:
    signatories = Signatory.objects.filter(round=found)
    return (
        found.state == RoundState.OPEN
        and signatories.exists()
        and not signatories.unsigned().exists()
    )


def _is_last(document: AgreementDocument | None) -> bool:
    """Tell whether no later document of the agreement binds: a draft of one never does."""
    if document is None:
        return False
    later = AgreementDocument.objects.filter(
        agreement=document.agreement_id, number__gt=document.number
    )
    return not later.exclude(kind=DocumentKind.DRAFT.value).exists()


def _is_checked(agreement: Agreement, grounds: Grounds, at: datetime) -> bool:
    """Tell whether findings are of this agreement, of now, of what was signed, and forbid nothing.

    What came signed was asked about when it was taken in, and no rule undoes it. What forbade the
    old licensee of a transfer was let pass then, and is no news.
    """
    found, words = grounds.found, grounds.words
    if found.agreement_id != agreement.pk or found.document_digest != digest_of(words):
        return False
    if _came_signed(words):
        return found.occasion == CheckOccasion.IMPORT and found.at == words.handed_in_at
    if found.occasion != CheckOccasion.SIGNING or found.at != at:
        return False
    if isinstance(words, Transfer):
        return True
    return not found.findings.filter(blocks=True, override=None).exists()
