"""Takings: the document of each offer that was taken, with the evidence of both sides, sealed.

The performer approved words, and a studio accepted the same words by its key: they are the
document, with the schedules of the agreement that came of it. Nobody signs anything more.
"""

import logging
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.template.loader import render_to_string

from licensing.agreements import agreements
from licensing.agreements.document.content import NOT_THE_LICENSEES, RULE_COLUMNS, RULES_NOTE
from licensing.agreements.document.drawing import content_now, keep_whole
from licensing.models import AgreementDocument, FindingSet, OfferStep, OfferTaking
from licensing.wire.canonical import canonical_bytes
from licensing.words import CheckOccasion, CheckResult, DocumentKind, OfferStepKind
from talent import locales
from talent.errors import Refused
from talent.papers import certificate

log = logging.getLogger(__name__)


def draw_all(*, at: datetime) -> int:
    """Draw and seal the documents of takings that have none yet; return how many.

    One that cannot be drawn stays for the next time, and so do all without a certificate.
    """
    if not certificate.is_there():
        return 0
    drawn = AgreementDocument.objects.filter(
        agreement=OuterRef("agreement"), kind=DocumentKind.TAKEN.value
    )
    waiting = OfferTaking.objects.filter(~Exists(drawn)).order_by("pk").values_list("pk", flat=True)
    count = 0
    for pk in list(waiting):
        try:
            count += draw(pk, at=at) is not None
        except Refused:
            log.exception("the document of taking %s is not drawn", pk)
    return count


def draw(taking_id: int, *, at: datetime) -> AgreementDocument | None:
    """Draw, seal and keep the document of a taking; None if somebody drew it meanwhile.

    Call it outside any transaction: drawing takes a second. Raises NoSeal, NotDrawn, NotSealable.
    """
    taking = OfferTaking.objects.select_related(
        "agreement__agency", "agreement__licensee", "offer", "api_key", "terms__licensee"
    ).get(pk=taking_id)
    agreement = taking.agreement
    content = content_now(agreement, at=at)
    evidence = evidence_of(taking)
    pdf = _drawn(taking, content, evidence, at=at)
    with transaction.atomic():
        locked = agreements.lock(agreement)
        kind = DocumentKind.TAKEN
        if AgreementDocument.objects.filter(agreement=locked, kind=kind.value).exists():
            return None
        return keep_whole(agreement=locked, kind=kind, pdf=pdf, at=at, by=None, taken=evidence)


def evidence_of(taking: OfferTaking) -> dict[str, Any]:
    """Return who approved and who accepted which words, when, and how each was known."""
    approvals = OfferStep.objects.filter(
        offer=taking.offer_id, kind=OfferStepKind.APPROVED.value, at__lte=taking.taken_at
    )
    return {
        "offer": taking.offer.code,
        "name": taking.offer.name,
        "try_out": taking.try_out,
        "text": taking.text,
        "sha256": taking.digest,
        "approved": [
            {
                "performer": step.performer.name if step.performer else "",
                "by": str(step.by) if step.by else "",
                "at": step.at.isoformat(),
                "sha256": step.digest,
            }
            for step in approvals.select_related("performer", "by").order_by("at", "pk")
        ],
        "accepted": {
            "studio": taking.terms.licensee.name,
            "by": taking.signatory,
            "title": taking.signatory_title,
            "at": taking.taken_at.isoformat(),
            "key": f"{taking.api_key.label} ({taking.api_key.prefix})",
            "request_sha256": bytes(taking.request_digest).hex(),
            "sha256": taking.digest,
        },
        "findings": _frozen(taking).digest,
    }


def _frozen(taking: OfferTaking) -> FindingSet:
    """Return what the rules said when an offer was taken."""
    rows = FindingSet.objects.filter(
        agreement=taking.agreement_id, occasion=CheckOccasion.SIGNING.value
    )
    return rows.latest("at", "pk")


def _drawn(
    taking: OfferTaking, content: dict[str, Any], evidence: dict[str, Any], *, at: datetime
) -> bytes:
    from talent.papers.draw import AttachedFile
    from talent.papers.draw import draw as draw_pdf

    from . import papers  # Both draw and seal, which takes a second to import.

    locale = content["locale"]
    values = {
        "content": content,
        "language": locale,
        "evidence": evidence,
        "approved": [_told(one, locale) for one in evidence["approved"]],
        "accepted": _told(evidence["accepted"], locale),
        "lines": evidence["text"].splitlines(),
        "schedules": [
            *(one for one in content["schedules"] if one["rows"]), _rules(taking, locale),
        ],
    }  # fmt: skip
    pdf = draw_pdf(
        render_to_string("agreements/taken.html", values),
        attachments=[
            AttachedFile(
                "terms.json", canonical_bytes(content["terms"]), "The agreement's terms", "Source"
            ),
            AttachedFile(
                "licence.jsonld", canonical_bytes(content["policy"]), "The licence in ODRL", "Data"
            ),
            AttachedFile(
                "evidence.json", canonical_bytes(evidence), "Who approved and who accepted", "Data"
            ),
        ],
        dated=at.date(),
    )
    page = {
        "agreement": taking.agreement, "paper": content["paper"],
        "left": papers.LEFT, "width": papers.WIDTH, "document_too": True,
    }  # fmt: skip
    return papers.closed(
        pdf, taking.agreement, page=page, about=f"Words accepted: SHA-256 {taking.digest}", at=at,
        seal=certificate.of_the_desk(),
    )  # fmt: skip


def _told(one: dict[str, Any], locale: str) -> dict[str, Any]:
    """Return a piece of evidence with its instant as a reader writes it, in UTC."""
    at = datetime.fromisoformat(one["at"])
    return {**one, "at": f"{locales.day(at.date(), locale)}, {at:%H:%M:%S} UTC"}


def _rules(taking: OfferTaking, locale: str) -> dict[str, Any]:
    """Return what the rules said when it was taken as a schedule, as far as a licensee reads it."""
    found = _frozen(taking).findings.exclude(result=CheckResult.NOT_APPLICABLE.value)
    rows = [
        [
            one.title,
            f"{one.instrument}, {one.clause}" if one.clause else one.instrument,
            locales.day(one.day, locale) if one.day else "no day",
            one.get_confidence_display(),
            one.get_result_display(),
        ]
        for one in found.order_by("pk")
        if not one.code.startswith(NOT_THE_LICENSEES)
    ]
    return {
        "letter": "E", "title": "Rules applied", "columns": RULE_COLUMNS, "rows": rows,
        "notes": [RULES_NOTE] if rows else ["No rule that looks at it is loaded."],
    }  # fmt: skip
