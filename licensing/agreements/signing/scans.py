"""Scans: a document that was signed on paper is handed in by one person, approved by another."""

from datetime import date, datetime
from typing import BinaryIO

from django.db import transaction

from licensing.agreements import agreements, document
from licensing.agreements.findings import findings
from licensing.models import (
    Agreement,
    AgreementDocument,
    SignedScan,
    SignedScanStep,
    SigningRound,
)
from licensing.words import AgreementStatus, DocumentKind, ScanKind, ScanState
from talent.errors import Refused
from talent.four_eyes import (
    FourEyes,
    could_approve,
    refuse_same_person,
    refuse_to_reject,
    refuse_without_approver,
)
from talent.models import User
from talent.periods import local_day

from .rounds import digest_of
from .signatories import SIGNS

LARGEST = 25 * 1024 * 1024


class ScanRefused(Refused):
    """A scan cannot be handed in, or not be approved, as things stand."""

    code = "scan_refused"


@transaction.atomic
def hand_in(
    *,
    agreement: Agreement,
    file: BinaryIO,
    size: int,
    signed_on: date,
    vouched: str,
    at: datetime,
    by: User,
) -> SignedScan:
    """Keep the scan of a document that was signed on paper; nobody is bound by it yet.

    Raises ScanRefused, NotAPdf, NobodyToApprove.
    """
    locked = agreements.lock(agreement)
    refuse_too_large(size)
    paper = _printed(locked, at)
    if signed_on > local_day(at, locked.time_zone):
        raise ScanRefused("It cannot have been signed on a day to come.")
    refuse_unvouched(vouched)
    refuse_without_approver(asked_by=by, permission=SIGNS, agency_id=locked.agency_id)
    content = bytes_of_pdf(file)
    return SignedScan.objects.create(
        agreement=locked, document=paper, pdf=content, digest=digest_of(content),
        signed_on=signed_on, vouched=vouched.strip(), handed_in_at=at, handed_in_by=by,
    )  # fmt: skip


def refuse_too_large(size: int) -> None:
    """Refuse a file before it is read. Raises ScanRefused."""
    if size > LARGEST:
        raise ScanRefused(f"A PDF has at most {LARGEST // 2**20} MB. Scan it in black and white.")


def refuse_unvouched(vouched: str) -> None:
    if not vouched.strip():
        raise ScanRefused("Say who signed it, before whom, and how you know.")


def bytes_of_pdf(file: BinaryIO) -> bytes:
    """Read a PDF that somebody hands in, and no more than is kept. Raises ScanRefused, NotAPdf."""
    content = file.read(LARGEST + 1)
    refuse_too_large(len(content))

    from talent.papers.seal import refuse_other_than_pdf  # It takes a second to import.

    refuse_other_than_pdf(content)
    return content


def _printed(agreement: Agreement, at: datetime) -> AgreementDocument:
    """Return the document that was printed: drawn to be signed, and still what is agreed."""
    refuse_taken_draft(agreement)
    paper = document.latest(agreement)
    if paper is None or paper.kind != DocumentKind.TO_SIGN:
        raise ScanRefused("Draw the document to be signed first: that is what is signed on paper.")
    if not document.is_current(paper, at=at):
        raise ScanRefused(
            "The terms were changed after this document was drawn. Draw it anew and have that "
            "signed."
        )
    return paper


def refuse_taken_draft(agreement: Agreement) -> None:
    """Refuse what is no draft any more, or is being signed in the desk. Raises ScanRefused."""
    if agreement.status != AgreementStatus.DRAFT:
        raise ScanRefused(f"{agreement.reference} is {agreement.status}; only a draft is signed.")
    if SigningRound.objects.open().filter(agreement=agreement).exists():
        raise ScanRefused(
            f"{agreement.reference} is out for signature in the desk. Cancel that round first."
        )


@transaction.atomic
def approve(*, scan_id: int, at: datetime, by: User, reason: str = "") -> SignedScan:
    """Approve a scan as the second person: the agreement holds from now on.

    Raises ScanRefused, FourEyes, and what `findings.sign_checked` raises.
    """
    scan, locked = for_second_person(scan_id, ScanKind.PRINTED, by=by)
    if _printed(locked, at).pk != scan.document_id:
        raise ScanRefused("Another document was drawn since. Have that one signed.")
    keep_approval(scan, at=at, by=by, reason=reason)
    findings.sign_checked(
        agreement=locked, words=scan, at=at, by=by,
        reason=f"Signed on paper. {scan.vouched}"[:500],
    )  # fmt: skip
    return scan


def for_second_person(scan_id: int, kind: ScanKind, *, by: User) -> tuple[SignedScan, Agreement]:
    """Return a scan that waits, and its agreement under lock. Raises ScanRefused and FourEyes."""
    scan = SignedScan.objects.select_related("agreement").get(pk=scan_id, kind=kind.value)
    locked = agreements.lock(scan.agreement)
    _refuse_decided(scan)
    refuse_same_person(by=by, before=[scan.handed_in_by_id])
    if not could_approve(SIGNS, locked.agency_id).filter(pk=by.pk).exists():
        raise FourEyes("Only who may sign for the agency approves it.")
    return scan, locked


def keep_approval(scan: SignedScan, *, at: datetime, by: User, reason: str) -> None:
    SignedScanStep.objects.create(
        scan=scan, kind=ScanState.APPROVED.value, at=at, by=by, reason=reason
    )


@transaction.atomic
def reject(*, scan_id: int, at: datetime, by: User, reason: str) -> SignedScan:
    """Reject a scan, or take it back. Raises ScanRefused and FourEyes."""
    scan = SignedScan.objects.select_related("agreement").get(pk=scan_id)
    agreements.lock(scan.agreement)
    _refuse_decided(scan)
    refuse_to_reject(
        by=by,
        asked_by=[scan.handed_in_by_id],
        permission=SIGNS,
        agency_ids=[scan.agreement.agency_id],
    )
    SignedScanStep.objects.create(
        scan=scan, kind=ScanState.REJECTED.value, at=at, by=by, reason=reason
    )
    return scan


def _refuse_decided(scan: SignedScan) -> None:
    if SignedScanStep.objects.filter(scan=scan).exists():
        raise ScanRefused("Somebody has decided on this scan already.")
