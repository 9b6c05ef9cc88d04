"""Limits of a consent in any meter, and training: its own cell, and the one door of all rights."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from licensing.decision.decision import decide
from licensing.decision.request import UsedUnits
from licensing.words import Dimension, Outcome
from talent.consent.matrix import Cell
from talent.consent.scope import Limit, Scope

from .cases import (
    AGREEMENT,
    GRANT,
    LAST_YEAR,
    MARCH,
    REQUEST,
    SECOND,
    consenting,
    decided,
    version,
)

SESSIONS_IN_ALL = Limit("sessions", Decimal(10))
TRAIN, DOOR = ("voice", "training"), ("training_data", "training")


@pytest.mark.parametrize(
    ("limit", "room"),
    [
        (SESSIONS_IN_ALL, 0),
        (replace(SESSIONS_IN_ALL, per_year=True), 3),
        (replace(SESSIONS_IN_ALL, per_licensee=True), 4),
        (replace(SESSIONS_IN_ALL, per_year=True, per_licensee=True), 6),
        (Limit("lines", Decimal(10)), 9),
    ],
)
def test_a_limit_counts_its_meter_in_all_or_by_year_and_licensee(limit, room):
    used = (
        UsedUnits("sessions", "lantern", 2026, Decimal(3), Decimal(1)),
        UsedUnits("sessions", "lantern", 2025, Decimal(2)),
        UsedUnits("sessions", "saltmarsh", 2026, Decimal(0), Decimal(3)),
        UsedUnits("sessions", "saltmarsh", 2025, Decimal(1)),
        UsedUnits("lines", "saltmarsh", 2025, Decimal(1)),
    )
    facts = consenting(version("performer", "allow", limits=(limit,)), used=used)
    facts = replace(facts, caps=())

    def outcome(quantity):
        units = ((limit.meter, Decimal(quantity)),)
        return decide(replace(REQUEST, units=units), facts, MARCH).outcome

    assert (outcome(room), outcome(room + 1)) == (Outcome.CLEARED, Outcome.REFUSED)


@pytest.mark.parametrize(
    ("at", "cleared"),
    [
        (datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 1, 1, tzinfo=UTC), True),
        (datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1))), False),
    ],
)
def test_a_limits_year_begins_at_midnight_in_utc(at, cleared):
    limit = Limit("lines", Decimal(10), per_year=True)
    consent = replace(version("performer", "allow", limits=(limit,)), in_force_from=LAST_YEAR)
    facts = consenting(consent, used=(UsedUnits("lines", "lantern", 2025, Decimal(1)),))
    deal = replace(facts.agreement, starts_at=LAST_YEAR)
    facts = replace(facts, agreement=deal, caps=(), build=None)

    answer = decide(replace(REQUEST, at=at, build=None), facts, MARCH)
    assert (answer.outcome is Outcome.CLEARED) is cleared


@pytest.mark.parametrize("right", ["voice", "training_data"])
def test_the_door_to_training_limits_what_all_rights_are_trained_on(right):
    """Found by an evaluator written from the specification: each right had the limit anew."""
    limits = (Limit("sessions", Decimal(10)),)
    cells = (
        Cell("voice", "training", "allow"),
        Cell("training_data", "training", "allow", Scope(limits=limits)),
    )
    used = (
        UsedUnits("sessions", "lantern", 2026, Decimal(4)),
        UsedUnits("sessions", "lantern", 2026, Decimal(5), right="face"),
    )
    facts = consenting(replace(version("performer", "allow"), cells=cells), used=used)
    grants = (replace(facts.agreement.grants[0], right=right, use="training"),)
    facts = replace(facts, agreement=replace(facts.agreement, grants=grants), caps=())

    def outcome(sessions):
        units = (("sessions", Decimal(sessions)),)
        request = replace(REQUEST, right=right, use="training", units=units)
        return decide(request, facts, MARCH).outcome

    assert (outcome(1), outcome(2)) == (Outcome.CLEARED, Outcome.REFUSED)


def training(own="allow", door="allow", **bounds):
    """Facts of a performer who says something about training with the voice, and of the door."""
    said = [Cell(*TRAIN, own)] if own else []
    said += [Cell(*DOOR, door, Scope(**bounds))] if door else []
    one = replace(version("performer", "allow"), cells=tuple(said))
    grant = replace(GRANT, use="training")
    return replace(consenting(one), agreement=replace(AGREEMENT, grants=(grant,)))


@pytest.mark.parametrize(
    ("own", "door", "outcome"),
    [
        ("allow", "allow", Outcome.CLEARED),
        ("allow", "ask", Outcome.NEEDS_APPROVAL),
        ("ask", "allow", Outcome.NEEDS_APPROVAL),
        ("allow", "deny", Outcome.REFUSED),
        ("allow", "", Outcome.REFUSED),
        ("", "allow", Outcome.REFUSED),
        ("deny", "allow", Outcome.REFUSED),
    ],
)
def test_training_with_a_right_goes_through_its_own_cell_and_the_one_door(own, door, outcome):
    assert decided(training(own, door), use="training").outcome is outcome


def test_what_the_door_is_bounded_to_bounds_training_with_every_right():
    decision = decided(training(territories=frozenset({"DE"})), use="training")

    assert (decision.outcome, decision.deciding.dimension) == (Outcome.REFUSED, Dimension.SCOPE)
    wide = training(territories=frozenset({"FR"}))
    assert decided(wide, use="training").outcome is Outcome.CLEARED


def test_a_version_without_the_door_closes_training_from_its_day_on():
    facts = training()
    (given,) = facts.contributors[0].versions
    closed = replace(given, id="2", number=2, in_force_from=MARCH, cells=given.cells[:1])
    facts = consenting(given, closed)
    facts = replace(facts, agreement=training().agreement)

    assert decided(facts, use="training").outcome is Outcome.REFUSED
    assert decided(facts, use="training", at=MARCH - SECOND).outcome is Outcome.CLEARED
