"""Letters of direction: of what becomes payable to somebody, a part is payable to somebody else.

Cumulative over the days of receipt and posted as a difference: what is given back, corrected or
held by a dispute later moves the part along, also after it was paid out. Levies come before
letters, then each by its place, and none takes more than the ones before it left.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Q, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from licensing.money import EXACT, rounded
from talent import four_eyes
from talent.errors import Refused
from talent.models import Agency, User
from talent.periods import local_day
from valuation.cash.beside_use.plan_payees import is_for_a_plan
from valuation.cash.waterfall import differences
from valuation.ledger import journal
from valuation.ledger.journal import Side
from valuation.models import (
    DisputeMove,
    PaymentDirection,
    PaymentDirectionMove,
    PaymentDirectionStep,
    Posting,
)
from valuation.models.ledger import LONGEST_DESCRIPTION
from valuation.words import (
    AccountKind,
    DirectionBase,
    DirectionKind,
    DirectionStepKind,
    EntryKind,
)

ZERO, HUNDRED = Decimal(0), Decimal(100)
APPROVES = "valuation.approve_paymentdirection"
# A day of receipt, and the agreement that it was received for; none: an old balance.
Source = tuple[date, int | None]
# What payouts and letters themselves move is nothing that came in. What disputes hold and free is
# money of the day on which it came, which their moves say. Their own tax they owe to the state.
NO_RECEIPT = [
    EntryKind.PAYOUT.value, EntryKind.DIRECTION.value, EntryKind.DISPUTE.value,
    EntryKind.PASSED_TAX.value, EntryKind.SELF_BILLED_TAX.value,
]  # fmt: skip


class NotItsTurn(Refused):
    """The letter was decided on before, or cannot be ended like that."""

    code = "direction_not_its_turn"


# Deciding


@transaction.atomic
def approve(*, direction_id: int, by: User, at: datetime, note: str = "") -> PaymentDirection:
    """Have a letter count that somebody else entered. Raises NotItsTurn, four_eyes.FourEyes."""
    direction = _locked(direction_id, None)
    four_eyes.refuse_same_person(by=by, before=[direction.written_by_id])
    if is_for_a_plan(direction.payee):
        raise NotItsTurn(_("%s is paid for a plan, and nothing else.") % direction.payee)
    _step(direction, DirectionStepKind.APPROVED, by, at, note)
    follow(agency_id=direction.agency_id, now=at)
    return direction


@transaction.atomic
def reject(*, direction_id: int, by: User, at: datetime, note: str) -> None:
    """Reject a letter, or its end, with the reason. Raises NotItsTurn, four_eyes.FourEyes."""
    direction = _locked(direction_id, None, DirectionStepKind.END_ASKED)
    asked = direction.written_by_id
    if last := direction.steps.order_by("-pk").first():
        asked = last.by_id
    four_eyes.refuse_to_reject(
        by=by, asked_by=[asked], permission=APPROVES, agency_ids=[direction.agency_id]
    )
    kind = DirectionStepKind.STAYS if last else DirectionStepKind.REJECTED
    _step(direction, kind, by, at, note)


@transaction.atomic
def ask_end(*, direction_id: int, on: date, by: User, at: datetime, note: str) -> None:
    """Ask that a letter end with receipts of a day; somebody else approves it.

    One that is not revocable ends with the consent of who is paid, which the note names. Money
    of days before today is split already. Raises NotItsTurn, four_eyes.NobodyToApprove.
    """
    direction = _locked(direction_id, DirectionStepKind.APPROVED, DirectionStepKind.STAYS)
    if on < local_day(at, direction.agency.time_zone):
        raise NotItsTurn(_("What came in before today was split. It ends today at the earliest."))
    if not note.strip():
        raise NotItsTurn(
            _("Name who revoked it, and when.")
            if direction.is_revocable
            else _("It cannot be revoked: name the consent of who is paid, or the release.")
        )
    four_eyes.refuse_without_approver(
        asked_by=by, permission=APPROVES, agency_id=direction.agency_id
    )
    _step(direction, DirectionStepKind.END_ASKED, by, at, note, on)


@transaction.atomic
def end(*, direction_id: int, by: User, at: datetime, note: str = "") -> None:
    """End a letter as somebody else asked; what was split since that day is taken back.

    Raises NotItsTurn, four_eyes.FourEyes.
    """
    direction = _locked(direction_id, DirectionStepKind.END_ASKED)
    asked = direction.steps.latest("pk")
    four_eyes.refuse_same_person(by=by, before=[asked.by_id])
    _step(direction, DirectionStepKind.ENDED, by, at, note, asked.on)
    follow(agency_id=direction.agency_id, now=at)


def split_since(direction: PaymentDirection, on: date) -> Decimal:
    """Return what was split of receipts of a day and later: what an end on that day takes back."""
    moves = PaymentDirectionMove.objects.filter(direction=direction, received_on__gte=on)
    split: Decimal = moves.aggregate(sum=Sum("amount", default=ZERO))["sum"]
    return split


def _locked(direction_id: int, *states: DirectionStepKind | None) -> PaymentDirection:
    direction = PaymentDirection.objects.select_related("agency").get(pk=direction_id)
    # Locked, so that two people do not decide at once, nor a run pays what is to be split.
    Agency.objects.select_for_update(no_key=True).get(pk=direction.agency_id)
    last = direction.steps.order_by("-pk").values_list("kind", flat=True).first()
    if last not in [one and one.value for one in states]:
        raise NotItsTurn(_("That is not decided next. Reload the page to see what is."))
    return direction


def _step(
    direction: PaymentDirection,
    kind: DirectionStepKind,
    by: User,
    at: datetime,
    note: str,
    on: date | None = None,
) -> None:
    PaymentDirectionStep.objects.create(
        direction=direction, kind=kind.value, by=by, at=at, note=note.strip()[:300], on=on
    )


# Following what is payable


@transaction.atomic
def follow(*, agency_id: int, now: datetime) -> None:
    """Post what an agency’s letters come to by now, less what they moved. One query if none."""
    rows = PaymentDirection.objects.approved().with_state().filter(agency=agency_id)
    directions = list(rows.select_related("agency", "beneficiary", "payee"))
    directions.sort(key=lambda one: (one.kind != DirectionKind.LEVY, one.place, one.pk))
    books: dict[tuple[int, str], list[PaymentDirection]] = defaultdict(list)
    for one in directions:
        books[one.beneficiary_id, one.currency].append(one)
    for (payer, currency), own in books.items():
        _follow(agency_id, payer, currency, own, now)


def _follow(
    agency_id: int, payer: int, currency: str, directions: Sequence[PaymentDirection], now: datetime
) -> None:
    bases = _bases(agency_id, payer, currency)
    left = dict(bases[DirectionBase.PAYABLE])
    so_far = _moved(directions)
    for one in directions:
        targets = dict(_targets(one, bases[DirectionBase(one.base)], left))
        for source, amount in targets.items():
            left[source] = left.get(source, ZERO) - amount
        due = differences(targets, so_far.get(one.pk, {}))
        for source, amount in sorted(due.items(), key=lambda told: (told[0][0], told[0][1] or 0)):
            _post(one, source, amount, now)


def _targets(
    direction: PaymentDirection, base: Mapping[Source, Decimal], left: Mapping[Source, Decimal]
) -> Iterator[tuple[Source, Decimal]]:
    """Yield what a letter takes of each receipt's day, by all that came in until then.

    So that cents do not drift, and what is given back takes its part back.
    """
    came = free = taken = ZERO
    for source in sorted({*base, *left}, key=lambda one: (one[0], one[1] or 0)):
        if not _counts(direction, source):
            continue
        came += base.get(source, ZERO)
        free += left.get(source, ZERO)
        most = free if direction.most is None else min(free, direction.most)
        part = rounded(EXACT.divide(came * direction.percent, HUNDRED), direction.currency)
        until = max(min(part, most), ZERO)
        if until != taken:
            yield source, until - taken
        taken = until


def _counts(direction: PaymentDirection, source: Source) -> bool:
    day, agreement = source
    if direction.agreement_id and agreement != direction.agreement_id:
        return False
    ends = [one for one in (direction.ends_on, direction.ended_on) if one]  # type: ignore[attr-defined]
    return max(direction.starts_on, direction.written_on) <= day < min(ends, default=date.max)


def _bases(agency_id: int, payer: int, currency: str) -> dict[DirectionBase, dict[Source, Decimal]]:
    """Return what came in for a payee and what is payable to them of it, by receipt's day."""
    kinds = {
        DirectionBase.PAYABLE: (AccountKind.PAYABLE, -1),
        DirectionBase.RECEIVED: (AccountKind.ACCRUED, 1),
    }
    postings = Posting.objects.filter(
        Q(entry__reverses=None) | ~Q(entry__reverses__kind__in=NO_RECEIPT),
        account__agency=agency_id,
        account__beneficiary=payer,
        account__currency=currency,
        account__kind__in=[kind.value for kind, _sign in kinds.values()],
    ).exclude(entry__kind__in=NO_RECEIPT)
    # What is given back of a receipt, whenever that is, was money of the day on which it came.
    day = Coalesce("entry__remittance__received_on", "entry__happened_on", "entry__effective_on")
    agreement = Coalesce("reading__agreement", "entry__agreement")
    sums = postings.order_by().values_list("account__kind", "entry__kind", day, agreement)
    found: dict[DirectionBase, dict[Source, Decimal]] = {
        base: defaultdict(Decimal) for base in kinds
    }
    for kind, entry_kind, on, about, amount in sums.annotate(Sum("amount")):
        for base, (of, sign) in kinds.items():
            # What use earned, or pays back of advances, is no money that came in.
            if kind == of and (base is DirectionBase.PAYABLE or entry_kind in RECEIPTS):
                found[base][on, about] += sign * rounded(amount, currency)
    held = DisputeMove.objects.filter(
        dispute__agency=agency_id, currency=currency, beneficiary=payer, received_on__isnull=False
    ).order_by()
    for on, about, amount in held.values_list("received_on", "entry__agreement").annotate(
        Sum("amount")
    ):
        found[DirectionBase.PAYABLE][on, about] -= rounded(amount, currency)
    return found


RECEIPTS = [EntryKind.RELEASE.value, EntryKind.GIVE_BACK.value]


def _moved(
    directions: Iterable[PaymentDirection],
) -> dict[int, dict[Source, Decimal]]:
    rows = PaymentDirectionMove.objects.filter(direction__in=list(directions)).order_by()
    sums = rows.values_list("direction", "received_on", "agreement").annotate(Sum("amount"))
    moved: dict[int, dict[Source, Decimal]] = defaultdict(dict)
    for pk, on, agreement, amount in sums:
        moved[pk][on, agreement] = amount
    return moved


def _post(direction: PaymentDirection, source: Source, amount: Decimal, now: datetime) -> None:
    on, agreement_id = source
    entry = journal.post(
        agency_id=direction.agency_id,
        kind=EntryKind.DIRECTION,
        currency=direction.currency,
        sides=[
            Side(AccountKind.PAYABLE, amount, beneficiary_id=direction.beneficiary_id),
            Side(AccountKind.PAYABLE, -amount, beneficiary_id=direction.payee_id),
        ],
        effective_on=on,
        recorded_at=now,
        description=f"{direction.beneficiary} to {direction.payee}: {direction.source}"[
            :LONGEST_DESCRIPTION
        ],
        agreement_id=agreement_id,
    )
    if entry:
        PaymentDirectionMove.objects.create(
            direction=direction,
            entry=entry,
            agreement_id=agreement_id,
            received_on=on,
            amount=amount,
            currency=direction.currency,
        )
