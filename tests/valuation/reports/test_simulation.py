"""Simulation in money: the night's own prices on the facts of some months, and nothing changed."""

from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.db.models import Sum
from django.urls import resolve, reverse
from django.utils import timezone
from kombu.exceptions import OperationalError

from licensing.agreements.rules.rulesets import load_rules
from licensing.clearance.simulation import Effect
from licensing.models import Agreement, Amendment, RateCard, RateLine, UsageEvent
from talent.consent.consents import matrix_of
from talent.consent.matrix import Cell
from talent.consent.scope import Scope
from talent.models import Representation
from talent.words import Role
from tests.factories import admin_page, make_member, messages_of, record_consent, sign_in
from tests.valuation.world import JULY, TONIGHT, make_composite
from tests.written import what_was_done
from valuation import night, tasks
from valuation.models import ResidualLine
from valuation.reports import simulation, simulation_runs

pytestmark = pytest.mark.usefixtures("without_statements")
AUGUST = date(2026, 8, 1)
DENIED = [Cell("voice", "dubbing", "deny")]


@pytest.fixture
def used(world):
    """Ten lines in July and five in August at 1.00, read by a night."""
    world.line(unit_price=D(1))
    world.use("10")
    world.use("5", on="2026-08-03")
    run_night()
    return world


def run_night():
    night.run_night(as_of=TONIGHT.date(), now=TONIGHT)


@pytest.fixture
def draft(used):
    """A card that nobody has agreed to, at 2.50."""
    card = RateCard.objects.create(
        agreement=used.agreement, effective_from=date(2027, 1, 1), proposed=True
    )
    RateLine.objects.create(
        card=card, code="lines", label="Dubbed lines", meter="lines", pricing="per_unit",
        unit_price=D("2.50"),
    )  # fmt: skip
    return card


def of_card(card, months=12):
    return simulation.of_card(card, months=months, now=TONIGHT)


def of_consent(world, cells, operator):
    return simulation.of_consent(
        matrix=matrix_of(performer=world.performer), cells=cells, months=12, user=operator,
        at=TONIGHT,
    )  # fmt: skip


def months_of(outcome):
    return [(one.month_on, one.before, one.after) for one in outcome.changes]


def net_of(outcome):
    (net,) = outcome.nets
    return {name: (before, after) for name, before, after, _ in net.steps}


# Rates


def test_other_rates_are_told_by_month_with_what_is_left_after_deductions(draft):
    outcome = of_card(draft)

    # 10 and 5 lines: at 1.00, and at 2.50.
    assert months_of(outcome) == [(JULY, D(10), D(25)), (AUGUST, D(5), D("12.50"))]
    assert outcome.totals == [("USD", D(15), D("37.50"), D("22.50"))]
    # A tenth is commission; the certificate withholds nothing.
    assert net_of(outcome) == {
        "Share of what was received": (D(15), D("37.50")),
        "Agency commission": (D("1.50"), D("3.75")),
        "Payable": (D("13.50"), D("33.75")),
    }


def test_under_the_guild_commission_spares_scale_as_a_receipt_would(world):
    load_rules()
    Agreement.objects.update(guild="sag_aftra")
    world.agreement.refresh_from_db()
    Representation.objects.update(commission_percent=D(15))
    world.line(unit_price=D(100), scale_portion=D("0.4"))
    world.use("10")
    run_night()

    # The cap of 10 % on the 600 above scale.
    assert net_of(of_card(world.card))["Agency commission"] == (D(60), D(60))


def test_what_was_earned_is_what_the_nights_posted(world):
    """Brackets, a factor, a minimum, a composite: as posted, by month and beneficiary."""
    make_composite(world, Ines=2, Jon=1)
    world.agreement.refresh_from_db()
    world.line(("10", "3.33"), (None, "1.11"), minimum=D("70"))
    world.line(code="retainer", label="Retainer", pricing="flat", unit_price=D(100))
    world.factor("territory", "US", "1.5")
    world.use("7", "8")
    world.use("4.5", on="2026-09-30", territory="FR")
    run_night()

    outcome = of_card(world.card)

    posted = ResidualLine.objects.values_list("month_on", "beneficiary__name")
    sums = {(month, name): amount for month, name, amount in posted.annotate(Sum("amount"))}
    assert {
        (one.month_on, one.beneficiary): one.before for one in outcome.changes
    } == {seat: amount for seat, amount in sums.items() if amount}  # fmt: skip
    assert sum(one.after for one in outcome.changes) > 0


def test_only_the_months_asked_for_are_told(draft):
    # From August on, which lies in the quarter that begins in July: rates change with a period.
    assert of_card(draft, months=3).since == JULY
    assert months_of(of_card(draft, months=3))[0] == (JULY, D(10), D(25))
    draft.agreement.rating_period = "month"
    draft.agreement.save()
    assert months_of(of_card(draft, months=3)) == [(AUGUST, D(5), D("12.50"))]


def test_looking_changes_nothing(draft, used, operator):
    record_consent(performer=used.performer)
    before = what_was_done()

    of_card(draft)
    of_consent(used, DENIED, operator)

    assert what_was_done() == before


# Consent


def test_a_refusal_takes_what_the_uses_earned(used, operator):
    record_consent(performer=used.performer)

    outcome = of_consent(used, DENIED, operator)

    assert months_of(outcome) == [(JULY, D(10), D(0)), (AUGUST, D(5), D(0))]
    (stopped,) = outcome.stopped
    assert (stopped.effect, stopped.uses, stopped.earned) == (Effect.BLOCKED, 2, D(15))


def test_uses_that_are_stopped_leave_the_others_their_brackets(world, operator):
    # The first ten lines cost 2.00, the others 1.00: 20 in all cost 30, the ten of France alone 20.
    world.line(("10", "2"), (None, "1"))
    world.use("10")
    world.use("10", territory="FR", on="2026-08-03")
    run_night()
    record_consent(performer=world.performer)
    narrower = [Cell("voice", "dubbing", "allow", Scope(territories=frozenset({"FR"})))]

    outcome = of_consent(world, narrower, operator)

    assert outcome.totals == [("USD", D(30), D(20), D(-10))]
    assert [one.earned for one in outcome.stopped] == [D(10)]


def test_a_rate_that_rounds_each_event_rounds_those_that_are_left(world, operator):
    # 1.2 and 0.4 are charged as 2 and 1; without what was used in France 2 are left.
    world.line(unit_price=D(1), round_quantity="per_event_up", round_to=D(1))
    world.use("1.2")
    world.use("0.4", "0.4", territory="FR")
    run_night()
    record_consent(performer=world.performer)
    narrower = [Cell("voice", "dubbing", "allow", Scope(territories=frozenset({"US"})))]

    outcome = of_consent(world, narrower, operator)

    assert outcome.totals == [("USD", D(4), D(2), D(-2))]
    assert outcome.reasons == []


def test_a_use_that_was_held_would_have_earned(used, operator):
    record_consent("deny", performer=used.performer)
    used.use("4", standing="uncleared")
    run_night()

    outcome = of_consent(used, [Cell("voice", "dubbing", "allow")], operator)

    assert months_of(outcome)[0] == (JULY, D(10), D(14))


def test_a_use_that_a_ruling_licensed_earned_already(used, operator):
    record_consent("deny", performer=used.performer)
    used.use("4", standing="uncleared")
    used.rule(UsageEvent.objects.get(standing="uncleared"), "licensed")
    run_night()

    outcome = of_consent(used, [Cell("voice", "dubbing", "allow")], operator)

    assert months_of(outcome)[0] == (JULY, D(14), D(14))


# The pages


def page_of(card, **asked):
    return reverse("admin:simulate_rates", args=[card.pk], query=asked)


def test_a_rate_cards_page_leads_to_it_and_back(draft, used):
    client = sign_in(make_member(used.agency, Role.BUSINESS_AFFAIRS))

    led = client.get(reverse("admin:licensing_ratecard_in_money", args=[draft.pk]))
    page = client.get(led.url).text

    assert led.url == page_of(draft)
    assert "Ada Example" in page
    assert admin_page(RateCard, draft.pk) in page
    assert "Nothing was recorded" in page


def test_an_amendments_page_leads_to_it(draft, used):
    user = make_member(used.agency, Role.BUSINESS_AFFAIRS)
    amendment = Amendment.objects.create(
        agreement=used.agreement, number=1, about="rate_card", row=draft.pk, after={
            "effective_from": "2027-01-01", "lines": [], "multipliers": []
        },
        counts_from=draft.effective_from, reason="New rates.", asked_at=TONIGHT, asked_by=user,
    )  # fmt: skip

    assert page_of(draft) in sign_in(user).get(admin_page(Amendment, amendment.pk)).text


def test_it_is_exported_as_csv(draft, used):
    client = sign_in(make_member(used.agency, Role.ACCOUNTING))

    text = b"".join(client.get(page_of(draft, csv="1"))).decode()

    assert "2026-07-01,NA-1,Ada Example,USD,10.00,25.00,15.00" in text


def test_strangers_meet_no_page_and_odd_months_none_either(draft, used, elsewhere, stranger):
    stranger_there = sign_in(make_member(elsewhere, Role.ACCOUNTING))
    assert stranger_there.get(page_of(draft)).status_code == 404
    assert sign_in(stranger).get(page_of(draft)).status_code == 403
    mine = sign_in(make_member(used.agency, Role.ACCOUNTING))
    for months in ("0", "9999", "-1", "x", "a\0b"):
        assert mine.get(page_of(draft, months=months)).status_code == 404
    assert mine.get(page_of(draft, months="3")).status_code == 200


# A consent, in the background


@pytest.fixture
def queued(monkeypatch):
    """Numbers of what the background was asked."""
    numbers = []
    monkeypatch.setattr(
        tasks.simulate_consent, "apply_async", lambda kwargs, **_: numbers.append(kwargs["number"])
    )
    return numbers


@pytest.fixture
def affairs(used):
    record_consent(performer=used.performer)
    return make_member(used.agency, Role.BUSINESS_AFFAIRS)


@pytest.fixture
def client(affairs):
    return sign_in(affairs)


def asks(used):
    matrix = matrix_of(performer=used.performer)
    return reverse("admin:simulate_consent_in_money", args=[matrix.pk])


@pytest.fixture
def ask(used, client, queued):
    """Ask, as the editor does; return the address of the answer."""
    return lambda **more: client.post(asks(used), {"stance.voice.dubbing": "deny", **more}).url


def number_in(address):
    return resolve(address).kwargs["number"]


def compute(address):
    return simulation_runs.compute(number=number_in(address), now=timezone.now())


def tag_of(page):
    """The opening tag of what the page asks for again."""
    return page.partition('<section id="simulation"')[2].partition(">")[0]


def cancel_of(address):
    return reverse("admin:cancel_simulation", args=[number_in(address)])


def test_the_editor_of_a_consent_asks_in_money_and_is_led_to_the_answer(used, client, ask, queued):
    matrix = matrix_of(performer=used.performer)
    editor = client.get(reverse("admin:talent_consentmatrix_edit", args=[matrix.pk])).text
    assert f'formaction="{asks(used)}"' in editor
    assert client.get(asks(used)).status_code == 302
    address = ask()
    assert queued == [str(number_in(address))]
    waiting = client.get(address).text
    assert "Waits for a worker" in waiting
    assert "hx-get" in tag_of(waiting)

    assert compute(address)

    page = client.get(address).text
    assert "Uses that would not have been" in page
    assert "hx-get" not in tag_of(page)
    exported = b"".join(client.get(address, {"csv": "1"})).decode()
    assert "2026-07-01,NA-1,Ada Example,USD,10.00,0,-10.00" in exported
    assert not compute(address), "A message can come twice."


def test_the_answer_is_bound_to_what_was_asked(used, client, ask, monkeypatch):
    asked = []
    of_consent = simulation.of_consent
    monkeypatch.setattr(
        simulation, "of_consent", lambda **told: asked.append(told) or of_consent(**told)
    )
    address = ask(months="3")
    # Recorded meanwhile: it does not count for what was asked before.
    record_consent("deny", performer=used.performer, recorded_at=timezone.now())

    compute(address)

    assert [told["months"] for told in asked] == [3]
    page = client.get(address).text
    assert "Uses that would not have been" in page
    assert 'name="stance.voice.dubbing" value="deny"' in page
    assert "<option selected>3</option>" in page
    assert f'action="{asks(used)}"' in page


def test_how_far_it_is_is_seen_and_it_is_cancelled_on_its_page(client, ask, monkeypatch):
    address = ask()
    seen = []
    terms_of = simulation.alternatives.terms_of

    def look_and_cancel(*told, **more):
        client.get(cancel_of(address))  # Looking cancels nothing.
        seen.append(client.get(address).text)
        client.post(cancel_of(address))
        return terms_of(*told, **more)

    monkeypatch.setattr(simulation.alternatives, "terms_of", look_and_cancel)

    assert not compute(address)

    assert "Being worked out" in seen[0]
    assert "50 % through" in seen[0]
    page = client.get(address).text
    assert "Cancelled." in page
    assert "hx-get" not in tag_of(page)
    # Its message comes again: nothing of it is begun.
    monkeypatch.setattr(simulation, "of_consent", lambda **_: pytest.fail("It began anew."))
    assert not compute(address)


def test_only_who_asked_sees_the_answer_and_only_while_they_see_the_same_agencies(
    used, client, ask, affairs, elsewhere
):
    address = ask()
    compute(address)
    colleague = sign_in(make_member(used.agency, Role.BUSINESS_AFFAIRS, email="b@desk.example"))
    auditor = sign_in(make_member(used.agency, Role.AUDITOR))

    assert colleague.get(address).status_code == 302
    colleague.post(cancel_of(address))
    assert "Uses that would" in client.get(address).text
    assert auditor.get(address).status_code == 403
    make_member(elsewhere, Role.BUSINESS_AFFAIRS, email=affairs.email)
    led = client.get(address, follow=True)
    assert "kept no longer" in messages_of(led)


def test_while_the_broker_is_away_the_page_says_so(used, client, monkeypatch):
    def away(**_):
        raise OperationalError

    monkeypatch.setattr(tasks.simulate_consent, "apply_async", away)

    page = client.post(asks(used), {"stance.voice.dubbing": "deny"}).text

    assert "cannot be asked for at the moment" in page


def test_what_no_worker_answers_or_fails_says_so(client, ask, monkeypatch):
    address = ask()
    with monkeypatch.context() as patched:
        patched.setattr(simulation_runs, "TAKEN_WITHIN", timedelta(0))
        assert "No worker is at it" in client.get(address).text
    monkeypatch.setattr(simulation, "of_consent", lambda **_: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        compute(address)

    assert "The desk failed at it" in client.get(address).text


def test_another_agencys_consent_is_asked_about_by_nobody(used, elsewhere):
    record_consent(performer=used.performer)
    matrix = matrix_of(performer=used.performer)
    client = sign_in(make_member(elsewhere, Role.BUSINESS_AFFAIRS))

    answer = client.post(
        reverse("admin:simulate_consent_in_money", args=[matrix.pk]),
        {"stance.voice.dubbing": "deny"},
    )

    assert answer.status_code == 404
