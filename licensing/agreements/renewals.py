"""Renewal: a new draft that carries an agreement on, and what lapses with the old one."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar

from django.db import models, transaction
from django.db.models import Count

from licensing.caps.burn_down import BurnDown, burn_downs
from licensing.models import (
    Advance,
    Agreement,
    AgreementClause,
    ApprovalRequest,
    Cap,
    CapReservation,
    DealTerms,
    Grant,
    Guarantee,
    Permit,
    RateCard,
    Renewal,
)
from licensing.words import AgreementStatus, ObligationKind, ReservationState
from talent.errors import Refused
from talent.models import User
from talent.periods import local_day, starts_at

from . import agreements
from .obligations.derived import obligations_of

LONGEST_REFERENCE = 40
DAY = timedelta(days=1)
VERSION = re.compile(r"^(?P<base>.*)/(?P<number>[0-9]{1,6})$")
# What an agreement's new draft takes over as it is. Its dates move, its parts are copied.
KEPT = (
    "agency", "licensee", "twin", "currency", "time_zone", "rating_period",
    "fiscal_year_start_month", "engagement", "guild", "description", "recoups_with",
    "reserve_percent", "reserve_periods", "reserve_cap", "contribution_plan", "contribution_class",
    "contributions_paid_by",
)  # fmt: skip

Row = TypeVar("Row", bound=models.Model)


class NothingToRenew(Refused):
    """Only a signed agreement with an end is renewed, and no try-out."""

    code = "nothing_to_renew"


class RenewedBefore(Refused):
    """An agreement is renewed once; its renewal is renewed after that."""

    code = "renewed_before"


@dataclass(frozen=True, slots=True)
class Lapsing:
    """What stops counting when an agreement ends: its renewal begins without any of it."""

    permits: int = 0
    reservations: int = 0
    approvals_waiting: int = 0
    approvals_given: int = 0
    caps: tuple[BurnDown, ...] = ()
    destroy_by: date | None = None


@dataclass(frozen=True, slots=True)
class Term:
    """The term of a renewal."""

    starts_at: datetime
    ends_at: datetime


def next_term(agreement: Agreement, *, at: datetime) -> Term:
    """Return the term that carries an agreement on: as long, from its end, or from today if later.

    Whole months stay whole months in the agreement's zone. Raises NothingToRenew.
    """
    if agreement.status == AgreementStatus.DRAFT or agreement.ends_at is None:
        raise NothingToRenew(f"{agreement} has no end that it could be carried on from.")
    if agreement.try_out:
        raise NothingToRenew(f"{agreement} is a try-out, free and once: a package is taken next.")
    zone = agreement.time_zone
    today = starts_at(local_day(at, zone), zone)
    begins = max(agreement.ends_at, today)
    old_first, old_end = (local_day(on, zone) for on in (agreement.starts_at, agreement.ends_at))
    first = local_day(begins, zone)
    months = 12 * (old_end.year - old_first.year) + old_end.month - old_first.month
    at_midnight = all(
        starts_at(local_day(on, zone), zone) == on for on in (agreement.starts_at, begins)
    )
    try:
        if months and old_first.day == old_end.day and at_midnight:
            return Term(begins, starts_at(_months_on(first, months), zone))
        return Term(begins, begins + (agreement.ends_at - agreement.starts_at))
    except (OverflowError, ValueError) as error:
        text = f"{agreement} lasts so long that no calendar reaches the end of another such term."
        raise NothingToRenew(text) from error


def _months_on(day: date, months: int) -> date:
    """Return the same day of a month that many months later, or that month's last day."""
    years, month = divmod(day.month - 1 + months, 12)
    first = date(day.year + years, month + 1, 1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return min(first.replace(day=min(day.day, last.day)), last)


@transaction.atomic
def renew(*, agreement: Agreement, at: datetime, by: User | None) -> Agreement:
    """Draft what carries an agreement on: all its terms, with their dates moved.

    Rates go on as they are, with their escalators. Raises NothingToRenew and RenewedBefore.
    """
    locked = agreements.lock(agreement)
    term = next_term(locked, at=at)
    before = Renewal.objects.filter(renews=locked).select_related("agreement").first()
    if before is not None:
        raise RenewedBefore(f"{locked} is carried on by {before.agreement} already.")
    draft = agreements.draft(
        reference=_next_reference(locked),
        starts_at=term.starts_at,
        ends_at=term.ends_at,
        at=at,
        by=by,
        **{name: getattr(locked, name) for name in KEPT},
    )
    draft.productions.set(locked.productions.all())
    _copy_parts(locked, draft)
    Renewal.objects.create(agreement=draft, renews=locked, at=at, by=by)
    return draft


def _next_reference(agreement: Agreement) -> str:
    """Return a reference that is free: NA-1, NA-1/2, NA-1/3."""
    versioned = VERSION.match(agreement.reference)
    base = versioned["base"] if versioned else agreement.reference
    number = int(versioned["number"]) if versioned else 1
    taken = set(
        Agreement.objects.filter(agency=agreement.agency_id).values_list("reference", flat=True)
    )
    while True:
        number += 1
        tail = f"/{number}"
        reference = f"{base[: LONGEST_REFERENCE - len(tail)]}{tail}"
        if reference not in taken:
            return reference


def _copy_parts(old: Agreement, new: Agreement) -> None:
    zone = old.time_zone
    first = local_day(new.starts_at, zone)
    moved = first - local_day(old.starts_at, zone)
    for part in (Grant, AgreementClause, DealTerms):
        for row in part.objects.filter(agreement=old).order_by("pk"):
            _copy(row, agreement=new)
    for card in _cards(old, first):
        _copy_card(card, new)
    _copy_money(old, new, first, moved)
    for cap in _caps(old):
        _copy(cap, agreement=new, starts_on=first, ends_on=None)


def _copy_money(old: Agreement, new: Agreement, first: date, moved: timedelta) -> None:
    """Copy the guarantee that counts on the first day, and the advances that many days later."""
    for guarantee in Guarantee.objects.filter(agreement=old).order_by("pk"):
        if guarantee.counts_for(first):
            _copy(guarantee, agreement=new, starts_on=None, ends_on=None)
    for advance in Advance.objects.filter(agreement=old).order_by("pk"):
        _copy(advance, agreement=new, due_on=advance.due_on + moved)


def _caps(agreement: Agreement) -> list[Cap]:
    """Return the caps that count until the agreement's end."""
    rows = Cap.objects.filter(agreement=agreement).select_related("agreement").order_by("pk")
    if agreement.ends_at is None:
        return list(rows)
    end = local_day(agreement.ends_at, agreement.time_zone)
    return [cap for cap in rows if cap.ends_on is None or cap.ends_on >= end]


def _cards(agreement: Agreement, first: date) -> list[RateCard]:
    """Return the rates that count on a day and those that begin later."""
    cards = RateCard.objects.agreed().filter(agreement=agreement).order_by("effective_from")
    before = [card for card in cards if card.effective_from <= first]
    return [*before[-1:], *(card for card in cards if card.effective_from > first)]


def _copy_card(card: RateCard, agreement: Agreement) -> None:
    lines, parts = list(card.lines.order_by("pk")), [card.multipliers, card.escalators]
    rows = [row for part in parts for row in part.order_by("pk")]
    brackets = {line.pk: list(line.brackets.order_by("pk")) for line in lines}
    copied = _copy(card, agreement=agreement, agreed_at=None)
    for line in lines:
        own = brackets[line.pk]
        made = _copy(line, card=copied)
        for bracket in own:
            _copy(bracket, line=made)
    for row in rows:
        _copy(row, card=copied)


def _copy(row: Row, **changed: object) -> Row:
    """Store another row like one, with some columns changed."""
    kept = (
        field.attname
        for field in row._meta.concrete_fields
        if not field.primary_key and field.name not in changed
    )
    values = {name: getattr(row, name) for name in kept}
    made: Row = type(row)._base_manager.create(**values, **changed)
    return made


# What lapses


def lapsing_with(rows: Sequence[Agreement], *, at: datetime) -> dict[int, Lapsing]:
    """Return what lapses with each agreement, in a fixed number of queries."""
    numbers = [row.pk for row in rows]
    permits = _counted(
        Permit.objects.filter(decision__agreement__in=numbers, expires_at__gt=at, revocation=None)
    )
    reservations = _counted(
        CapReservation.objects.filter(
            decision__agreement__in=numbers,
            state=ReservationState.OPEN.value,
            expires_at__gt=at,
        )
    )
    asked = ApprovalRequest.objects.filter(agreement__in=numbers, ends_at__gt=at)
    waiting = Counter(asked.waiting(at).values_list("agreement", flat=True))
    given = Counter(asked.approved().values_list("agreement", flat=True))
    caps: dict[int, list[BurnDown]] = {}
    on_them = Cap.objects.filter(agreement__in=numbers).order_by("pk")
    for burnt in burn_downs(list(on_them.select_related("agreement", "twin", "performer")), at=at):
        if burnt.cap.agreement_id is not None:
            caps.setdefault(burnt.cap.agreement_id, []).append(burnt)
    clocks = {
        one.agreement.pk: one.duty.due_on
        for one in obligations_of(numbers, at=at, within=timedelta(days=20 * 366))
        if one.duty.kind is ObligationKind.DESTRUCTION
    }
    return {
        number: Lapsing(
            permits[number], reservations[number], waiting[number], given[number],
            tuple(caps.get(number, ())), clocks.get(number),
        )
        for number in numbers
    }  # fmt: skip


def _counted(rows: models.QuerySet[Permit] | models.QuerySet[CapReservation]) -> Counter[int]:
    counts = rows.values_list("decision__agreement").annotate(Count("pk")).order_by()
    return Counter(dict(counts))


def ending(
    rows: Iterable[Agreement], *, at: datetime, buckets: Sequence[int]
) -> dict[int, list[Agreement]]:
    """Return agreements by the least number of days within which they end, in `buckets`' order."""
    found: dict[int, list[Agreement]] = {days: [] for days in buckets}
    for row in rows:
        left = (days for days in buckets if row.ends_at and row.ends_at <= at + days * DAY)
        days = next(left, None)
        if days is not None:
            found[days].append(row)
    return found
