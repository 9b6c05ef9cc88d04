"""Matching: cash to what licensees owe, and back where it turns out that less is owed."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, Sum

from licensing.models import Agreement
from talent.models import User
from talent.periods import period_containing
from valuation.cash.released.releases import release
from valuation.ledger import journal
from valuation.models import InvoiceLine, JournalEntry, Reading, Remittance, RemittanceMatch
from valuation.words import EntryKind, ReadingKind

ZERO = Decimal(0)


def match_unmatched(*, agency_id: int, now: datetime) -> list[RemittanceMatch]:
    """Match an agency's unmatched cash to what its licensees owe, oldest period first.

    What a person put on account stays there, and what stands in the place of money is for the debt
    it was for. Matched money is released to the beneficiaries at once. Each remittance has a
    transaction of its own. Returns the new matches.
    """
    unmatched = Remittance.objects.filter(agency=agency_id).for_a_night()
    return [
        match
        for remittance in unmatched.order_by("received_on", "pk")
        for match in _match(remittance.pk, now)
    ]


@transaction.atomic
def give_back_tax(*, agency_id: int, as_of: date, now: datetime) -> list[RemittanceMatch]:
    """Give back what was received for tax that a credit note took back since. One query if none.

    So is what was received for interest whose claim was taken back, and for a payee's tax.
    """
    charged = Reading.objects.filter(
        agreement__agency=agency_id,
        kind__in=[
            ReadingKind.TAX.value,
            ReadingKind.INTEREST.value,
            ReadingKind.PASSED_TAX.value,
        ],
    )
    overpaid = charged.with_received().filter(Q(("received__gt", F("gross"))))
    agreement_ids = sorted(set(overpaid.values_list("agreement", flat=True)))
    return give_back_of(agreement_ids, as_of=as_of, now=now)


@transaction.atomic
def give_back_of(
    agreement_ids: Collection[int], *, as_of: date, now: datetime
) -> list[RemittanceMatch]:
    """Give back of several agreements, as `give_back`; most have nothing that was received."""
    received = RemittanceMatch.objects.filter(reading__agreement__in=agreement_ids)
    with_receipts = received.order_by("reading__agreement").values_list("reading__agreement")
    return [
        match
        for (agreement_id,) in list(with_receipts.distinct())
        for match in give_back(agreement_id=agreement_id, as_of=as_of, now=now)
    ]


@transaction.atomic
def give_back(*, agreement_id: int, as_of: date, now: datetime) -> list[RemittanceMatch]:
    """Take back what was matched to readings of an agreement that cost less by now.

    The newest receipts are taken back first. The cash becomes the licensee's credit against what
    it owes next; what was released of it is released no longer, also where it was paid out. Where
    only the shares in the readings changed, what was released moves with them. Returns the
    matches below zero.
    """
    if not RemittanceMatch.objects.filter(reading__agreement=agreement_id).exists():
        return []
    agreement = Agreement.objects.select_related("agency").get(pk=agreement_id)
    taken: dict[Remittance, list[RemittanceMatch]] = defaultdict(list)
    for reading, excess in _overpaid(agreement_id):
        for match in _take_back(reading, excess, now):
            taken[match.remittance].append(match)
    for remittance, matches in taken.items():
        RemittanceMatch.objects.bulk_create(matches)
        day = _day_of_giving_back(agreement, remittance, as_of)
        release(agreement, remittance, matches, kind=EntryKind.GIVE_BACK, on=day, now=now)
    if not taken:
        follow_changed_shares(agreement, as_of, now)
    return [match for matches in taken.values() for match in matches]


def _day_of_giving_back(agreement: Agreement, remittance: Remittance, as_of: date) -> date:
    """Return the day on which a receipt is given back: in the statement period that shows it.

    So no statement shows money as received for use that it shows as corrected. A period that was
    issued by then states nothing more; what lies in it is stated in the first open one.
    """
    period = period_containing(remittance.received_on, agreement.agency.statement_period)
    return min(as_of, period.ends_on - timedelta(days=1))


def _overpaid(agreement_id: int) -> Iterator[tuple[Reading, Decimal]]:
    """Yield readings for which more was received than is owed in money, each with the excess."""
    readings = Reading.objects.filter(agreement=agreement_id).with_received()
    for reading in readings.order_by("-period_on", "-pk"):
        if (excess := -reading.owed) > 0:
            yield reading, excess


def _take_back(
    reading: Reading, excess: Decimal, now: datetime, of: Remittance | None = None
) -> Iterator[RemittanceMatch]:
    """Yield unsaved matches below zero that take an excess back, from the newest match on.

    Those of one remittance, if it is given.
    """
    own = {"remittance": of} if of else {}
    matches = (
        RemittanceMatch.objects.filter(reading=reading, takes_back=None, **own)
        .select_related("remittance")
        .prefetch_related("taken_back_by")
        .order_by("-pk")
    )
    for match in matches:
        left = match.amount + sum(other.amount for other in match.taken_back_by.all())
        amount = min(excess, left)
        if amount > 0:
            # Locked, so that no other transaction matches the remittance's rest meanwhile.
            Remittance.objects.select_for_update().get(pk=match.remittance_id)
            excess -= amount
            yield RemittanceMatch(
                remittance=match.remittance,
                reading=reading,
                amount=-amount,
                matched_at=now,
                takes_back=match,
            )


def follow_changed_shares(agreement: Agreement, as_of: date, now: datetime) -> None:
    """Release to others what was released by shares that were corrected since."""
    newest = Remittance.objects.filter(matches__reading__agreement=agreement).order_by("-pk")
    release(agreement, newest[0], [], kind=EntryKind.RELEASE, on=as_of, now=now)


@transaction.atomic
def rematch(
    remittance: Remittance, wanted: Mapping[Reading, Decimal], *, on: date, now: datetime
) -> None:
    """Have a remittance pay so much of each reading, and nothing of others.

    Only what differs from what it pays by now is taken back, or matched and released. The caller
    has looked that no more is wanted than is owed, nor than the remittance has.
    """
    # Locked, so that no night matches its rest meanwhile.
    Remittance.objects.select_for_update().get(pk=remittance.pk)
    back: dict[int, list[RemittanceMatch]] = defaultdict(list)
    forth: dict[int, list[RemittanceMatch]] = defaultdict(list)
    targets = {reading.pk: amount for reading, amount in wanted.items()}
    for reading, amount in matched_by(remittance).items():
        excess = amount - targets.pop(reading.pk, ZERO)
        if excess > 0:
            taken = _take_back(reading, excess, now, of=remittance)
            back[reading.agreement_id] += taken
        elif excess < 0:
            targets[reading.pk] = -excess
    for reading in wanted:
        if more := targets.get(reading.pk, ZERO):
            forth[reading.agreement_id].append(
                RemittanceMatch(remittance=remittance, reading=reading, amount=more, matched_at=now)
            )
    _post(remittance, back, kind=EntryKind.GIVE_BACK, on=on, now=now)
    _post(remittance, forth, kind=EntryKind.RELEASE, on=on, now=now)


def _post(
    remittance: Remittance,
    by_agreement: Mapping[int, list[RemittanceMatch]],
    *,
    kind: EntryKind,
    on: date,
    now: datetime,
) -> None:
    agreements = Agreement.objects.select_related("twin__performer", "agency")
    for agreement in agreements.filter(pk__in=by_agreement).order_by("pk"):
        matches = by_agreement[agreement.pk]
        RemittanceMatch.objects.bulk_create(matches)
        release(agreement, remittance, matches, kind=kind, on=on, now=now)


def matched_by(remittance: Remittance) -> dict[Reading, Decimal]:
    """Return what a remittance pays of each reading by now."""
    sums = RemittanceMatch.objects.filter(remittance=remittance).order_by()
    amounts = dict(sums.values_list("reading").annotate(Sum("amount")))
    readings = Reading.objects.select_related("agreement").in_bulk(amounts)
    return {readings[pk]: amount for pk, amount in sorted(amounts.items()) if amount}


def undo_receipt(
    remittance: Remittance, *, on: date, now: datetime, by: User | None, reason: str
) -> JournalEntry:
    """Take a receipt back with all that hangs on it: matches, releases, what came with it.

    What was exchanged of it, and what settled a difference beside it, is taken back first.
    """
    for settlement in Remittance.objects.standing().filter(origin=remittance).order_by("-pk"):
        undo_receipt(settlement, on=on, now=now, by=by, reason=reason)
    rematch(remittance, {}, on=on, now=now)
    entry = remittance.entries.get(kind=EntryKind.RECEIPT.value)
    return journal.reverse(
        entry_id=entry.pk, effective_on=on, recorded_at=now, by=by, reason=reason
    )


@transaction.atomic
def _match(remittance_id: int, now: datetime) -> list[RemittanceMatch]:
    """Match the unmatched rest of one remittance, and release what was matched."""
    # Locked, so that the same money is not matched by two nights or a night and a person.
    remittance = Remittance.objects.select_for_update().get(pk=remittance_id)
    found = Remittance.objects.with_left().get(pk=remittance_id)
    left = found.unmatched - found.held
    by_agreement: dict[Agreement, list[RemittanceMatch]] = defaultdict(list)
    for reading, owed in _debts(remittance):
        if not left:
            break
        amount = min(left, owed)
        by_agreement[reading.agreement].append(
            RemittanceMatch(remittance=remittance, reading=reading, amount=amount, matched_at=now)
        )
        left -= amount
    for agreement, matches in by_agreement.items():
        RemittanceMatch.objects.bulk_create(matches)
        release(
            agreement,
            remittance,
            matches,
            kind=EntryKind.RELEASE,
            on=remittance.received_on,
            now=now,
        )
    return [match for matches in by_agreement.values() for match in matches]


def _debts(remittance: Remittance) -> Iterator[tuple[Reading, Decimal]]:
    """Yield the licensee's unpaid readings, each with the amount owed, oldest period first.

    Those on invoices that the remittance names come before all others, then those of agreements
    that it names.
    """
    lines = InvoiceLine.objects.filter(
        reading=OuterRef("pk"), invoice__in=remittance.invoices.all()
    )
    named = Exists(remittance.agreements.filter(pk=OuterRef("agreement")))
    readings = (
        Reading.objects.filter(
            agreement__agency=remittance.agency_id,
            agreement__licensee=remittance.licensee_id,
            currency=remittance.currency,
            gross__gt=0,
        )
        .select_related("agreement__twin__performer")
        .with_received()
        .order_by(Exists(lines).desc(), named.desc(), "period_on", "pk")
    )
    for reading in readings:
        if (owed := reading.owed) > 0:
            yield reading, owed
