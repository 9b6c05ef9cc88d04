"""What somebody looks at twice before statements go out, found for many of them at once."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

from talent.periods import local_day
from valuation.models import BankDetails, PayoutPayment, Statement
from valuation.words import BankDetailsOutcome, StatementKind, StatementWarning

HALF = Decimal("0.5")
Payee = tuple[int, int | None, str]


def warnings_of(statements: Sequence[Statement]) -> dict[int, list[StatementWarning]]:
    """Return by statement what is unusual about it, in three queries; of a roll-up nothing is."""
    own = [one for one in statements if one.kind == StatementKind.BENEFICIARY.value]
    before = Statement.objects.in_bulk({one.previous_id for one in own if one.previous_id})
    paid, accounts = _paid(own), _accounts(own)
    return {
        one.pk: list(
            _warnings(
                one,
                before.get(one.previous_id or 0),
                is_paid=(one.agency_id, one.beneficiary_id) in paid,
                accounts=accounts[one.agency_id, one.beneficiary_id, one.currency],
            )
        )
        for one in own
    }


def _paid(statements: Sequence[Statement]) -> set[tuple[int, int]]:
    """Return whom which agency has paid at least once."""
    live = PayoutPayment.objects.live().filter(
        run__agency__in={one.agency_id for one in statements},
        beneficiary__in={one.beneficiary_id for one in statements},
    )
    return set(live.order_by().values_list("run__agency", "beneficiary").distinct())


def _accounts(statements: Sequence[Statement]) -> dict[Payee, list[BankDetails]]:
    """Return the payees' details that count or wait, the oldest first."""
    rows = BankDetails.objects.filter(
        agency__in={one.agency_id for one in statements},
        beneficiary__in={one.beneficiary_id for one in statements},
    )
    found: dict[Payee, list[BankDetails]] = defaultdict(list)
    for row in rows.select_related("decision", "agency").order_by("pk"):
        found[row.agency_id, row.beneficiary_id, row.currency].append(row)
    return found


def _warnings(
    statement: Statement,
    before: Statement | None,
    *,
    is_paid: bool,
    accounts: Sequence[BankDetails],
) -> Iterator[StatementWarning]:
    if statement.closing < 0:
        yield StatementWarning.NEGATIVE
    if statement.closing > 0 and not is_paid:
        yield StatementWarning.FIRST_TIME
    if before and abs(statement.net - before.net) > HALF * abs(before.net):
        yield StatementWarning.CHANGED
    approved = sorted(_approved_on(accounts))
    if len(approved) > 1 and approved[-1] >= statement.period_on:
        yield StatementWarning.NEW_ACCOUNT
    if any(not hasattr(one, "decision") for one in accounts):
        yield StatementWarning.DETAILS_WAIT
    if statement.closing > 0 and not approved:
        yield StatementWarning.NO_ACCOUNT


def _approved_on(accounts: Sequence[BankDetails]) -> Iterator[date]:
    for one in accounts:
        decision = getattr(one, "decision", None)
        if decision and decision.outcome == BankDetailsOutcome.APPROVED:
            yield local_day(decision.at, one.agency.time_zone)
