"""What an invoice shows, frozen when it is drawn up: parties, terms, lines, uses, totals.

Everything is copied in, so that the document draws the same whatever changes later. Pure.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

ZERO = Decimal(0)
DAY = timedelta(days=1)
LATER = {"wording", "tax_point", "tax_point_on", "prepared_by"}
Told = TypeVar("Told")
# Where the postcode comes behind the town, as the Universal Postal Union has it.
TOWN_FIRST = frozenset({"US", "GB", "CA", "AU", "IE", "IN"})


@dataclass(frozen=True, slots=True)
class PartyTold:
    """Who a party is, as it stood in its billing details."""

    name: str
    country: str
    street: str = ""
    postcode: str = ""
    town: str = ""
    vat_number: str = ""
    registration: str = ""
    electronic_scheme: str = ""
    electronic_address: str = ""

    @property
    def address(self) -> tuple[str, ...]:
        """The lines of the address, without the country."""
        parts = [self.town, self.postcode] if self.country in TOWN_FIRST else [
            self.postcode, self.town
        ]  # fmt: skip
        place = " ".join(filter(None, parts))
        return tuple(filter(None, [self.street, place]))


@dataclass(frozen=True, slots=True)
class TermsTold:
    """By when it is paid: days after the issue, and whether at the end of their month."""

    days: int
    end_of_month: bool
    source: str


@dataclass(frozen=True, slots=True)
class TaxTold:
    """How all of it is taxed: a code of UNCL 5305, percent, and why there is none."""

    category: str
    percent: Decimal
    reason: str


@dataclass(frozen=True, slots=True)
class PayToTold:
    """The agency's own account, on which it is paid."""

    holder: str
    account: str
    bic: str = ""
    bank: str = ""


@dataclass(frozen=True, slots=True)
class LineTold:
    """What is asked for one reading, net of tax, in the invoice's currency.

    `corrects` is the number of the earlier invoice on which the same stood. The last day is the
    period's own. `rates` say how much of it stands at which rate, where they come to its amount.
    """

    kind: str
    agreement: str
    agreement_id: int
    label: str
    period_on: date
    last_day: date
    amount: Decimal
    quantity: Decimal | None = None
    quantity_told: str = ""
    reading_id: int | None = None
    corrects_id: int | None = None
    corrects: str = ""
    rates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UseTold:
    """A month of use that a line rests on: what was used, and what that adds to the amount."""

    agreement: str
    label: str
    month_on: date
    quantity: Decimal
    quantity_told: str
    amount: Decimal
    uses: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    territories: tuple[str, ...] = ()
    productions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """All that an invoice shows. Amounts of a credit note are below zero here.

    `wording` is what the law has it say, `tax_point` a word of `TaxPoint` and `tax_point_on` its
    day, where that is known. `prepared_by` is the agency that prepared the data of what a studio
    writes itself.
    """

    kind: str
    currency: str
    locale: str
    through: date
    agency: str
    customer: str
    seller: PartyTold
    buyer: PartyTold
    terms: TermsTold
    tax: TaxTold
    lines: tuple[LineTold, ...]
    net: Decimal
    tax_amount: Decimal
    total: Decimal
    uses: tuple[UseTold, ...] = ()
    until_run: int = 0
    pay_to: PayToTold | None = None
    buyer_reference: str = ""
    format: str = "none"
    corrects: tuple[str, ...] = ()
    number: str = ""
    issued_on: date | None = None
    due_on: date | None = None
    wording: tuple[str, ...] = ()
    tax_point: str = ""
    tax_point_on: date | None = None
    prepared_by: str = ""

    @property
    def is_credit(self) -> bool:
        return self.total < 0

    @property
    def starts_on(self) -> date:
        return min(line.period_on for line in self.lines)

    @property
    def last_day(self) -> date:
        return max(line.last_day for line in self.lines)


def due_on(issued_on: date, terms: TermsTold) -> date:
    """Return the day by which an invoice is paid: days after its issue, or that month's last."""
    due = issued_on + timedelta(days=terms.days)
    if not terms.end_of_month:
        return due
    next_month = due.replace(day=28) + timedelta(days=4)
    return next_month - timedelta(days=next_month.day)


def digest_of(content: Content) -> str:
    """Return the SHA-256 of all that an approver sees; number and days of the issue come later."""
    told = to_json(replace(content, number="", issued_on=None, due_on=None))
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def to_json(content: Content) -> dict[str, Any]:
    """Return the content in values that JSON has; amounts are texts with all their digits."""
    told: dict[str, Any] = json.loads(json.dumps(asdict(content), default=str))
    # Left out where it says nothing, so that what was approved before there was any keeps its
    # digest.
    told["lines"] = [
        {name: value for name, value in line.items() if name != "rates" or value}
        for line in told["lines"]
    ]
    return {name: value for name, value in told.items() if name not in LATER or value}


def from_json(told: Mapping[str, Any]) -> Content:
    """Return the content that `to_json` wrote."""
    return _read(Content, told)


def _read(kind: type[Told], told: Mapping[str, Any]) -> Told:
    hints = get_type_hints(kind)
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: _value(hints[name], told[name]) for name in known & told.keys()})


def _value(hint: Any, value: Any) -> Any:
    if isinstance(hint, UnionType):
        (hint,) = (one for one in get_args(hint) if one is not type(None))
        return None if value is None else _value(hint, value)
    if get_origin(hint) is tuple:
        of = get_args(hint)[0]
        return tuple(_value(of, one) for one in value)
    if isinstance(hint, type) and is_dataclass(hint):
        return _read(hint, value)
    if hint is date:
        return date.fromisoformat(value)
    return hint(value)
