"""Commission drawn: what an agency takes from its client account, once the bank has booked it."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from talent import locales
from talent.errors import Refused
from talent.models import Agency, User
from valuation.ledger import journal
from valuation.ledger.journal import Side
from valuation.models import BankLine, BankLineStep, JournalEntry, Posting
from valuation.words import AccountKind, BankLineStepKind, EntryKind

DRAWS = "valuation.draw_commission"
ZERO = Decimal(0)


class NotThatMuchCommission(Refused):
    """More left the client account than the agency earned and has not drawn."""

    code = "not_that_much_commission"


class NotADebit(Refused):
    """The line is no money that went out, or was decided on before."""

    code = "not_a_debit"


@transaction.atomic
def draw(*, line: BankLine, by: User, at: datetime) -> JournalEntry:
    """Post a debit of the bank as commission that the agency took, the oldest accounts first.

    Raises NotADebit, NotThatMuchCommission.
    """
    # Locked, so that two lines do not draw the same commission.
    Agency.objects.select_for_update(no_key=True).get(pk=line.agency_id)
    locked: BankLine = BankLine.objects.with_state().get(pk=line.pk)
    if locked.amount > 0 or not locked.is_open:
        raise NotADebit(_("This line is no open debit any more. Reload the page."))
    wanted = -locked.amount
    sides: list[Side] = []
    for beneficiary, licensee, earned in _not_drawn(locked):
        part = min(wanted - sum((side.amount for side in sides), ZERO), earned)
        sides.append(
            Side(AccountKind.COMMISSION, part, beneficiary_id=beneficiary, licensee_id=licensee)
        )
    drawn = sum((side.amount for side in sides), ZERO)
    if drawn < wanted:
        raise NotThatMuchCommission(
            _("%s of commission is earned and not drawn. The rest is clients’ money.")
            % locales.money(drawn, locked.currency, "en")
        )
    entry = journal.post(
        agency_id=locked.agency_id,
        kind=EntryKind.COMMISSION_DRAWN,
        currency=locked.currency,
        sides=[*sides, Side(AccountKind.TRUST_CASH, -wanted)],
        effective_on=locked.booked_on,
        recorded_at=at,
        description=f"Commission drawn on {locked.booked_on}",
        by=by,
    )
    if entry is None:
        raise NotADebit(_("This line moves nothing."))
    BankLineStep.objects.create(
        line=locked, kind=BankLineStepKind.COMMISSION.value, entry=entry, at=at, by=by
    )
    return entry


def _not_drawn(line: BankLine) -> list[tuple[int | None, int | None, Decimal]]:
    """Return whose commission is not drawn: beneficiary, licensee and amount of each account."""
    rows = (
        Posting.objects.filter(
            account__agency=line.agency_id,
            account__kind=AccountKind.COMMISSION.value,
            account__currency=line.currency,
        )
        .values_list("account__beneficiary", "account__licensee", "account")
        .annotate(sum=Sum("amount"))
        .filter(sum__lt=0)
        .order_by("account")
    )
    return [(beneficiary, licensee, -held) for beneficiary, licensee, _account, held in rows]
