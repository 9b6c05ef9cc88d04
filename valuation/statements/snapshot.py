"""Snapshots: the complete content of a statement, with names, figures and texts copied in.

Drawing needs nothing but the snapshot, so a stored one always gives the same document. Amounts are
Decimals at the precision of the snapshot's currency; percentages are in per cent; periods are
half-open. Totals are computed from the lines and never stored.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from licensing.words import Meter, Pricing
from talent.words import Right, Use
from valuation.words import AccountKind, Section, StatementKind, StatementStepKind

ZERO = Decimal(0)
ISSUED = {StatementStepKind.ISSUED, StatementStepKind.PAID}


class DoesNotAddUp(ValueError):
    """Figures that must agree do not: a bug of the desk, not a mistake of a user."""


@dataclass(frozen=True, kw_only=True)
class Party:
    """A name with the lines of its address."""

    name: str
    address: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StatedLine:
    """One reading's part of the statement: what was used, at which price, for how much.

    What is owed beside use (true-ups, advances, what use pays back of them) has no meter.
    `rates` are unit prices in the order of the brackets reached, or percentages where the pricing
    is one. `share` is a composite source's part of the reading in per cent. `prior_period` names
    the closed period that an adjustment corrects.
    """

    section: Section
    licensee: str
    production: str = ""
    eidr: str = ""
    agreement: str = ""
    uses: tuple[Use, ...] = ()
    rights: tuple[Right, ...] = ()
    languages: tuple[str, ...] = ()
    quantity: Decimal = ZERO
    meter: Meter | None = None
    rates: tuple[Decimal, ...] = ()
    pricing: Pricing = Pricing.PER_UNIT
    factor: Decimal = Decimal(1)
    share: Decimal | None = None
    amount: Decimal
    note: str = ""
    prior_period: str = ""
    reference: str = ""


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """Money of a licensee that came in and belongs to this beneficiary."""

    received_on: date
    licensee: str
    reference: str = ""
    amount: Decimal


@dataclass(frozen=True, kw_only=True)
class Deduction:
    """Money deducted from what was received: `amount` is negative, or positive if given back."""

    kind: AccountKind
    percent: Decimal | None = None
    base: Decimal | None = None
    amount: Decimal
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class PlanContribution:
    """What a plan is owed on top of a period's pay, never taken from it; `note` says how sure."""

    plan: str
    clause: str = ""
    production: str = ""
    percent: Decimal | None = None
    base: Decimal = ZERO
    amount: Decimal = ZERO
    paid_by_agency: bool = False
    confidence: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Beside:
    """What stands beside the balance: advances to be paid back, reserves, and contributions."""

    opening_advances: Decimal = ZERO
    advances: Decimal = ZERO
    opening_reserve: Decimal = ZERO
    reserve: Decimal = ZERO
    contributions: tuple[PlanContribution, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MonthBar:
    """A month's quantity of one use, either within consent or outside it."""

    month: date
    use: Use
    quantity: Decimal
    outside_consent: bool = False


@dataclass(frozen=True, kw_only=True)
class MonthChart:
    """Quantities by month and use, in one meter."""

    meter: Meter
    bars: tuple[MonthBar, ...]


@dataclass(frozen=True, kw_only=True)
class Proof:
    """The log indexes [first_index, end_index) that a statement is based on.

    `log` and `checkpoint` name the signed log and its state, once issued.
    """

    first_index: int
    end_index: int
    log: str = ""
    checkpoint: str = ""


@dataclass(frozen=True, kw_only=True)
class StatementSnapshot:
    """What one beneficiary earned, was paid and is owed, in one currency and period.

    `to_performer`: the text says "your voice" instead of "the voice". `objections` is the sentence
    that says how and until when to object. `interim` is one drawn on demand: it has no number,
    stands in no chain and shows nothing for good. Raises DoesNotAddUp.
    """

    number: str = ""
    previous: str = ""
    status: StatementStepKind
    payee: Party
    beneficiary: Party
    to_performer: bool = True
    period_starts_on: date
    period_ends_on: date
    currency: str
    locale: str = "en-US"
    issued_on: date | None = None
    payable_on: date | None = None
    opening_balance: Decimal = ZERO
    opening_accrued: Decimal = ZERO
    lines: tuple[StatedLine, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    deductions: tuple[Deduction, ...] = ()
    paid_out: Decimal = ZERO
    beside: Beside | None = None
    chart: MonthChart | None = None
    in_words: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    objections: str = ""
    proof: Proof | None = None
    interim: bool = False

    def __post_init__(self) -> None:
        if any(line.amount for line in self.lines if line.section == Section.HELD):
            raise DoesNotAddUp("A held line pays nothing until it is ruled on.")
        if any(line.section not in EARNING_OR_HELD for line in self.lines):
            raise DoesNotAddUp("Receipts and deductions are not lines of use.")

    @property
    def issued(self) -> bool:
        return self.status in ISSUED

    @property
    def earned(self) -> Decimal:
        return sum((line.amount for line in self.lines), ZERO)

    @property
    def received(self) -> Decimal:
        return sum((receipt.amount for receipt in self.receipts), ZERO)

    @property
    def deducted(self) -> Decimal:
        return sum((deduction.amount for deduction in self.deductions), ZERO)

    @property
    def commission(self) -> Decimal:
        kept = (d.amount for d in self.deductions if d.kind == AccountKind.COMMISSION)
        return sum(kept, ZERO)

    @property
    def net(self) -> Decimal:
        """Money received less deductions, which are negative; payouts are not subtracted."""
        return self.received + self.deducted

    @property
    def closing_balance(self) -> Decimal:
        """Payable at the end of the period: opening balance plus net, less what was paid out."""
        return self.opening_balance + self.net - self.paid_out

    @property
    def closing_accrued(self) -> Decimal:
        """Earned by the end of the period and not yet received."""
        return self.opening_accrued + self.earned - self.received


EARNING_OR_HELD = {
    Section.USAGE,
    Section.ADJUSTMENT,
    Section.HELD,
    Section.TRUE_UP,
    Section.ADVANCE,
    Section.RECOUPMENT,
}


@dataclass(frozen=True, kw_only=True)
class BeneficiaryRow:
    """One statement's figures in the agency's roll-up. Deductions are negative."""

    name: str
    statement: str = ""
    earned: Decimal = ZERO
    received: Decimal = ZERO
    commission: Decimal = ZERO
    other_deductions: Decimal = ZERO
    closing_balance: Decimal = ZERO
    closing_accrued: Decimal = ZERO

    @property
    def net(self) -> Decimal:
        return self.received + self.commission + self.other_deductions


@dataclass(frozen=True, kw_only=True)
class LicenseeRow:
    """A licensee's debt at the start, what was added and paid, and its oldest due day."""

    name: str
    opening_receivable: Decimal = ZERO
    earned: Decimal = ZERO
    received: Decimal = ZERO
    oldest_due_on: date | None = None

    @property
    def closing_receivable(self) -> Decimal:
        return self.opening_receivable + self.earned - self.received


@dataclass(frozen=True, kw_only=True)
class ProductionRow:
    """What was earned and received for one production from one licensee."""

    title: str
    eidr: str = ""
    licensee: str
    earned: Decimal = ZERO
    received: Decimal = ZERO


@dataclass(frozen=True, kw_only=True)
class RollUpSnapshot:
    """The agency's own statement: its beneficiaries' nets, its receivables, its commission.

    It is never shown to performers.
    """

    number: str = ""
    previous: str = ""
    status: StatementStepKind
    agency: Party
    period_starts_on: date
    period_ends_on: date
    currency: str
    locale: str = "en-US"
    issued_on: date | None = None
    beneficiaries: tuple[BeneficiaryRow, ...] = ()
    licensees: tuple[LicenseeRow, ...] = ()
    productions: tuple[ProductionRow, ...] = ()
    notes: tuple[str, ...] = ()
    proof: Proof | None = None

    def __post_init__(self) -> None:
        for figure in ("earned", "received"):
            sums = {
                sum((getattr(row, figure) for row in rows), ZERO)
                for rows in (self.beneficiaries, self.licensees, self.productions)
            }
            if len(sums) > 1:
                raise DoesNotAddUp(f"The three tables differ in what was {figure}: {sums}.")

    @property
    def issued(self) -> bool:
        return self.status in ISSUED

    def total(self, figure: str) -> Decimal:
        """Add up one figure of the beneficiaries' rows."""
        return sum((getattr(row, figure) for row in self.beneficiaries), ZERO)

    def owed(self, figure: str) -> Decimal:
        """Add up one figure of the licensees' rows."""
        return sum((getattr(row, figure) for row in self.licensees), ZERO)


Snapshot = StatementSnapshot | RollUpSnapshot
KINDS: dict[StatementKind, type[StatementSnapshot] | type[RollUpSnapshot]] = {
    StatementKind.BENEFICIARY: StatementSnapshot,
    StatementKind.ROLL_UP: RollUpSnapshot,
}


def to_json(snapshot: Snapshot) -> dict[str, Any]:
    """Return a snapshot as plain values, equal to what a JSON column returns.

    Decimals are strings and days are ISO 8601.
    """
    kind = next(kind for kind, shape in KINDS.items() if isinstance(snapshot, shape))
    # Encoded and decoded, so that tuples become lists as in the stored content it is compared with.
    values: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(snapshot))
    if values.get("beside", ZERO) is None:
        # Left out, so that statements from before there was any are written as they were.
        del values["beside"]
    if not values.get("interim", True):
        del values["interim"]
    return {"kind": kind.value, **values}


def from_json(content: Mapping[str, Any]) -> Snapshot:
    """Return the snapshot that `to_json` wrote.

    Raises msgspec.ValidationError if the content is not a snapshot.
    """
    values = dict(content)
    return msgspec.convert(values, KINDS[StatementKind(values.pop("kind"))])


def statement_from_json(content: Mapping[str, Any]) -> StatementSnapshot:
    """Return the snapshot of a beneficiary's statement. Raises TypeError for a roll-up's."""
    stored = from_json(content)
    if not isinstance(stored, StatementSnapshot):
        raise TypeError("This is the content of a roll-up.")
    return stored


def roll_up_from_json(content: Mapping[str, Any]) -> RollUpSnapshot:
    """Return the snapshot of an agency's roll-up. Raises TypeError for a beneficiary's."""
    stored = from_json(content)
    if not isinstance(stored, RollUpSnapshot):
        raise TypeError("This is the content of a beneficiary's statement.")
    return stored


def log_range(snapshot: Snapshot) -> tuple[int, int]:
    """Return the log indexes [first, end) a snapshot is based on; without proof (0, 0)."""
    proof = snapshot.proof or Proof(first_index=0, end_index=0)
    return proof.first_index, proof.end_index


def is_same_news(one: Snapshot, other: Snapshot) -> bool:
    """Tell whether two drafts of a statement have the same content.

    Ignores the numbers that other statements got meanwhile, and how far the log was read.
    """
    return _news_only(one) == _news_only(other)


def _news_only(snapshot: Snapshot) -> Snapshot:
    proof = snapshot.proof and replace(snapshot.proof, end_index=0)
    if isinstance(snapshot, StatementSnapshot):
        return replace(snapshot, previous="", proof=proof)
    rows = tuple(replace(row, statement="") for row in snapshot.beneficiaries)
    return replace(snapshot, previous="", proof=proof, beneficiaries=rows)


@dataclass(frozen=True, kw_only=True)
class MonthlyUse:
    """A quantity of one use in one month, in one meter, as the log has it."""

    month: date
    use: Use
    meter: Meter
    quantity: Decimal
    events: int
    outside_consent: bool = False


def chart_of(used: Iterable[MonthlyUse]) -> MonthChart | None:
    """Return a chart of the meter that most events carry, since one axis has one meter."""
    used = list(used)
    if not used:
        return None
    events: dict[Meter, int] = {}
    for entry in used:
        events[entry.meter] = events.get(entry.meter, 0) + entry.events
    meter = max(sorted(events), key=events.__getitem__)
    sums: dict[tuple[date, Use, bool], Decimal] = {}
    for entry in used:
        if entry.meter == meter:
            place = (entry.month, entry.use, entry.outside_consent)
            sums[place] = sums.get(place, ZERO) + entry.quantity
    bars = (
        MonthBar(month=month, use=use, quantity=quantity, outside_consent=outside)
        for (month, use, outside), quantity in sorted(sums.items())
    )
    return MonthChart(meter=meter, bars=tuple(bars))
