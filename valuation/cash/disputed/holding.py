"""What disputes hold: a line's part of what was earned and received, as it stands by now.

Not received: from accrued to disputed. Received: from payable to held. Both follow the line: when
it is received, given back, amended, ruled zero, priced anew or shared otherwise, the difference is
posted in the same transaction. No more is ever held than there is, and nothing twice.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Q, Sum
from django.db.models.functions import Coalesce

from licensing.money import allocate, rounded
from talent.database.sql import among
from talent.models import User
from talent.periods import local_day
from valuation.cash.waterfall import Payee, Received, amounts_by_step, waterfall
from valuation.ledger import journal
from valuation.ledger.journal import Side
from valuation.models import (
    Dispute,
    DisputeMove,
    Posting,
    ReleasedPart,
    ResidualLine,
    StatementLine,
)
from valuation.models.ledger import LONGEST_DESCRIPTION
from valuation.words import AccountKind, DisputeSide, EntryKind, ReleaseStep

from . import left
from .stretches import ZERO, Stretch, common, without

# A payee and the day on which their money was received; no day: it was not.
Seat = tuple[int, date | None]
RELEASES = [EntryKind.RELEASE.value, EntryKind.GIVE_BACK.value, EntryKind.RESERVE.value]
NETS = [AccountKind.PAYABLE.value, AccountKind.RESERVE.value, AccountKind.ADVANCES.value]


@transaction.atomic
def follow(
    agreement_ids: Collection[int],
    *,
    now: datetime,
    by: User | None = None,
    let_go: Collection[int] = (),
) -> None:
    """Post what the disputes of some agreements' lines are to hold by now, less what they hold.

    `let_go` are disputes that are decided: they hold nothing any more. One query where nothing is
    in dispute.
    """
    disputes = Dispute.objects.filter(reading__agreement__in=among(agreement_ids)).filter(
        Q(pk__in=Dispute.objects.holding().values("pk")) | Q(pk__in=let_go)
    )
    # Locked, so that a night and a receipt do not post the same difference.
    rows = list(
        disputes.select_for_update(of=("self",), no_key=True)
        .select_related("reading__agreement__agency")
        .order_by("pk")
    )
    for (_agency, currency), group in _by_books(rows).items():
        _follow(group, [row for row in group if row.pk not in let_go], currency, now, by)


@transaction.atomic
def follow_agency(agency_id: int, *, now: datetime, by: User | None = None) -> None:
    """Do the same for all of an agency: money that had left is payable again."""
    holding = Dispute.objects.holding().filter(agency=agency_id, reading__isnull=False)
    agreements = set(holding.values_list("reading__agreement", flat=True))
    if agreements:
        follow(agreements, now=now, by=by)


def _by_books(disputes: Iterable[Dispute]) -> dict[tuple[int, str], list[Dispute]]:
    groups: dict[tuple[int, str], list[Dispute]] = defaultdict(list)
    for dispute in disputes:
        groups[dispute.agency_id, dispute.currency].append(dispute)
    return groups


def _follow(
    disputes: Sequence[Dispute],
    holding: Sequence[Dispute],
    currency: str,
    now: datetime,
    by: User | None,
) -> None:
    targets = _Lines(holding, currency).targets()
    so_far = _held_so_far(disputes)
    for dispute in disputes:
        wanted, has = targets.get(dispute.pk, {}), so_far.get(dispute.pk, {})
        seats = dict.fromkeys([*wanted, *has])
        due = {
            seat: rounded(wanted.get(seat, ZERO) - has.get(seat, ZERO), currency) for seat in seats
        }
        _post(dispute, {seat: amount for seat, amount in due.items() if amount}, now, by)


def _held_so_far(disputes: Sequence[Dispute]) -> dict[int, dict[Seat, Decimal]]:
    sums = DisputeMove.objects.filter(dispute__in=disputes).order_by()
    held: dict[int, dict[Seat, Decimal]] = defaultdict(dict)
    for pk, payee, day, amount in sums.values_list(
        "dispute", "beneficiary", "received_on"
    ).annotate(Sum("amount")):
        held[pk][payee, day] = amount
    return held


def _post(dispute: Dispute, due: Mapping[Seat, Decimal], now: datetime, by: User | None) -> None:
    reading = dispute.reading
    if not due or reading is None:
        return
    entry = journal.post(
        agency_id=dispute.agency_id,
        kind=EntryKind.DISPUTE,
        currency=dispute.currency,
        sides=[side for seat, amount in due.items() for side in _sides(seat, amount, reading.pk)],
        effective_on=local_day(now, reading.agreement.agency.time_zone),
        recorded_at=now,
        description=f"In dispute: {dispute}"[:LONGEST_DESCRIPTION],
        by=by,
        agreement_id=reading.agreement_id,
    )
    DisputeMove.objects.bulk_create(
        DisputeMove(
            dispute=dispute,
            entry=entry,
            beneficiary_id=payee,
            received_on=day,
            amount=amount,
            currency=dispute.currency,
        )
        for (payee, day), amount in due.items()
    )


def _sides(seat: Seat, amount: Decimal, reading_id: int) -> Iterator[Side]:
    payee, day = seat
    received = day is not None
    free = AccountKind.PAYABLE if received else AccountKind.ACCRUED
    kept = AccountKind.HELD if received else AccountKind.DISPUTED
    yield Side(free, amount, beneficiary_id=payee, reading_id=reading_id)
    yield Side(kept, -amount, beneficiary_id=payee, reading_id=reading_id)


# What a line's part is by now


@dataclass
class _Receipt:
    """A payee's part of what one match pays of a reading, and the rates that count for it."""

    received_on: date
    rates: ReleasedPart
    amount: Decimal = ZERO
    scale: Decimal = ZERO

    def net(self, gross: Decimal, currency: str) -> Decimal:
        """Return what deductions leave of a part of it, before advances and reserve."""
        payee = Payee(
            key=None,
            commission=self.rates.commission,
            scale_carries_commission=self.rates.scale_carries_commission,
            minor_trust=self.rates.minor_trust,
            withholding=self.rates.withholding,
        )
        scale = self.scale * gross / self.amount
        steps = waterfall(Received(rounded(gross, currency), scale), [payee], currency)
        return amounts_by_step(steps)[None, ReleaseStep.PAYABLE]


@dataclass
class _Released:
    """What an agreement made payable to a payee by day, and what was kept back beside it."""

    payable: dict[date, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    net: dict[date, Decimal] = field(default_factory=lambda: defaultdict(Decimal))


class _Lines:
    """The lines in dispute, with all that decides how much of them is held. Nine queries."""

    def __init__(self, disputes: Sequence[Dispute], currency: str) -> None:
        self.disputes, self.currency = disputes, currency
        self.covered: dict[tuple[int, int], list[Stretch]] = defaultdict(list)
        if not disputes:
            return
        readings = [dispute.reading_id for dispute in disputes]
        agreements = {one.reading.agreement_id for one in disputes if one.reading is not None}
        self.earned = _earned(readings)
        self.recouped = _recouped(readings)
        self.receipts = _receipts(readings)
        self.stated_before = _stated_before(disputes)
        self.released = _released(agreements)
        self.receipt_days = _receipt_days(agreements)
        payees = {payee for _reading, payee in self.earned}
        found = left.unpaid_items(
            agency_id=disputes[0].agency_id, currency=currency, beneficiary_ids=payees
        )
        self.left = {
            (payee, item.received_on, item.agreement_id): item.amount
            for payee, items in found.items()
            for item in items
        }

    def targets(self) -> dict[int, dict[Seat, Decimal]]:
        """Return by dispute what it is to hold; those raised first come first."""
        return {dispute.pk: dict(self._of(dispute)) for dispute in self.disputes}

    def _of(self, dispute: Dispute) -> Iterator[tuple[Seat, Decimal]]:
        if dispute.reading is None:
            return
        reading_id, agreement_id = dispute.reading.pk, dispute.reading.agreement_id
        for payee, wanted in self._stretches(dispute):
            earned = self.earned.get((reading_id, payee), ZERO)
            within = Stretch(max(wanted.start, ZERO), min(wanted.end, earned))
            parts = without(within, self.covered[reading_id, payee])
            self.covered[reading_id, payee] += parts
            paid = self.recouped.get((reading_id, payee), ZERO)
            nets: dict[date, Decimal] = defaultdict(Decimal)
            for receipt in self.receipts.get((reading_id, payee), ()):
                gross = common(parts, Stretch(paid, paid + receipt.amount))
                if gross:
                    nets[receipt.received_on] += receipt.net(gross, self.currency)
                paid += max(receipt.amount, ZERO)
            yield from self._held(payee, agreement_id, nets)
            if kept := common(parts, Stretch(paid, earned)):
                yield (payee, None), kept

    def _stretches(self, dispute: Dispute) -> Iterator[tuple[int, Stretch]]:
        """Yield whose money of the reading is disputed, from where to where."""
        if dispute.side == DisputeSide.PAYEE and dispute.beneficiary_id is not None:
            start = self.stated_before.get(dispute.pk, ZERO)
            yield dispute.beneficiary_id, Stretch(start, start + dispute.amount)
            return
        shares = {
            payee: amount
            for (reading_id, payee), amount in self.earned.items()
            if reading_id == dispute.reading_id and amount > 0
        }
        if shares and dispute.amount > 0:
            whole = min(dispute.amount, sum(shares.values(), ZERO))
            parts = allocate(rounded(whole, self.currency), list(shares.values()), self.currency)
            for payee, part in zip(shares, parts, strict=True):
                yield payee, Stretch(ZERO, part)

    def _held(
        self, payee: int, agreement_id: int, nets: Mapping[date, Decimal]
    ) -> Iterator[tuple[Seat, Decimal]]:
        """Yield what of a line's nets is payable and has not left, by day.

        First of what its receipts made payable on their days. What became payable on another day,
        from a reserve or by other shares, has the line's part of it, too.
        """
        released = self.released.get((agreement_id, payee), _Released())
        held = ZERO
        taken: dict[date, Decimal] = defaultdict(Decimal)
        for day, net in nets.items():
            whole = released.net[day]
            if whole > 0:
                part = min(released.payable[day] / whole, Decimal(1))
                taken[day] = max(rounded(net * part, self.currency), ZERO)
                held += taken[day]
        in_all = sum(nets.values(), ZERO)
        whole = sum(released.net.values(), ZERO)
        days = self.receipt_days.get((agreement_id, payee), set())
        later = {
            day: amount
            for day, amount in sorted(released.payable.items())
            if day not in days and amount > 0
        }
        if whole > 0 and later:
            more = rounded(in_all * sum(later.values(), ZERO) / whole, self.currency)
            more = min(more, in_all - held)
            for day, amount in later.items():
                taken[day] += (part_of_day := max(min(more, amount), ZERO))
                more -= part_of_day
        for day, amount in sorted(taken.items()):
            free = self.left.get((payee, day, agreement_id), ZERO)
            if (amount := min(amount, free)) > 0:
                self.left[payee, day, agreement_id] = free - amount
                yield (payee, day), amount


def _earned(readings: Iterable[int | None]) -> dict[tuple[int, int], Decimal]:
    """Return what each payee earned of readings, in all."""
    rows = ResidualLine.objects.filter(reading__in=readings).order_by()
    sums = rows.values_list("reading", "beneficiary").annotate(Sum("amount"))
    return {(reading, payee): amount for reading, payee, amount in sums} | _taken_over(readings)


def _taken_over(readings: Iterable[int | None]) -> dict[tuple[int, int], Decimal]:
    """Return what each payee had earned of readings by the books of an old system."""
    postings = Posting.objects.filter(
        Q(entry__kind=EntryKind.OPENING.value) | Q(entry__reverses__kind=EntryKind.OPENING.value),
        reading__in=readings,
        account__kind=AccountKind.ACCRUED.value,
    ).order_by()
    sums = postings.values_list("reading", "account__beneficiary").annotate(Sum("amount"))
    return {(reading, payee): -amount for reading, payee, amount in sums}


def _recouped(readings: Iterable[int | None]) -> dict[tuple[int, int], Decimal]:
    """Return what advances paid of it, instead of money."""
    postings = Posting.objects.filter(
        reading__in=readings,
        entry__kind=EntryKind.RECOUPMENT.value,
        account__kind=AccountKind.ACCRUED.value,
    ).order_by()
    sums = postings.values_list("reading", "account__beneficiary").annotate(Sum("amount"))
    return {(reading, payee): amount for reading, payee, amount in sums}


def _receipts(readings: Iterable[int | None]) -> dict[tuple[int, int], list[_Receipt]]:
    """Return each payee's parts of receipts, less what was taken back of each, oldest first."""
    parts = ReleasedPart.objects.filter(match__reading__in=readings)
    found: dict[tuple[int, int], dict[int, _Receipt]] = defaultdict(dict)
    for part in parts.select_related("match__remittance").order_by("pk"):
        match = part.match
        of_payee = found[match.reading_id, part.beneficiary_id]
        receipt = of_payee.setdefault(
            match.takes_back_id or match.pk, _Receipt(match.remittance.received_on, part)
        )
        receipt.amount += part.amount
        receipt.scale += part.scale
    return {
        key: [one for _match, one in sorted(of_payee.items()) if one.amount > 0]
        for key, of_payee in found.items()
    }


def _stated_before(disputes: Sequence[Dispute]) -> dict[int, Decimal]:
    """Return what earlier statements said of the same readings to the same payees."""
    rows = StatementLine.objects.filter(
        residual_line__reading__in=[one.reading_id for one in disputes],
        statement__number__isnull=False,
    ).order_by()
    key = ("residual_line__reading", "statement__beneficiary", "statement__period_on")
    sums = list(rows.values_list(*key).annotate(Sum("amount")))
    return {
        one.pk: sum(
            (
                amount
                for reading, payee, period_on, amount in sums
                if (reading, payee) == (one.reading_id, one.beneficiary_id)
                and one.statement is not None
                and period_on < one.statement.period_on
            ),
            ZERO,
        )
        for one in disputes
    }


def _released(agreements: Collection[int]) -> dict[tuple[int, int], _Released]:
    """Return what agreements released to each payee, by the day that it is about."""
    postings = Posting.objects.filter(
        entry__agreement__in=agreements,
        entry__kind__in=RELEASES,
        account__kind__in=NETS,
        account__beneficiary__isnull=False,
    ).order_by()
    day = Coalesce("entry__happened_on", "entry__effective_on")
    sums = postings.values_list("entry__agreement", "account__beneficiary", "account__kind", day)
    found: dict[tuple[int, int], _Released] = defaultdict(_Released)
    for agreement, payee, kind, on, amount in sums.annotate(Sum("amount")):
        released = found[agreement, payee]
        released.net[on] -= amount
        if kind == AccountKind.PAYABLE:
            released.payable[on] -= amount
    return found


def _receipt_days(agreements: Collection[int]) -> dict[tuple[int, int], set[date]]:
    """Return the days on which agreements were paid, by payee."""
    parts = ReleasedPart.objects.filter(agreement__in=agreements).order_by()
    rows = parts.values_list("agreement", "beneficiary", "match__remittance__received_on")
    days: dict[tuple[int, int], set[date]] = defaultdict(set)
    for agreement, payee, day in rows.distinct():
        days[agreement, payee].add(day)
    return days
