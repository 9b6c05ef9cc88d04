"""The demo's deal terms, and the documents that were to be signed.

Days are where templates of the desk begin (`licensing/agreements/clauses/templates`), and are demo
figures. Five agreements were drawn by the desk and signed on paper; the others came signed.
"""

from datetime import datetime
from io import BytesIO

from django.utils.html import format_html

from licensing.agreements import document
from licensing.agreements.clauses.clause_library import templates
from licensing.agreements.signing import imports, scans
from licensing.agreements.signing.imports import Signer
from licensing.models import Agreement, DealTerms
from licensing.words import DealKind, DocumentKind, SignatoryRole
from talent.models import User
from talent.periods import local_day
from talent.words import Life, RepresentedBy, Role

KINDS = {
    "MER-2026-001": DealKind.GAME,
    "MER-2026-002": DealKind.STUNT,
    "MER-2026-003": DealKind.BACKGROUND,
    "MER-2026-004": DealKind.POSTHUMOUS,
    "MER-2026-005": DealKind.DUBBING,
    "MER-2026-006": DealKind.COMMERCIAL,
    "MER-2026-007": DealKind.PERSONA,
    "MER-2026-008": DealKind.PERSONA,
    "NOR-2026-001": DealKind.COMMERCIAL,
    "NOR-2026-002": DealKind.DUBBING,
    "NOR-2026-003": DealKind.STUNT,
    "NOR-2026-004": DealKind.POSTHUMOUS,
    "NOR-2026-005": DealKind.DUBBING,
    "NOR-2026-006": DealKind.COMMERCIAL,
}
DRAWN = frozenset(["MER-2026-001", "MER-2026-004", "MER-2026-005", "MER-2026-007", "NOR-2026-002"])
LAWS = {"meridian": "US-CA", "northlight": "GB"}
TRUST_PERCENT = 15  # rule minors.trust_share
VOUCHED = "Both signed before an agent of the agency, who kept the paper."
COUNSEL = {"counsel_name": "Piet Proviso", "counsel_firm": "Proviso & Demo, counsel"}
WITHOUT_DEFAULT = frozenset(["ai_label"])  # Every deal of the demo is labelled.


def write_deal_terms(agreement: Agreement) -> None:
    """Write what an agreement of the demo says beside its grants, rates and caps."""
    kind = KINDS[agreement.reference]
    days = {
        default.field: default.value
        for default in templates()[kind.value].defaults
        if default.field not in WITHOUT_DEFAULT
    }
    has_guild = agreement.guild != "none"
    represented = RepresentedBy.UNION if has_guild else RepresentedBy.COUNSEL
    performer = agreement.twin.performer
    DealTerms.objects.create(
        agreement=agreement,
        kind=kind.value,
        governing_law=LAWS[agreement.agency.slug],
        represented_by=represented.value,
        minor_trust_percent=TRUST_PERCENT if performer and performer.life == Life.MINOR else None,
        **({} if has_guild else COUNSEL),
        **days,
    )


def sign_on_paper(agreement: Agreement, *, at: datetime, by: User) -> None:
    """Put an agreement in force that was signed on paper, drawn by the desk or elsewhere."""
    day = local_day(at, agreement.time_zone)
    agent = _agent_of(agreement)
    if agreement.reference in DRAWN:
        paper = document.draw(agreement=agreement, kind=DocumentKind.TO_SIGN, at=at, by=by)
        scan = scans.hand_in(
            agreement=agreement, file=BytesIO(paper.pdf), size=len(paper.pdf), signed_on=day,
            vouched=VOUCHED, at=at, by=agent,
        )  # fmt: skip
        scans.approve(scan_id=scan.pk, at=at, by=by)
        return
    pdf = _as_it_came(agreement, at)
    signers = [
        Signer(agreement.agency.name, SignatoryRole.AGENCY, day),
        Signer(agreement.licensee.name, SignatoryRole.LICENSEE, day),
    ]
    scan = imports.take_in(
        agreement=agreement, file=BytesIO(pdf), size=len(pdf), signers=signers, vouched=VOUCHED,
        at=at, by=agent,
    )  # fmt: skip
    imports.confirm(scan_id=scan.pk, at=at, by=by)


def _agent_of(agreement: Agreement) -> User:
    agents = User.objects.filter(
        memberships__agency=agreement.agency_id, memberships__role=Role.AGENT.value
    )
    return agents.order_by("pk")[0]


def _as_it_came(agreement: Agreement, at: datetime) -> bytes:
    from talent.papers.draw import draw  # It takes a second to import.

    page = format_html(
        '<html lang="en"><title>{0}</title><h1>{0}</h1><p>{1}</p></html>',
        agreement.reference,
        "In a real desk this is the agreement as both signed it on paper.",
    )
    return draw(page, dated=at.date())
