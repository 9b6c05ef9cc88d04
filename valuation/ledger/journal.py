"""The journal: balanced entries, reversals of wrong ones, balances, and export as text."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby

from django.db import transaction
from django.db.models import Q, QuerySet, Sum

from licensing.money import rounded
from talent.database.binary_rows import copy_rows, take_ids
from talent.errors import Refused
from talent.models import User
from valuation.ledger.exports import SYNTAXES, ExportAccount, ExportEntry, ExportPosting
from valuation.models import Account, JournalEntry, Posting
from valuation.words import AccountKind, EntryKind, LedgerSyntax

# Identifies an account within an agency and currency: kind, licensee id, beneficiary id.
AccountKey = tuple[str, int | None, int | None]
ROWS_AT_ONCE = 2_000


class Unbalanced(Refused):
    """The sides of an entry do not add up to zero."""

    code = "unbalanced"


class AlreadyReversed(Refused):
    """An entry was already reversed. To undo a mistaken reversal, reverse the reversal."""

    code = "already_reversed"


@dataclass(frozen=True, slots=True)
class Side:
    """A posting to be made, in the entry's currency: debits above zero, credits below."""

    kind: AccountKind
    amount: Decimal
    licensee_id: int | None = None
    beneficiary_id: int | None = None
    reading_id: int | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry to be recorded: its sides in one currency, and the ids of what caused it."""

    agency_id: int
    kind: EntryKind
    currency: str
    sides: tuple[Side, ...]
    effective_on: date
    description: str
    run_id: int | None = None
    agreement_id: int | None = None


@transaction.atomic
def post_all(drafts: Iterable[Draft], *, recorded_at: datetime) -> int:
    """Record many balanced entries at once; return how many there were.

    Sides of zero are left out, and drafts of which nothing is left. Raises Unbalanced; then
    nothing is recorded.
    """
    moving = [replace(draft, sides=_moving(draft.sides, draft)) for draft in drafts]
    moving = [draft for draft in moving if draft.sides]
    ids = take_ids(JournalEntry, len(moving))
    copy_rows(
        JournalEntry,
        ["id", "agency", "kind", "effective_on", "recorded_at", "description", "run", "agreement"],
        (
            (pk, draft.agency_id, draft.kind.value, draft.effective_on, recorded_at,
             draft.description, draft.run_id, draft.agreement_id)
            for pk, draft in zip(ids, moving, strict=True)
        ),
    )  # fmt: skip
    by_holder: dict[tuple[int, str], list[Side]] = defaultdict(list)
    for draft in moving:
        by_holder[draft.agency_id, draft.currency] += draft.sides
    accounts = {holder: _open_accounts(*holder, sides) for holder, sides in by_holder.items()}
    copy_rows(
        Posting,
        ["entry", "account", "amount", "currency", "reading"],
        (
            (pk, accounts[draft.agency_id, draft.currency][_key(side)], side.amount,
             draft.currency, side.reading_id)
            for pk, draft in zip(ids, moving, strict=True)
            for side in draft.sides
        ),
    )  # fmt: skip
    return len(moving)


def _moving(sides: Iterable[Side], draft: Draft) -> tuple[Side, ...]:
    """Return the sides that move something. Raises Unbalanced."""
    moving = tuple(side for side in sides if side.amount)
    if excess := sum(side.amount for side in moving):
        raise Unbalanced(f"“{draft.description}” is out of balance by {excess} {draft.currency}.")
    return moving


@transaction.atomic
def post(
    *,
    agency_id: int,
    kind: EntryKind,
    currency: str,
    sides: Iterable[Side],
    effective_on: date,
    recorded_at: datetime,
    description: str,
    by: User | None = None,
    **causes: int | None,
) -> JournalEntry | None:
    """Record one balanced entry in one currency; sides of zero are left out.

    `causes` are ids of what caused the entry: run_id, agreement_id, remittance_id, reverses_id.
    Returns None, and records nothing, if all sides are zero. Raises Unbalanced.
    """
    moving = [side for side in sides if side.amount]
    if not moving:
        return None
    if excess := sum(side.amount for side in moving):
        raise Unbalanced(f"“{description}” is out of balance by {excess} {currency}.")
    entry = JournalEntry.objects.create(
        agency_id=agency_id,
        kind=kind.value,
        effective_on=effective_on,
        recorded_at=recorded_at,
        recorded_by=by,
        description=description,
        **causes,
    )
    accounts = _open_accounts(agency_id, currency, moving)
    Posting.objects.bulk_create(
        Posting(
            entry=entry,
            account_id=accounts[_key(side)],
            amount=side.amount,
            currency=currency,
            reading_id=side.reading_id,
        )
        for side in moving
    )
    return entry


@transaction.atomic
def reverse(
    *, entry_id: int, effective_on: date, recorded_at: datetime, by: User, reason: str
) -> JournalEntry:
    """Record the opposite of an entry, once. Raises AlreadyReversed."""
    # Locked, so that two people cannot reverse the same entry.
    entry = JournalEntry.objects.select_for_update().get(pk=entry_id)
    if JournalEntry.objects.filter(reverses=entry).exists():
        raise AlreadyReversed(f"{entry} was reversed before.")
    reversal = JournalEntry.objects.create(
        agency_id=entry.agency_id,
        kind=EntryKind.REVERSAL.value,
        effective_on=effective_on,
        recorded_at=recorded_at,
        recorded_by=by,
        agreement_id=entry.agreement_id,
        remittance_id=entry.remittance_id,
        reverses=entry,
        description=f"Reversal: {reason}",
    )
    Posting.objects.bulk_create(
        Posting(
            entry=reversal,
            account_id=posting.account_id,
            amount=-posting.amount,
            currency=posting.currency,
            reading_id=posting.reading_id,
        )
        for posting in entry.postings.all()
    )
    return reversal


def balance(
    *,
    agency_id: int,
    kind: AccountKind,
    currency: str,
    licensee_id: int | None = None,
    beneficiary_id: int | None = None,
) -> Decimal:
    """Return the balance of the one account with exactly this licensee and beneficiary.

    In `currency`: debits above zero, credits below; zero if there is no such account.
    """
    postings = Posting.objects.filter(
        account__agency=agency_id,
        account__kind=kind.value,
        account__currency=currency,
        account__licensee=licensee_id,
        account__beneficiary=beneficiary_id,
    )
    return postings.aggregate(sum=Sum("amount"))["sum"] or Decimal(0)


def export(*, entries: QuerySet[JournalEntry], syntax: LedgerSyntax) -> Iterator[str]:
    """Yield entries as text in another tool's syntax, with a few thousand postings in memory.

    One query reads them all, so entries posted meanwhile do not appear.
    """
    postings = (
        Posting.objects.filter(entry__in=entries)
        .select_related("entry", "account__agency", "account__licensee", "account__beneficiary")
        .order_by("entry__effective_on", "entry_id", "pk")
    )
    by_entry = groupby(postings.iterator(ROWS_AT_ONCE), key=lambda posting: posting.entry)
    return SYNTAXES[syntax](_for_export(entry, group) for entry, group in by_entry)


def _for_export(entry: JournalEntry, postings: Iterable[Posting]) -> ExportEntry:
    return ExportEntry(
        number=entry.pk,
        on=entry.effective_on,
        text=entry.description,
        postings=tuple(
            ExportPosting(
                _account_for_export(posting.account),
                rounded(posting.amount, posting.currency),
                posting.currency,
            )
            for posting in postings
        ),
    )


def _account_for_export(account: Account) -> ExportAccount:
    """Name an account by its licensee or beneficiary, or else by the agency."""
    holder = account.licensee or account.beneficiary or account.agency
    return ExportAccount(account.pk, AccountKind(account.kind), holder.name)


def _key(side: Side) -> AccountKey:
    return side.kind.value, side.licensee_id, side.beneficiary_id


def _open_accounts(agency_id: int, currency: str, sides: Iterable[Side]) -> dict[AccountKey, int]:
    """Return the ids of the sides' accounts by key; creates those that do not exist yet."""
    keys = dict.fromkeys(map(_key, sides))
    ids = _account_ids(agency_id, currency, keys)
    missing = [key for key in keys if key not in ids]
    if not missing:
        return ids
    Account.objects.bulk_create(
        (
            Account(
                agency_id=agency_id,
                kind=kind,
                licensee_id=licensee_id,
                beneficiary_id=beneficiary_id,
                currency=currency,
            )
            for kind, licensee_id, beneficiary_id in missing
        ),
        # Another transaction may open the same account at the same time.
        ignore_conflicts=True,
    )
    return _account_ids(agency_id, currency, keys)


def _account_ids(
    agency_id: int, currency: str, keys: Iterable[AccountKey]
) -> dict[AccountKey, int]:
    kinds, licensees, beneficiaries = (set(column) for column in zip(*keys, strict=True))
    rows = Account.objects.filter(
        Q(licensee=None) | Q(licensee__in=licensees - {None}),
        Q(beneficiary=None) | Q(beneficiary__in=beneficiaries - {None}),
        agency=agency_id,
        currency=currency,
        kind__in=kinds,
    )
    return {
        (kind, licensee, beneficiary): pk
        for pk, kind, licensee, beneficiary in rows.values_list(
            "pk", "kind", "licensee", "beneficiary"
        )
    }
