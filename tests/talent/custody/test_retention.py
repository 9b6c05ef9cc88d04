"""Retention clocks: the earliest counts; the desk proposes, two people decide."""

from datetime import UTC, date, datetime, timedelta

import pytest

from licensing.agreements import agreements, kept_items
from licensing.agreements.rules.rulebook import read_rulebook
from licensing.models import Renewal
from talent.consent import consents
from talent.custody import destruction
from talent.custody.retention import clocks, standing
from talent.custody.retention.clocks import Started, read_clocks, running
from talent.four_eyes import FourEyes
from talent.models import CustodyItem, Destruction, RetentionFact
from talent.words import ClockStart, Confidence, DestructionCause, DestructionState

from .conftest import NOON

TODAY = NOON.date()
DAY = timedelta(days=1)


def by(started, domicile="", on=TODAY):
    return [
        (one.clock.code, one.destroy_by)
        for one in running(started, domicile=domicile, on=on)
        if one.is_applied
    ]


def since(starts, on):
    return Started(ClockStart(starts), on, "So it is.")


def test_the_years_are_those_of_the_rulebook_and_each_clock_has_a_source():
    rules = {rule.code: rule for rule in read_rulebook()}
    named = [clock for clock in read_clocks() if clock.rule]
    for clock in named:
        rule = rules[clock.rule]
        told = [years for name, years in rule.values.items() if name.startswith("years_after")]
        assert ([clock.years] if clock.years else [], clock.jurisdiction) == (
            told,
            rule.jurisdiction,
        )
        assert (clock.effective_from, clock.confidence) == (rule.effective_from, rule.confidence)
    assert len(named) == 5
    assert all(clock.source for clock in read_clocks())


@pytest.mark.parametrize(
    ("domicile", "first"),
    [
        ("US-IL", ("illinois.interaction", date(2027, 2, 28))),
        ("US-CO", ("colorado.interaction", date(2026, 2, 28))),
        ("", ("colorado.interaction", date(2026, 2, 28))),  # the strictest, where nobody knows
        ("US", ("colorado.interaction", date(2026, 2, 28))),
    ],
)
def test_the_earliest_clock_of_where_somebody_lives_counts_also_from_a_leap_day(domicile, first):
    assert by([since("interaction", date(2024, 2, 29))], domicile)[0] == first


def test_what_is_unverified_or_has_no_length_is_shown_and_never_applied():
    told = running(
        [since("withdrawn", TODAY), since("purpose_ends", TODAY), since("satisfied", TODAY)],
        domicile="", on=TODAY,
    )  # fmt: skip
    shown = {one.clock.code: one.is_applied for one in told}
    assert shown["policy.withdrawn"]
    assert not shown["european_union.withdrawn"]
    assert not shown["colorado.unneeded"]
    assert not shown["washington.necessary"]
    assert [one.is_applied for one in told] == sorted(shown.values(), reverse=True)
    assert all(one.clock.confidence != Confidence.UNVERIFIED for one in told if one.is_applied)


def test_licences_keep_until_the_last_ends_a_contract_names_the_first_day_and_no_year_overflows():
    first, last = TODAY + DAY, TODAY + 9 * DAY
    assert by([since("licence_ends", first), since("licence_ends", last)], "FR") == [
        ("policy.licence", last)
    ]
    assert by([since("licence_ends", first), since("licence_ends", None)], "FR") == []
    assert by([since("contract", last), since("contract", first)], "FR") == [
        ("policy.contract", first)
    ]
    assert by([since("interaction", date.max)], "US-IL") == [("illinois.interaction", date.max)]
    assert by([since("interaction", date(2020, 1, 1))], "US-CO", on=date(2025, 6, 30)) == []


def test_a_clock_without_a_source_or_with_a_word_too_many_is_refused():
    told = {"code": "x", "title": "x", "starts": "contract", "instrument": "x",
            "confidence": "primary"}  # fmt: skip
    for wrong in ({}, {"source": {"name": "x"}, "hours": 3}):
        with pytest.raises(clocks.ClocksAreBroken, match="x"):
            clocks._clock(told | wrong)


@pytest.fixture
def tell(agent):
    def tell(item, starts, on, **about):
        told = {"why": "The film is out.", "at": NOON, "by": agent}
        return standing.tell(item_id=item.pk, starts=ClockStart(starts), on=on, **(told | about))

    return tell


def loaded(item):
    return CustodyItem.objects.select_related("agency", "performer").get(pk=item.pk)


def test_an_items_days_are_those_of_its_agencys_zone_and_what_is_said_last_counts(
    stored, tell, agency, performer, twin, consent, django_assert_num_queries
):
    item, other = stored(b"a"), stored(b"b")
    performer.domicile, agency.time_zone = "US-IL", "Pacific/Kiritimati"  # 14 hours ahead
    performer.save()
    agency.save()
    both = [loaded(item), loaded(other)]
    with django_assert_num_queries(4):
        told = standing.standings(both, at=NOON)[item.pk]
    with django_assert_num_queries(4):
        standing.standings(both[:1], at=NOON)
    assert (told.today, told.destroy_by) == (date(2026, 11, 21), date(2029, 11, 21))
    assert "Three years after the last interaction" in str(told)

    tell(item, "satisfied", date(2026, 11, 21))
    assert standing.standing_of(loaded(item), at=NOON).is_due
    tell(item, "satisfied", None)
    assert standing.standing_of(loaded(item), at=NOON).destroy_by == date(2029, 11, 21)
    for starts, on in (("satisfied", date(2026, 11, 22)), ("withdrawn", TODAY)):
        with pytest.raises(standing.NotTold):
            tell(item, starts, on)


def test_the_desk_proposes_one_confirms_another_approves_and_nobody_does_both(
    stored, tell, agent, affairs, approvers
):
    item = stored()
    stored(b"not due")
    tell(item, "satisfied", TODAY)

    assert destruction.propose_due(at=NOON) == {"proposed": 1, "taken_back": 0}
    assert destruction.propose_due(at=NOON) == {"proposed": 0, "taken_back": 0}
    row = Destruction.objects.with_state().get()
    assert (row.item, row.cause, row.asked_by) == (item, DestructionCause.RETENTION, None)
    assert row.state == DestructionState.PROPOSED
    with pytest.raises(destruction.NotItsTurn):
        destruction.approve(destruction_id=row.pk, by=affairs, at=NOON)
    destruction.confirm(destruction_id=row.pk, by=affairs, at=NOON)
    with pytest.raises(FourEyes):
        destruction.approve(destruction_id=row.pk, by=affairs, at=NOON)
    destruction.approve(destruction_id=row.pk, by=approvers[0], at=NOON)
    assert Destruction.objects.with_state().get().state == DestructionState.UNDER_WAY
    content = destruction._asked(row, row.steps.get(kind="confirmed"))
    assert str(affairs) in content["by"]


def test_a_rejected_proposal_comes_again_after_thirty_days_and_a_hold_suspends_it(
    stored, tell, affairs, approvers
):
    item = stored()
    tell(item, "satisfied", TODAY)
    destruction.propose_due(at=NOON)
    row = Destruction.objects.get()
    destruction.reject(destruction_id=row.pk, by=affairs, at=NOON, reason="Not yet.")

    assert destruction.propose_due(at=NOON + 29 * DAY)["proposed"] == 0
    destruction.hold(item_id=item.pk, reason="Subpoena", by=affairs, at=NOON)
    assert destruction.propose_due(at=NOON + 31 * DAY)["proposed"] == 0
    destruction.lift(item_id=item.pk, reason="Over", by=approvers[0], at=NOON)
    assert destruction.propose_due(at=NOON + 31 * DAY)["proposed"] == 1


def test_a_licence_that_is_prolonged_after_the_proposal_takes_it_back(
    stored, agreement, agent, affairs, approvers
):
    item = stored()
    with pytest.raises(kept_items.NotItsItem):
        kept_items.keep_for(agreement=agreement, item_id=item.pk + 1, at=NOON, by=agent)
    agreement.ends_at = datetime(2027, 1, 1, tzinfo=UTC)
    agreement.save()
    kept_items.keep_for(agreement=agreement, item_id=item.pk, at=NOON, by=agent)
    agreements.end(agreement=agreement, ends_at=NOON, at=NOON, by=affairs, reason="Over.")
    assert RetentionFact.objects.last().on == TODAY
    assert destruction.propose_due(at=NOON)["proposed"] == 1
    row = Destruction.objects.get()
    destruction.confirm(destruction_id=row.pk, by=affairs, at=NOON)

    longer = type(agreement).objects.get(pk=agreement.pk)
    longer.pk, longer.reference = None, "NA-2"
    longer.ends_at = datetime(2028, 1, 1, tzinfo=UTC)
    longer._state.adding = True
    longer.save()
    Renewal.objects.create(agreement=longer, renews=agreement, at=NOON, by=agent)
    assert kept_items.follow(longer, at=NOON, by=agent) == 1
    assert kept_items.follow(longer, at=NOON, by=agent) == 0

    with pytest.raises(destruction.ClockMoved, match="2028-01-01"):
        destruction.approve(destruction_id=row.pk, by=approvers[0], at=NOON)
    assert destruction.propose_due(at=NOON) == {"proposed": 0, "taken_back": 1}
    assert Destruction.objects.with_state().get().state == DestructionState.CLOSED
    assert standing.standing_of(loaded(item), at=NOON).destroy_by == date(2028, 1, 1)


def test_when_every_consent_denies_the_item_goes_within_thirty_days(
    stored, performer, twin, consent
):
    item = stored(at=NOON - 90 * DAY)
    consent(performer=performer, stance="deny", at=NOON - 60 * DAY)
    consent(twin=twin, stance="allow", at=NOON - 60 * DAY)
    assert not standing.standing_of(loaded(item), at=NOON).is_due

    consent(twin=twin, stance="deny", at=NOON - 30 * DAY)

    told = standing.standing_of(loaded(item), at=NOON)
    assert told.earliest.clock.code == "policy.withdrawn"
    assert (told.destroy_by, told.is_due) == (TODAY, True)
    assert not standing.standing_of(loaded(item), at=NOON - DAY).is_due
    # What they sign is an interaction, also where it does not count yet.
    consents.record(
        matrix=consents.matrix_of(performer=performer), cells=[], by=None, recorded_at=NOON,
        evidence=consents.Evidence("As shown"), in_force_from=NOON + 900 * DAY,
    )  # fmt: skip
    started = {one.started.on for one in standing.standing_of(loaded(item), at=NOON).clocks}
    assert started == {TODAY, TODAY - 30 * DAY}
