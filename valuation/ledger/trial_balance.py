"""The trial balance: what every account held, moved and holds, as the books stood at an instant."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Q, Sum

from licensing.money import rounded
from valuation.models import Posting
from valuation.words import AccountKind

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Period:
    """Days, both included, as they were known at an instant."""

    first: date
    last: date
    known_at: datetime


@dataclass(frozen=True, slots=True)
class Figures:
    """Opening balance, debits and credits (both above zero), in one currency."""

    opening: Decimal = ZERO
    debits: Decimal = ZERO
    credits: Decimal = ZERO

    @property
    def movement(self) -> Decimal:
        return self.debits - self.credits

    @property
    def closing(self) -> Decimal:
        return self.opening + self.movement

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(
            self.opening + other.opening,
            self.debits + other.debits,
            self.credits + other.credits,
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One account's figures; its party is the licensee or beneficiary, or empty."""

    account_id: int
    kind: AccountKind
    party: str
    currency: str
    figures: Figures

    @property
    def name(self) -> str:
        return self.kind.named(self.party, self.currency)


def trial_balance(*, agency_id: int, period: Period, currency: str = "") -> list[Row]:
    """Return the accounts of an agency that held or moved money, in one query.

    An empty currency asks for all. Rows come by currency, then kind in the order of the words,
    then party. Figures of a currency add up to zero, but for debits and credits, which are equal.
    """
    before = Q(entry__effective_on__lt=period.first)
    postings = Posting.objects.filter(
        account__agency=agency_id,
        entry__effective_on__lte=period.last,
        entry__recorded_at__lte=period.known_at,
        **({"account__currency": currency} if currency else {}),
    )
    sums = postings.values_list(
        "account", "account__kind", "account__licensee__name", "account__beneficiary__name",
        "account__currency",
    ).annotate(
        opening=Sum("amount", filter=before, default=ZERO),
        debits=Sum("amount", filter=~before & Q(amount__gt=0), default=ZERO),
        credited=Sum("amount", filter=~before & Q(amount__lt=0), default=ZERO),
    )  # fmt: skip
    rows = [
        Row(
            account_id=account,
            kind=AccountKind(kind),
            party=licensee or beneficiary or "",
            currency=code,
            figures=Figures(
                rounded(opening, code), rounded(debits, code), -rounded(credited, code)
            ),
        )
        for account, kind, licensee, beneficiary, code, opening, debits, credited in sums
    ]
    places = {kind: place for place, kind in enumerate(AccountKind)}
    return sorted(rows, key=lambda row: (row.currency, places[row.kind], row.party, row.account_id))


def totals(rows: Iterable[Row]) -> dict[str, Figures]:
    """Return the sum of each currency: zero, but for debits and credits, which are equal."""
    sums: dict[str, Figures] = defaultdict(Figures)
    for row in rows:
        sums[row.currency] += row.figures
    return dict(sums)


def by_kind(rows: Iterable[Row]) -> dict[tuple[str, AccountKind], Figures]:
    """Return the sum of each currency and kind, in the order of the rows."""
    sums: dict[tuple[str, AccountKind], Figures] = defaultdict(Figures)
    for row in rows:
        sums[row.currency, row.kind] += row.figures
    return dict(sums)
