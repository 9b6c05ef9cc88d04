"""On which account licensees pay an agency, as invoices and letters name it."""

from valuation.cash.paid_out import bank_details
from valuation.invoices.content import PayToTold
from valuation.models import Account
from valuation.words import AccountKind


def accounts_of(agency):
    """Return the agency's own approved client account in each currency, to be paid on."""
    kinds = Account.objects.filter(agency=agency, kind=AccountKind.RECEIVABLE.value)
    found = {}
    for currency in set(kinds.values_list("currency", flat=True)):
        own = bank_details.in_force(agency_id=agency.pk, currency=currency).get(None)
        if own is not None:
            account = bank_details.account_of(own)
            found[currency] = PayToTold(
                holder=account.holder,
                account=account.iban or account.number,
                bic=account.bic,
                bank=account.routing_number,
            )
    return found
