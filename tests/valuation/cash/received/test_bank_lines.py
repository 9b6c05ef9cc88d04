"""A bank's file becomes lines, each of which a person records as received or sets aside."""

from datetime import UTC, date, datetime
from decimal import Decimal as D

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from licensing.models import Agreement, RateCard
from talent.words import Role
from tests import factories
from tests.factories import take_step
from tests.valuation.cash.accounting import mt940
from tests.valuation.world import JULY, TONIGHT
from valuation import night
from valuation.bank_files.statements import BalancesDoNotFit
from valuation.cash.received import bank_lines, remittances
from valuation.cash.released import matching, reversals
from valuation.models import (
    BankFile,
    BankLine,
    BankLineStep,
    JournalEntry,
    Remittance,
    RemittanceMatch,
)

pytestmark = pytest.mark.usefixtures("without_statements")


@pytest.fixture
def accountant(world):
    return factories.make_member(world.agency, Role.ACCOUNTING)


def upload(world, by, *lines, name="september.sta", **about):
    return bank_lines.upload(
        agency=world.agency, content=mt940(*lines, **about), name=name, by=by, at=TONIGHT
    )


def record(world, line, by, agreements=()):
    return bank_lines.record(
        line=line, licensee=world.licensee, agreements=agreements, by=by, at=TONIGHT
    )


def is_open(line):
    return BankLine.objects.with_state().get(pk=line.pk).is_open


def test_a_receipt_waits_until_a_person_records_it(world, accountant):
    world.line(unit_price=D(100))
    world.use("10")
    night.run_night(as_of=date(2026, 11, 22), now=TONIGHT)
    upload(world, accountant, (100_000, world.licensee.name, "NA-1"))
    line = BankLine.objects.get()
    assert is_open(line)
    assert not Remittance.objects.exists()

    remittance = record(world, line, accountant)
    matching.match_unmatched(agency_id=world.agency.pk, now=TONIGHT)

    assert (remittance.amount, remittance.received_on) == (D(1000), date(2026, 9, 20))
    assert RemittanceMatch.objects.get().amount == D(1000)
    assert not is_open(line)


def test_a_line_is_recorded_once(world, accountant):
    upload(world, accountant, (5_000, world.licensee.name, "June"))
    line = BankLine.objects.get()
    record(world, line, accountant)

    with pytest.raises(bank_lines.NotOpen):
        record(world, line, accountant)

    assert Remittance.objects.count() == 1


def test_what_went_out_is_no_receipt(world, accountant):
    upload(world, accountant, (-5_000, "Fee", "of the bank"))

    with pytest.raises(bank_lines.NotOpen):
        record(world, BankLine.objects.get(), accountant)


def test_a_receipt_that_was_reversed_waits_again(world, accountant):
    colleague = factories.make_member(world.agency, Role.BUSINESS_AFFAIRS)
    upload(world, accountant, (5_000, world.licensee.name, "June"))
    line = BankLine.objects.get()
    record(world, line, accountant)
    entry = JournalEntry.objects.get(kind="receipt")
    request = reversals.ask(entry_id=entry.pk, reason="Bounced.", by=accountant, at=TONIGHT)
    reversals.approve(request_id=request.pk, by=colleague, at=TONIGHT, note="")

    assert is_open(line)
    again = record(world, line, accountant)

    assert again.reference.endswith(f"(bank line {line.pk}, again 1)")
    assert not is_open(line)


def test_the_same_file_is_read_once(world, accountant):
    upload(world, accountant, (5_000, "A", "June"))

    with pytest.raises(bank_lines.ReadBefore, match=r"september\.sta"):
        upload(world, accountant, (5_000, "A", "June"), name="copy.sta")

    assert BankLine.objects.count() == 1


def test_a_line_that_two_files_bring_is_one_line(world, accountant):
    upload(world, accountant, (5_000, "A", "June"), (7_000, "B", "June"))

    again = upload(world, accountant, (7_000, "B", "June"), (9_000, "C", "July"), number="2")

    assert again.lines_known == 1
    assert sorted(BankLine.objects.values_list("amount", flat=True)) == [D(50), D(70), D(90)]


def test_two_equal_payments_of_a_day_are_two_lines(world, accountant):
    upload(world, accountant, (5_000, "A", "June"), (5_000, "A", "June"))

    assert BankLine.objects.count() == 2


def test_a_file_that_does_not_add_up_keeps_nothing(world, accountant):
    content = mt940((5_000, "A", "June")).replace(b"C50,00NTRF", b"C50,01NTRF")

    with pytest.raises(BalancesDoNotFit):
        bank_lines.upload(agency=world.agency, content=content, name="x", by=accountant, at=TONIGHT)

    assert not BankFile.objects.exists()


def test_a_line_set_aside_can_be_taken_up_again(world, accountant):
    upload(world, accountant, (5_000, "Bank", "Interest"))
    line = BankLine.objects.get()
    bank_lines.set_aside(line=line, reason="Interest.", by=accountant, at=TONIGHT)
    with pytest.raises(bank_lines.NotOpen):
        record(world, line, accountant)

    bank_lines.take_up(line=line, reason="It was theirs.", by=accountant, at=TONIGHT)

    assert is_open(line)
    with pytest.raises(bank_lines.NotSetAside):
        bank_lines.take_up(line=line, reason="Twice.", by=accountant, at=TONIGHT)
    assert list(line.steps.order_by("pk").values_list("kind", flat=True)) == [
        "set_aside", "taken_up",
    ]  # fmt: skip


def test_who_paid_from_an_account_is_known_by_it_the_next_time(world, accountant):
    def paid(text, number):
        content = mt940((5_000, "HOLDING 7", text), number=number)
        return content.replace(b"?32HOLDING", b"?31DE89370400440532013000?32HOLDING")

    for number, text in (("1", "June"), ("2", "July")):
        bank_lines.upload(agency=world.agency, content=paid(text, number), name=text,
                          by=accountant, at=TONIGHT)  # fmt: skip
    june, july = BankLine.objects.order_by("pk")
    assert bank_lines.proposals_of([july])[july.pk] == []
    record(world, june, accountant)

    (proposal,) = bank_lines.proposals_of([july])[july.pk]

    assert proposal.licensee == world.licensee.pk


def test_a_remittance_that_names_an_agreement_pays_that_one_first(world, accountant):
    world.line(unit_price=D(10))
    world.use("10")
    second = Agreement.objects.create(
        agency=world.agency, licensee=world.licensee, twin=world.twin, reference="HAR-2",
        status="signed", signed_at=datetime(2026, 6, 1, tzinfo=UTC),
        starts_at=datetime(2026, 7, 1, tzinfo=UTC), currency="USD",
    )  # fmt: skip
    world.card = RateCard.objects.create(agreement=second, effective_from=JULY)
    world.line(unit_price=D(20))
    world.use("10", agreement=second)
    night.run_night(as_of=date(2026, 11, 22), now=TONIGHT)

    remittances.record(
        agency_id=world.agency.pk, licensee_id=world.licensee.pk, amount=D(250), currency="USD",
        received_on=date(2026, 7, 30), reference="for HAR-2", by=None, now=TONIGHT,
    )  # fmt: skip
    matching.match_unmatched(agency_id=world.agency.pk, now=TONIGHT)

    # HAR-2 owes 200 and comes first although NA-1 is older; what is left pays NA-1.
    paid = RemittanceMatch.objects.order_by("pk").values_list(
        "reading__agreement__reference", "amount"
    )
    assert list(paid) == [("HAR-2", D(200)), ("NA-1", D(50))]


# Pages


def page(name):
    return reverse(f"admin:valuation_{name}")


def send_in(client, world, content):
    file = SimpleUploadedFile("september.sta", content)
    return client.post(
        page("bankfile_upload_file"), {"agency": world.agency.pk, "file": file}, follow=True
    )


def test_an_accountant_uploads_a_file_and_records_what_is_proposed(world, accountant):
    client = factories.sign_in(accountant)
    content = mt940((5_000, world.licensee.name, "NA-1"), (7_000, "City Bank", "Interest"))

    listed = send_in(client, world, content).content.decode()
    assert "2 lines are new" in listed
    theirs, other = BankLine.objects.order_by("pk")
    factories.run_action(client, "record_as_proposed", theirs, other)

    assert Remittance.objects.get().agreements.get() == world.agreement
    assert BankLineStep.objects.get().line == theirs
    assert is_open(other)


def test_a_file_that_cannot_be_read_says_why_beside_its_field(world, accountant):
    answer = send_in(factories.sign_in(accountant), world, b"no bank's file")

    assert "neither a camt.053 nor an MT940 file" in answer.content.decode()


def test_only_agreements_of_the_licensee_are_paid_first(world, accountant):
    other = factories.make_licensee("other-moon")
    foreign = factories.make_agreement(world.agency, other, world.twin, reference="OT-1")
    upload(world, accountant, (5_000, world.licensee.name, "June"))

    answer = take_step(
        factories.sign_in(accountant), "record", BankLine.objects.get(),
        licensee=world.licensee.pk, agreements=[foreign.pk],
    )  # fmt: skip

    assert "Not an agreement of this licensee: OT-1." in answer.content.decode()
    assert not Remittance.objects.exists()


def test_lines_of_another_agency_are_not_found(world, accountant):
    upload(world, accountant, (5_000, world.licensee.name, "June"))
    stranger = factories.make_member(factories.make_agency("far"), Role.ACCOUNTING)
    line = BankLine.objects.get()

    client = factories.sign_in(stranger)

    assert client.get(factories.admin_page(BankLine, line.pk)).status_code == 404
    assert take_step(client, "set_aside", line, reason="Mine.").status_code == 404
    answer = send_in(client, world, mt940((100, "A", "B")))
    assert "Select a valid choice" in answer.content.decode()


def test_a_list_of_lines_asks_the_database_as_often_however_many_there_are(world, accountant):
    client, counts = factories.sign_in(accountant), []
    for number in ("1", "2", "3"):
        upload(world, accountant, *[(100 * n, world.licensee.name, f"{number}-{n}")
                                    for n in range(1, 9)], number=number)  # fmt: skip
        with CaptureQueriesContext(connection) as taken:
            assert client.get(page("bankline_changelist")).status_code == 200
        counts.append(len(taken))

    assert counts[1] == counts[2]
