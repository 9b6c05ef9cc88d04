"""A dubbing studio's sheet, from a play of 1895 to three statements, to the cent.

The sheet has one row per speech of Lady Bracknell in the third act of The Importance of Being
Earnest: 48 rows, 1,652 words, 9,201 characters. Her voice is Vesper, a persona made of three
people who share five to three to two. The agreement pays in euros, by the quarter:

    Dubbed lines. A line is ten words; each speech counts up to whole lines.
    The sessions of 13 and 14 July, 17 August and 7 September hold
    48 + 51 + 45 + 40 = 184 lines.

         lines   1 to  50 at 3.90     50 x 3.90 = 195.00
         lines  51 to 120 at 3.40     70 x 3.40 = 238.00
         lines 121 to 184 at 2.95     64 x 2.95 = 188.80
                                                  ------
                                                  621.80

    Adaptation, per character: 9,201 x 0.0125 = 115.0125, rounded once:
                                                  115.01
                                                  ------
    Owed by the studio                            736.81

    Shares, each reading split by 5 : 3 : 2, what is left over to the largest remainder:

                   621.80      115.01 (57.505, 34.503, 23.002)      sum
         Hana      310.90       57.51                              368.41
         Ivo       186.54       34.50                              221.04
         Jun       124.36       23.00                              147.36
                                                                   ------
                                                                   736.81

    Once the studio has paid it all, commission at each one's own rate:

         Hana      10   %   36.841  -> 36.84       payable         331.57
         Ivo       10   %   22.104  -> 22.10                       198.94
         Jun       12.5 %   18.42                                  128.94
                            -----                                  ------
                            77.36                                  659.45
"""

from datetime import UTC, date, datetime
from decimal import Decimal as D
from unittest import mock

import pytest
from django.core.management import call_command
from django.db.models import Sum

from licensing.agreements.rules.rulesets import load_rules
from licensing.models import Agreement, UsageEvent
from licensing.words import Standing
from likenessdesk.demo import business
from likenessdesk.demo.dialogue import MAPPING, SHEET
from likenessdesk.demo.people import write_people
from tests import remembered
from valuation.cash.received import remittances
from valuation.models import Posting, Reading, ResidualLine, Statement
from valuation.night import run_night
from valuation.statements import snapshot
from valuation.words import AccountKind

pytestmark = pytest.mark.django_db(transaction=True)

CENT = D("0.01")
SHARES = {"Hana Dummy": "368.41", "Ivo Testcase": "221.04", "Jun Prototype": "147.36"}
COMMISSIONS = {"Hana Dummy": "36.84", "Ivo Testcase": "22.10", "Jun Prototype": "18.42"}
PAYABLE = {"Hana Dummy": "331.57", "Ivo Testcase": "198.94", "Jun Prototype": "128.94"}


def write_parties():
    """Write the demo's people with the sheet's agreement alone: the three earn by another, too."""
    load_rules()
    write_people()
    own = [deal for deal in business.DEALS if deal.reference == "MER-2026-007"]
    with mock.patch.object(business, "DEALS", own):
        business.write_business()


@pytest.fixture
def agreement(db):
    remembered.once("parties of the sheet", write_parties)
    return Agreement.objects.get(reference="MER-2026-007")


def imported(sheet=SHEET):
    call_command(
        "import_usage", str(sheet), agency="meridian", licensee="saltmarsh", mapping=MAPPING
    )


def night():
    run_night(as_of=date(2026, 11, 30), now=datetime(2026, 11, 30, 23, tzinfo=UTC))


def owed(agreement):
    readings = Reading.objects.filter(agreement=agreement)
    return {reading.rate_line.code: (reading.quantity, reading.gross) for reading in readings}


def earned(agreement):
    lines = ResidualLine.objects.filter(agreement=agreement)
    rows = lines.values_list("beneficiary__name").annotate(Sum("amount"))
    return {name: str(amount.quantize(CENT)) for name, amount in rows}


def balances(kind):
    """What Meridian's accounts hold for each beneficiary; what is owed to them is a credit."""
    postings = Posting.objects.filter(account__kind=kind.value, account__agency__slug="meridian")
    rows = postings.values_list("account__beneficiary__name").annotate(Sum("amount"))
    return {name: str(-amount.quantize(CENT)) for name, amount in rows if amount}


def test_each_speech_is_one_use_inside_the_agreement(agreement):
    imported()

    uses = UsageEvent.objects.filter(agreement=agreement)
    assert uses.count() == 48
    assert set(uses.values_list("standing", "right", "use", "language", "territory")) == {
        (Standing.CLEARED.value, "composite", "dubbing", "it", "IT")
    }
    assert uses.aggregate(words=Sum("words"), characters=Sum("characters")) == {
        "words": 1652,
        "characters": 9201,
    }
    # Midnight in Rome: the day of the session is the day in the studio's zone.
    assert uses.order_by("occurred_at")[0].occurred_at == datetime(2026, 7, 12, 22, tzinfo=UTC)


@pytest.mark.usefixtures("without_statements")
def test_the_night_owes_what_was_worked_by_hand(agreement):
    imported()

    night()

    assert owed(agreement) == {
        "dubbed-line": (D(184), D("621.80")),
        "adaptation": (D(9201), D("115.01")),
    }
    assert earned(agreement) == SHARES
    assert balances(AccountKind.ACCRUED) == SHARES


@pytest.mark.usefixtures("without_statements")
def test_the_same_sheet_again_is_paid_once(agreement):
    imported()
    night()

    imported()
    night()

    assert earned(agreement) == SHARES


@pytest.mark.usefixtures("without_statements")
def test_half_a_sheet_and_then_the_rest_pay_the_same(agreement, tmp_path):
    """48 + 51 = 99 lines: 195.00 + 49 x 3.40 = 361.60, and 260.20 the night after."""
    header, *rows = SHEET.read_text(encoding="utf-8").splitlines(keepends=True)
    half, rest = tmp_path / "july.csv", tmp_path / "autumn.csv"
    half.write_text(header + "".join(rows[:24]), encoding="utf-8")
    rest.write_text(header + "".join(rows[24:]), encoding="utf-8")

    imported(half)
    night()
    assert owed(agreement)["dubbed-line"] == (D(99), D("361.60"))

    imported(rest)
    night()
    assert owed(agreement)["dubbed-line"] == (D(184), D("621.80"))
    assert earned(agreement) == SHARES


def paid_in_full(agreement):
    remittances.record(
        agency_id=agreement.agency_id,
        licensee_id=agreement.licensee_id,
        amount=D("736.81"),
        currency="EUR",
        # Before Ivo's certificate ends, and after the last session that Jun was in.
        received_on=date(2026, 8, 31),
        reference="Bonifico 1895",
        by=None,
        now=datetime(2026, 11, 27, 9, 0, tzinfo=UTC),
    )


@pytest.mark.usefixtures("without_statements")
def test_what_the_studio_paid_becomes_payable_less_commission(agreement):
    imported()
    night()
    assert balances(AccountKind.PAYABLE) == {}

    paid_in_full(agreement)
    night()

    assert balances(AccountKind.COMMISSION) == COMMISSIONS
    assert balances(AccountKind.PAYABLE) == PAYABLE
    assert balances(AccountKind.ACCRUED) == {}


def test_each_of_the_three_gets_a_statement_of_their_own_share(agreement):
    imported()
    paid_in_full(agreement)

    night()

    quarter = Statement.objects.filter(
        agency=agreement.agency, currency="EUR", period_on=date(2026, 7, 1)
    )
    stated = {s.beneficiary.name: s for s in quarter.exclude(beneficiary=None)}
    assert {name: str(s.earned.quantize(CENT)) for name, s in stated.items()} == SHARES
    assert {name: str(-s.deductions.quantize(CENT)) for name, s in stated.items()} == COMMISSIONS
    assert {name: str(s.closing.quantize(CENT)) for name, s in stated.items()} == PAYABLE

    hana = snapshot.from_json(stated["Hana Dummy"].content)
    assert [(line.quantity, line.rates, line.share, line.amount) for line in hana.lines] == [
        (D(184), (D("3.90"), D("3.40"), D("2.95")), D(50), D("310.90")),
        (D(9201), (D("0.0125"),), D(50), D("57.51")),
    ]
    assert hana.net == hana.closing_balance == D("331.57")
    with stated["Hana Dummy"].pdf.open("rb") as paper:
        assert paper.read(5) == b"%PDF-"


@pytest.mark.usefixtures("short_papers")
def test_the_agencys_roll_up_adds_the_three_up(agreement):
    imported()
    paid_in_full(agreement)

    night()

    roll_up = Statement.objects.get(agency=agreement.agency, currency="EUR", beneficiary=None)
    assert (roll_up.earned, roll_up.received) == (D("736.81"), D("736.81"))
    assert (roll_up.deductions, roll_up.closing) == (D("-77.36"), D("659.45"))
