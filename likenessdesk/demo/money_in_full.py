"""The demo's rarer papers: late and credited, paid by the bank, directed, and self-billed.

It comes after the money under way. All companies, numbers, accounts and amounts are invented.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal

from licensing.models import Licensee
from likenessdesk.demo.corrections import report_less
from likenessdesk.demo.first_night import ISSUING, accountants, see_out
from likenessdesk.demo.money_under_way import EARLIER, SINCE, SOURCE, UNTAXED, approve
from talent.models import Agency, Beneficiary, User
from talent.periods import local_day
from valuation import night
from valuation.admin.invoices.client_accounts import accounts_of
from valuation.cash.paid_out import payouts
from valuation.cash.received import bank_lines, remittances
from valuation.cash.released import directions
from valuation.invoices import deciding, drawing_up, dunning, interest, interest_terms
from valuation.invoices.ageing import newest_day
from valuation.models import (
    BillingDetails,
    InterestTerms,
    Invoice,
    PaymentDirection,
    PaymentTerms,
    SelfBillingAgreement,
    Statement,
)
from valuation.self_billing import agreements, for_studios
from valuation.statements import draw
from valuation.words import (
    DirectionBase,
    DirectionKind,
    InterestOwner,
    PaymentScheme,
    TaxCategory,
)

# Days until each studio pays, and what it owes a year on what is late.
TERMS = {"saltmarsh": (30, Decimal(8)), "paper-boat": (90, None)}
IN_THE_BANK = Decimal("90000.00")
BOUGHT = Decimal("1750.00")
STUDIOS_NUMBER = "PBF-SELF-0007"


def tell_in_full(at: datetime) -> bool:
    """Write what is rare on an accountant's desk at an instant; False: it is there already."""
    if PaymentDirection.objects.exists():
        return False
    agency = Agency.objects.get(slug=ISSUING)
    other = Agency.objects.exclude(slug=ISSUING).get()
    _pay_out(agency, at - EARLIER + timedelta(days=8))
    _direct(agency, at)
    _invoice_earlier(agency, at)
    _sign_self_billing(other, at)
    report_less("MER-2026-005", at)
    night.rate_and_match(as_of=newest_day(at, agency.time_zone), now=at)
    _credit(agency, at)
    _claim_interest(agency, at)
    _self_bill(other, at)
    return True


# Paid by the bank


def _pay_out(agency: Agency, at: datetime) -> None:
    """Have a run approved, sent and booked, as the bank's file then says."""
    writer, approver = accountants(agency)
    on = local_day(at, agency.time_zone)
    run = payouts.draw_up(
        agency=agency, currency="USD", pay_on=on, scheme=PaymentScheme.NACHA, by=writer, at=at
    )
    payouts.approve(run_id=run.pk, seen=payouts.digest_of(run), by=approver, at=at)
    payouts.fetch(run_id=run.pk, by=writer, at=at)
    paid = sum((one.amount for one in run.payments.filter(holds=[])), Decimal(0))
    file = bank_lines.upload(
        agency=agency, content=_told_by_the_bank(paid, run.reference, on), name="DEMO-0001.sta",
        by=writer, at=at,
    )  # fmt: skip
    payouts.confirm(line=file.lines.get(), by=writer, at=at)


def _told_by_the_bank(paid: Decimal, reference: str, on: date) -> bytes:
    """Return a bank's statement (MT940) of one debit, between what it opens and closes with."""

    def balance(amount: Decimal) -> str:
        return f"C{on:%y%m%d}USD{amount:.2f}".replace(".", ",")

    debit = f"{paid:.2f}".replace(".", ",")
    lines = [
        ":20:DEMO", ":25:0001001", ":28C:1", f":60F:{balance(IN_THE_BANK)}",
        f":61:{on:%y%m%d}D{debit}NTRFNONREF", f":86:166?00PAYMENT?20SVWZ+{reference}",
        f":62F:{balance(IN_THE_BANK - paid)}",
    ]  # fmt: skip
    return "\n".join([*lines, ""]).encode()


def _direct(agency: Agency, at: datetime) -> None:
    """Have a tenth of what comes in for somebody paid to their manager from now on."""
    writer, approver = accountants(agency)
    manager = Beneficiary.objects.create(name="Mirror Management, demo", payee_of=agency)
    letter = PaymentDirection.objects.create(
        kind=DirectionKind.LETTER.value, agency=agency, payee=manager, currency="USD",
        beneficiary=Beneficiary.objects.get(name="Ada Sample"), percent=10, is_revocable=True,
        base=DirectionBase.RECEIVED.value, starts_on=local_day(at, agency.time_zone),
        source="Letter of Ada Sample, demo", written_at=at, written_by=writer,
        written_on=local_day(at, agency.time_zone),
    )  # fmt: skip
    directions.approve(direction_id=letter.pk, by=approver, at=at)


# Late, and credited


def _invoice_earlier(agency: Agency, at: datetime) -> None:
    """Issue two studios' invoices as if it had been done then: one of them is late by now."""
    writer, approver = accountants(agency)
    then = at - EARLIER
    for slug, (days, percent) in TERMS.items():
        studio = Licensee.objects.get(slug=slug)
        _write_details(agency, writer, at, licensee=studio, name=f"{studio.name} Ltd")
        PaymentTerms.objects.create(
            agency=agency, licensee=studio, days=days, interest_percent=percent, starts_on=SINCE,
            source=SOURCE, written_at=at, written_by=writer,
        )  # fmt: skip
        for invoice in drawing_up.draw_up(
            agency=agency, licensee=studio, through=newest_day(at, agency.time_zone), by=writer,
            at=then, pay_to=accounts_of(agency),
        ).invoices:  # fmt: skip
            approve(invoice, approver, then)
            deciding.issue(invoice_id=invoice.pk, by=writer, at=then)


def _credit(agency: Agency, at: datetime) -> None:
    """Issue the credit note of what a studio corrected since."""
    writer, approver = accountants(agency)
    drawn = drawing_up.draw_up(
        agency=agency, licensee=Licensee.objects.get(slug="paper-boat"), by=writer, at=at,
        through=newest_day(at, agency.time_zone),
    )  # fmt: skip
    for invoice in drawn.invoices:
        approve(invoice, approver, at)
        deciding.issue(invoice_id=invoice.pk, by=writer, at=at)


def _claim_interest(agency: Agency, at: datetime) -> None:
    """Claim the interest on what is late, and write the first letter about it."""
    writer, approver = accountants(agency)
    today = local_day(at, agency.time_zone)
    terms = InterestTerms.objects.create(
        agency=agency, owner=InterestOwner.AGENCY.value, starts_on=SINCE, source=SOURCE,
        written_at=at, written_by=writer,
    )  # fmt: skip
    interest_terms.approve(terms_id=terms.pk, by=approver, at=at)
    late = Invoice.objects.claims().issued().get(agency=agency, licensee__slug="saltmarsh")
    seen = interest.worked_out(late, on=today)
    interest.claim(invoice_id=late.pk, on=today, seen=seen.amount + seen.fixed, by=writer, at=at)
    about = {"agency": agency, "licensee": late.licensee, "currency": late.currency}
    digest = dunning.digest_of_late(**about, on=today)
    dunning.write(
        **about, level=1, by=writer, at=at, seen=digest,
        pay_to=accounts_of(agency).get(late.currency),
    )  # fmt: skip


# Self-billed


def _sign_self_billing(agency: Agency, at: datetime) -> None:
    """Agree with two payees: the agency writes the invoices of one, a studio those of the other."""
    writer, approver = accountants(agency)
    studio = Licensee.objects.get(slug="paper-boat")
    milo, lena = (Beneficiary.objects.get(name=f"{name}") for name in
                  ("Milo Stand-In", "Lena Pseudonym"))  # fmt: skip
    with_vat = {"country": "GB", "town": "London", "tax_category": TaxCategory.STANDARD.value,
                "tax_percent": 20, "tax_reason": ""}  # fmt: skip
    numbers = {None: "GB100000001", studio: "GB100000002", milo: "GB100000003",
               lena: "GB100000004"}  # fmt: skip
    for who, number in numbers.items():
        whose = {"licensee": who} if who == studio else {"beneficiary": who}
        name = f"{who or agency} Ltd"
        _write_details(agency, writer, at, name=name, vat_number=number, **whose, **with_vat)
    for payee, buyer in ((milo, None), (lena, studio)):
        asked = agreements.ask(
            agreement=SelfBillingAgreement(
                agency=agency, beneficiary=payee, licensee=buyer, vat_number=numbers[payee],
                tax_category=TaxCategory.STANDARD.value, starts_on=SINCE,
                ends_on=SINCE.replace(year=SINCE.year + 2), source="Self-billing paper, demo",
            ), by=writer, at=at,
        )  # fmt: skip
        agreements.approve(agreement_id=asked.pk, by=approver, at=at)
    remittances.record(
        agency_id=agency.pk, licensee_id=Licensee.objects.get(slug="lanternfish").pk,
        amount=BOUGHT, currency="USD", received_on=date(2026, 9, 30), reference="DEMO-WIRE-0006",
        by=writer, now=at,
    )  # fmt: skip


def _self_bill(agency: Agency, at: datetime) -> None:
    """Issue the statement that carries the agency's invoice, and tell the studio's number."""
    writer, approver = accountants(agency)
    through = newest_day(at, agency.time_zone)
    draw.draw_due(as_of=through, now=at)
    bought = Statement.objects.get(
        agency=agency, beneficiary__name="Milo Stand-In", number=None, currency="USD"
    )
    see_out(bought, writer, approver, at)
    for row in for_studios.draw_up(agency=agency, through=through, by=writer, at=at).invoices:
        approve(row, approver, at)
        for_studios.record(
            invoice_id=row.pk, number=STUDIOS_NUMBER, by=writer, at=at,
            issued_on=local_day(at, agency.time_zone),
        )  # fmt: skip


def _write_details(agency: Agency, by: User, at: datetime, **told) -> None:
    usual = {
        "street": "7 Placeholder Road", "country": "GB", "town": "London", "postcode": "N1 0AA",
        "tax_category": TaxCategory.OUTSIDE.value, "tax_reason": UNTAXED,
    }  # fmt: skip
    BillingDetails.objects.create(
        agency=agency, starts_on=SINCE, source=SOURCE, written_at=at, written_by=by,
        **usual | told,
    )  # fmt: skip
