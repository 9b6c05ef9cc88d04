"""The demo's money under way: invoices in each state, a receipt allocated, a close, balances.

It comes after the first night and its statements, so that the summer's figures are the same with
and without it. All companies, numbers and amounts are invented.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction

from licensing.models import Licensee
from likenessdesk.demo.first_night import ISSUING, accountants
from talent.models import Agency, Beneficiary, User
from talent.periods import local_day
from valuation.admin.invoices.client_accounts import accounts_of
from valuation.bank_files.payments import Address, BankAccount
from valuation.cash.paid_out import bank_details
from valuation.cash.received import allocations, remittances
from valuation.cash.received.allocations import Said
from valuation.closing import closes
from valuation.closing.checklist import checklist, period_of
from valuation.invoices import commission, deciding, drawing_up
from valuation.invoices.ageing import newest_day
from valuation.models import BillingDetails, Invoice, PaymentTerms
from valuation.opening import balances
from valuation.opening.told import Told
from valuation.words import AllocationTarget, Discrepancy, OpeningKind, TaxCategory

SINCE = date(2026, 7, 1)
SOURCE = "Order form, demo"
UNTAXED = "Not subject to sales tax, demo"
# Days until each studio pays, and whether its invoices are mailed as they are issued.
TERMS = {"lanternfish": (45, False), "tin-rocket": (30, True), "copperleaf": (60, False)}
EARLIER = timedelta(days=60)
# A check digit that is right, and no bank's.
ROUTING = "123456780"
# Whose accounts are known, so that a bank can pay them.
PAID = ("Bruno Placeholder", "Emil Specimen")
PAID_SHORT = Decimal("9000.00")
ON_ACCOUNT = Decimal("250.00")
TAKEN_OVER = Decimal("1250.00")


@transaction.atomic
def move_money(at: datetime) -> bool:
    """Write what accounting is about at an instant; False: it is there already.

    Each studio's invoice has got as far as another one can be looked at.
    """
    if BillingDetails.objects.exists():
        return False
    agency = Agency.objects.get(slug=ISSUING)
    writer, approver = accountants(agency)
    _write_accounts(agency, at - EARLIER)
    _write_terms(agency, writer, at)
    through = newest_day(at, agency.time_zone)
    drawn = drawing_up.draw_up(
        agency=agency, through=through, by=writer, at=at, pay_to=accounts_of(agency)
    ).invoices
    by_studio = {one.licensee.slug: one for one in drawn if one.licensee}
    for studio in ("tin-rocket", "lanternfish"):
        approve(by_studio[studio], approver, at)
    issued = deciding.issue(invoice_id=by_studio["tin-rocket"].pk, by=writer, at=at)
    for one in commission.draw_up(agency=agency, through=through, by=writer, at=at).invoices:
        approve(one, approver, at)
        deciding.issue(invoice_id=one.pk, by=writer, at=at)
    _pay_short(issued, writer, at)
    _ask_to_close(agency, "EUR", writer, at)
    _take_over(at)
    return True


def _write_accounts(agency: Agency, at: datetime) -> None:
    """Enter and approve the client account, and those of payees whom the bank then pays."""
    writer, approver = accountants(agency)
    payees = Beneficiary.objects.filter(name__in=PAID).order_by("name")
    whose = [(None, "USD"), (None, "EUR"), *((payee, "USD") for payee in payees)]
    for number, (payee, currency) in enumerate(whose, start=1):
        holder = payee.name if payee else agency.name
        account = BankAccount(
            holder, Address("Los Angeles", "US"), routing_number=ROUTING, number=f"000100{number}"
        )
        details = bank_details.write(
            agency=agency, beneficiary=payee, currency=currency, account=account,
            company_id="1000000000", by=writer, at=at,
        )  # fmt: skip
        bank_details.approve(details_id=details.pk, again=account.number, by=approver, at=at)


def _write_terms(agency: Agency, by: User, at: datetime) -> None:
    told = {"agency": agency, "starts_on": SINCE, "source": SOURCE, "written_at": at,
            "written_by": by}  # fmt: skip
    untaxed = {"tax_category": TaxCategory.OUTSIDE.value, "tax_reason": UNTAXED}
    BillingDetails.objects.create(
        name=f"{agency.name} LLC", street="1 Sample Street", postcode="90001",
        town="Los Angeles, CA", country="US", registration="DEMO-0001", **untaxed, **told,
    )  # fmt: skip
    for slug, (days, mails) in TERMS.items():
        studio = Licensee.objects.get(slug=slug)
        BillingDetails.objects.create(
            licensee=studio, name=f"{studio.name} Inc.", street="7 Placeholder Road",
            postcode="90002", town="Los Angeles, CA", country="US",
            buyer_reference=f"DEMO-{slug.upper()}", **untaxed, **told,
        )  # fmt: skip
        PaymentTerms.objects.create(licensee=studio, days=days, mails_invoices=mails, **told)
    ada = Beneficiary.objects.get(name="Ada Sample")
    BillingDetails.objects.create(
        beneficiary=ada, name="Ada Sample", street="3 Specimen Court", postcode="90003",
        town="Los Angeles, CA", country="US", **untaxed, **told,
    )  # fmt: skip


def approve(invoice: Invoice, by: User, at: datetime) -> None:
    deciding.approve(invoice_id=invoice.pk, seen=deciding.digest(invoice), by=by, at=at)


def _pay_short(invoice: Invoice, by: User, at: datetime) -> None:
    """Have a studio pay less than it was asked for, and a little for what is to come."""
    receipt = remittances.record(
        agency_id=invoice.agency_id, licensee_id=invoice.licensee_id or 0,
        amount=PAID_SHORT + ON_ACCOUNT, currency=invoice.currency,
        received_on=local_day(at, invoice.agency.time_zone),
        reference=f"DEMO-WIRE-0005 {invoice.number}", by=by, now=at,
    )  # fmt: skip
    said = [
        Said(
            AllocationTarget.INVOICE, invoice.pk, PAID_SHORT, reason=Discrepancy.SHORT.value,
            difference=invoice.total - PAID_SHORT, note="They ask about the lines of September",
        ),
        Said(AllocationTarget.ON_ACCOUNT, None, ON_ACCOUNT),
    ]  # fmt: skip
    seen = allocations.plan(receipt, said).digest
    allocations.allocate(
        remittance=receipt, said=said, seen=seen, by=by, at=at, reason="Their mail with the wire"
    )


def _ask_to_close(agency: Agency, currency: str, by: User, at: datetime) -> None:
    """Ask to close the last period that has ended; a second person is left to approve it."""
    days = period_of(agency, local_day(at, agency.time_zone))
    days = period_of(agency, days.starts_on - timedelta(days=1))
    found = checklist(agency=agency, currency=currency, days=days, user=by, now=at)
    closes.ask(
        agency=agency, currency=currency, days=days, seen=found.digest, by=by, at=at,
        why={item.what: "Looked at; it goes on in the next period." for item in found.left},
    )  # fmt: skip


def _take_over(at: datetime) -> None:
    """Enter at the other agency what an old system owed a payee; nothing is posted yet."""
    agency = Agency.objects.exclude(slug=ISSUING).get()
    writer, _approver = accountants(agency)
    kit = Beneficiary.objects.get(name="Kit Facsimile")
    balances.enter(
        agency=agency,
        on=local_day(at, agency.time_zone),
        source="The old ledger, demo, page 12",
        told=[Told(OpeningKind.PAYABLE, kit, None, "USD", TAKEN_OVER)],
        by=writer,
        at=at,
    )
