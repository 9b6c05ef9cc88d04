"""A parallel run: each figure of an old system beside the desk's, and nothing is posted."""

from decimal import Decimal as D

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from talent.words import Role
from tests.factories import make_agency, make_member, sign_in
from tests.valuation.world import TONIGHT, make_composite
from valuation import night
from valuation.models import JournalEntry, Opening, Statement
from valuation.opening.parallel import compare, totals
from valuation.opening.told import NotReadable
from valuation.words import Compared

pytestmark = pytest.mark.usefixtures("short_papers")

HEADER = "payee,period,currency,line,amount"


@pytest.fixture
def stated(world):
    """Ann earned 60.00 and Bea 30.00 of July, by the agreement NA-1."""
    twin = make_composite(world, Ann="2", Bea="1")
    world.line(unit_price=D(1))
    world.use("90", twin=twin)
    night.run_night(as_of=TONIGHT.date(), now=TONIGHT)
    return world


def file_of(*lines):
    return "\n".join([HEADER, *lines]).encode()


def compared(world, *lines):
    rows = compare(world.agency, file_of(*lines))
    return {(row.payee, row.line): (row.standing, row.difference) for row in rows}


def test_each_figure_is_equal_differs_or_is_missing_on_one_side(stated):
    assert compared(
        stated,
        "Ann,2026-07-01,USD,NA-1,60.00",
        "Ann,2026-07-01,USD,Closing,5",
        "Ann,2026-07-01,USD,NA-9,12.50",
    ) == {
        ("Ann", "NA-1"): (Compared.EQUAL, 0),
        ("Ann", "closing"): (Compared.DIFFERS, -5),
        ("Ann", "NA-9"): (Compared.MISSING_HERE, D("-12.50")),
        # Of Bea the old system says nothing at all.
        ("Bea", "earned"): (Compared.MISSING_THERE, 30),
    }


def test_an_agreement_that_the_old_system_leaves_out_is_missing_there(stated):
    assert compared(stated, "Ann,2026-07-01,USD,NA-9,1", "bea,2026-07-01,usd,earned,30") == {
        ("Ann", "NA-1"): (Compared.MISSING_THERE, 60),
        ("Ann", "NA-9"): (Compared.MISSING_HERE, -1),
        ("Bea", "earned"): (Compared.EQUAL, 0),
    }


def test_totals_add_up_agreements_together_and_each_figure_alone(stated):
    rows = compare(stated.agency, file_of(
        "Ann,2026-07-01,USD,NA-1,60", "Bea,2026-07-01,USD,NA-1,25",
        "Bea,2026-07-01,USD,earned,30", "Ann,2026-07-01,EUR,earned,7",
    ))  # fmt: skip

    found = {(one.currency, one.line): (one.there, one.here) for one in totals(rows)}
    assert found == {("EUR", "earned"): (7, 0), ("USD", ""): (85, 90), ("USD", "earned"): (30, 30)}
    [agreements] = [one for one in totals(rows) if not one.line]
    assert (agreements.difference, agreements.counts[Compared.DIFFERS]) == (5, 1)


def test_each_line_leads_to_the_statement_that_explains_it(stated):
    [row, *_others] = compare(stated.agency, file_of("Ann,2026-07-01,USD,earned,1"))

    assert row.statement_id == Statement.objects.get(beneficiary__name="Ann").pk


def test_each_wrong_line_is_named(stated):
    wrong = {
        "Ann,July,USD,earned,1": "“July” is no day",
        "Ann,2026-07-02,USD,earned,1": "No statement period of the agency begins on 2026-07-02",
        "Ann,2026-07-01,XXQ,earned,1": "“XXQ” is no currency",
        "Ann,2026-07-01,USD,,1": "It names no line",
        "Ann,2026-07-01,USD,earned,1e40": "“1e40” is no amount",
        "Nobody,2026-07-01,USD,earned,1": "Nobody of the agency is named",
    }
    twice = ["Ann,2026-07-01,USD,earned,1", "Ann,2026-07-01,USD,EARNED,2"]

    with pytest.raises(NotReadable) as refused:
        compare(stated.agency, file_of(*wrong, *twice))

    for says in [*wrong.values(), "Line 9: the same payee"]:
        assert says in str(refused.value)


def test_another_agencys_figures_are_not_compared(stated):
    with pytest.raises(NotReadable, match="Nobody of the agency"):
        compare(make_agency("elsewhere"), file_of("Ann,2026-07-01,USD,earned,60"))


def test_it_costs_the_same_queries_however_long_the_file_is(stated):
    def queries(*lines):
        with CaptureQueriesContext(connection) as made:
            compare(stated.agency, file_of(*lines))
        return len(made)

    few = queries("Ann,2026-07-01,USD,earned,1")
    assert queries(*(f"Ann,2026-07-01,USD,NA-{n},1" for n in range(50))) == few


def test_the_page_shows_the_report_and_sends_it_and_posts_nothing(stated):
    client = sign_in(make_member(stated.agency, Role.ACCOUNTING))
    before = JournalEntry.objects.count()

    def sent(**about):
        file = SimpleUploadedFile("old.csv", file_of("Ann,2026-07-01,USD,=cmd,12.50"))
        url = reverse("admin:valuation_opening_parallel_run")
        return client.post(url, {"agency": stated.agency.pk, "file": file, **about})

    page = sent().content.decode()
    assert "Missing here" in page
    assert "$12.50" in page
    text = b"".join(sent(format="csv")).decode()
    assert "Ann,2026-07-01,USD,'=cmd,12.50,,-12.50,missing_here," in text
    assert (JournalEntry.objects.count(), Opening.objects.count()) == (before, 0)
