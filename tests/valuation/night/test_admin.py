"""Nights in the admin: how far they are, started and cancelled by the operator alone."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.urls import reverse
from django.utils import timezone
from kombu.exceptions import OperationalError

from talent.words import Role
from tests.factories import admin_page, make_member, messages_of, sign_in, take_step
from tests.valuation.world import TONIGHT
from valuation import night, tasks, watch
from valuation.models import NightFailure, NightRun
from valuation.words import RunStatus, Trouble

pytestmark = pytest.mark.usefixtures("without_statements")
UNSEEN = {403, 404}
LIST = reverse("admin:valuation_nightrun_changelist")
START = reverse("admin:valuation_nightrun_start_night")


@pytest.fixture
def client(operator):
    return sign_in(operator)


@pytest.fixture
def running(world):
    """A night whose process is gone before it rated its one agreement."""
    world.line(unit_price=D(1))
    world.use("10")
    night.sequencer.seal(at=TONIGHT)
    return night.start(TONIGHT.date(), TONIGHT, "UTC")


@pytest.fixture
def at_work(monkeypatch):
    """Have a process hold the night's lock."""
    monkeypatch.setattr("valuation.admin.residuals.nights.is_held", lambda _name: True)


@pytest.fixture
def asked(monkeypatch):
    """What workers were asked to run."""
    sent = []
    monkeypatch.setattr(
        tasks.night_by_hand, "apply_async", lambda kwargs, expires: sent.append(kwargs)
    )
    return sent


def progress_of(run):
    return reverse("admin:valuation_nightrun_progress", args=[run.pk])


# How far it is


@pytest.mark.usefixtures("at_work")
def test_the_page_of_a_running_night_shows_how_far_it_is_and_looks_again(client, running):
    page = client.get(admin_page(NightRun, running.pk)).text

    assert f'hx-get="{progress_of(running)}"' in page
    assert "It rates agreements." in page
    assert "Look again" in page, "Without scripts a link looks again."
    assert "<dd>0 %</dd>" in page
    assert "0 of 1" in page


def test_once_it_has_ended_its_page_is_loaded_anew_and_asks_no_more(client, running):
    assert "HX-Refresh" not in client.get(progress_of(running)).headers
    night.finish(running, TONIGHT)

    assert client.get(progress_of(running)).headers["HX-Refresh"] == "true"
    page = client.get(admin_page(NightRun, running.pk)).text
    assert progress_of(running) not in page
    assert "All of it is done." in page
    assert "Posted, USD" in page


def test_a_night_that_was_killed_says_so(client, running):
    assert "was killed. The next night finishes it first." in client.get(progress_of(running)).text


def test_a_night_that_was_cancelled_says_by_whom(client, running, operator, at_work):
    night.cancel(run_id=running.pk, by=operator, now=TONIGHT)
    assert f"{operator} has cancelled it" in client.get(progress_of(running)).text

    night.finish(running, TONIGHT)

    page = client.get(progress_of(running)).text
    assert f"{operator} cancelled it. What it had rated stays" in page
    assert "Agreements left for the next night: 1." in page


def test_progress_takes_the_same_queries_however_many_agreements(
    client, running, django_assert_max_num_queries
):
    with django_assert_max_num_queries(12):
        client.get(progress_of(running))


# Starting by hand


def test_the_operator_starts_a_night_behind_a_page_that_says_what_it_does(
    client, operator, world, asked
):
    today = timezone.now().date()
    page = client.get(START)
    assert "What will happen" in page.text
    assert not asked, "Nothing is started by a link."

    told = client.post(START, {"as_of": today.isoformat()})

    assert asked == [{"as_of": today.isoformat(), "started_by": operator.pk}]
    assert "is asked for" in messages_of(told)


def test_who_started_a_night_stands_with_it(world, operator, client):
    world.line(unit_price=D(1))
    world.use("10")

    record = tasks.night_by_hand(as_of="2026-11-22", started_by=operator.pk)

    run = NightRun.objects.get(pk=record["run"])
    assert run.started_by == operator
    assert str(operator) in client.get(admin_page(NightRun, run.pk)).text


@pytest.mark.parametrize("day", ["9999-12-31", "2026-11-20"])
def test_a_day_that_no_night_can_be_run_for_is_refused_on_the_page(client, world, asked, day):
    night.run_night(as_of=TONIGHT.date(), now=TONIGHT)

    page = client.post(START, {"as_of": day})

    assert page.context["form"].errors
    assert not asked


@pytest.mark.usefixtures("at_work")
def test_no_second_night_is_started_beside_one(client, running, asked):
    page = client.post(START, {"as_of": timezone.now().date().isoformat()})

    assert "running already" in page.text
    assert not asked


def test_without_a_broker_the_page_says_that_nothing_was_started(client, world, monkeypatch):
    def away(**_given):
        raise OperationalError

    monkeypatch.setattr(tasks.night_by_hand, "apply_async", away)

    page = client.post(START, {"as_of": timezone.now().date().isoformat()})

    assert "no night was started" in page.text


@pytest.mark.parametrize("role", list(Role))
def test_staff_of_an_agency_neither_see_start_nor_cancel_a_night(world, running, role, asked):
    client = sign_in(make_member(world.agency, role))

    for url in (LIST, START, progress_of(running), admin_page(NightRun, running.pk, name="cancel")):
        assert client.get(url).status_code in UNSEEN, url
        assert client.post(url, {"as_of": "2026-11-22", "seen": ""}).status_code in UNSEEN, url
    running.refresh_from_db()
    assert running.cancelled_at is None
    assert not asked


# Cancelling


def test_the_operator_cancels_a_running_night_behind_a_page(client, operator, running):
    url = admin_page(NightRun, running.pk, name="cancel")
    assert "What it has rated stays." in client.get(url).text
    running.refresh_from_db()
    assert running.cancelled_at is None

    assert "is being cancelled" in messages_of(take_step(client, "cancel", running))

    running.refresh_from_db()
    assert running.cancelled_by == operator


def test_a_night_that_has_ended_offers_no_cancel(client, running):
    night.finish(running, TONIGHT)

    assert "Cancel this night" not in client.get(admin_page(NightRun, running.pk)).text
    assert "not its next step" in messages_of(take_step(client, "cancel", running))


# On the desk


def test_tiles_tell_failed_incomplete_and_cancelled_nights_apart(client, world):
    for number, code in enumerate(["RuntimeError", *(one.value for one in Trouble)]):
        at = TONIGHT + timedelta(minutes=number)
        watch.report(as_of=TONIGHT.date(), now=at, code=code, detail="So it was.")

    tiles = {str(one.label): one for one in client.get(reverse("admin:index")).context["tiles"]}

    expected = {
        "Nights that failed": 2,
        "Nights that are incomplete": 1,
        "Nights that were cancelled": 1,
        "Statements that were not drawn": 1,
    }
    assert {label: tiles[label].count for label in expected} == expected
    for label, count in expected.items():
        listed = client.get(tiles[label].url)
        assert listed.context["cl"].result_count == count
    assert not NightFailure.objects.filter(code=RunStatus.RUNNING).exists()
