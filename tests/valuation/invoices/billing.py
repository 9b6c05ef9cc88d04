"""What a test of invoices is made of: terms, details of the parties, drawn up and issued."""

from datetime import date
from decimal import Decimal as D

from tests.valuation.world import TONIGHT
from valuation import night
from valuation.cash.received import remittances
from valuation.invoices import deciding, drawing_up, settled
from valuation.models import Account, BillingDetails, Invoice, PaymentTerms

TODAY = TONIGHT.date()


def add_terms(world, by, *, days=30, starts_on=date(2026, 1, 1), **fields):
    return PaymentTerms.objects.create(
        agency=world.agency, licensee=world.licensee, days=days, starts_on=starts_on,
        source="Agreement, clause 9", written_at=TONIGHT, written_by=by, **fields,
    )  # fmt: skip


def add_details(world, by, *, percent="0", **fields):
    taxed = {"tax_category": "S", "tax_percent": D(percent)} if D(percent) else {
        "tax_category": "O", "tax_reason": "Not subject to tax"
    }  # fmt: skip
    told = {"starts_on": date(2026, 1, 1), "source": "Order", "written_at": TONIGHT,
            "written_by": by, "agency": world.agency}  # fmt: skip
    BillingDetails.objects.create(
        name="Northlight Talent Ltd", country="GB", vat_number="GB123456789", registration="07",
        tax_category="O", tax_reason="–", **told,
    )  # fmt: skip
    return BillingDetails.objects.create(
        **{"name": "Paper Moon Pictures SARL", "country": "FR", "vat_number": "FR12345678901",
           "licensee": world.licensee, **taxed, **told, **fields}
    )  # fmt: skip


def draw_up(world, by, *, through=TODAY, at=TONIGHT, **about):
    return drawing_up.draw_up(agency=world.agency, through=through, by=by, at=at, **about)


def issue(invoice, by, second, *, at=TONIGHT):
    deciding.approve(invoice_id=invoice.pk, seen=deciding.digest(invoice), by=second, at=at)
    return deciding.issue(invoice_id=invoice.pk, by=by, at=at)


def invoiced(world, by, second, **about):
    """Draw up what waits and issue it; return the one invoice."""
    (invoice,) = draw_up(world, by, **about).invoices
    return issue(invoice, by, second, at=about.get("at", TONIGHT))


def receive(world, amount, reference="WIRE-1", *, on=date(2026, 11, 20), now=TONIGHT):
    return remittances.record(
        agency_id=world.agency.pk, licensee_id=world.licensee.pk, amount=D(amount),
        currency="USD", received_on=on, reference=reference, by=None, now=now,
    )  # fmt: skip


def run_night(as_of=TODAY, now=TONIGHT):
    return night.run_night(as_of=as_of, now=now)


def left(on=TODAY):
    """Return what is left to pay of each issued invoice, by number, but for nothing."""
    issued = Invoice.objects.issued().filter(issued_on__lte=on)
    rows = settled.with_paid(issued, on).order_by("pk")
    return {row.number: row.left.normalize() for row in rows if row.left}


def balance(kind):
    rows = Account.objects.with_balances().filter(kind=kind.value)
    return sum((row.balance for row in rows if row.balance), D(0))
