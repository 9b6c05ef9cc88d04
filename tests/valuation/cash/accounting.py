"""What an accountant's world is made of: accounts, money that is payable, runs, lines of banks."""

import hashlib
from datetime import date, timedelta
from decimal import Decimal as D

from tests.valuation.world import TONIGHT
from valuation.bank_files.payments import Address, BankAccount
from valuation.cash.paid_out import bank_details, payouts
from valuation.ledger import journal
from valuation.ledger.journal import Side
from valuation.models import Account, BankFile, BankLine
from valuation.words import AccountKind, EntryKind, PaymentScheme

K = AccountKind
TODAY = TONIGHT.date()
AUTUMN = date(2026, 10, 30)
BERLIN = Address("Berlin", "DE")
IBANS = ["DE89370400440532013000", "FR1420041010050500013M02606", "GB82WEST12345698765432",
         "NL91ABNA0417164300", "AT611904300234573201"]  # fmt: skip


def add_details(world, beneficiary, by, second, *, account=None, at=TONIGHT - timedelta(30)):
    account = account or BankAccount("Ada Example", BERLIN, iban=IBANS[0 if beneficiary else 2])
    details = bank_details.write(
        agency=world.agency, beneficiary=beneficiary, currency="USD", account=account,
        company_id="1234567890", by=by, at=at,
    )  # fmt: skip
    again = account.iban or account.number
    return bank_details.approve(details_id=details.pk, again=again, by=second, at=at)


def receive(world, beneficiary, amount, *, on=AUTUMN, agreement=None, commission="0"):
    """Have an amount come in and be payable at once, commission beside it."""
    journal.post(
        agency_id=world.agency.pk, kind=EntryKind.RELEASE, currency="USD",
        sides=[
            Side(K.TRUST_CASH, D(amount) + D(commission)),
            Side(K.PAYABLE, -D(amount), beneficiary_id=beneficiary.pk),
            Side(K.COMMISSION, -D(commission), beneficiary_id=beneficiary.pk),
        ],
        effective_on=on, recorded_at=TONIGHT, description="Received",
        agreement_id=(agreement or world.agreement).pk,
    )  # fmt: skip


def pay_out(world, amount, *, on):
    """Have money leave the trust account for the beneficiary at once, past any run."""
    journal.post(
        agency_id=world.agency.pk, kind=EntryKind.PAYOUT, currency="USD",
        sides=[
            Side(K.PAYABLE, D(amount), beneficiary_id=world.beneficiary.pk),
            Side(K.TRUST_CASH, -D(amount)),
        ],
        effective_on=on, recorded_at=TONIGHT, description="Paid out",
    )  # fmt: skip


def draw_up(world, by, **about):
    told = {"pay_on": TODAY + timedelta(2), "scheme": PaymentScheme.ISO20022, "at": TONIGHT}
    return payouts.draw_up(agency=world.agency, currency="USD", by=by, **told | about)


def approve(run, by, at=TONIGHT):
    return payouts.approve(run_id=run.pk, seen=payouts.digest_of(run), by=by, at=at)


def bank_line(world, amount, *, reference, by, on=TODAY + timedelta(2)):
    digest = hashlib.sha256(f"{reference} {amount} {on}".encode())
    file = BankFile.objects.create(
        agency=world.agency, name="b.xml", sha256=digest.hexdigest(), uploaded_at=TONIGHT,
        uploaded_by=by,
    )  # fmt: skip
    return BankLine.objects.create(
        agency=world.agency, file=file, account="1", booked_on=on, amount=D(amount),
        currency="USD", end_to_end=reference, fingerprint=digest.digest(),
    )  # fmt: skip


def balances(world):
    accounts = Account.objects.with_balances().filter(agency=world.agency)
    return {AccountKind(one.kind): one.balance for one in accounts if one.balance}


def signed(cents, between=""):
    return f"{'D' if cents < 0 else 'C'}{between}{abs(cents) // 100},{abs(cents) % 100:02}"


def mt940(*lines, opening="0,00", closing="", number="1"):
    """A statement: lines are (amount in cents, counterparty, text)."""
    total = sum(amount for amount, _name, _text in lines)
    told = "".join(
        f":61:260920{signed(cents)}NTRFNONREF\n:86:166?00PAYMENT?20SVWZ+{text}?32{name}\n"
        for cents, name, text in lines
    )
    closing = closing or signed(total, "260930USD")
    return (
        f":20:X\n:25:123\n:28C:{number}\n:60F:C260901USD{opening}\n{told}:62F:{closing}\n".encode()
    )
