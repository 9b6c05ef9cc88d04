"""Assignments: the new licensee's agreement, saying what the old one said, from an instant on."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Model
from django.utils.translation import gettext as _

from licensing.models import Agreement, Cap, Production, RateCard, Transfer
from licensing.words import CheckOccasion
from talent.errors import Refused
from talent.models import User
from talent.periods import starts_at

from . import agreements
from .checks.rule_check import RuleCheck
from .findings import findings
from .grounds import Grounds, digest_of

LEAST_UNIT = Decimal("0.000001")
LONGEST_REFERENCE = 40


class NotTransferable(Refused):
    """Only a signed agreement that runs on the day passes to another studio, and only once."""

    code = "not_transferable"


def takes_effect_at(transfer: Transfer) -> datetime:
    """Return the instant at which the day begins in the agreement's zone."""
    return starts_at(transfer.takes_effect_on, transfer.agreement.time_zone)


# What an agreement does not hand on: its own identity, its parties and its term.
_OWN = {
    "id", "licensee", "reference", "status", "signed_at",
    "signed_elsewhere_on", "starts_at", "tag_key", "recoups_with",
}  # fmt: skip


def assign(transfer: Transfer, *, at: datetime, by: User | None) -> Agreement:
    """Make the new studio's agreement, with the same terms, and put it in force.

    Raises NothingWasSigned where the studio has not assumed it, and what forbids signing it.
    """
    old = transfer.agreement
    new = draft(transfer, at=at, by=by)
    found = findings.write(
        new, _checked(old, new, at=at), {}, occasion=CheckOccasion.SIGNING,
        document_digest=digest_of(transfer), at=at, by=by,
    )  # fmt: skip
    return agreements.sign(
        agreement=new, grounds=Grounds(transfer, found), at=at, by=by,
        reason=_("Takes the place of %s.") % old.reference,
    )  # fmt: skip


def refuse_unassignable(transfer: Transfer, *, at: datetime) -> None:
    """Raise what would stop the assignment at an instant; leave nothing."""
    try:
        with transaction.atomic():
            new = draft(transfer, at=at, by=None)
            _checked(transfer.agreement, new, at=at)
            agreements.refuse_unsignable(new, at=at)
            raise _Rehearsed
    except _Rehearsed:
        return


class _Rehearsed(Exception):
    """Rolls a rehearsal back."""


def draft(transfer: Transfer, *, at: datetime, by: User | None) -> Agreement:
    """Draft the new studio's agreement: the same terms, from the instant on."""
    old = transfer.agreement
    fields = {
        field.name: getattr(old, field.name)
        for field in old._meta.concrete_fields
        if field.name not in _OWN | {"agency", "twin", "currency", "ends_at"}
    }
    new = agreements.draft(
        agency=old.agency,
        licensee=transfer.licensee,
        twin=old.twin,
        reference=_reference(old),
        currency=old.currency,
        starts_at=takes_effect_at(transfer),
        ends_at=old.ends_at,
        at=at,
        by=by,
        **fields,
    )
    new.productions.set(productions_of(transfer))
    for row in (*old.grants.all(), *old.guarantees.all(), *old.stated_facts.all()):
        _copy(row, agreement=new)
    _copy_cards(old, new, transfer.takes_effect_on)
    deal = getattr(old, "deal", None)
    if deal is not None:
        _copy(deal, agreement=new)
    _split_caps(old, new, transfer.takes_effect_on)
    return new


def _checked(old: Agreement, new: Agreement, *, at: datetime) -> list[RuleCheck]:
    """Return what the rules say of the new agreement. What blocked the bargain before is no news.

    Raises RulesForbidIt for what only the new studio brings.
    """
    found = findings.of(new, at=at)
    known = {one.code for one in findings.of(old, at=at) if one.blocks}
    fresh = [one for one in found if one.blocks and one.code not in known]
    if fresh:
        raise findings.RulesForbidIt(new, fresh)
    return found


def _reference(old: Agreement) -> str:
    """Return the first reference of this kind that the agency has not given yet: NA-1/T2."""
    taken = set(Agreement.objects.filter(agency=old.agency_id).values_list("reference", flat=True))
    number = 1
    while True:
        ending = f"/T{number}"
        reference = f"{old.reference[: LONGEST_REFERENCE - len(ending)]}{ending}"
        if reference not in taken:
            return reference
        number += 1


def productions_of(transfer: Transfer) -> list[Production]:
    """Return the new studio's productions that are those of the agreement, by EIDR or title."""
    theirs = list(Production.objects.filter(licensee=transfer.licensee))
    by_eidr = {row.eidr: row for row in theirs if row.eidr}
    by_title = {row.title: row for row in theirs}
    found = []
    for production in transfer.agreement.productions.order_by("pk"):
        same = by_eidr.get(production.eidr) or by_title.get(production.title)
        if same is None:
            raise NotTransferable(
                _("%(licensee)s has no production “%(title)s” on the desk; propose it first.")
                % {"licensee": transfer.licensee, "title": production.title}
            )
        found.append(same)
    return found


def _copy(row: Any, **changes: Any) -> Any:
    """Store a row once more, with other fields where they are given."""
    fields = {
        field.attname: getattr(row, field.attname)
        for field in row._meta.concrete_fields
        if not field.primary_key
    }
    for name in changes:
        fields.pop(row._meta.get_field(name).attname, None)
    copied: Model = type(row)(**fields, **changes)
    copied.save(force_insert=True)
    return copied


def _copy_cards(old: Agreement, new: Agreement, day: date) -> None:
    """Copy the card that rates on the day, and those that come later, with all that they say."""
    cards = list(
        RateCard.objects.agreed()
        .filter(agreement=old)
        .order_by("effective_from")
        .prefetch_related("lines__brackets", "multipliers", "escalators")
    )
    before = [card for card in cards if card.effective_from <= day]
    for card in (*before[-1:], *(card for card in cards if card.effective_from > day)):
        copied = _copy(card, agreement=new, agreed_at=None)
        for line in card.lines.all():
            own = _copy(line, card=copied, production=_same(line.production, new))
            for bracket in line.brackets.all():
                _copy(bracket, line=own)
        for row in (*card.multipliers.all(), *card.escalators.all()):
            _copy(row, card=copied)


def _same(production: Production | None, new: Agreement) -> Production | None:
    """Return the new studio's production of the same EIDR or title."""
    if production is None:
        return None
    theirs = Production.objects.filter(licensee=new.licensee_id)
    same = theirs.filter(eidr=production.eidr).first() if production.eidr else None
    same = same or theirs.filter(title=production.title).first()
    if same is None:
        raise NotTransferable(
            _("%(licensee)s has no production “%(title)s” on the desk; propose it first.")
            % {"licensee": new.licensee, "title": production.title}
        )
    return same


def _split_caps(old: Agreement, new: Agreement, day: date) -> None:
    """Give the new agreement what is left of each cap's year, and the whole limit from the next.

    What the old one uses until the day is taken off on that day, by `divide_caps`.
    """
    for cap in caps_on(old, day):
        since = max(cap.starts_on, day)
        year = cap.year_of(since)
        if cap.starts_on < day and year.starts_on < day:
            ends_on = min(year.ends_on, cap.ends_on or year.ends_on)
            left = max(left_of(cap, since), LEAST_UNIT)
            _copy(cap, agreement=new, starts_on=day, ends_on=ends_on, limit=left)
            since = year.ends_on
        if cap.ends_on is None or since < cap.ends_on:
            _copy(cap, agreement=new, starts_on=since)


def caps_on(agreement: Agreement, day: date) -> list[Cap]:
    """Return the caps that count on a day or begin later, each with its years."""
    caps = agreement.caps.prefetch_related("years").order_by("pk")
    return [cap for cap in caps if cap.ends_on is None or day < cap.ends_on]


def left_of(cap: Cap, day: date) -> Decimal:
    """Return what the cap's year that holds a day has left; what is reserved is not left."""
    starts_on = cap.year_of(day).starts_on
    year = next((row for row in cap.years.all() if row.starts_on == starts_on), None)
    gone = year.used + year.reserved if year else Decimal(0)
    left: Decimal = max(cap.limit - gone, Decimal(0))
    return left
