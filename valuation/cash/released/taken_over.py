"""What an old system's books said lives on: it is received, paid back, released, or taken back.

What a licensee owed by an agreement, and what its payees had earned of it, is one reading, which
money pays like use. A reserve becomes payable on its day. A balance that was wrong is taken back
with all that followed from it.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Sum
from django.db.models.functions import Coalesce

from licensing.models import Agreement
from talent.beneficiaries import shares_on, splits_of
from talent.models import Beneficiary, User
from talent.periods import period_containing
from valuation.cash.beside_use.advances import recoups_together
from valuation.cash.beside_use.charges import NO_USE
from valuation.cash.released.matching import follow_changed_shares, give_back
from valuation.cash.waterfall import differences
from valuation.ledger import journal
from valuation.ledger.journal import Side
from valuation.models import JournalEntry, OpeningBalance, Posting, Reading, RemittanceMatch
from valuation.words import AccountKind, EntryKind, OpeningKind, ReadingKind

ZERO = Decimal(0)
DAY = timedelta(days=1)


def store_reading(
    agreement: Agreement, parts: Mapping[Beneficiary, Decimal], *, on: date
) -> Reading:
    """Store what an agreement's licensee owed on the day of taking over, as a reading.

    `parts` are what each payee had earned of it, in the agreement's currency, before deductions.
    """
    gross = sum(parts.values(), ZERO)
    through = {
        one.beneficiary_id: one.performer_id for one in shares_on(splits_of(agreement.twin), on)
    }
    shares = [
        [payee.pk, str(part), through.get(payee.pk, payee.performer_id)]
        for payee, part in parts.items()
    ]
    return Reading.objects.create(
        agreement=agreement,
        kind=ReadingKind.OPENING.value,
        factor=Decimal(1),
        # It is older than anything that the desk read.
        period_on=on - DAY,
        period_ends_on=on,
        quantity=ZERO,
        events=0,
        gross=gross,
        currency=agreement.currency,
        summary=dict(NO_USE),
        explanation=[],
        months=[{"starts_on": (on - DAY).isoformat(), "gross": str(gross), "shares": shares}],
        first_index=0,
        last_index=0,
    )


@transaction.atomic
def undo(
    entry: JournalEntry, *, on: date, now: datetime, by: User | None, reason: str
) -> JournalEntry:
    """Reverse the entry of an opening balance with what followed from it; return the reversal.

    What a licensee owed and what its payees had earned of it goes back together, and what was
    received for it becomes the licensee's credit. What an advance was paid back, and a reserve that
    was released, is posted back.
    """
    entries = [entry]
    if reading := _reading_of(entry):
        of_reading = JournalEntry.objects.filter(
            kind=EntryKind.OPENING.value, postings__reading=reading, reversed_by=None
        )
        entries = list(of_reading.distinct().order_by("pk"))
        Reading.objects.filter(pk=reading.pk).update(gross=ZERO)
        give_back(agreement_id=reading.agreement_id, as_of=on, now=now)
    reversals = {
        one.pk: journal.reverse(
            entry_id=one.pk, effective_on=on, recorded_at=now, by=by, reason=reason
        )
        for one in entries
    }
    follow([entry.agreement] if entry.agreement else [], on=on, now=now)
    release_reserves(agency_id=entry.agency_id, on=on, now=now)
    return reversals[entry.pk]


def _reading_of(entry: JournalEntry) -> Reading | None:
    rows = Reading.objects.filter(
        pk__in=entry.postings.values("reading"), kind=ReadingKind.OPENING.value
    )
    # Locked, so that no receipt is matched to it meanwhile.
    return rows.select_for_update(no_key=True).first()


def follow(agreements: Iterable[Agreement], *, on: date, now: datetime) -> None:
    """Release what was received under agreements anew, where an advance was taken over or back.

    In the statement period that shows the newest receipt, while that is open.
    """
    for agreement in agreements:
        together = [one.pk for one in recoups_together(agreement)]
        matches = RemittanceMatch.objects.filter(reading__agreement__in=together)
        newest = matches.select_related("remittance", "reading__agreement__agency").order_by(
            "-remittance", "-pk"
        )
        if match := newest.first():
            paid = match.reading.agreement
            period = period_containing(match.remittance.received_on, paid.agency.statement_period)
            follow_changed_shares(paid, min(on, period.ends_on - DAY), now)


@transaction.atomic
def release_reserves(*, agency_id: int, on: date, now: datetime) -> None:
    """Make payable, each on its day, what an old system held in reserve until a day that has come.

    Posted as a difference: what was released of a balance that was taken back since goes back, too.
    """
    ended = OpeningBalance.objects.standing().filter(
        opening__agency=agency_id, kind=OpeningKind.RESERVE.value, until__lte=on
    )
    sums = ended.order_by().values_list("until", "currency", "beneficiary")
    targets = {
        (day, currency, payee): amount
        for day, currency, payee, amount in sums.annotate(Sum("amount"))
    }
    due = differences(targets, _released_so_far(agency_id))
    for day, currency in sorted({(day, currency) for day, currency, _payee in due}):
        own = {key[2]: amount for key, amount in due.items() if key[:2] == (day, currency)}
        journal.post(
            agency_id=agency_id,
            kind=EntryKind.RESERVE,
            currency=currency,
            sides=[
                side
                for payee, amount in own.items()
                for side in (
                    Side(AccountKind.RESERVE, amount, beneficiary_id=payee),
                    Side(AccountKind.PAYABLE, -amount, beneficiary_id=payee),
                )
            ],
            effective_on=day,
            recorded_at=now,
            description="Released from the reserve of the old system",
        )


def _released_so_far(agency_id: int) -> dict[tuple[date, str, int], Decimal]:
    """Return what was released of old reserves, by day; those of receipts name their agreement."""
    postings = Posting.objects.filter(
        account__agency=agency_id,
        account__kind=AccountKind.RESERVE.value,
        entry__kind=EntryKind.RESERVE.value,
        entry__agreement=None,
    ).order_by()
    day = Coalesce("entry__happened_on", "entry__effective_on")
    sums = postings.values_list(day, "currency", "account__beneficiary").annotate(Sum("amount"))
    return {(on, currency, payee): amount for on, currency, payee, amount in sums}
