"""The semantic model of EN 16931-1: an invoice's parties, lines, taxes and totals.

Only what is told is stored; sums are worked out from the lines, each rounded once, so that totals
cannot contradict them. Names in comments are the norm's business terms (BT) and groups (BG).
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from licensing.money import rounded

ZERO = Decimal(0)
EN_16931 = "urn:cen.eu:en16931:2017"


class TypeCode(StrEnum):
    """What a document is (BT-3, UNCL 1001)."""

    INVOICE = "380"
    CREDIT_NOTE = "381"
    SELF_BILLED = "389"
    SELF_BILLED_CREDIT = "261"


SELF_BILLED = frozenset({TypeCode.SELF_BILLED, TypeCode.SELF_BILLED_CREDIT})
CREDIT_NOTES = frozenset({TypeCode.CREDIT_NOTE, TypeCode.SELF_BILLED_CREDIT})


@dataclass(frozen=True, slots=True)
class Party:
    """The seller (BG-4) or the buyer (BG-7)."""

    name: str
    country: str
    street: str = ""
    postcode: str = ""
    town: str = ""
    vat_number: str = ""
    registration: str = ""
    electronic_scheme: str = ""
    electronic_address: str = ""


@dataclass(frozen=True, slots=True)
class Tax:
    """How a line is taxed (BG-30): a category of UNCL 5305, percent, and why there is none."""

    category: str
    percent: Decimal = ZERO
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """An invoice line (BG-25). `amount` is net of tax, in the document's currency.

    It is written as one piece at that price: what brackets and factors make of a quantity has no
    single price, and `note` says how much it was. A negative amount is minus one piece.
    """

    name: str
    amount: Decimal
    tax: Tax
    note: str = ""
    starts_on: date | None = None
    last_day: date | None = None

    @property
    def quantity(self) -> int:
        return -1 if self.amount < 0 else 1

    @property
    def price(self) -> Decimal:
        return abs(self.amount)


@dataclass(frozen=True, slots=True)
class PayTo:
    """Where it is paid to (BG-17): an IBAN or another account, its bank and its holder."""

    account: str
    bic: str = ""
    holder: str = ""


@dataclass(frozen=True, slots=True)
class Preceding:
    """An earlier invoice that this one corrects (BG-3)."""

    number: str
    issued_on: date | None = None


@dataclass(frozen=True, slots=True)
class TaxSubtotal:
    """What is charged of one category and rate (BG-23)."""

    tax: Tax
    base: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Document:
    """An invoice or a credit note. Amounts of a credit note are what is credited, above zero.

    `tax_point_on` is the day on which tax becomes due (BT-7), where it is known;
    `tax_due_when_paid` says that it is that of the payment (BT-8).
    """

    type_code: TypeCode
    number: str
    issued_on: date
    currency: str
    seller: Party
    buyer: Party
    lines: tuple[Line, ...]
    due_on: date | None = None
    starts_on: date | None = None
    last_day: date | None = None
    note: str = ""
    buyer_reference: str = ""
    contract: str = ""
    payment_terms: str = ""
    pay_to: PayTo | None = None
    preceding: tuple[Preceding, ...] = ()
    paid: Decimal = ZERO
    tax_point_on: date | None = None
    tax_due_when_paid: bool = False
    customization: str = EN_16931
    profile: str = ""

    @property
    def is_credit(self) -> bool:
        return self.type_code in CREDIT_NOTES

    @property
    def net(self) -> Decimal:
        """The sum of the lines (BT-106), which without allowances is the total without tax."""
        return sum((line.amount for line in self.lines), ZERO)

    @property
    def taxes(self) -> tuple[TaxSubtotal, ...]:
        """What each category and rate comes to, rounded once, in the order of the lines."""
        bases: dict[Tax, Decimal] = defaultdict(Decimal)
        for line in self.lines:
            bases[line.tax] += line.amount
        return tuple(
            TaxSubtotal(tax, base, rounded(base * tax.percent / 100, self.currency))
            for tax, base in bases.items()
        )

    @property
    def tax(self) -> Decimal:
        """The total of tax (BT-110)."""
        return sum((one.amount for one in self.taxes), ZERO)

    @property
    def total(self) -> Decimal:
        """The total with tax (BT-112)."""
        return self.net + self.tax

    @property
    def due(self) -> Decimal:
        """What is left to pay (BT-115)."""
        return self.total - self.paid
