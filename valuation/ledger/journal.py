"""The journal: balanced entries, reversals of wrong ones, balances, and export as text."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any, cast

from django.db import transaction
from django.db.models import Q, QuerySet, Sum

from licensing.money import NotPayable, rounded
from talent.database.binary_rows import copy_rows, take_ids
from talent.database.sql import among
from talent.errors import Refused
from talent.models import User
from valuation.ledger.closed_periods import closed_anywhere_until, open_day
from valuation.ledger.exports import (
    SYNTAXES,
    ExportAccount,
    ExportBalance,
    ExportEntry,
    ExportPosting,
)
from valuation.models import Account, JournalEntry, Posting, Statement
from valuation.models.ledger import FIRST_DAY, LAST_DAY, LONGEST_DESCRIPTION
from valuation.words import AccountKind, EntryKind, LedgerSyntax

# Identifies an account within an agency: kind, currency, licensee id, beneficiary id.
AccountKey = tuple[str, str, int | None, int | None]
ROWS_AT_ONCE = 2_000


class Unbalanced(Refused):
    """The sides of an entry do not add up to zero."""

    code = "unbalanced"


class NoDayOfTheBooks(Refused):
    """An entry is about a day of which nobody keeps books: a slip of the pen."""

    code = "no_day_of_the_books"


class AlreadyReversed(Refused):
    """An entry was already reversed."""

    code = "already_reversed"


@dataclass(frozen=True, slots=True)
class Side:
    """A posting to be made: debits above zero, credits below.

    It is in the entry's currency, unless it names its own: an exchange has sides in two.
    """

    kind: AccountKind
    amount: Decimal
    licensee_id: int | None = None
    beneficiary_id: int | None = None
    reading_id: int | None = None
    currency: str = ""


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

    Sides of zero are left out, and drafts of which nothing is left. The day of a night is seldom
    closed; what is about a closed one is recorded one by one, as by `post`. Raises as `post`; then
    nothing is recorded.
    """
    open_now, late = _open_and_late(drafts)
    moving = [
        replace(draft, sides=_moving(draft.sides, draft.currency, draft.description))
        for draft in open_now
    ]
    moving = [draft for draft in moving if draft.sides]
    posted_late = sum(_post_late(draft, recorded_at) for draft in late)
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
    by_agency: dict[int, list[Side]] = defaultdict(list)
    for draft in moving:
        by_agency[draft.agency_id] += draft.sides
    accounts = {agency: _open_accounts(agency, sides) for agency, sides in by_agency.items()}
    copy_rows(
        Posting,
        ["entry", "account", "amount", "currency", "reading"],
        (
            (pk, accounts[draft.agency_id][_key(side)], side.amount, side.currency, side.reading_id)
            for pk, draft in zip(ids, moving, strict=True)
            for side in draft.sides
        ),
    )
    return len(moving) + posted_late


def _open_and_late(drafts: Iterable[Draft]) -> tuple[list[Draft], list[Draft]]:
    """Part drafts of days that no statement of their agency closes from the others. One query."""
    drafts = list(drafts)
    until = closed_anywhere_until({draft.agency_id for draft in drafts})
    parted: tuple[list[Draft], list[Draft]] = ([], [])
    for draft in drafts:
        parted[draft.effective_on < until.get(draft.agency_id, date.min)].append(draft)
    return parted


def _post_late(draft: Draft, recorded_at: datetime) -> bool:
    entry = post(
        agency_id=draft.agency_id,
        kind=draft.kind,
        currency=draft.currency,
        sides=draft.sides,
        effective_on=draft.effective_on,
        recorded_at=recorded_at,
        description=draft.description,
        run_id=draft.run_id,
        agreement_id=draft.agreement_id,
    )
    return entry is not None


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
    """Record one entry that balances in each currency; sides of zero are left out.

    `causes` are ids of what caused the entry: run_id, agreement_id, remittance_id. What is about a
    closed period counts from the first open day on, and names the entry that it adjusts.
    Returns None, and records nothing, if all sides are zero. Raises Unbalanced, NoDayOfTheBooks,
    NotPayable for an amount finer than its currency.
    """
    moving = _moving(sides, currency, description)
    if not moving:
        return None
    entry = _record(
        moving,
        agency_id=agency_id,
        kind=kind.value,
        effective_on=effective_on,
        recorded_at=recorded_at,
        recorded_by=by,
        description=description,
        **causes,
    )
    accounts = _open_accounts(agency_id, moving)
    Posting.objects.bulk_create(
        Posting(
            entry=entry,
            account_id=accounts[_key(side)],
            amount=side.amount,
            currency=side.currency,
            reading_id=side.reading_id,
        )
        for side in moving
    )
    return entry


@transaction.atomic
def reverse(
    *, entry_id: int, effective_on: date, recorded_at: datetime, by: User | None, reason: str
) -> JournalEntry:
    """Record the opposite of an entry, once; in the first open period, if its day is closed.

    What hangs on the entry is the caller's to carry along. Raises AlreadyReversed,
    NoDayOfTheBooks.
    """
    # Locked, so that two people cannot reverse the same entry.
    entry = JournalEntry.objects.select_for_update().get(pk=entry_id)
    if JournalEntry.objects.filter(reverses=entry).exists():
        raise AlreadyReversed(f"{entry} was reversed before.")
    sides = [
        Side(
            AccountKind(posting.account.kind),
            -posting.amount,
            licensee_id=posting.account.licensee_id,
            beneficiary_id=posting.account.beneficiary_id,
            reading_id=posting.reading_id,
            currency=posting.currency,
        )
        for posting in entry.postings.select_related("account").order_by("pk")
    ]
    reversal = post(
        agency_id=entry.agency_id,
        kind=EntryKind.REVERSAL,
        currency=sides[0].currency,
        sides=sides,
        effective_on=effective_on,
        recorded_at=recorded_at,
        description=f"Reversal: {reason}"[:LONGEST_DESCRIPTION],
        by=by,
        agreement_id=entry.agreement_id,
        remittance_id=entry.remittance_id,
        reverses_id=entry.pk,
    )
    # An entry has postings, so its reversal has, too.
    return cast("JournalEntry", reversal)


def _moving(sides: Iterable[Side], currency: str, description: str) -> tuple[Side, ...]:
    """Return the sides that move something. Raises Unbalanced, NotPayable."""
    moving = tuple(
        replace(side, currency=side.currency or currency) for side in sides if side.amount
    )
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for side in moving:
        if side.amount != rounded(side.amount, side.currency):
            raise NotPayable(f"{side.amount} {side.currency} is finer than the currency.")
        sums[side.currency] += side.amount
    for of, excess in sums.items():
        if excess:
            raise Unbalanced(f"“{description}” is out of balance by {excess} {of}.")
    return moving


def refuse_far_day(day: date) -> None:
    """Raise NoDayOfTheBooks for a day of which nobody keeps books."""
    if not FIRST_DAY <= day <= LAST_DAY:
        raise NoDayOfTheBooks(f"No books are kept of {day}; check the day.")


def _record(sides: Sequence[Side], *, effective_on: date, **fields: Any) -> JournalEntry:
    """Create an entry on its day, or on the first open one after it."""
    refuse_far_day(effective_on)
    counts_on = open_day(
        effective_on,
        agency_id=fields["agency_id"],
        currencies={side.currency for side in sides},
        beneficiary_ids={side.beneficiary_id for side in sides if side.beneficiary_id},
    )
    if counts_on != effective_on:
        fields["happened_on"] = effective_on
        fields["adjusts_id"] = fields.get("reverses_id") or _last_before(counts_on, fields)
    return JournalEntry.objects.create(effective_on=counts_on, **fields)


def _last_before(day: date, fields: Mapping[str, Any]) -> int | None:
    """Return the last entry before a day about the same agreement and remittance, if any."""
    about = {name: fields[name] for name in ("agreement_id", "remittance_id") if fields.get(name)}
    if not about:
        return None
    entries = JournalEntry.objects.filter(agency=fields["agency_id"], effective_on__lt=day, **about)
    return entries.order_by("-effective_on", "-pk").values_list("pk", flat=True).first()


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

    One query reads them all, so entries posted meanwhile do not appear. Another reads what issued
    statements of the same agencies say was payable, which the text asks the tool to check.
    """
    postings = (
        Posting.objects.filter(entry__in=entries)
        .select_related("entry", "account__agency", "account__licensee", "account__beneficiary")
        .order_by("entry__effective_on", "entry_id", "pk")
    )
    by_entry = groupby(postings.iterator(ROWS_AT_ONCE), key=lambda posting: posting.entry)
    agencies = entries.order_by().values("agency")
    return SYNTAXES[syntax](
        (_for_export(entry, list(group)) for entry, group in by_entry),
        _closing_balances(agencies),
    )


def _for_export(entry: JournalEntry, postings: Sequence[Posting]) -> ExportEntry:
    return ExportEntry(
        number=entry.pk,
        on=entry.effective_on,
        payee=_payee([posting.account for posting in postings]),
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


def _payee(accounts: Sequence[Account]) -> str:
    """Return whom an entry is with: a licensee before a beneficiary, else the agency itself."""
    licensees = [account.licensee.name for account in accounts if account.licensee]
    beneficiaries = [account.beneficiary.name for account in accounts if account.beneficiary]
    return [*licensees, *beneficiaries, accounts[0].agency.name][0]


def _closing_balances(agencies: QuerySet[Any]) -> Iterator[ExportBalance]:
    """Yield what issued statements say was payable when their period had ended, by day."""
    statements = (
        Statement.objects.issued()
        .filter(agency__in=agencies, beneficiary__isnull=False)
        .order_by("period_ends_on", "pk")
    )
    payable = {
        (account.agency_id, account.beneficiary_id, account.currency): account
        for account in Account.objects.filter(
            agency__in=agencies, kind=AccountKind.PAYABLE.value
        ).select_related("beneficiary", "licensee", "agency")
    }
    held = _held_by_disputes(agencies)
    for statement in statements.iterator(ROWS_AT_ONCE):
        key = (statement.agency_id, statement.beneficiary_id, statement.currency)
        account = payable.get(key)
        if account is not None:
            kept = sum(
                amount for day, amount in held.get(key, ()) if day < statement.period_ends_on
            )
            yield ExportBalance(
                account=_account_for_export(account),
                amount=-rounded(statement.closing - kept, statement.currency),
                currency=statement.currency,
                before=statement.period_ends_on,
                source=f"Statement {statement.number}",
            )


def _held_by_disputes(
    agencies: QuerySet[Any],
) -> dict[tuple[int, int | None, str], list[tuple[date, Decimal]]]:
    """Return what disputes hold of what statements say is payable, by account and day."""
    postings = Posting.objects.filter(
        account__agency__in=agencies, account__kind=AccountKind.HELD.value
    ).order_by("entry__effective_on")
    held: dict[tuple[int, int | None, str], list[tuple[date, Decimal]]] = defaultdict(list)
    key = ("account__agency", "account__beneficiary", "account__currency")
    for agency, payee, currency, day, amount in postings.values_list(
        *key, "entry__effective_on", "amount"
    ):
        held[agency, payee, currency].append((day, -amount))
    return held


def _account_for_export(account: Account) -> ExportAccount:
    """Name an account by its licensee or beneficiary, or else by the agency."""
    holder = account.licensee or account.beneficiary or account.agency
    return ExportAccount(account.pk, AccountKind(account.kind), holder.name)


def _key(side: Side) -> AccountKey:
    return side.kind.value, side.currency, side.licensee_id, side.beneficiary_id


def _open_accounts(agency_id: int, sides: Iterable[Side]) -> dict[AccountKey, int]:
    """Return the ids of the sides' accounts by key; creates those that do not exist yet."""
    keys = dict.fromkeys(map(_key, sides))
    ids = _account_ids(agency_id, keys)
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
            for kind, currency, licensee_id, beneficiary_id in missing
        ),
        # Another transaction may open the same account at the same time.
        ignore_conflicts=True,
    )
    return _account_ids(agency_id, keys)


def _account_ids(agency_id: int, keys: Iterable[AccountKey]) -> dict[AccountKey, int]:
    kinds, currencies, licensees, beneficiaries = (
        set(column) for column in zip(*keys, strict=True)
    )
    rows = Account.objects.filter(
        Q(licensee=None) | Q(licensee__in=among(licensees - {None})),
        Q(beneficiary=None) | Q(beneficiary__in=among(beneficiaries - {None})),
        agency=agency_id,
        currency__in=currencies,
        kind__in=kinds,
    )
    return {
        (kind, currency, licensee, beneficiary): pk
        for pk, kind, currency, licensee, beneficiary in rows.values_list(
            "pk", "kind", "currency", "licensee", "beneficiary"
        )
    }
