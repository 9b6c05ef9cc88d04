"""A performer who changes agency: who collects, what commission stays, and what is handed over."""

import json
from datetime import date, timedelta
from decimal import Decimal as D

import pgtrigger
import pytest

from licensing.models import Agreement
from talent import four_eyes
from talent.consent import consents
from talent.consent.matrix import Cell
from talent.models import Beneficiary, Performer
from talent.words import Role
from tests import factories
from tests.factories import admin_page, messages_of, sign_in, take_step
from tests.valuation.cash.accounting import add_details
from tests.valuation.world import TONIGHT, issue_july_statement
from valuation import night
from valuation.cash.received import allocations, remittances
from valuation.cash.released import agency_changes, matching
from valuation.ledger import journal
from valuation.models import AgencyChange, HandOver, ReleasedPart
from valuation.reports import hand_over
from valuation.words import AccountKind

pytestmark = pytest.mark.usefixtures("without_statements")
TODAY = TONIGHT.date()


@pytest.fixture
def accountant(world):
    return factories.make_member(world.agency, Role.ACCOUNTING)


@pytest.fixture
def colleague(world):
    return factories.make_member(world.agency, Role.BUSINESS_AFFAIRS)


@pytest.fixture
def owing(world):
    """1,000.00 is owed; Ada gets 900.00 of it after commission."""
    world.line(unit_price=D(1))
    world.use("1000")
    night.run_night(as_of=TODAY, now=TONIGHT)
    return world


def leaves(world, by, **fields):
    told = {"performer": world.performer, "starts_on": TODAY, "collector": "old",
            "no_commission_from": TODAY, "source": "Release, clause 4"}  # fmt: skip
    return AgencyChange.objects.create(
        agency=world.agency, new_agency="Southlight",
        written_at=TONIGHT, written_by=by, **told | fields,
    )  # fmt: skip


def make_other():
    return Performer.objects.create(name="Somebody Else")


def approve(change, by):
    return agency_changes.approve(change_id=change.pk, by=by, at=TONIGHT)


def receive(world, amount, *, on):
    receipt = remittances.record(
        agency_id=world.agency.pk, licensee_id=world.licensee.pk, amount=D(amount), currency="USD",
        received_on=on, reference=f"W{on}", by=None, now=TONIGHT,
    )  # fmt: skip
    matching.match_unmatched(agency_id=world.agency.pk, now=TONIGHT)
    return receipt


def balances(world):
    """Return what commission and payable money stand at."""
    return tuple(
        -journal.balance(
            agency_id=world.agency.pk, kind=kind, currency="USD",
            beneficiary_id=world.beneficiary.pk,
        )
        for kind in (AccountKind.COMMISSION, AccountKind.PAYABLE)
    )  # fmt: skip


def test_commission_stays_or_ends_by_the_day_of_receipt_and_never_for_what_came_before(
    owing, accountant, colleague
):
    early = receive(owing, "100", on=TODAY - timedelta(9))
    keeps = leaves(owing, accountant, no_commission_from=None)
    with pytest.raises(four_eyes.FourEyes):
        approve(keeps, accountant)
    approve(keeps, colleague)
    receive(owing, "100", on=TODAY - timedelta(1))
    assert balances(owing) == (20, 180)
    with pytest.raises(agency_changes.TooLate, match=str(TODAY - timedelta(1))):
        approve(leaves(owing, accountant, starts_on=TODAY - timedelta(1),
                       no_commission_from=TODAY - timedelta(1)), colleague)  # fmt: skip

    ends = approve(leaves(owing, accountant), colleague)
    with pytest.raises(agency_changes.NotItsTurn):
        approve(ends, colleague)
    receive(owing, "200", on=TODAY)
    assert balances(owing) == (20, 380)
    newest = ReleasedPart.objects.latest("pk")
    assert newest.sources["commission"] == f"no commission from {TODAY}: Release, clause 4"
    # What came before that day and is told later keeps its commission.
    receive(owing, "100", on=TODAY - timedelta(2))
    assert balances(owing) == (30, 470)
    # What came before and is given back takes its commission back, at its own rate.
    allocations.unmatch(remittance=early, reason="Not theirs.", by=accountant, at=TONIGHT)
    assert balances(owing) == (20, 380)


def test_the_new_agency_collects_only_where_nothing_that_was_signed_here_goes_on(
    owing, accountant, colleague
):
    change = leaves(owing, accountant, collector="new")
    with pytest.raises(agency_changes.StillSigned, match="NA-1"):
        approve(change, colleague)
    stranger = leaves(owing, accountant, performer=Performer.objects.create(name="Bo"))
    with pytest.raises(agency_changes.NotTheirPerformer):
        approve(stranger, colleague)
    with pgtrigger.ignore():
        Agreement.objects.update(ends_at=TONIGHT - timedelta(1))
    approve(change, colleague)


def test_the_file_has_what_is_theirs_and_nothing_else_and_goes_out_by_two_people(
    owing, accountant, colleague
):
    for who, right in ((owing.performer, "voice"), (other := make_other(), "face")):
        consents.record(
            matrix=consents.matrix_of(performer=who), cells=[Cell(right, "dubbing", "allow")],
            evidence=consents.Evidence(f"As shown to {who}"), in_force_from=TONIGHT,
            recorded_at=TONIGHT, by=None,
        )  # fmt: skip
    elses = Beneficiary.objects.create(name="Somebody Else", performer=other)
    twin = factories.make_twin(other)
    factories.make_agreement(owing.agency, owing.licensee, twin, reference="NA-ELSE")
    add_details(owing, owing.beneficiary, accountant, colleague)
    receive(owing, "100", on=TODAY - timedelta(9))
    with pytest.raises(hand_over.NotItsTurn, match="change approved first"):
        hand_over.make(change_id=leaves(owing, accountant).pk, by=accountant, at=TONIGHT)
    change = approve(leaves(owing, accountant), colleague)
    issue_july_statement(owing, closing="90")

    file = hand_over.make(change_id=change.pk, by=accountant, at=TONIGHT)
    with pytest.raises(hand_over.NotItsTurn, match="approves it first"):
        hand_over.fetch(hand_over_id=file.pk, by=accountant, at=TONIGHT)
    with pytest.raises(four_eyes.FourEyes):
        hand_over.approve(hand_over_id=file.pk, by=accountant, at=TONIGHT)
    assert "is approved" in messages_of(take_step(sign_in(colleague), "approve", file))
    page = admin_page(HandOver, file.pk, name="fetch_file")
    sent = sign_in(accountant).post(page)

    told = json.loads(sent.content)
    assert [one["terms"]["reference"] for one in told["agreements"]] == ["NA-1"]
    assert told["agreements"][0]["commission_percent"] == "10"
    (consent,) = told["consents"]
    assert consent["text"] == "As shown to Ada Example"
    assert [(one["right"], one["stance"]) for one in consent["cells"]] == [("voice", "allow")]
    payee = f"payee-{owing.beneficiary.pk}"
    assert {(one["account"], one["amount"]) for one in told["balances"]} == {
        ("accrued", "900"), ("payable", "90"), ("commission", "10"),
    }  # fmt: skip
    assert told["open_items"] == [
        {"payee": payee, "received_on": str(TODAY - timedelta(9)), "agreement": "NA-1",
         "amount": "90", "currency": "USD"}
    ]  # fmt: skip
    assert [one["number"] for one in told["statements"]] == ["X-1"]
    assert told["change"]["no_commission_from_receipts_of"] == str(TODAY)
    text = sent.content.decode()
    for secret in ("DE89", "3000", "Somebody Else", "NA-ELSE", elses.name):
        assert secret not in text
    assert [step.kind for step in file.steps.order_by("pk")] == ["approved", "fetched"]
    # A GET sends nothing and notes nothing; later money changes nothing of what was made.
    receive(owing, "100", on=TODAY)
    assert sign_in(accountant).get(page).status_code == 200
    assert file.steps.count() == 2
    assert sign_in(accountant).post(page).content == sent.content
    stranger = factories.make_member(factories.make_agency("other"), Role.ACCOUNTING)
    for row in (change, file):
        assert sign_in(stranger).get(admin_page(type(row), row.pk)).status_code != 200
    assert change.starts_on == date(2026, 11, 22)
