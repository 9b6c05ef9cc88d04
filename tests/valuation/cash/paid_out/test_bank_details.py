"""Bank details: sealed, entered by one, approved by another, and paid to after some days."""

from datetime import date, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection

from talent import four_eyes
from talent.models import Beneficiary, OutboxMessage
from talent.words import Role
from tests import factories
from tests.factories import admin_page, sign_in, take_step
from tests.valuation.world import TONIGHT
from valuation.bank_files.payments import Address, BankAccount, NotPayable
from valuation.cash.paid_out import bank_details
from valuation.models import BankDetails

IBAN = "DE89370400440532013000"
BERLIN = Address("Berlin", "DE", "Beispielweg", "7", "10115")
ACCOUNT = BankAccount("Ada Example", BERLIN, iban=IBAN)
OTHER = BankAccount("Ada Example", BERLIN, iban="FR1420041010050500013M02606")


@pytest.fixture
def accountant(world):
    return factories.make_member(world.agency, Role.ACCOUNTING)


@pytest.fixture
def colleague(world):
    return factories.make_member(world.agency, Role.BUSINESS_AFFAIRS)


def write(world, by, account=ACCOUNT, **about):
    whose = {"agency": world.agency, "beneficiary": world.beneficiary, "currency": "EUR"}
    return bank_details.write(**whose | about, account=account, by=by, at=TONIGHT)


def approve(details, by, again=IBAN, at=TONIGHT):
    return bank_details.approve(details_id=details.pk, again=again, by=by, at=at)


def in_force(world):
    found = bank_details.in_force(agency_id=world.agency.pk, currency="EUR")
    return found.get(world.beneficiary.pk)


def test_details_count_once_a_second_person_read_the_same_account(world, accountant, colleague):
    details = write(world, accountant)
    assert in_force(world) is None
    with pytest.raises(four_eyes.FourEyes):
        approve(details, accountant)
    with pytest.raises(bank_details.OtherAccount):
        approve(details, colleague, again=IBAN.replace("89", "98"))

    approve(details, colleague, again="de89 3704 0044 0532 0130 00")

    assert bank_details.account_of(in_force(world)) == ACCOUNT
    with pytest.raises(bank_details.AlreadyDecided):
        approve(details, colleague)


def test_four_eyes_bind_the_operator_too(world, accountant):
    operator = factories.make_user("operator@likeness.example", is_superuser=True)
    details = write(world, operator)

    with pytest.raises(four_eyes.FourEyes):
        approve(details, operator)


def test_changed_details_wait_some_days_and_the_payee_is_told(world, accountant, colleague):
    ada = factories.make_user("ada@performers.example", performer=world.performer)
    approve(write(world, accountant), colleague)
    OutboxMessage.objects.all().delete()
    later = TONIGHT + timedelta(days=30)
    changed = write(world, accountant, OTHER)
    assert bank_details.account_of(in_force(world)) == ACCOUNT
    with pytest.raises(bank_details.DetailsWait):
        write(world, accountant)

    approve(changed, colleague, again=OTHER.iban, at=later)

    now = in_force(world)
    assert bank_details.account_of(now) == OTHER
    assert bank_details.payable_from(now) == date(2026, 12, 27)
    letter = OutboxMessage.objects.get(recipient=ada.email)
    assert "IBAN FR … 2606" in letter.body
    assert OTHER.iban not in letter.body


def test_who_entered_takes_back_and_what_counted_stays(world, accountant, colleague):
    approve(write(world, accountant), colleague)
    changed = write(world, accountant, OTHER)

    bank_details.reject(details_id=changed.pk, by=accountant, at=TONIGHT, note="A forged letter.")

    assert changed.decision.outcome == "taken_back"
    assert bank_details.account_of(in_force(world)) == ACCOUNT


def test_no_table_page_log_or_history_holds_the_account(world, accountant, colleague, caplog):
    page = admin_page(BankDetails)
    given = {
        "agency": world.agency.pk, "beneficiary": world.beneficiary.pk, "currency": "EUR",
        "holder": "Ada Example", "iban": IBAN, "town": "Berlin", "country": "DE",
    }  # fmt: skip
    made = sign_in(accountant).post(page, given)
    assert made.status_code == 302, made.context["errors"]
    details = BankDetails.objects.get()
    client = sign_in(colleague)
    answers = [
        client.get(admin_page(BankDetails, details.pk, name=name))
        for name in ("change", "history", "approve")
    ]
    done = take_step(client, "approve", details, again=IBAN)
    assert done.status_code == 302, done.context["form"].errors

    for shown in (*answers, client.get(admin_page(BankDetails, name="changelist"))):
        assert IBAN not in shown.text
        assert "3000" in shown.text
    assert IBAN not in caplog.text
    assert all(IBAN not in f"{log} {log.change_message}" for log in LogEntry.objects.all())
    with connection.cursor() as cursor:
        cursor.execute("SELECT valuation_bankdetails::text FROM valuation_bankdetails")
        assert IBAN.encode().hex() not in (row := cursor.fetchone()[0])
        assert IBAN not in row


def test_an_envelope_of_one_payee_opens_for_no_other(world, accountant, colleague):
    details = write(world, accountant)
    thief = Beneficiary.objects.create(name="Thief", agency=world.agency)
    details.beneficiary = thief

    with pytest.raises(bank_details.CannotBeOpened):
        bank_details.account_of(details)


@pytest.mark.parametrize(
    ("account", "wrong"),
    [
        (BankAccount("Ada", BERLIN, iban=IBAN.replace("89", "98")), "IBAN of Ada is wrong"),
        (BankAccount("Ada", BERLIN, routing_number="021000020", number="1"), "neither an IBAN"),
        (BankAccount("Ada", Address("", "DE"), iban=IBAN), "needs a town"),
    ],
)
def test_an_account_that_no_bank_would_pay_is_refused(world, accountant, account, wrong):
    with pytest.raises(NotPayable, match=wrong):
        write(world, accountant, account)


def test_nobody_enters_details_of_another_agencys_payee(world, colleague, accountant):
    stranger = Beneficiary.objects.create(
        name="Stranger", agency=factories.make_agency("eastlight")
    )

    with pytest.raises(bank_details.NoPayeeOfTheAgency):
        write(world, accountant, beneficiary=stranger)
    given = {
        "agency": world.agency.pk, "beneficiary": stranger.pk, "currency": "EUR",
        "holder": "Ada Example", "iban": IBAN, "town": "Berlin", "country": "DE",
    }  # fmt: skip
    refused = sign_in(accountant).post(admin_page(BankDetails), given)
    assert refused.status_code == 200
    assert not BankDetails.objects.exists()


def test_a_page_says_why_details_are_not_kept(world, accountant, colleague):
    write(world, accountant)
    given = {
        "agency": world.agency.pk, "beneficiary": world.beneficiary.pk, "currency": "EUR",
        "holder": "Ada Example", "iban": OTHER.iban, "town": "Berlin", "country": "DE",
    }  # fmt: skip

    answer = sign_in(accountant).post(admin_page(BankDetails), given)

    assert "wait for approval" in factories.messages_of(answer)
    assert BankDetails.objects.count() == 1
