"""Snapshots: the complete content of a statement, with names, figures and texts copied in.

Drawing needs nothing but the snapshot, so a stored one always gives the same document. Amounts are
Decimals at the precision of the snapshot's currency; percentages are in per cent; periods are
half-open. Totals are computed from the lines and never stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from licensing.words import Meter, PricePart, Pricing
from talent.words import Right, TaxForm, Use
from valuation.invoices.content import Content
from valuation.words import (
    AccountKind,
    CashDifference,
    CashShare,
    Section,
    StatementKind,
    StatementStepKind,
)

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
class PricedPart:
    """A part of a line's price: so much of the quantity, in which bracket, at which unit price.

    `price` is before the line's factor, `amount` after it, in full. Of a percentage the quantity is
    the revenue and the price a part of one.
    """

    part: PricePart
    bracket: int | None = None
    quantity: Decimal
    price: Decimal
    amount: Decimal


@dataclass(frozen=True, kw_only=True)
class StatedLine:
    """One reading's part of the statement: what was used, at which price, for how much.

    What is owed beside use (true-ups, advances, what use pays back of them) has no meter.
    `rates` are unit prices in the order of the brackets reached, or percentages where the pricing
    is one. `parts` say how much stands in which bracket and come to the line's gross; there are
    none where what was stated before leaves no such division. `factors` are the ways by which uses
    came to `factor`, each of (dimension, value, times). `share` is a composite source's part of the
    reading in per cent, of `gross`. `prior_period` names the closed period that an adjustment
    corrects.
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
    parts: tuple[PricedPart, ...] = ()
    factors: tuple[tuple[tuple[str, str, str], ...], ...] = ()
    gross: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class ReceiptPart:
    """What a receipt pays of one line: by its reference, with what the line is of."""

    reference: str
    agreement: str = ""
    production: str = ""
    period: str = ""
    amount: Decimal


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """Money of a licensee that came in and belongs to this beneficiary.

    `parts` come to its amount. `pay_by` is the day by which the law has it paid out.
    """

    received_on: date
    licensee: str
    reference: str = ""
    amount: Decimal
    parts: tuple[ReceiptPart, ...] = ()
    pay_by: date | None = None


@dataclass(frozen=True, kw_only=True)
class Deduction:
    """Money deducted from what was received: `amount` is negative, or positive if given back."""

    kind: AccountKind
    percent: Decimal | None = None
    base: Decimal | None = None
    amount: Decimal
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Payout:
    """Money that was paid out on a day; below zero: it came back."""

    on: date
    amount: Decimal


@dataclass(frozen=True, kw_only=True)
class StatedAgreement:
    """An agreement that a statement's lines or receipts are under.

    `audit_years` and `audit_notice_days` are what it says of an audit, `objection_months` for how
    long after the issue a line under it may be disputed; null: nothing.
    """

    reference: str
    licensee: str
    signed_on: date | None = None
    audit_years: int | None = None
    audit_notice_days: int | None = None
    objection_months: int | None = None


@dataclass(frozen=True, kw_only=True)
class TaxStanding:
    """The tax form that is in force at a period's end, and what is withheld by it, in per cent."""

    form: TaxForm
    signed_on: date
    residence: str
    percent: Decimal
    source: str
    expires_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class StatedRule:
    """A rule that was applied: what it says, where it stands, and how sure the desk is of it."""

    title: str
    citation: str
    confidence: str = ""


@dataclass(frozen=True, kw_only=True)
class YearToDate:
    """The sums of a calendar year's statements up to this one, this one included."""

    year: int
    earned: Decimal
    received: Decimal
    deducted: Decimal
    paid_out: Decimal


@dataclass(frozen=True, kw_only=True)
class Leaves:
    """The log indexes, both included, between which the usage that is paid here lies."""

    first: int
    last: int


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
    """Quantities by month and use, in one meter, as statements had them before 2026-11-29."""

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
    stands in no chain and shows nothing for good. `self_billed` is the payee's invoice, where the
    agency buys and writes it. Raises DoesNotAddUp.
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
    paper: str = "A4"
    payouts: tuple[Payout, ...] = ()
    agreements: tuple[StatedAgreement, ...] = ()
    tax: TaxStanding | None = None
    rules: tuple[StatedRule, ...] = ()
    year_to_date: YearToDate | None = None
    leaves: Leaves | None = None
    self_billed: Content | None = None

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
    def recouped(self) -> Decimal:
        """What pays advances back, below zero: of use that pays it, or kept of what came in."""
        of_use = (line.amount for line in self.lines if line.section == Section.RECOUPMENT)
        kept = (d.amount for d in self.deductions if d.kind == AccountKind.ADVANCES)
        return sum(of_use, ZERO) + sum((amount for amount in kept if amount < 0), ZERO)

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
    Section.INTEREST,
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
class AgeingRow:
    """What a licensee owes: what stands on no invoice yet, and of invoices by how late it is."""

    name: str
    not_invoiced: Decimal = ZERO
    credit: Decimal = ZERO
    not_due: Decimal = ZERO
    to_30: Decimal = ZERO
    to_60: Decimal = ZERO
    to_90: Decimal = ZERO
    over_90: Decimal = ZERO

    @property
    def owed(self) -> Decimal:
        late = self.to_30 + self.to_60 + self.to_90 + self.over_90
        return self.not_invoiced + self.credit + self.not_due + late


@dataclass(frozen=True, kw_only=True)
class TrustShare:
    """Whose a part of the client account's money is."""

    share: CashShare
    amount: Decimal


@dataclass(frozen=True, kw_only=True)
class TrustDifference:
    """Why the bank holds another amount than the books say."""

    reason: CashDifference
    amount: Decimal


@dataclass(frozen=True, kw_only=True)
class TrustStanding:
    """The client account at a period's end: the shares come to the trust cash.

    The differences come to what the bank holds beyond it; `bank` null: no statement of a bank is
    there. Raises DoesNotAddUp.
    """

    on: date
    bank: Decimal | None = None
    trust_cash: Decimal
    shares: tuple[TrustShare, ...] = ()
    differences: tuple[TrustDifference, ...] = ()

    def __post_init__(self) -> None:
        if sum((one.amount for one in self.shares), ZERO) != self.trust_cash:
            raise DoesNotAddUp("The shares in the client account are not what it holds.")


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
    paper: str = "A4"
    ageing: tuple[AgeingRow, ...] = ()
    ageing_on: date | None = None
    trust: TrustStanding | None = None

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
    if values.get("self_billed", ZERO) is None:
        del values["self_billed"]
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
    # Bank and debts are shown as they stand when it is drawn, which is no news about the period.
    return replace(
        snapshot,
        previous="",
        proof=proof,
        beneficiaries=rows,
        ageing=(),
        ageing_on=None,
        trust=None,
    )
