"""The file that goes with a performer to their new agency: made by one person, approved by another.

It has their own consents, agreements, balances, statements and split, and nothing of anybody else:
no other performer's row, no account at a bank, no taxpayer number.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from licensing.agreements.exports import terms
from licensing.models import SignedCommission
from licensing.wire.canonical import canonical_bytes, plain
from talent import envelope, four_eyes
from talent.errors import Refused
from talent.models import (
    Beneficiary,
    ConsentCell,
    ConsentVersion,
    EstateShare,
    Performer,
    TaxCertificate,
    User,
)
from valuation.cash.disputed import left
from valuation.cash.released import agency_changes
from valuation.models import (
    Account,
    AgencyChange,
    HandOver,
    HandOverStep,
    PaymentDirection,
    Statement,
)
from valuation.words import AccountKind, HandOverStepKind

MAKES = "valuation.make_handover"
APPROVES = "valuation.approve_handover"
PURPOSE = "hand-over"
SCHEMA = "likenessdesk-hand-over-1"
ZERO = Decimal(0)
# A consent's cell as it was recorded, and what else of its row is of no use elsewhere.
LEFT_OUT_OF_CELLS = {"id", "version"}
Json = dict[str, Any]


class NotItsTurn(Refused):
    """Nobody approved the change, or the file; or somebody approved it before."""

    code = "hand_over_not_its_turn"


class FileChanged(Refused):
    """The stored file is not the one that was made."""

    code = "file_changed"


@transaction.atomic
def make(*, change_id: int, by: User, at: datetime) -> HandOver:
    """Make the file of an approved change, for somebody else to approve.

    Raises NotItsTurn, four_eyes.NobodyToApprove.
    """
    change = AgencyChange.objects.select_related("agency", "performer").get(pk=change_id)
    if change.approved_at is None:
        raise NotItsTurn(_("Have the change approved first."))
    four_eyes.refuse_without_approver(asked_by=by, permission=APPROVES, agency_id=change.agency_id)
    content = canonical_bytes(content_of(change, at))
    sha256 = hashlib.sha256(content).hexdigest()
    return HandOver.objects.create(
        change=change,
        content=envelope.seal(content, key=_key(), about=sha256),
        sha256=sha256,
        made_at=at,
        made_by=by,
    )


@transaction.atomic
def approve(*, hand_over_id: int, by: User, at: datetime) -> None:
    """Let a file out that somebody else made.

    Raises NotItsTurn, FileChanged, four_eyes.FourEyes.
    """
    row = _locked(hand_over_id)
    if row.is_approved:
        raise NotItsTurn(_("It was approved before."))
    four_eyes.refuse_same_person(by=by, before=[row.made_by_id])
    read(row)
    _step(row, HandOverStepKind.APPROVED, by, at)


@transaction.atomic
def fetch(*, hand_over_id: int, by: User, at: datetime) -> bytes:
    """Return an approved file, always the same bytes, and note who fetched it when.

    Raises NotItsTurn, FileChanged.
    """
    row = _locked(hand_over_id)
    if not row.is_approved:
        raise NotItsTurn(_("Somebody else than who made it approves it first."))
    content = read(row)
    _step(row, HandOverStepKind.FETCHED, by, at)
    return content


def read(row: HandOver) -> bytes:
    """Open a stored file. Raises FileChanged."""
    try:
        content = envelope.open_envelope(bytes(row.content), key=_key(), about=row.sha256)
    except envelope.EnvelopeBroken:
        content = b""
    if hashlib.sha256(content).hexdigest() != row.sha256:
        raise FileChanged(_("The file that was made cannot be opened. Make it anew."))
    return content


def told_by(row: HandOver) -> Json:
    """Return what a stored file says. Raises FileChanged."""
    told: Json = json.loads(read(row))
    return told


def _locked(hand_over_id: int) -> HandOver:
    # Locked, so that two people do not approve at once.
    HandOver.objects.select_for_update().get(pk=hand_over_id)
    row: HandOver = HandOver.objects.with_state().get(pk=hand_over_id)
    return row


def _step(row: HandOver, kind: HandOverStepKind, by: User, at: datetime) -> None:
    HandOverStep.objects.create(hand_over=row, kind=kind.value, by=by, at=at)


def _key() -> bytes:
    return envelope.key_for(PURPOSE, key_encryption_key=settings.KEY_ENCRYPTION_KEY)


# What it says


def content_of(change: AgencyChange, at: datetime) -> Json:
    """Return what goes with a performer, as the books and consents are at an instant."""
    performer, payees = change.performer, _payees(change.performer)
    alone = [row for row in payees if _is_paid_for_nobody_else(row, performer)]
    return {
        "schema": SCHEMA,
        "made_at": at.isoformat(),
        "performer": {
            "name": performer.name, "life": performer.life, "guild": performer.guild,
            "isni": performer.isni, "hand_id": performer.hand_id,
        },
        "change": _change(change),
        "consents": [_consent(row) for row in _consents(performer, at)],
        "agreements": [
            {"terms": terms.terms_of(row), "commission_percent": _commission(row.pk, performer)}
            for row in agency_changes.agreements_of(change)
        ],
        "split": {
            "heirs": [
                {"payee": _reference(row.beneficiary_id), "weight": plain(row.weight),
                 "from": _day(row.starts_on), "until_before": _day(row.ends_on)}
                for row in EstateShare.objects.filter(performer=performer).order_by("pk")
            ],
            "letters_of_direction": list(_letters(change, payees)),
        },
        "payees": [_payee(row) for row in payees],
        "balances": list(_balances(change, alone)),
        "open_items": list(_open_items(change, payees, alone)),
        "statements": list(_statements(change, alone)),
    }  # fmt: skip


def _payees(performer: Performer) -> list[Beneficiary]:
    """Return who is paid for a performer: they themselves, and their heirs."""
    rows = Beneficiary.objects.filter(Q(performer=performer) | Q(estates__performer=performer))
    return list(rows.distinct().order_by("pk"))


def _is_paid_for_nobody_else(payee: Beneficiary, performer: Performer) -> bool:
    """Tell whether all that a payee is paid comes through the performer, none of it by others."""
    if payee.performer_id or payee.agency_id or payee.payee_of_id:
        return payee.performer_id == performer.pk
    return not payee.estates.exclude(performer=performer).exists()


def _change(change: AgencyChange) -> Json:
    return {
        "from_agency": change.agency.name,
        "to_agency": change.new_agency,
        "first_day": _day(change.starts_on),
        "collects_what_is_used_from_then_on": change.collector,
        "collects_what_was_used_before": "old",
        "no_commission_from_receipts_of": _day(change.no_commission_from),
        "reason": change.source,
    }


def _consents(performer: Performer, at: datetime) -> Iterable[ConsentVersion]:
    """Return the versions in force of what the performer, and each of their twins, allows."""
    own = Q(matrix__performer=performer) | Q(matrix__twin__performer=performer)
    rows = ConsentVersion.objects.in_force(at, at).filter(own)
    return rows.select_related("matrix__twin").prefetch_related("cells")


def _consent(version: ConsentVersion) -> Json:
    twin = version.matrix.twin
    return {
        "twin": twin.name if twin else "",
        "version": str(version.number),
        "in_force_from": version.in_force_from.isoformat(),
        "method": version.method,
        "represented_by": version.represented_by,
        "representative": version.representative,
        "signed_on": _day(version.signed_on),
        "text": version.text_shown,
        "text_sha256": version.text_sha256,
        "cells": [_cell(row) for row in sorted(version.cells.all(), key=lambda one: one.pk)],
    }


def _cell(cell: ConsentCell) -> Json:
    names = [one.name for one in ConsentCell._meta.concrete_fields]
    return {name: _plain(getattr(cell, name)) for name in names if name not in LEFT_OUT_OF_CELLS}


def _commission(agreement_id: int, performer: Performer) -> str:
    signed = SignedCommission.objects.filter(agreement=agreement_id, performer=performer).first()
    return plain(signed.percent) if signed else ""


def _letters(change: AgencyChange, payees: list[Beneficiary]) -> Iterator[Json]:
    rows = PaymentDirection.objects.approved().with_state().filter(
        agency=change.agency, beneficiary__in=payees
    )  # fmt: skip
    for row in rows.select_related("payee", "agreement__twin").order_by("pk"):
        if row.agreement and row.agreement.twin.performer_id != change.performer_id:
            continue
        ended: Any = row
        yield {
            "payee": _reference(row.beneficiary_id),
            "paid_to": row.payee.name,
            "kind": row.kind,
            "agreement": row.agreement.reference if row.agreement else "",
            "percent": plain(row.percent),
            "of": row.base,
            "from": _day(row.starts_on),
            "until_before": _day(ended.ended_on or row.ends_on),
            "source": row.source,
        }


def _payee(payee: Beneficiary) -> Json:
    form = TaxCertificate.objects.filter(beneficiary=payee).order_by("-signed_on", "-pk").first()
    return {
        "reference": _reference(payee.pk),
        "name": payee.name,
        "tax_form": form.form if form else "",
        "tax_form_expires_on": _day(form.expires_on) if form else "",
    }


def _balances(change: AgencyChange, payees: list[Beneficiary]) -> Iterator[Json]:
    """Yield what the old agency's books hold for payees; what is owed to them is above zero."""
    accounts: Any = Account.objects.with_balances().filter(
        agency=change.agency, beneficiary__in=payees
    )
    for row in accounts.order_by("pk"):
        if row.balance:
            yield {
                "payee": _reference(row.beneficiary_id),
                "account": AccountKind(row.kind).value,
                "amount": plain(-row.balance),
                "currency": row.currency,
            }


def _open_items(
    change: AgencyChange, payees: list[Beneficiary], alone: list[Beneficiary]
) -> Iterator[Json]:
    """Yield what is payable by receipt, and of which of the performer's agreements."""
    known = {row.pk: row.reference for row in agency_changes.agreements_of(change)}
    for books, items in left.items_of_payees([row.pk for row in payees]).items():
        if books.agency_id != change.agency_id:
            continue
        theirs = books.payee in {row.pk for row in alone}
        for item in items:
            if not theirs and item.agreement_id not in known:
                continue
            yield {
                "payee": _reference(books.payee),
                "received_on": _day(item.received_on),
                "agreement": known.get(item.agreement_id or 0, ""),
                "amount": plain(item.amount),
                "currency": books.currency,
            }


def _statements(change: AgencyChange, payees: list[Beneficiary]) -> Iterator[Json]:
    rows = Statement.objects.issued().filter(agency=change.agency, beneficiary__in=payees)
    for row in rows.order_by("period_on", "pk"):
        yield {
            "payee": _reference(row.beneficiary_id),
            "number": row.number,
            "from": _day(row.period_on),
            "until_before": _day(row.period_ends_on),
            "currency": row.currency,
            "opening": plain(row.opening),
            "closing": plain(row.closing),
            "not_received": plain(row.outstanding),
            "pdf_sha256": row.pdf_sha256,
        }


def _reference(payee: int | None) -> str:
    return f"payee-{payee}"


def _day(day: Any) -> str:
    return day.isoformat() if day else ""


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | bool | list | dict):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
