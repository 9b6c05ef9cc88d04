"""Remittances: matched to the oldest debt, released to who earned it, less what is taken off."""

from datetime import date
from decimal import Decimal as D

import pytest
from django.db import IntegrityError, connection, transaction

from licensing.agreements.rules.rulesets import load_rules
from licensing.models import Agreement, RateLine
from talent.models import Performer, Representation, TaxCertificate
from tests.valuation.world import TONIGHT
from valuation import night
from valuation.cash.received import remittances
from valuation.ledger import journal
from valuation.models import Account, JournalEntry, Posting, Remittance, RemittanceMatch
from valuation.words import AccountKind, EntryKind

pytestmark = pytest.mark.usefixtures("without_statements")


def receive(world, amount, reference="WIRE-1", **fields):
    defaults = {"currency": "USD", "received_on": date(2026, 9, 20), "by": None, "now": TONIGHT}
    return remittances.record(
        agency_id=world.agency.pk,
        licensee_id=world.licensee.pk,
        amount=D(amount),
        reference=reference,
        **{**defaults, **fields},
    )


def run_night():
    return night.run_night(as_of=date(2026, 11, 22), now=TONIGHT)


def balances():
    return {
        account.kind: account.balance
        for account in Account.objects.with_balances()
        if account.balance
    }


@pytest.fixture
def owing(world):
    """1,000.00 is owed: 10 lines at 100."""
    world.line(unit_price=D(100))
    world.use("10")
    run_night()
    return world


def test_received_money_waits_in_trust_until_it_is_matched(world):
    receive(world, "500")

    assert balances() == {"trust_cash": D("500"), "unmatched": D("-500")}


def test_received_money_is_released_less_commission(owing):
    receive(owing, "1000")

    run_night()

    assert balances() == {
        "trust_cash": D("1000"),
        "commission": D("-100"),
        "payable": D("-900"),
    }


def test_a_part_payment_releases_its_part(owing):
    receive(owing, "333.33")

    run_night()

    # 10 % of 333.33 is 33.333, rounded to 33.33.
    assert balances() == {
        "trust_cash": D("333.33"),
        "receivable": D("666.67"),
        "accrued": D("-666.67"),
        "commission": D("-33.33"),
        "payable": D("-300.00"),
    }


def test_commission_is_taken_on_the_sum_of_part_payments(owing):
    for number in range(3):
        receive(owing, "0.05", reference=f"WIRE-{number}")
        run_night()

    # 10 % of 0.15 is 0.015, rounded to 0.02; three times 0.005 would have made 0.03.
    assert balances()["commission"] == D("-0.02")


def test_more_than_is_owed_stays_unmatched(owing):
    receive(owing, "1200")

    run_night()

    assert balances()["unmatched"] == D("-200")


def test_the_oldest_period_is_paid_first(world):
    world.line(unit_price=D(100))
    world.use("10", on="2026-10-05")
    world.use("10", on="2026-07-05")
    run_night()
    receive(world, "1500")

    run_night()

    paid = RemittanceMatch.objects.order_by("reading__period_on").values_list(
        "reading__period_on", "amount"
    )
    assert list(paid) == [(date(2026, 7, 1), D("1000")), (date(2026, 10, 1), D("500"))]


def test_the_same_remittance_twice_is_one(owing):
    assert receive(owing, "1000") == receive(owing, "1000")
    assert JournalEntry.objects.filter(kind=EntryKind.RECEIPT.value).count() == 1


def test_the_same_reference_with_another_amount_is_refused(owing):
    receive(owing, "1000")

    with pytest.raises(remittances.AlreadyRecorded, match=r"WIRE-1 was recorded as 1000"):
        receive(owing, "1001")


@pytest.mark.parametrize("amount", ["0", "-5", "0.001"])
def test_an_amount_that_cannot_be_paid_is_refused(world, amount):
    with pytest.raises(remittances.NotPayableCash):
        receive(world, amount)


@pytest.mark.parametrize("day", ["0001-01-01", "1989-12-31", "2062-11-22", "9999-12-31"])
def test_money_of_a_day_that_nobody_can_mean_is_refused(world, day):
    with pytest.raises(remittances.NotThatDay):
        receive(world, "100", received_on=date.fromisoformat(day))
    assert not Remittance.objects.exists()


def test_under_the_guild_commission_is_capped_and_spares_scale(world):
    load_rules()
    Agreement.objects.update(guild="sag_aftra")
    Representation.objects.update(commission_percent=D(15))
    world.line(unit_price=D(100), scale_portion=D("0.4"))
    world.use("10")
    run_night()
    receive(world, "1000")

    run_night()

    # The cap of 10 % on the 600 above scale.
    assert RateLine.objects.get().scale_portion == D("0.4")
    assert balances()["commission"] == D("-60")


def test_a_californian_minors_part_is_set_aside_from_gross(owing):
    load_rules()
    Performer.objects.update(life="minor", born_on=date(2012, 1, 1), domicile="US-CA")
    receive(owing, "1000")

    run_night()

    # 10 % commission and 15 % of gross in the blocked trust (CA Fam. C. §6752).
    assert balances()["minor_trust"] == D("-150")
    assert balances()["payable"] == D("-750")


def test_an_unverified_rule_takes_nothing_off(owing):
    load_rules()
    Performer.objects.update(life="minor", born_on=date(2012, 1, 1), domicile="US-NY")
    receive(owing, "1000")

    run_night()

    assert "minor_trust" not in balances()


def test_tax_is_withheld_on_gross(owing):
    TaxCertificate.objects.create(
        beneficiary=owing.beneficiary,
        form="w8ben",
        residence="GB",
        withholding_percent=D(30),
        rate_source="no treaty claimed",
        signed_on=date(2026, 1, 1),
    )
    receive(owing, "1000")

    run_night()

    assert balances()["withholding"] == D("-300")
    assert balances()["payable"] == D("-600")


def test_an_unbalanced_entry_is_refused_by_code_and_by_the_database(world):
    entry = {
        "agency_id": world.agency.pk,
        "kind": EntryKind.RECEIPT,
        "currency": "USD",
        "effective_on": date(2026, 9, 20),
        "recorded_at": TONIGHT,
        "description": "lopsided",
    }
    with pytest.raises(journal.Unbalanced):
        journal.post(sides=[journal.Side(AccountKind.TRUST_CASH, D(5))], **entry)

    receive(world, "5")
    posting = Posting.objects.filter(amount__gt=0).get()
    with pytest.raises(IntegrityError, match="does not balance"), transaction.atomic():
        one_sided(posting)


def one_sided(posting):
    Posting.objects.create(
        entry=posting.entry, account=posting.account, amount=D(1), currency="USD"
    )
    # The check waits for the transaction's end, which a test never reaches.
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_a_reversal_undoes_an_entry_once(world):
    receive(world, "5")
    entry = JournalEntry.objects.get()
    wrong = {
        "entry_id": entry.pk,
        "effective_on": date(2026, 9, 21),
        "recorded_at": TONIGHT,
        "by": None,
        "reason": "the wrong licensee",
    }

    journal.reverse(**wrong)

    assert balances() == {}
    with pytest.raises(journal.AlreadyReversed):
        journal.reverse(**wrong)
