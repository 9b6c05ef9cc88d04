"""The demo's summer, rated: the same amounts on every desk, each worked from its agreement.

MER-2026-001  2,943 lines  500 x 3.90 + 1,000 x 3.40 + 1,443 x 2.90          =  9,534.70
              145 lines in real time climb brackets of their own: x 3.90 x 7.5 =  4,241.25
              12 lines that nobody allowed, at 11.70                         =    140.40
MER-2026-002  39 equivalent days at 1,283.00                                 = 50,037.00
              490.5 seconds of face at 25.00                                 = 12,262.50
MER-2026-003  25 background days at 231.00                                   =  5,775.00
MER-2026-004  370.4 seconds  60 x 90 + 180 x 60 + 130.4 x 45                 = 22,068.00
MER-2026-005  77 lines at 3.90                                               =    300.30
MER-2026-006  2 sessions at 855.15                                           =  1,710.30
              4,507 words at 0.35                                            =  1,577.45
              64 words in a language that nobody allowed, at 1.05            =     67.20
MER-2026-007  the dubbing sheet (test_dialogue_sheet)              621.80 and 115.01 EUR
MER-2026-008  196 lines, before the late reel (test_demo_quarter)            =    573.16 EUR
NOR-2026-001  118,800 seconds, up to the cap; past 36,000, so all at 0.05    =  5,940.00
NOR-2026-002  320,806 characters are 321 packages at 0.10                    =     32.10 GBP
              54,270 words at 0.35                                           = 18,994.50 GBP
NOR-2026-003  17 altered shots at 875.00                                     = 14,875.00
NOR-2026-005  16,336.4 seconds of lip-sync come to 81.41; the minimum counts =    150.00 EUR
NOR-2026-006  2,152,866 tokens are 2,153 packages at 0.05                    =    107.65
              8 % of 61,041.45 revenue: 4,883.316                            =  4,883.32
"""

from datetime import UTC, date, datetime
from decimal import Decimal as D

import pytest

from licensing.models import Licensee, UsageEvent
from likenessdesk.demo.seed import seed
from talent.models import Agency
from tests import remembered
from valuation.ledger.journal import balance
from valuation.models import NightRun, Reading, RemittanceMatch
from valuation.night import run_night
from valuation.words import AccountKind, RunStatus

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 11, 30, 23, 0, tzinfo=UTC)

OWED = {
    ("MER-2026-001", "line", "1"): ("2943", "9534.70"),
    ("MER-2026-001", "line", "7.5"): ("145", "4241.25"),
    ("MER-2026-001", "unlicensed-line", "1"): ("12", "140.40"),
    ("MER-2026-002", "equivalent-day", "1"): ("39", "50037.00"),
    ("MER-2026-002", "hero-second", "1"): ("490.5", "12262.50"),
    ("MER-2026-003", "background-day", "1"): ("25", "5775.00"),
    ("MER-2026-004", "archive-second", "1"): ("370.4", "22068.00"),
    ("MER-2026-005", "adr-line", "1"): ("77", "300.30"),
    ("MER-2026-006", "session", "1"): ("2", "1710.30"),
    ("MER-2026-006", "word", "1"): ("4507", "1577.45"),
    ("MER-2026-006", "unlicensed-word", "1"): ("64", "67.20"),
    ("MER-2026-007", "dubbed-line", "1"): ("184", "621.80"),
    ("MER-2026-007", "adaptation", "1"): ("9201", "115.01"),
    ("MER-2026-008", "dubbed-line", "1"): ("196", "573.16"),
    ("NOR-2026-001", "avatar-second", "1"): ("118800", "5940.00"),
    ("NOR-2026-002", "thousand-characters", "1"): ("320806", "32.10"),
    ("NOR-2026-002", "word", "1"): ("54270", "18994.50"),
    ("NOR-2026-003", "altered-shot", "1"): ("17", "14875.00"),
    ("NOR-2026-005", "lip-sync", "1"): ("16336.4", "150.00"),
    ("NOR-2026-006", "thousand-tokens", "1"): ("2152866", "107.65"),
    ("NOR-2026-006", "revenue-share", "1"): ("61041.45", "4883.32"),
}


@pytest.fixture
def run(without_statements, short_papers, db):
    remembered.once(("demo night", NOW), seed_and_rate)
    return NightRun.objects.get()


def seed_and_rate():
    seed(NOW)
    run_night(as_of=date(2026, 11, 30), now=NOW)


def test_the_night_owes_what_each_agreement_says(run):
    third_quarter = Reading.objects.filter(period_on=date(2026, 7, 1), kind="use")

    found = {
        (one.agreement.reference, one.rate_line.code, f"{one.factor.normalize():f}"): one
        for one in third_quarter.select_related("agreement", "rate_line")
    }

    assert {key: (D(q), D(gross)) for key, (q, gross) in OWED.items()} == {
        key: (one.quantity, one.gross) for key, one in found.items()
    }


def test_every_use_is_rated_held_or_without_a_price(run):
    assert run.status == RunStatus.FINISHED
    assert run.events_read == UsageEvent.objects.count() == 588
    assert run.events_rated + run.events_held + run.events_zero == 588
    # Twelve wait for an approval, one is past the cap, one crosses it and is rated within; the one
    # before the term is held, since no rate card counts on its day.
    assert (run.events_held, run.events_zero) == (14, 0)


def test_the_payment_is_matched_to_the_cent(run):
    meridian = Agency.objects.get(slug="meridian").pk
    lanternfish = Licensee.objects.get(slug="lanternfish").pk

    dollars = RemittanceMatch.objects.filter(remittance__currency="USD")
    assert sum(dollars.values_list("amount", flat=True)) == D("90000.00")
    assert balance(agency_id=meridian, kind=AccountKind.TRUST_CASH, currency="USD") == 90_000
    assert not balance(
        agency_id=meridian, kind=AccountKind.UNMATCHED, currency="USD", licensee_id=lanternfish
    )


def test_a_second_night_adds_nothing(run):
    again = run_night(as_of=date(2026, 11, 30), now=NOW)

    assert again.amounts == {}
    assert NightRun.objects.count() == 2
