"""What beneficiaries earned and what is payable to them, for the portal."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Max, Q, QuerySet, Sum

from licensing.agreements.rates import explained
from licensing.words import Meter, PricePart
from talent.models import Beneficiary, Performer, User
from talent.words import Right, Use
from valuation.models import Posting, ResidualLine, Statement
from valuation.words import AccountKind, StatementKind

PAGE = 50
RELATED = (
    "run", "reading__rate_line", "reading__advance", "agreement__licensee", "twin", "beneficiary",
)  # fmt: skip
ZERO = Decimal(0)


@dataclass(frozen=True)
class EarningsBalance:
    """One currency: earned in all and last night, payable, and not yet paid by studios.

    What a dispute keeps is neither: `held` was received, `disputed` was not.
    """

    currency: str
    earned: Decimal
    last_night: Decimal
    last_night_on: date | None
    payable: Decimal
    accrued: Decimal
    due_on: date | None
    held: Decimal = ZERO
    disputed: Decimal = ZERO

    @property
    def in_dispute(self) -> Decimal:
        return self.held + self.disputed


@dataclass(frozen=True)
class EarningsLine:
    """One residual line: what a night added for a use, and to which period it belongs."""

    id: int
    licensee: str
    agreement: str
    twin: str
    what: str
    night_on: date
    period_on: date
    period_ends_on: date
    quantity: Decimal
    meter: Meter | None
    amount: Decimal
    currency: str
    adjusts: bool
    payee: str


def lines_of(
    user: User, beneficiaries: Iterable[Beneficiary], performer_id: int | None = None
) -> QuerySet[ResidualLine]:
    """Return the residual lines of some beneficiaries that a user may see, latest first.

    With those of a performer's heirs, for the performer's twins.
    """
    visible = ResidualLine.objects.visible_to(user)
    whose = Q(beneficiary__in=[payee.pk for payee in beneficiaries])
    if performer_id is not None:
        heirs = visible.of_estates(Performer.objects.filter(pk=performer_id))
        whose |= Q(pk__in=heirs.values("pk"))
    return visible.filter(whose).order_by("-id")


def balances(
    user: User, beneficiaries: Iterable[Beneficiary], performer_id: int | None = None
) -> list[EarningsBalance]:
    """Return what was earned and what is payable, by currency, in four queries.

    What is payable to a performer's heirs is theirs alone: it may come from elsewhere, too.
    """
    beneficiaries = list(beneficiaries)
    lines = lines_of(user, beneficiaries, performer_id).order_by()
    earned = dict(lines.values_list("currency").annotate(Sum("amount")))
    last = lines.aggregate(run=Max("run"))["run"]
    nights = {
        currency: (amount, on)
        for currency, amount, on in lines.filter(run=last)
        .values_list("currency")
        .annotate(Sum("amount"), Max("run__as_of"))
    }
    owed = _owed(user, beneficiaries)
    due = _due(user, beneficiaries)
    currencies = sorted({*earned, *(currency for currency, _ in owed)})
    return [
        EarningsBalance(
            currency=currency,
            earned=earned.get(currency, ZERO),
            last_night=nights.get(currency, (ZERO, None))[0],
            last_night_on=nights.get(currency, (ZERO, None))[1],
            payable=owed.get((currency, AccountKind.PAYABLE.value), ZERO),
            accrued=owed.get((currency, AccountKind.ACCRUED.value), ZERO),
            due_on=due.get(currency),
            held=owed.get((currency, AccountKind.HELD.value), ZERO),
            disputed=owed.get((currency, AccountKind.DISPUTED.value), ZERO),
        )
        for currency in currencies
    ]


def _owed(user: User, beneficiaries: list[Beneficiary]) -> dict[tuple[str, str], Decimal]:
    """Return what is owed by (currency, account kind), above zero: the ledger's credits negated."""
    kinds = [
        kind.value
        for kind in (
            AccountKind.PAYABLE, AccountKind.HELD, AccountKind.ACCRUED, AccountKind.DISPUTED,
        )
    ]  # fmt: skip
    sums = (
        Posting.objects.visible_to(user)
        .filter(account__beneficiary__in=beneficiaries, account__kind__in=kinds)
        .order_by()
        .values_list("currency", "account__kind")
        .annotate(Sum("amount"))
    )
    return {(currency, kind): -amount for currency, kind, amount in sums}


def _due(user: User, beneficiaries: list[Beneficiary]) -> dict[str, date]:
    """Return the day by which the latest statement in each currency is payable."""
    statements = statements_of(user, beneficiaries).order_by()
    return dict(statements.values_list("currency").annotate(Max("due_on")))


def statements_of(user: User, beneficiaries: Iterable[Beneficiary]) -> QuerySet[Statement]:
    """Return the issued statements of some beneficiaries that a user may see, latest first."""
    return (
        Statement.objects.visible_to(user)
        .issued()
        .filter(
            kind=StatementKind.BENEFICIARY.value,
            beneficiary__in=[payee.pk for payee in beneficiaries],
        )
        .order_by("-period_on", "-pk")
    )


def page(
    lines: QuerySet[ResidualLine], before: int | None
) -> tuple[list[EarningsLine], int | None]:
    """Return a page of lines with ids below `before`, and the next page's `before` (None: last)."""
    if before:
        lines = lines.filter(pk__lt=before)
    rows = list(lines.select_related(*RELATED)[: PAGE + 1])
    more = rows[PAGE - 1].pk if len(rows) > PAGE else None
    return [_earnings_line(line) for line in rows[:PAGE]], more


def every_line(lines: QuerySet[ResidualLine]) -> Iterator[EarningsLine]:
    """Yield all lines, a thousand rows in memory at a time."""
    yield from map(_earnings_line, lines.select_related(*RELATED).iterator(chunk_size=1_000))


def _earnings_line(line: ResidualLine) -> EarningsLine:
    reading = line.reading
    return EarningsLine(
        id=line.pk,
        licensee=line.agreement.licensee.name,
        agreement=line.agreement.reference,
        twin=line.twin.name,
        what=_what(reading.summary) or reading.label,
        night_on=line.run.as_of,
        period_on=reading.period_on,
        period_ends_on=reading.period_ends_on,
        quantity=line.quantity,
        meter=Meter(reading.rate_line.meter) if reading.rate_line else None,
        amount=line.amount,
        currency=line.currency,
        adjusts=line.adjusts_id is not None,
        payee=line.beneficiary.name,
    )


def _what(summary: Mapping[str, list[str]]) -> str:
    """Return "Voice · Dubbing, ADR" from the rights and uses in a reading's summary."""
    rights = [Right(code).label for code in summary.get("rights", [])]
    uses = [Use(code).label for code in summary.get("uses", [])]
    return " · ".join(part for part in (", ".join(rights), ", ".join(uses)) if part)


def price_in_words(line: ResidualLine, locale: str) -> list[tuple[str, str]]:
    """Return how the price of a line's reading came about: each part by name, and in words."""
    told = line.explanation
    named = explained.factors_in_words(told.get("factors", ()), locale)
    meter = line.reading.rate_line.meter if line.reading.rate_line else ""
    return [
        (
            PricePart(part["part"]).label,
            explained.in_words(
                part, meter=meter, currency=line.currency, locale=locale, factors=named
            ),
        )
        for part in told["lines"]
    ]
