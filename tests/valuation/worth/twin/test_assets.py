"""Twins as assets: kept once, reckoned again from their inputs, shown to whose they are."""

from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.urls import reverse

from talent import locales
from tests import factories
from tests.factories import admin_page, sign_in
from tests.valuation.world import TONIGHT
from valuation import night, tasks
from valuation.models import Scenario, SeenTime, TwinValuation, Valuation, WorthParameter
from valuation.reports import twin_memo, twin_worth
from valuation.reports.twin_worth import TwinWorth
from valuation.worth.twin import assets
from valuation.worth.twin.exposure import ChannelWeight, Curve, WearRules
from valuation.worth.twin.royalty_relief import Income, Outlook, Rights, TwinInputs, worth_of
from valuation.worth.twin.seen_days import add_new_leaves

TODAY = date(2026, 11, 22)
LATER = TONIGHT + timedelta(days=1)

pytestmark = pytest.mark.usefixtures("without_statements")


@pytest.fixture
def income(world):
    """Twelve thousand dollars earned in July by lines, and forty hours seen in cinemas."""
    world.line(unit_price=D(120))
    world.use("100")
    world.use(str(40 * 3600), meter="seconds", channel="cinema", on="2026-11-20")
    night.run_night(as_of=TODAY, now=TONIGHT)
    add_new_leaves(now=TONIGHT)
    return world


def value(world, *, as_of=TODAY, now=LATER):
    return assets.value_twin(agency_id=world.agency.pk, twin_id=world.twin.pk, as_of=as_of, now=now)


def test_a_level_income_is_worth_its_annuity_with_what_a_buyer_saves_in_taxes():
    inputs = TwinInputs(
        rules=WearRules({"cinema": ChannelWeight(D(1), D(84))}, Curve(D(200), D("1.5"), D("0.4"))),
        incomes=(Income(D(1200)),), outlook=Outlook({}, {}), discount=D("0.12"), growth=D(0),
        renewal=D(1), rights=Rights(), age_of_death=D(87), age_spread=D(10), years=15,
        tax=D("0.25"), tax_years=15,
    )  # fmt: skip

    worth = worth_of(inputs)

    # 100 in the middle of each of 180 months at 12 %: 100 × 86.15 = 8,615; TAB 1.13653.
    before = sum(100 / 1.12 ** ((month + 0.5) / 12) for month in range(180))
    assert float(worth.value) == pytest.approx(before * 1.13653, rel=1e-5)
    assert float(worth.tax_benefit) == pytest.approx(before * 0.13653, rel=1e-4)


def test_the_same_inputs_are_kept_once_and_reckon_to_the_same_again(income):
    valuation = value(income)

    assert value(income, now=LATER + timedelta(hours=1)) == valuation
    assert valuation.low < valuation.base < valuation.high
    again = assets.reckoned_again(TwinValuation.objects.get())
    assert [round(one, 2) for one in (again.low, again.base, again.high)] == [
        round(one, 2) for one in (valuation.low, valuation.base, valuation.high)
    ]
    assert any("relief from royalty (IVS 210, ISO 10668)" in s for s in valuation.inputs["sources"])


def test_new_facts_make_another_valuation_and_leave_the_first_as_it_was(income):
    first = value(income)
    income.use(str(100 * 3600), meter="seconds", channel="cinema", on="2026-11-21")
    night.run_night(as_of=LATER.date(), now=LATER + timedelta(hours=3))

    second = value(income, now=LATER + timedelta(hours=4))

    assert second.base < first.base
    assert second.exposure > first.exposure
    assert value(income, now=LATER) == first
    assert TwinValuation.objects.count() == 2


def test_it_tells_what_last_years_uses_did_and_what_a_rest_would_do(income):
    told = value(income).inputs["told"]

    assert told["earned_last_year"] == "10800.00"
    assert D(told["worn_last_year"]) > 0
    assert {name: D(told) for name, told in told["hours_last_year"].items()} == {"cinema": 40}
    lefts = [D(left) for _, left in told["rests"]]
    assert D("0.9") < lefts[0] < lefts[1] < lefts[2] <= 1


def test_the_night_values_each_twin_and_one_that_cannot_be_stops_no_other(income, caplog):
    other = factories.make_twin(income.performer, name="Ada's other")
    agreement = factories.make_agreement(
        income.agency, income.licensee, other, reference="NA-2", currency="GBP"
    )
    WorthParameter.objects.create(
        agency=income.agency, parameter="tax", value=0, worst=0, best=0, counts_from=TODAY,
        source="None here", confidence="primary", recorded_at=TONIGHT,
        recorded_by=factories.make_user("bo@northlight.example"),
    )  # fmt: skip

    assert assets.value_twins(as_of=TODAY, now=LATER) == 2
    found = TwinValuation.objects.get(twin=other)
    assert (found.currency, found.base, found.tax_benefit) == (agreement.currency, 0, 0)

    # Ada's own agreement turns to pounds, of which no rate is stored.
    income.agreement.currency = "GBP"
    income.agreement.save()
    factories.make_agreement(income.agency, income.licensee, income.twin, reference="NA-3")
    factories.make_agreement(income.agency, income.licensee, income.twin, reference="NA-4")
    assert assets.value_twins(as_of=TODAY, now=LATER) == 1
    assert "No rate of GBP in USD is stored" in caplog.text


def test_the_task_adds_up_and_values(income):
    income.use("3600", meter="seconds")
    night.run_night(as_of=LATER.date(), now=LATER)

    assert tasks.value_twins() == 1
    assert SeenTime.objects.filter(channel="streaming", seconds=3600).exists()


# Who sees it


@pytest.fixture
def valuation(income):
    return value(income)


def address(valuation):
    return f"/api/v1/twins/{valuation.twin_id}/valuation"


def test_staff_and_the_performer_read_it_as_of_a_day(valuation, agent, ada):
    for reader in (sign_in(agent), sign_in(ada)):
        (found,) = reader.get(address(valuation)).json()
        assert D(found["base"]) == valuation.base
        assert (found["currency"], found["as_of"]) == ("USD", "2026-11-22")
        assert any("IVS 210" in line for line in found["method"])
        assert reader.get(f"{address(valuation)}?as_of=2026-11-21").status_code == 404
        assert reader.get(f"{address(valuation)}?as_of=soon").status_code == 400


def test_no_licensees_key_reads_what_a_twin_is_worth(valuation, terms):
    studio = factories.make_studio(terms, at=TONIGHT)

    assert studio.get(address(valuation)).status_code in (401, 403)


def test_strangers_and_other_agencies_find_nothing(valuation, stranger, elsewhere):
    factories.represent(elsewhere, valuation.twin.performer)
    other = factories.make_member(elsewhere, "agent", email="other@elsewhere.example")

    for reader in (stranger, other):
        assert sign_in(reader).get(address(valuation)).status_code == 404
    page = sign_in(other).get(admin_page(TwinValuation, name="changelist"))
    assert page.status_code == 200
    assert "Ada" not in page.content.decode()


def test_the_portal_says_what_it_is_worth_and_what_a_rest_would_do(valuation, ada):
    page = sign_in(ada).get(reverse("portal:worth")).content.decode()

    assert locales.about(valuation.base, "USD", "en-US") in page
    assert f"${valuation.base:,.2f}" not in page, "Nobody knows an estimate to the cent."
    assert "$10,800.00" in page
    assert "After 12 months without use: " in page
    assert "for 40 hours in the last year" in page


def test_the_performer_reads_it_as_a_memo_and_nobody_else_does(
    valuation, ada, stranger, terms, monkeypatch
):
    address = reverse("portal:worth-memo", args=[valuation.pk])
    reader = sign_in(ada)
    assert address in reader.get(reverse("portal:worth")).text

    sent = reader.get(address)
    assert sent["Content-Type"] == "application/pdf"
    assert b"".join(sent).startswith(b"%PDF")
    monkeypatch.setattr(twin_memo.papers, "draw", lambda html, dated: html.encode())
    text = b"".join(reader.get(address)).decode()
    assert locales.about(valuation.base, "USD", "en-US") in text
    assert "Income approach, relief from royalty (IVS 210; ISO 10668" in text
    assert "<td>NA-1</td>" in text
    assert bytes(valuation.digest).hex() in text

    other = factories.make_user("bo@performers.example", performer=factories.make_performer("Bo"))
    assert sign_in(other).get(address).status_code == 404
    assert sign_in(stranger).get(address).status_code in (302, 404)
    assert factories.make_studio(terms, at=TONIGHT).get(address).status_code in (302, 401, 403)


def test_a_licensees_key_opens_no_page_of_worth(valuation, terms):
    studio = factories.make_studio(terms, at=TONIGHT)
    pages = [
        admin_page(TwinValuation, name="changelist"),
        admin_page(TwinValuation, valuation.pk),
        reverse("admin:cap_advice", args=[valuation.pk]),
        reverse("admin:break_even"),
        reverse("admin:quality"),
        admin_page(Scenario, name="changelist"),
        admin_page(Valuation, name="changelist"),
        reverse("portal:worth"),
    ]

    for page in pages:
        answer = studio.get(page)
        # A browser without a session is led to the sign-in.
        led = answer.get("Location", "").startswith((reverse("admin:login"), reverse("login")))
        assert answer.status_code in (401, 403) or led
        assert "Ada" not in answer.content.decode()


def test_a_twin_that_is_hardly_seen_is_promised_nothing_of_a_rest(valuation):
    worth = TwinWorth(valuation, "en-US")
    assert not worth.rest_changes_nothing

    left = str(valuation.price_left)
    valuation.inputs["told"]["rests"] = [[months, left] for months in (3, 6, 12)]

    assert worth.rest_changes_nothing


def test_a_worth_over_time_is_drawn_from_the_second_valuation_on(valuation, income, agent):
    opened = sign_in(agent)
    assert "chart-over-time" not in opened.get(admin_page(TwinValuation, valuation.pk)).text

    later = value(income, as_of=TODAY + timedelta(days=1), now=LATER + timedelta(days=1))

    assert "chart-over-time" in opened.get(admin_page(TwinValuation, later.pk)).text


def test_the_courses_of_several_valuations_are_asked_for_at_once(
    valuation, income, django_assert_num_queries
):
    later = value(income, as_of=TODAY + timedelta(days=1), now=LATER + timedelta(days=1))

    with django_assert_num_queries(1):
        first, second = twin_worth.told([valuation, later], "en-US")

    assert list(first.until_now) == [valuation]
    assert list(second.until_now) == [valuation, later]


def test_the_portfolio_lists_each_twins_newest_with_its_change(valuation, income, agent):
    value(income, as_of=TODAY + timedelta(days=40), now=LATER + timedelta(days=40))

    listed = sign_in(agent).get(admin_page(TwinValuation, name="changelist"))

    assert [row.as_of for row in listed.context["cl"].result_list] == [date(2027, 1, 1)]
    assert "All twins, USD" in listed.content.decode()
    opened = sign_in(agent).get(admin_page(TwinValuation, valuation.pk)).content.decode()
    assert "Not verified" in opened
    assert "NA-1" in opened


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        ({"value": "0.5", "worst": "0.2", "best": "0.4"}, "between the worst and the best"),
        ({"value": "1.5", "worst": "1", "best": "2"}, "goes from 0 to 1"),
        ({"channel": "cinema"}, "the same for all channels"),
        ({}, ""),
    ],
)
def test_business_affairs_record_a_figure_and_an_impossible_one_is_refused(
    affairs, agency, told, wrong
):
    given = {
        "agency": agency.pk, "parameter": "floor", "channel": "", "value": "0.5", "worst": "0.4",
        "best": "0.6", "counts_from": "2026-11-01", "source": "Our study", "confidence": "primary",
    }  # fmt: skip

    page = sign_in(affairs).post(admin_page(WorthParameter), given | told)

    assert WorthParameter.objects.exists() is not bool(wrong)
    if wrong:
        assert wrong in page.content.decode()
    else:
        assert WorthParameter.objects.get().recorded_by == affairs


def test_an_agent_reads_figures_and_records_none(agent, agency):
    assert sign_in(agent).get(admin_page(WorthParameter, name="changelist")).status_code == 200
    assert sign_in(agent).get(admin_page(WorthParameter)).status_code == 403
