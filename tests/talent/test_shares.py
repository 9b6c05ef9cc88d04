"""Shares: from which day they differ, and a change for past days by two people."""

from datetime import UTC, date, datetime

import pytest

from talent import four_eyes, shares
from talent.models import Beneficiary, CompositeSource, EarlierOwner, EstateShare, Performer
from talent.shares import Subject, first_day_changed
from talent.words import Role, ShareChangeState, ShareSubject
from tests.factories import make_member, make_performer, make_persona

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
SOURCES, ESTATE, OWNERS = ShareSubject


def row(holder, weight="1", starts_on=None, ends_on=None):
    return {
        "id": None, "holder": holder, "weight": weight, "starts_on": starts_on, "ends_on": ends_on,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "day"),
    [
        ([row(1)], [row(1)], None),
        ([row(1)], [row(1), row(2)], date.min),
        ([row(1), row(2)], [row(1), row(2, ends_on="2026-07-01")], date(2026, 7, 1)),
        (
            [row(1)],
            [row(1, ends_on="2026-07-01"), row(1, "2", starts_on="2026-07-01")],
            date(2026, 7, 1),
        ),
        # The same from another row is no change.
        ([row(1)], [row(1, ends_on="2026-07-01"), row(1, starts_on="2026-07-01")], None),
        ([row(1, "2")], [row(1, "3")], date.min),
        ([row(1, starts_on="2026-07-01")], [row(1, starts_on="2026-08-01")], date(2026, 7, 1)),
    ],
)
def test_the_first_day_whose_shares_differ(before, after, day):
    assert first_day_changed(SOURCES, before, after) == day


def test_an_owner_has_the_days_since_the_one_before():
    one, other = row(1, ends_on="2026-03-01"), row(2, ends_on="2026-06-01")

    assert first_day_changed(OWNERS, [other], [one, other]) == date.min
    assert first_day_changed(OWNERS, [one], [one, other]) == date(2026, 3, 1)


@pytest.fixture
def partner(agency):
    return make_member(agency, Role.BUSINESS_AFFAIRS, email="partner@northlight.example")


@pytest.fixture
def chorus(agency):
    """A persona of two sources, weights 3 and 1."""
    persona = make_persona(agency, name="Chorus")
    for name, weight in (("Bo", 3), ("Cy", 1)):
        persona.sources.create(performer=make_performer(name, agency), weight=weight)
    return persona


def written(chorus, by):
    """Write down that Cy left in July."""
    subject = Subject(SOURCES, chorus.pk)
    before = shares.rows_of(subject)
    after = [before[0], {**before[1], "ends_on": "2026-07-01"}]
    return shares.write(subject, before, after, by=by, at=NOW)


def asked(chorus, by):
    change = written(chorus, by)
    return shares.ask(change_id=change.pk, by=by, at=NOW, reason="Cy left.")


def ends_of(chorus):
    return dict(chorus.sources.values_list("performer__name", "ends_on"))


def test_it_counts_once_another_person_approves(chorus, affairs, partner):
    change = asked(chorus, affairs)
    assert (change.counts_from, change.state) == (date(2026, 7, 1), ShareChangeState.WAITING)
    assert ends_of(chorus) == {"Bo": None, "Cy": None}

    shares.approve(change_id=change.pk, by=partner, at=NOW)

    assert ends_of(chorus) == {"Bo": None, "Cy": date(2026, 7, 1)}
    assert change.state is ShareChangeState.APPLIED


def test_neither_who_wrote_it_nor_who_asked_approves_not_even_as_operator(
    chorus, affairs, partner, operator
):
    change = written(chorus, affairs)
    shares.ask(change_id=change.pk, by=operator, at=NOW, reason="Cy left.")

    for person in (affairs, operator):
        with pytest.raises(four_eyes.FourEyes):
            shares.approve(change_id=change.pk, by=person, at=NOW)
    assert ends_of(chorus)["Cy"] is None


def test_what_was_changed_since_is_not_approved(chorus, affairs, partner):
    change = asked(chorus, affairs)
    chorus.sources.filter(performer__name="Bo").update(weight=2)

    with pytest.raises(shares.HoldsNoMore):
        shares.approve(change_id=change.pk, by=partner, at=NOW)


def test_it_is_decided_once(chorus, affairs, partner):
    change = asked(chorus, affairs)
    shares.reject(change_id=change.pk, by=affairs, at=NOW, reason="Not yet.")

    for step in (shares.approve, shares.ask):
        with pytest.raises(shares.NotItsTurn):
            step(change_id=change.pk, by=partner, at=NOW, reason="Again.")


def test_who_could_not_approve_rejects_nothing_that_others_asked_for(
    chorus, agent, affairs, partner
):
    change = asked(chorus, affairs)

    with pytest.raises(four_eyes.FourEyes):
        shares.reject(change_id=change.pk, by=agent, at=NOW, reason="No.")
    shares.reject(change_id=change.pk, by=partner, at=NOW, reason="No.")


def test_nothing_is_asked_that_nobody_else_could_approve(chorus, affairs):
    with pytest.raises(four_eyes.NobodyToApprove):
        asked(chorus, affairs)


def test_days_change_hands_whatever_the_order_of_rows(chorus, affairs, partner):
    bo = Performer.objects.get(name="Bo")
    subject = Subject(SOURCES, chorus.pk)
    before = shares.rows_of(subject)
    after = [
        {**before[0], "starts_on": "2026-07-01"},
        before[1],
        {**before[0], "id": None, "weight": "5", "ends_on": "2026-07-01"},
    ]
    change = shares.write(subject, before, after, by=affairs, at=NOW)
    shares.ask(change_id=change.pk, by=affairs, at=NOW, reason="Another weight before July.")

    shares.approve(change_id=change.pk, by=partner, at=NOW)

    rows = CompositeSource.objects.filter(performer=bo).order_by("weight")
    assert [(one.weight, one.starts_on, one.ends_on) for one in rows] == [
        (3, date(2026, 7, 1), None),
        (5, None, date(2026, 7, 1)),
    ]


def test_an_estate_and_an_owner_are_corrected_alike(agency, performer, affairs, partner):
    heir = Beneficiary.objects.create(name="Heir", agency=agency)
    persona = make_persona(agency, name="Nobody")
    for subject, kept in (
        (Subject(ESTATE, performer.pk), EstateShare),
        (Subject(OWNERS, persona.pk), EarlierOwner),
    ):
        after = [row(heir.pk, ends_on="2026-07-01")]
        change = shares.write(subject, [], after, by=affairs, at=NOW)
        shares.ask(change_id=change.pk, by=affairs, at=NOW, reason="Found late.")
        shares.approve(change_id=change.pk, by=partner, at=NOW)

        assert kept.objects.get().beneficiary == heir
