"""A payout run: locked while it changes, its steps, its entries in the journal."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from django.utils.translation import gettext as _

from talent.models import Agency, User
from talent.periods import local_day
from valuation.ledger import journal
from valuation.ledger.journal import Side
from valuation.models import BankLine, JournalEntry, PayoutPayment, PayoutRun, PayoutStep
from valuation.words import AccountKind, EntryKind, PayoutRunState, PayoutStepKind

from .refusals import NotItsTurn, NotPayableAmount, NotThatDay

DRAWS = "valuation.draw_payoutrun"
APPROVES = "valuation.approve_payoutrun"
CONFIRMS = "valuation.confirm_payoutrun"
ZERO = Decimal(0)
FURTHEST = timedelta(days=60)


def locked(run_id: int, *states: PayoutRunState) -> PayoutRun:
    """Lock a run and its agency's money; raise NotItsTurn unless it is in one of the states."""
    agency_id = PayoutRun.objects.values_list("agency", flat=True).get(pk=run_id)
    # Locked, so that two people do not decide at once, nor two runs spend the same balance.
    Agency.objects.select_for_update(no_key=True).get(pk=agency_id)
    run: PayoutRun = (
        PayoutRun.objects.with_state()
        .select_related("agency", "account__agency", "account__decision")
        .get(pk=run_id)
    )
    if run.state not in states:
        raise NotItsTurn(f"{run}: {run.state.label.lower()}.")
    return run


def check_day(agency: Agency, pay_on: date, at: datetime) -> None:
    today = local_day(at, agency.time_zone)
    if not today <= pay_on <= today + FURTHEST:
        raise NotThatDay(
            _("A bank pays on a day from %(first)s to %(last)s.")
            % {"first": today, "last": today + FURTHEST}
        )


def post(
    run: PayoutRun,
    payment: PayoutPayment,
    kind: EntryKind,
    amounts: dict[AccountKind, Decimal],
    on: date,
    by: User,
    at: datetime,
) -> JournalEntry:
    held_by_nobody = {AccountKind.TRUST_CASH, AccountKind.AGENCY_MONEY}
    entry = journal.post(
        agency_id=run.agency_id,
        kind=kind,
        currency=run.currency,
        sides=[
            Side(
                account,
                amount,
                beneficiary_id=None if account in held_by_nobody else payment.beneficiary_id,
            )
            for account, amount in amounts.items()
        ],
        effective_on=on,
        recorded_at=at,
        description=f"{kind.label}: {payment.end_to_end} of {run.reference}",
        by=by,
    )
    if entry is None:
        raise NotPayableAmount(_("%s pays nothing.") % payment)
    return entry


def step(
    run: PayoutRun,
    kind: PayoutStepKind,
    by: User,
    at: datetime,
    *,
    payment: PayoutPayment | None = None,
    line: BankLine | None = None,
    entry: JournalEntry | None = None,
    note: str = "",
) -> None:
    PayoutStep.objects.create(
        run=run, payment=payment, kind=kind.value, at=at, by=by, line=line, entry=entry,
        note=note.strip()[:300],
    )  # fmt: skip
