"""The demo's deal terms, and the documents that were to be signed.

Days are where templates of the desk begin (`licensing/agreements/clauses/templates`), and are demo
figures. Five agreements were drawn before they were signed; the others wait for somebody who does.
"""

from datetime import datetime

from licensing.agreements import document
from licensing.agreements.clauses.clause_library import templates
from licensing.models import Agreement, DealTerms
from licensing.words import DealKind, DocumentKind
from talent.models import User
from talent.words import Life, RepresentedBy

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


def draw_what_was_signed(agreement: Agreement, *, at: datetime, by: User) -> None:
    """Draw the document of an agreement that is about to be signed."""
    if agreement.reference in DRAWN:
        document.draw(agreement=agreement, kind=DocumentKind.TO_SIGN, at=at, by=by)
