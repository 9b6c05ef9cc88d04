"""Chunks: many agreements at once, by several workers, and each of them once."""

from decimal import Decimal as D
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext

from licensing.models import Agreement, RateCard, UsageSum
from tests.factories import make_persona
from tests.valuation.world import JULY, TONIGHT
from valuation import night
from valuation.models import JournalEntry, NightShard, ResidualLine, UsageMonth, UsageTotal
from valuation.residuals import chunks, posting

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_statements")]


@pytest.fixture
def agreements(world):
    """Make agreements like that of the world, each with a price of one and ten lines used."""

    def make(count):
        for number in range(count):
            other = Agreement.objects.get(pk=world.agreement.pk)
            other.pk, other.reference = None, f"HAR-{Agreement.objects.count()}"
            other.save()
            world.card = RateCard.objects.create(agreement=other, effective_from=JULY)
            world.line(unit_price=D(1))
            world.use("10", agreement=other, on=f"2026-07-{number + 1:02}")
        return list(Agreement.objects.exclude(pk=world.agreement.pk).order_by("pk"))

    return make


def started():
    night.sequencer.seal(at=TONIGHT)
    return night.start(TONIGHT.date(), TONIGHT, "UTC")


def posted():
    return list(
        ResidualLine.objects.order_by("agreement").values_list("agreement").annotate(Sum("amount"))
    )


def statuses():
    return list(NightShard.objects.order_by("pk").values_list("status", flat=True))


def test_the_queries_of_a_chunk_do_not_grow_with_its_agreements(agreements):
    agreements(1)
    run = started()
    with CaptureQueriesContext(connection) as of_one:
        night.rate_waiting(run, TONIGHT)
    night.finish(run, TONIGHT)
    agreements(5)
    run = started()

    with CaptureQueriesContext(connection) as of_five:
        night.rate_waiting(run, TONIGHT)

    assert statuses() == ["done"] * 6
    # The first of them has no readings yet to ask what was posted for; nor have the five.
    assert len(of_five) <= len(of_one)


def test_each_agreement_has_an_entry_of_its_own(agreements):
    made = agreements(3)

    night.finish(started(), TONIGHT)

    assert posted() == [(one.pk, D(10)) for one in made]
    entries = JournalEntry.objects.order_by("agreement").values_list("agreement", flat=True)
    assert list(entries) == [one.pk for one in made]


def test_an_agreement_that_cannot_be_rated_fails_alone_in_its_chunk(world, agreements, monkeypatch):
    first, second = agreements(2)
    first.twin = make_persona(world.agency, name="Nobody's")
    first.twin.owner = None
    first.twin.save()
    first.save()
    monkeypatch.setattr(night, "_rate_alone", None)

    run = started()
    night.finish(run, TONIGHT)

    assert statuses() == ["failed", "done"]
    assert posted() == [(second.pk, D(10))]
    run.refresh_from_db()
    assert (run.events_read, run.events_rated, run.events_held) == (2, 1, 1)


def test_a_chunk_that_cannot_be_stored_is_rated_one_by_one(agreements, monkeypatch):
    first, second = agreements(2)
    post_all = chunks.journal.post_all

    def refuse_first(drafts, *, recorded_at):
        drafts = list(drafts)
        if any(draft.agreement_id == first.pk for draft in drafts):
            raise RuntimeError
        return post_all(drafts, recorded_at=recorded_at)

    monkeypatch.setattr(chunks.journal, "post_all", refuse_first)
    run = started()
    night.finish(run, TONIGHT)

    assert statuses() == ["failed", "done"]
    assert posted() == [(second.pk, D(10))]
    monkeypatch.undo()

    night.finish(started(), TONIGHT)

    assert posted() == [(first.pk, D(10)), (second.pk, D(10))]


def test_another_worker_rates_as_many_chunks_as_it_may(agreements, monkeypatch):
    agreements(3)
    monkeypatch.setattr(night, "AT_ONCE", 1)
    run = started()

    assert night.help_to_rate(run_id=run.pk, now=TONIGHT, at_most=2) == 2
    assert statuses() == ["done", "done", "waiting"]
    night.finish(run, TONIGHT)

    assert statuses() == ["done"] * 3
    assert night.help_to_rate(run_id=run.pk, now=TONIGHT, at_most=2) == 0


def test_help_is_asked_for_where_there_are_several_chunks(agreements, monkeypatch):
    agreements(2)
    asked = []
    night.finish(started(), TONIGHT, ask_for_help=asked.append)
    assert asked == []

    agreements(2)
    monkeypatch.setattr(night, "AT_ONCE", 1)
    run = started()
    night.finish(run, TONIGHT, ask_for_help=asked.append)

    assert asked == [run.pk]


@pytest.mark.django_db(transaction=True)
def test_a_chunk_that_another_worker_holds_is_left_to_it_and_taken_when_it_is_lost(agreements):
    agreements(2)
    run = started()
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT id FROM valuation_nightshard ORDER BY id LIMIT 1 FOR UPDATE")

        night.rate_waiting(run, TONIGHT)

        assert statuses() == ["waiting", "done"]
    finally:
        other.close()  # As the database does to a session that says nothing for too long.
    night.finish(run, TONIGHT)

    assert statuses() == ["done", "done"]
    assert [amount for _, amount in posted()] == [D(10), D(10)]


def test_verifying_compares_events_with_sums_and_these_with_totals(agreements):
    agreements(2)
    night.finish(started(), TONIGHT)
    said = StringIO()

    call_command("night", "--verify", stdout=said)

    assert said.getvalue() == (
        "Compared 2 batches, left out 0 with events in an archive: all sums are what their events"
        " add up to, and totals theirs.\n"
    )


BUCKET = "voice, dubbing, US, fr, streaming, none, cleared"


@pytest.mark.parametrize(
    ("model", "lines", "counted", "said"),
    [
        (UsageSum, 12, (1, 1, 0), f"{BUCKET}: the sum says 2 lines more than the events"),
        (UsageTotal, 7, (0, 1, 1), f"{BUCKET}: the totals say 3 lines less than the sums"),
        (UsageMonth, 9, (0, 0, 1), "dubbing, cleared: the months say 1 lines less than the totals"),
    ],
)
def test_verifying_names_what_differs_and_fails(agreements, model, lines, counted, said):
    (agreement,) = agreements(1)
    night.finish(started(), TONIGHT)
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {model._meta.db_table} DISABLE TRIGGER USER")
        model.objects.update(lines=D(lines))
        cursor.execute(f"ALTER TABLE {model._meta.db_table} ENABLE TRIGGER USER")
    written = StringIO()

    told = "{} sums differ from their events, {} totals from the sums, {} months from the totals"
    with pytest.raises(CommandError, match=told.format(*counted)):
        call_command("night", "--verify", stdout=written)

    assert f"{agreement}, July 2026, {said}" in written.getvalue()


def test_batches_from_before_there_were_sums_are_added_up_by_the_first_night(agreements):
    agreements(2)
    assert not UsageSum.objects.exists()  # As the world makes its batches.

    night.finish(started(), TONIGHT)

    assert UsageSum.objects.count() == 2


def test_a_later_night_adds_what_is_new_and_prices_nothing_from_nothing(
    world, agreements, monkeypatch
):
    (agreement,) = agreements(1)
    night.finish(started(), TONIGHT)
    world.use("5", agreement=agreement)
    monkeypatch.setattr(posting, "price_to_date", None)

    night.finish(started(), TONIGHT)

    assert posted() == [(agreement.pk, D(15))]
