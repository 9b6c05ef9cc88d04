"""Papers of a signing round: the page of signatures, how each looks, and the signature record."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.template.loader import render_to_string

from licensing.models import (
    Agreement,
    AgreementDocument,
    FindingSet,
    Signatory,
    SigningEvent,
    SigningRound,
)
from licensing.words import Identified, SignatoryRole, SigningEventKind
from talent import locales
from talent.models import Delegation
from talent.papers import seal as seals
from talent.papers.certificate import SealingCertificate
from talent.papers.draw import AttachedFile, draw, draw_piece
from talent.words import RepresentedBy

from .acts import AGREED
from .signatories import Proposed

# In mm. A page holds fewer places where the shorter of A4 and Letter is the shorter.
LEFT, WIDTH = 22, 166
SEAL = "seal"
SEAL_TOP, SEAL_HEIGHT = 74, 22
FIRST_TOP, LATER_TOP, PITCH, LABEL, HEIGHT = 102, 30, 38, 8, 26
ON_FIRST, ON_LATER = 4, 6


@dataclass(frozen=True, slots=True)
class Block:
    """Where somebody signs: on which page, how far down, and who."""

    number: int
    page: int
    top: int
    name: str
    role: str
    initials: bool


def sealed(
    paper: AgreementDocument,
    signatories: Sequence[Proposed],
    *,
    found: FindingSet,
    expires_at: datetime,
    at: datetime,
    seal: SealingCertificate,
) -> bytes:
    """Return a document with a place for each signature and the evidence so far, certified."""
    blocks = _blocks(signatories)
    evidence = AttachedFile(
        "signing-evidence.json",
        _json(_evidence(paper, signatories, found, expires_at, at)),
        "Who signs in which order, and what was checked before",
        "Supplement",
    )
    values = {
        **_page_values(paper),
        "pages": [
            [block for block in blocks if block.page == page] for page in range(blocks[-1].page + 1)
        ],
        "document": paper,
        "seal_top": SEAL_TOP,
        "sent": _instant(at),
    }
    prepared = seals.prepare(
        bytes(paper.pdf),
        signature_pages=draw(
            render_to_string("agreements/signatures.html", values), dated=at.date()
        ),
        places=[_seal_place(), *(_place(block, last=len(blocks)) for block in blocks)],
        attachments=[evidence],
        dated=at.date(),
    )
    agency = paper.agreement.agency.name
    return seals.certify(
        prepared,
        seals.Signature(
            SEAL, agency, "Sealed for signature: only the signatures may be added.",
            _appearance(
                ["Sealed by the desk", f"for {agency} on {_instant(at)}",
                 f"Document drawn: SHA-256 {paper.digest}"],
                height=SEAL_HEIGHT,
            ),
        ),
        certificate=seal,
    )  # fmt: skip


def signed(
    pdf: bytes, signatory: Signatory, *, event: SigningEvent, seal: SealingCertificate
) -> bytes:
    """Return a document with one more signature, that shows who signed, how and what."""
    role = SignatoryRole(signatory.role).label
    known = Identified(event.identified).label
    lines = [
        f"Signed: {event.words}",
        f"{signatory.name} · {role}" + _on_behalf(signatory, event),
        f"{_instant(event.at)} · {known}",
        f"Had before them: SHA-256 {event.digest}",
    ]
    return seals.sign(
        pdf,
        seals.Signature(
            signatory.field, signatory.name, f"{role}. {known}.", _appearance(lines, height=HEIGHT)
        ),
        certificate=seal,
    )


def record(found: SigningRound, *, at: datetime, seal: SealingCertificate) -> bytes:
    """Return the signature record: all that happened in a round, sealed so that nothing follows."""
    paper = found.document
    events = list(found.events.select_related("signatory", "by").order_by("at", "pk"))
    rows = list(found.signatories.order_by("position"))
    told = _record(found, paper, rows, events)
    page = render_to_string(
        "agreements/signature_record.html",
        {
            **_page_values(paper),
            "round": found,
            "document": paper,
            "signatories": rows,
            "events": [_told(event) for event in events],
            "facts": told["represented"],
            "agreed": AGREED,
            "signed": _instant(at),
            "digest": found.digest,
        },
    )
    attached = AttachedFile("signature-record.json", _json(told), "The same, as data", "Source")
    return closed(
        draw(page, attachments=[attached], dated=at.date()), paper.agreement,
        page=_page_values(paper), about=f"Signed document: SHA-256 {found.digest}", at=at,
        seal=seal,
    )  # fmt: skip


def closed(
    pdf: bytes,
    agreement: Agreement,
    *,
    page: Mapping[str, Any],
    about: str,
    at: datetime,
    seal: SealingCertificate,
) -> bytes:
    """Return a document with the desk's seal on a page of its own; nothing may be added to it.

    `page` is what `record_seal.html` shows, `about` the last line of the seal.
    """
    drawn = render_to_string("agreements/record_seal.html", {**page, "seal_top": SEAL_TOP})
    prepared = seals.prepare(
        pdf, signature_pages=draw(drawn, dated=at.date()), places=[_seal_place()],
        attachments=[], dated=at.date(),
    )  # fmt: skip
    agency = agreement.agency.name
    return seals.close(
        prepared,
        seals.Signature(
            SEAL, agency, "Sealed: nothing may be added.",
            _appearance(
                ["Sealed by the desk", f"for {agency} on {_instant(at)}", about],
                height=SEAL_HEIGHT,
            ),
        ),
        certificate=seal,
    )  # fmt: skip


# The places


def _blocks(signatories: Sequence[Proposed]) -> list[Block]:
    return [
        Block(
            number=number,
            page=page,
            top=(FIRST_TOP if page == 0 else LATER_TOP) + place * PITCH,
            name=one.name,
            role=one.role.label,
            initials=one.initials,
        )
        for number, one in enumerate(signatories, start=1)
        for page, place in [_page_and_place(number - 1)]
    ]


def _page_and_place(index: int) -> tuple[int, int]:
    if index < ON_FIRST:
        return 0, index
    page, place = divmod(index - ON_FIRST, ON_LATER)
    return page + 1, place


def _place(block: Block, *, last: int) -> seals.Place:
    return seals.Place(
        f"signature-{block.number}",
        f"Signature of {block.name}, {block.role.lower()}",
        block.page, LEFT, block.top + LABEL, WIDTH, HEIGHT,
        locks=block.number == last,
    )  # fmt: skip


def _seal_place() -> seals.Place:
    return seals.Place(SEAL, "Seal of the desk", 0, LEFT, SEAL_TOP, WIDTH, SEAL_HEIGHT)


def _appearance(lines: Sequence[str], *, height: int) -> bytes:
    values = {"lines": lines, "width": WIDTH, "height": height}
    return draw_piece(render_to_string("agreements/signature.html", values))


def _page_values(paper: AgreementDocument) -> dict[str, Any]:
    """Return what every page shows."""
    content = paper.content or {}
    return {
        "agreement": paper.agreement,
        "paper": content.get("paper", "A4"),
        "title": content.get("title", ""),
        "left": LEFT,
        "width": WIDTH,
    }


def _on_behalf(signatory: Signatory, event: SigningEvent) -> str:
    if signatory.role == SignatoryRole.AGENCY and event.by is not None:
        return f", by {event.by}"
    if signatory.performer is not None and signatory.role != SignatoryRole.PERFORMER:
        return f" {signatory.performer.legal_name or signatory.performer.name}"
    return ""


# The evidence


def _evidence(
    paper: AgreementDocument,
    signatories: Sequence[Proposed],
    found: FindingSet,
    expires_at: datetime,
    at: datetime,
) -> dict[str, Any]:
    return {
        "agreement": paper.agreement.reference,
        "document": paper.number,
        "document_sha256": paper.digest,
        "content_sha256": paper.content_sha256,
        "findings_sha256": found.digest,
        "sent": at.isoformat(),
        "to_be_signed_by": expires_at.isoformat(),
        "agreed_by_each": AGREED,
        "represented": _represented(paper.agreement),
        "signatories": [
            {
                "position": position,
                "role": one.role.value,
                "name": one.name,
                "for": str(one.performer) if one.performer else "",
                "initials_the_replica_clause": one.initials,
                "signs": _way(one),
            }
            for position, one in enumerate(signatories, start=1)
        ],
    }


def _way(one: Proposed) -> str:
    if one.role is SignatoryRole.AGENCY:
        return "signed in, as staff of the agency who may sign for it"
    return "signed in" if one.user else "by a link and a code, both mailed"


def _represented(agreement: Agreement) -> dict[str, Any]:
    """Return who represented the performer, and on what the authority of delegates rests."""
    deal = getattr(agreement, "deal", None)
    by = deal.represented_by if deal else RepresentedBy.NONE.value
    delegations = Delegation.objects.current().filter(performer=agreement.twin.performer_id)
    return {
        "by": by,
        "counsel": deal.counsel_name if deal else "",
        "firm": deal.counsel_firm if deal else "",
        "guild": agreement.guild,
        "court_approval": deal.court_approval if deal else "",
        "delegates": [
            {"name": str(row.user), "as": row.kind, "authority": row.authority}
            for row in delegations.select_related("user").order_by("starts_on", "pk")
        ],
    }


def _record(
    found: SigningRound,
    paper: AgreementDocument,
    rows: Sequence[Signatory],
    events: Sequence[SigningEvent],
) -> dict[str, Any]:
    return {
        "agreement": paper.agreement.reference,
        "document": paper.number,
        "document_sha256": paper.digest,
        "signed_document_sha256": found.digest,
        "findings_sha256": found.findings.digest,
        "agreed_by_each": AGREED,
        "represented": _represented(paper.agreement),
        "signatories": [
            {"position": one.position, "role": one.role, "name": one.name, "email": one.email}
            for one in rows
        ],
        "events": [
            {
                "at": event.at.isoformat(),
                "what": event.kind,
                "signatory": event.signatory.position if event.signatory else None,
                "by": str(event.by) if event.by else "",
                "identified": event.identified,
                "network_address": event.address or "",
                "shown_sha256": event.digest,
                "shown_bytes": event.size,
                "words": event.words,
            }
            for event in events
        ],
    }


def _told(event: SigningEvent) -> dict[str, str]:
    return {
        "at": _instant(event.at),
        "what": SigningEventKind(event.kind).label,
        "who": str(event.signatory or event.by or "The desk"),
        "how": Identified(event.identified).label if event.identified else "",
        "address": event.address or "",
        "digest": event.digest,
        "words": event.words,
    }


def _instant(at: datetime) -> str:
    utc = at.astimezone(UTC)
    return f"{locales.short_day(utc.date(), 'en-GB')}, {utc:%H:%M:%S} UTC"


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode()
