"""The queue: what waits for a decision, what it is worth, and gone once it is decided."""

from datetime import UTC, date, datetime
from decimal import Decimal as D

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from licensing.models import Agreement, RateCard, UsageEvent
from talent.words import Role
from tests.factories import make_member, make_performer, sign_in
from tests.valuation.world import JULY, TONIGHT
from valuation import night
from valuation.models import NightShard, ResidualLine
from valuation.reports import undecided
from valuation.words import Undecided

pytestmark = pytest.mark.usefixtures("without_statements")
QUEUE = reverse("admin:queue")


def run_night(now=TONIGHT):
    return night.run_night(as_of=now.date(), now=now)


def run_night_now():
    """Run a night after the rates of the test were written, which history dates by the clock."""
    return run_night(timezone.now())


@pytest.fixture
def clerk(world):
    return make_member(world.agency, Role.ACCOUNTING)


@pytest.fixture
def waiting(clerk):
    """What waits, priced, by kind: (count, worth, reason or rate)."""

    def find():
        items, _left_out = undecided.priced(undecided.items_of(clerk), TONIGHT.date())
        return {item.kind: (item.count, item.worth, item.rate or item.why_not) for item in items}

    return find


# What it is worth


def test_a_use_outside_the_consent_is_worth_what_the_unlicensed_rate_makes_of_it(world, waiting):
    world.line(unit_price=D(1))
    world.line(code="wild", label="Unlicensed", unit_price=D(3), unlicensed=True)
    world.use("10")
    world.use("4", "2", standing="uncleared")
    run_night()

    # Six lines at 3.00.
    assert waiting() == {Undecided.OUTSIDE: (2, D(18), "unlicensed")}


def test_without_an_unlicensed_rate_it_is_worth_what_it_would_add_as_licensed_use(world, waiting):
    # Ten lines are through; four more fall in the second bracket.
    world.line(("10", "2"), (None, "1"))
    world.use("10")
    world.use("4", standing="out_of_scope")
    run_night()

    assert waiting() == {Undecided.OUTSIDE: (1, D(4), "licensed")}


def test_it_is_priced_on_top_of_what_is_decided_and_of_nothing_that_waits(world, waiting):
    world.line(("10", "2"), (None, "1"))
    world.use("10", standing="uncleared")
    world.rule(UsageEvent.objects.get(), "licensed")
    world.use("4", standing="out_of_scope")
    run_night()
    # The ten that were ruled on are in the first bracket.
    assert waiting() == {Undecided.OUTSIDE: (1, D(4), "licensed")}

    world.line(("3", "9"), (None, "5"), code="wild", label="Unlicensed", unlicensed=True)
    run_night_now()

    # 3 x 9.00 + 1 x 5.00: the four do not climb the brackets of the unlicensed rate twice.
    assert waiting() == {Undecided.OUTSIDE: (1, D(32), "unlicensed")}


def test_what_it_is_worth_is_what_the_night_posts_once_it_is_ruled_so(world, waiting):
    world.line(("10", "2"), (None, "1"), minimum=D(15))
    world.factor("territory", "FR", "1.25")
    world.use("7")
    world.use("9.5", standing="uncleared", territory="FR")
    run_night()
    (_, worth, _rate) = waiting()[Undecided.OUTSIDE]
    before = sum(ResidualLine.objects.values_list("amount", flat=True))

    world.rule(UsageEvent.objects.get(standing="uncleared"), "licensed")
    run_night()

    assert sum(ResidualLine.objects.values_list("amount", flat=True)) - before == worth
    assert waiting() == {}


def test_events_are_rounded_one_by_one_where_the_rate_says_so(world, waiting):
    world.line(
        code="wild", label="Unlicensed", unit_price=D(3), unlicensed=True,
        round_quantity="per_event_up", round_to=D(1),
    )  # fmt: skip
    world.use("1.2", "0.4", "0.4", standing="uncleared")
    run_night()

    # 2 + 1 + 1 lines at 3.00.
    assert waiting() == {Undecided.OUTSIDE: (3, D(12), "unlicensed")}


def test_only_what_is_past_a_cap_waits(world, waiting):
    world.line(unit_price=D(1))
    world.line(code="over", label="Past the cap", unit_price=D(2), unlicensed=True)
    # Ten lines, of which four are past the cap.
    world.use("10", over_meter="lines", over=D(4), standing="cleared")
    run_night()

    assert waiting() == {Undecided.OVER_CAP: (1, D(8), "unlicensed")}


def test_what_cannot_be_priced_says_why(world, waiting):
    world.use("10", standing="on_hold")
    world.use("3", agreement=None, standing="uncleared")
    world.line(meter="words", unit_price=D(1))
    run_night()

    found = waiting()

    assert found[Undecided.DISPUTED] == (1, None, "No rate line meters lines.")
    assert found[Undecided.NO_AGREEMENT] == (1, None, undecided.NO_AGREEMENT)


def test_a_use_without_a_rate_waits_until_there_is_one(world, waiting):
    world.line(meter="words", unit_price=D(1))
    world.use("10")
    run_night_now()
    assert waiting() == {Undecided.NO_RATE: (1, None, "No rate line meters lines.")}

    world.line(code="by_line", label="Lines", unit_price=D(2))

    assert waiting() == {}


def test_a_use_before_the_first_card_is_worth_what_that_card_would_make_of_it(world, waiting):
    RateCard.objects.filter(pk=world.card.pk).update(effective_from=date(2026, 10, 1))
    world.line(unit_price=D(2))
    world.use("10", on="2026-07-15")
    run_night()

    assert waiting() == {Undecided.NO_CARD: (1, D(20), "first")}
    RateCard.objects.filter(pk=world.card.pk).update(effective_from=JULY)
    assert waiting() == {}


def test_what_the_night_set_aside_or_could_not_rate_waits_with_its_reason(
    world, waiting, monkeypatch
):
    world.line(unit_price=D("3.90"))
    world.use("99999999999999.999999", "99999999999999.999999")
    run_night()
    (_, _, reason) = waiting()[Undecided.SET_ASIDE]
    assert "more than the ledger can hold" in reason

    with monkeypatch.context() as patched:
        patched.setattr(night, "rate_and_post", lambda **_: (_ for _ in ()).throw(RuntimeError))
        run_night()
    assert waiting()[Undecided.FAILED] == (1, None, "RuntimeError")


# Its page


@pytest.fixture
def outside(world):
    """Two uses outside the consent, of four and two lines, at 3.00."""
    world.line(code="wild", label="Unlicensed", unit_price=D(3), unlicensed=True)
    world.use("4", "2", standing="uncleared")
    run_night()
    return world


def test_the_page_shows_worth_sums_and_where_to_decide(outside, clerk):
    client = sign_in(clerk)
    page = client.get(QUEUE)

    assert page.context["totals"] == {"USD": D(18)}
    assert (page.context["uses"], page.context["agreements"]) == (2, 1)
    (row,) = page.context["rows"]
    listed = client.get(row["url"])
    assert listed.context["cl"].result_count == 2
    assert "$18.00" in page.text
    assert "at the unlicensed rate" in page.text


def test_the_page_of_the_decision_leads_back_with_the_filter(outside, clerk):
    client = sign_in(clerk)
    page = client.get(QUEUE, {"kind": "outside", "licensee": outside.licensee.pk})
    back = f"{QUEUE}?kind=outside&amp;licensee={outside.licensee.pk}"

    events = client.get(page.context["rows"][0]["url"])
    event = events.context["cl"].result_list[0]
    assert back in events.text
    assert back in client.get(reverse("admin:licensing_usageevent_change", args=[event.pk])).text
    assert back not in client.get(reverse("admin:talent_performer_changelist")).text


def test_nothing_waits_once_all_is_ruled_on(outside, clerk):
    for event in UsageEvent.objects.filter(standing="uncleared"):
        outside.rule(event, "zero")

    page = sign_in(clerk).get(QUEUE)

    assert "Nothing waits." in page.text
    assert page.context["kinds"] == []


def test_it_is_filtered_by_licensee_performer_agreement_and_age(outside, clerk, monkeypatch):
    client = sign_in(clerk)
    other = make_performer("Bo Example", outside.agency)

    def rows(**asked):
        return len(client.get(QUEUE, asked).context["rows"])

    assert rows() == 1
    assert rows(performer=outside.performer.pk) == 1
    assert rows(performer=other.pk) == 0
    assert rows(agreement=outside.agreement.pk, kind="outside") == 1
    assert rows(agreement=0) == 0
    assert rows(kind="over_cap") == 0
    assert rows(licensee=outside.licensee.pk, age="90") == 1
    new = datetime.now(UTC).date().isoformat()
    outside.use("1", on=new, standing="uncleared", use="game")
    assert (rows(), rows(age="7")) == (2, 1)


def test_odd_filters_fail_nowhere(outside, clerk):
    """Each name with one odd value; `test_addresses` tries each with all that there are."""
    client = sign_in(clerk)
    names = ("kind", "licensee", "performer", "agreement", "age", "page")
    for name, value in zip(names, ("", "-1", "9" * 400, "x", "²", "a\0b"), strict=True):
        assert client.get(QUEUE, {name: value}).status_code == 200, (name, value)


def test_it_is_exported_as_filtered(outside, clerk):
    client = sign_in(clerk)

    text = b"".join(client.get(QUEUE, {"csv": "1"})).decode()
    none = b"".join(client.get(QUEUE, {"csv": "1", "kind": "failed"})).decode()

    assert "Outside the consent,Paper Moon Pictures,NA-1" in text
    assert "18.00" in text
    assert "NA-1" not in none


def test_another_agency_sees_nothing_of_it(outside, elsewhere, stranger):
    page = sign_in(make_member(elsewhere, Role.ACCOUNTING)).get(QUEUE)

    assert page.context["rows"] == []
    assert "NA-1" not in page.text
    assert sign_in(stranger).get(QUEUE).status_code == 403


def test_its_queries_do_not_follow_how_much_waits(world, clerk):
    def queries():
        client = sign_in(clerk)
        with CaptureQueriesContext(connection) as made:
            page = client.get(QUEUE)
        return len(made), len(page.context["rows"])

    world.line(unit_price=D(1))
    world.use("1", standing="uncleared")
    world.use("1", meter="words")
    run_night_now()
    few = queries()
    for number in range(2, 6):
        copy = Agreement.objects.get(pk=world.agreement.pk)
        copy.pk, copy.reference = None, f"NA-{number}"
        copy.save()
        world.card = RateCard.objects.create(agreement=copy, effective_from=JULY)
        world.line(unit_price=D(1))
        world.use("1", standing="uncleared", agreement=copy)
        world.use("1", meter="words", agreement=copy)
    run_night_now()
    many = queries()

    assert few[1] == 2
    assert many[1] == 10
    assert many[0] == few[0]
    assert not NightShard.objects.filter(status="failed").exists()


def test_more_agreements_than_are_priced_are_said_so(outside, clerk, monkeypatch):
    monkeypatch.setattr(undecided, "MOST_PRICED", 0)

    page = sign_in(clerk).get(QUEUE)

    assert page.context["left_out"] == 1
    assert "not in the sums" in page.text
