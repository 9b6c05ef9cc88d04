"""Imports: what was signed elsewhere is taken in by one person, and confirmed by another.

The terms are entered as those of any draft. Whoever takes the PDF in says who signed it when; what
the rules say is frozen and undoes nothing. The second person compares both, and is bound to the
terms that stood when it was taken in. The desk seals nothing of it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import BinaryIO

from django.db import transaction

from licensing.agreements import agreements
from licensing.agreements.document.content import digest_of as digest_of_terms
from licensing.agreements.document.drawing import FileChanged, content_now, keep_whole
from licensing.agreements.findings import findings
from licensing.agreements.grounds import Grounds
from licensing.models import (
    Agreement,
    AgreementDocument,
    DealTerms,
    FindingSet,
    SignedScan,
    SigningRound,
)
from licensing.words import CheckOccasion, DocumentKind, ScanKind, ScanState, SignatoryRole
from talent.four_eyes import refuse_without_approver
from talent.models import Agency, Performer, User
from talent.periods import local_day

from .rounds import digest_of
from .scans import (
    ScanRefused,
    bytes_of_pdf,
    for_second_person,
    keep_approval,
    refuse_taken_draft,
    refuse_too_large,
    refuse_unvouched,
)
from .signatories import SIGNS

OF_THE_LICENSOR = {
    SignatoryRole.PERFORMER, SignatoryRole.GUARDIAN, SignatoryRole.ESTATE, SignatoryRole.AGENCY,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed a document elsewhere, in what capacity, and the day that they put on it."""

    name: str
    role: SignatoryRole
    on: date


@transaction.atomic
def take_in(
    *,
    agreement: Agreement,
    file: BinaryIO,
    size: int,
    signers: Sequence[Signer],
    vouched: str,
    at: datetime,
    by: User,
) -> SignedScan:
    """Keep the PDF of a draft that was signed elsewhere; nothing holds here yet.

    Raises ScanRefused, NotAPdf, NobodyToApprove, and what `refuse_unsignable` raises.
    """
    refuse_too_large(size)
    # The same file must not come in twice, not for two drafts at once either.
    Agency.objects.select_for_update(no_key=True).get(pk=agreement.agency_id)
    locked = agreements.lock(agreement)
    refuse_taken_draft(locked)
    _refuse_signers(locked, signers, today=local_day(at, locked.time_zone))
    refuse_unvouched(vouched)
    refuse_without_approver(asked_by=by, permission=SIGNS, agency_id=locked.agency_id)
    _refuse_without_terms(locked, at=at)
    content = bytes_of_pdf(file)
    _refuse_known(locked, digest_of(content))
    scan = SignedScan.objects.create(
        agreement=locked, kind=ScanKind.ELSEWHERE.value, pdf=content, digest=digest_of(content),
        signers=[{"name": one.name, "role": one.role.value, "on": one.on.isoformat()}
                 for one in signers],
        terms_sha256=terms_digest(locked, at=at), signed_on=max(one.on for one in signers),
        vouched=vouched.strip(), handed_in_at=at, handed_in_by=by,
    )  # fmt: skip
    _freeze_findings(scan, at=at, by=by)
    return scan


@transaction.atomic
def confirm(*, scan_id: int, at: datetime, by: User, reason: str = "") -> SignedScan:
    """Confirm as the second person that the terms say what the PDF says: it holds from now on.

    Raises ScanRefused, FourEyes, FileChanged, and what `agreements.sign` raises.
    """
    scan, locked = for_second_person(scan_id, ScanKind.ELSEWHERE, by=by)
    refuse_taken_draft(locked)
    if terms_digest(locked, at=at) != scan.terms_sha256:
        raise ScanRefused(
            "The terms were changed after the PDF was taken in. Reject it, and have it taken in "
            "once more beside the terms as they are now."
        )
    content = bytes(scan.pdf)
    if digest_of(content) != scan.digest:
        raise FileChanged(f"The file of {scan} is not the one that was taken in.")
    keep_whole(
        agreement=locked, kind=DocumentKind.IMPORTED, pdf=content, at=at, by=scan.handed_in_by
    )
    keep_approval(scan, at=at, by=by, reason=reason)
    found = findings_of(scan)
    if found is None:
        raise ScanRefused("Nobody asked the rules when it was taken in. Have it taken in again.")
    agreements.sign(
        agreement=locked, grounds=Grounds(scan, found), at=at, by=by,
        reason=f"Signed elsewhere. {scan.vouched}"[:500],
    )  # fmt: skip
    return scan


def terms_digest(agreement: Agreement, *, at: datetime) -> str:
    """Return the SHA-256 of the terms that somebody compares with a PDF."""
    return digest_of_terms(content_now(agreement, at=at))


def signers_of(scan: SignedScan) -> list[Signer]:
    """Return who signed a document elsewhere, in the order in which they were entered."""
    return [
        Signer(one["name"], SignatoryRole(one["role"]), date.fromisoformat(one["on"]))
        for one in scan.signers
    ]


def findings_of(scan: SignedScan) -> FindingSet | None:
    """Return what the rules said when a PDF was taken in."""
    rows = FindingSet.objects.filter(
        agreement=scan.agreement_id, occasion=CheckOccasion.IMPORT.value,
        document_digest=scan.digest,
    )  # fmt: skip
    return rows.order_by("-pk").first()


def _freeze_findings(scan: SignedScan, *, at: datetime, by: User) -> None:
    """Write down what the rules of the day on the paper say. What fails undoes nothing."""
    agreement = scan.agreement
    agreement.signed_elsewhere_on = scan.signed_on  # Not saved: it selects the rules' versions.
    findings.write(
        agreement, findings.of(agreement, at=at), findings.overrides_of(agreement),
        occasion=CheckOccasion.IMPORT, document_digest=scan.digest, at=at, by=by,
    )  # fmt: skip


# What is refused


def _refuse_signers(agreement: Agreement, signers: Sequence[Signer], *, today: date) -> None:
    roles = {one.role for one in signers}
    if SignatoryRole.LICENSEE not in roles or not roles & OF_THE_LICENSOR:
        raise ScanRefused("Name who signed for the licensee, and who for the performer or agency.")
    performers = list(Performer.objects.filter(pk__in=_performers(agreement)))
    for one in signers:
        if one.on > today:
            raise ScanRefused(f"{one.name} cannot have signed on a day to come.")
        for reason in _out_of_a_life(one, performers):
            raise ScanRefused(reason)


def _performers(agreement: Agreement) -> list[int]:
    twin = agreement.twin
    if twin.performer_id is not None:
        return [twin.performer_id]
    return list(twin.sources.values_list("performer", flat=True))


def _out_of_a_life(signer: Signer, performers: Sequence[Performer]) -> Iterator[str]:
    """Yield why nobody signed about a performer on a day, or not the performers themselves."""
    for performer in performers:
        if performer.born_on is not None and signer.on < performer.born_on:
            yield f"{signer.name} cannot have signed before {performer.name} was born."
        died = performer.died_on is not None and signer.on > performer.died_on
        if died and signer.role == SignatoryRole.PERFORMER and len(performers) == 1:
            yield f"{performer.name} had died: say who signed for the estate."


def _refuse_without_terms(agreement: Agreement, *, at: datetime) -> None:
    """Refuse terms that license nothing, cannot be rated, or are more than the consent."""
    if not DealTerms.objects.filter(agreement=agreement).exists():
        raise ScanRefused("Choose the kind of deal first: the wizard asks for it.")
    agreements.refuse_unsignable(agreement, at=at)


def _refuse_known(agreement: Agreement, digest: str) -> None:
    """Refuse a file that the agency handed in before, and one that this desk drew or sealed."""
    same = {"digest": digest, "agreement__agency": agreement.agency_id}
    kept = SignedScan.objects.filter(**same).exclude(step__kind=ScanState.REJECTED.value)
    if (first := kept.select_related("agreement").first()) is not None:
        raise ScanRefused(f"This file was handed in before, for {first.agreement}.")
    models = (AgreementDocument, SigningRound)
    if any(model.objects.filter(**same).exists() for model in models):
        raise ScanRefused("This desk drew this file. Send it for signature, or hand in its scan.")
