"""Lines of banks: uploaded, proposed to be from a licensee, recorded by a person or set aside."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from licensing.models import Agreement, Licensee
from talent.errors import Refused
from talent.models import Agency, User
from talent.plain_text import as_line
from valuation.bank_files import reading
from valuation.bank_files import statements as banks
from valuation.invoices.settled import open_by_invoice
from valuation.models import (
    BankBalance,
    BankFile,
    BankLine,
    BankLineStep,
    Invoice,
    Reading,
    Remittance,
)
from valuation.words import BankLineStepKind

from . import remittances
from .proposals import Debt, Debtor, Proposal, Said, proposals_for


class ReadBefore(Refused):
    """The same file was uploaded before."""

    code = "read_before"


class NotOpen(Refused):
    """The line was recorded or set aside meanwhile, or is no money that came in."""

    code = "bank_line_not_open"


class NotSetAside(Refused):
    """Only a line that was set aside can be taken up again."""

    code = "bank_line_not_set_aside"


# Uploading


@transaction.atomic
def upload(*, agency: Agency, content: bytes, name: str, by: User, at: datetime) -> BankFile:
    """Keep the lines of a bank's file; a line that an earlier file brought too is kept once.

    One that a CSV brought before says the same in other words: it is known by account, day and
    amount.

    Raises ReadBefore for the same file, and NotABankFile and BalancesDoNotFit for one that cannot
    count.
    """
    return keep(
        agency=agency, content=content, name=name, statements=reading.read(content), by=by, at=at
    )


@transaction.atomic
def keep(
    *,
    agency: Agency,
    content: bytes,
    name: str,
    statements: Sequence[banks.BankStatement],
    by: User,
    at: datetime,
    **about: Any,
) -> BankFile:
    """Keep what was read of a file; `about` are what else a file says of itself.

    Raises ReadBefore.
    """
    # Locked, so that two files with the same lines do not both bring them.
    Agency.objects.select_for_update(no_key=True).get(pk=agency.pk)
    refuse_read_before(agency, content)
    lines = [line for one in statements for line in unsaved(agency, one)]
    known = known_of(agency, lines)
    new = [line for line in lines if line.fingerprint not in known]
    if "csv_mapping" not in about:
        whole = new
        new = _without_those_of_csv(agency, whole)
        about["lines_alike"] = len(whole) - len(new)
    file = BankFile.objects.create(
        agency=agency,
        name=as_line(name)[:200],
        sha256=hashlib.sha256(content).hexdigest(),
        uploaded_at=at,
        uploaded_by=by,
        lines_known=len(known),
        lines_pending=sum(one.pending for one in statements),
        **about,
    )
    for line in new:
        line.file = file
    BankLine.objects.bulk_create(new, batch_size=2_000)
    BankBalance.objects.bulk_create(_balances(file, statements))
    return file


def _without_those_of_csv(agency: Agency, lines: Sequence[BankLine]) -> list[BankLine]:
    """Leave out what a CSV had brought: of each account, day and amount, as many as it had.

    A bank's CSV and its camt.053 or MT940 of the same days say the same in other words.
    """
    days = {line.booked_on for line in lines}
    if not days:
        return []
    stored = BankLine.objects.filter(
        agency=agency,
        file__csv_mapping__isnull=False,
        booked_on__range=(min(days), max(days)),
    )
    left = Counter(stored.values_list("account", "currency", "booked_on", "amount"))
    new = []
    for line in lines:
        key = (line.account, line.currency, line.booked_on, line.amount)
        if left[key] > 0:
            left[key] -= 1
        else:
            new.append(line)
    return new


def _balances(file: BankFile, statements: Sequence[banks.BankStatement]) -> list[BankBalance]:
    return [
        BankBalance(
            agency=file.agency,
            file=file,
            account=one.account[:64],
            currency=one.currency,
            number=one.number[:64],
            opening=one.opening,
            closed_on=one.closed_on,
            closing=one.closing,
        )
        for one in statements
        if one.opening is not None and one.closing is not None and one.closed_on is not None
    ]


def refuse_read_before(agency: Agency, content: bytes) -> None:
    """Refuse a file that was uploaded before. Raises ReadBefore."""
    digest = hashlib.sha256(content).hexdigest()
    if before := BankFile.objects.filter(agency=agency, sha256=digest).first():
        raise ReadBefore(f"This file was uploaded before, as {before.name}. Nothing was changed.")


def known_of(agency: Agency, lines: Sequence[BankLine]) -> set[bytes]:
    """Return the fingerprints of lines that an earlier file brought."""
    seen = BankLine.objects.filter(
        agency=agency, fingerprint__in=[one.fingerprint for one in lines]
    )
    return {bytes(fingerprint) for fingerprint in seen.values_list("fingerprint", flat=True)}


def unsaved(agency: Agency, statement: banks.BankStatement) -> list[BankLine]:
    """Return the lines of a statement as rows to store, each with its fingerprint."""
    counted: Counter[str] = Counter()
    lines = []
    for line in statement.lines:
        row = BankLine(
            agency=agency,
            account=statement.account[:64],
            booked_on=line.booked_on,
            valued_on=line.valued_on,
            amount=line.amount,
            currency=line.currency,
            counterparty=as_line(line.counterparty)[:200],
            counterparty_account=as_line(line.counterparty_account)[:64],
            text=as_line(line.text)[:1_000],
            bank_reference=as_line(line.bank_reference)[:100],
            end_to_end=as_line(line.end_to_end)[:100],
            is_return=line.is_return,
        )
        says = json.dumps([
            row.account, str(row.booked_on), str(row.amount.normalize()), row.currency,
            row.counterparty, row.text, row.bank_reference, row.end_to_end,
        ])  # fmt: skip
        # Of several that say the same, as two equal payments on a day, each is one of its own.
        counted[says] += 1
        row.fingerprint = hashlib.sha256(f"{counted[says]}{says}".encode()).digest()
        lines.append(row)
    return lines


# Proposing


def proposals_of(lines: Sequence[BankLine]) -> dict[int, list[Proposal]]:
    """Return for each line who it may be from, the likeliest first. A fixed number of queries."""
    agencies = {line.agency_id for line in lines}
    debtors = {agency: _debtors(agency) for agency in agencies}
    return {
        line.pk: proposals_for(_said(line), debtors[line.agency_id]) if line.amount > 0 else []
        for line in lines
    }


def _said(line: BankLine) -> Said:
    return Said(
        amount=line.amount,
        currency=line.currency,
        counterparty=line.counterparty,
        counterparty_account=line.counterparty_account,
        texts=(line.end_to_end, line.text),
    )


def _debtors(agency_id: int) -> list[Debtor]:
    """Return each licensee of an agency with its accounts, and what it owes by agreement."""
    debts: dict[int, list[Debt]] = defaultdict(list)
    agreements = Agreement.objects.filter(agency=agency_id).exclude(signed_at=None)
    owed = _owed_by_agreement(agency_id)
    for pk, licensee, reference, currency in agreements.values_list(
        "pk", "licensee", "reference", "currency"
    ):
        debts[licensee].append(Debt(reference, owed.get(pk, Decimal(0)), currency, pk))
    accounts = _accounts(agency_id)
    for debt in _invoiced(agency_id):
        debts[debt[0]].append(debt[1])
    licensees = Licensee.objects.filter(pk__in=debts).values_list("pk", "name")
    return [
        Debtor(pk, (name,), frozenset(accounts[pk]), tuple(debts[pk])) for pk, name in licensees
    ]


def _invoiced(agency_id: int) -> Iterator[tuple[int, Debt]]:
    """Yield each issued invoice with its licensee, and what is open of it."""
    issued = Invoice.objects.issued().claims().filter(agency=agency_id)
    invoices = list(issued.order_by("pk"))
    left = open_by_invoice(agency_id=agency_id)
    for one in invoices:
        amount = sum(left.get(one.pk, {}).values(), Decimal(0))
        yield one.licensee_id or 0, Debt(one.number or "", amount, one.currency, invoice=one.pk)


def _owed_by_agreement(agency_id: int) -> Mapping[int, Decimal]:
    owed: dict[int, Decimal] = defaultdict(Decimal)
    readings = Reading.objects.filter(agreement__agency=agency_id, gross__gt=0).with_received()
    for one in readings:
        owed[one.agreement_id] += one.owed
    return owed


def _accounts(agency_id: int) -> Mapping[int, set[str]]:
    """Return from which accounts each licensee's recorded lines came."""
    accounts: dict[int, set[str]] = defaultdict(set)
    recorded = BankLineStep.objects.filter(
        line__agency=agency_id, kind=BankLineStepKind.RECORDED.value
    ).exclude(line__counterparty_account="")
    pairs = recorded.values_list("remittance__licensee", "line__counterparty_account").distinct()
    for licensee, account in pairs:
        accounts[licensee].add(account)
    return accounts


# Deciding


@transaction.atomic
def record(
    *,
    line: BankLine,
    licensee: Licensee,
    agreements: Collection[Agreement] = (),
    invoices: Collection[Invoice] = (),
    by: User,
    at: datetime,
) -> Remittance:
    """Record a line as money received from a licensee.

    `invoices` are paid first, then `agreements`.

    Raises NotOpen, and what `remittances.record` raises.
    """
    locked = _locked(line)
    if locked.amount < 0 or not locked.is_open:
        raise NotOpen(f"{locked} is no open receipt any more. Reload the page to see what it is.")
    remittance = remittances.record(
        agency_id=locked.agency_id,
        licensee_id=licensee.pk,
        amount=locked.amount,
        currency=locked.currency,
        received_on=locked.booked_on,
        reference=_reference(locked),
        agreements=agreements,
        invoices=invoices,
        by=by,
        now=at,
    )
    _step(locked, BankLineStepKind.RECORDED, by, at, remittance=remittance)
    return remittance


@transaction.atomic
def set_aside(*, line: BankLine, reason: str, by: User, at: datetime) -> None:
    """Say that a line is no licensee's receipt, and why. Raises NotOpen."""
    locked = _locked(line)
    if not locked.is_open:
        raise NotOpen(f"{locked} is not open any more. Reload the page to see what it is.")
    _step(locked, BankLineStepKind.SET_ASIDE, by, at, reason=reason)


@transaction.atomic
def take_up(*, line: BankLine, reason: str, by: User, at: datetime) -> None:
    """Open a line again that was set aside. Raises NotSetAside."""
    locked = _locked(line)
    newest = locked.steps.order_by("-pk").first()
    if newest is None or newest.kind != BankLineStepKind.SET_ASIDE:
        raise NotSetAside(f"{locked} was not set aside.")
    _step(locked, BankLineStepKind.TAKEN_UP, by, at, reason=reason)


def _locked(line: BankLine) -> BankLine:
    BankLine.objects.select_for_update(no_key=True).get(pk=line.pk)
    locked: BankLine = BankLine.objects.with_state().get(pk=line.pk)
    return locked


def _reference(line: BankLine) -> str:
    """Return what the remittance is called: what the payer wrote, and which line of a bank it is.

    A payer writes the same words month after month, so the line's number makes it once; of one
    that was recorded for somebody else and taken back, so does how often.
    """
    told = line.end_to_end or line.text or line.bank_reference or line.counterparty
    before = line.steps.filter(kind=BankLineStepKind.RECORDED.value).count()
    again = f", again {before}" if before else ""
    return f"{told[:70]} (bank line {line.pk}{again})"


def _step(
    line: BankLine,
    kind: BankLineStepKind,
    by: User,
    at: datetime,
    *,
    remittance: Remittance | None = None,
    reason: str = "",
) -> None:
    BankLineStep.objects.create(
        line=line, kind=kind.value, remittance=remittance, at=at, by=by, reason=reason
    )
