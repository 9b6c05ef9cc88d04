"""Taking consent back: every cell that was meant, after its notice, and nothing wider after."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talent.consent.matrix import Cell, Version, combined_cell, in_force
from talent.consent.scope import Scope, breaches
from talent.consent.withdrawal_rules import EVERY_CELL, Withdrawal, ends_of_cells, matrix_changes
from talent.words import Right, Stance, Use

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
JUNE = datetime(2026, 6, 1, tzinfo=UTC)
DUBBING = ("voice", "dubbing")


def version(*cells, kind="performer", number=1, at=JANUARY):
    return Version(f"{kind}-{number}", number, kind, kind.title(), at, JANUARY, cells)


def planned(withdrawal, *versions, at=MARCH, **more):
    """Plan for a performer whose own versions and defaults these are."""
    own = [one for one in versions if one.owner_kind == "performer"]
    others = [one for one in versions if one.owner_kind != "performer"]
    current = in_force(own, at, at)
    layers = [*others, *([current] if current else [])]
    cells = {key: combined_cell(layers, *key) for key in EVERY_CELL}
    ends = ends_of_cells(withdrawal, {key: [cell] for key, cell in cells.items()}, at=at, **more)
    defaults = {key: combined_cell(others, *key) for key in ends if withdrawal.licensee}
    inherited = {key: cell for key, cell in defaults.items() if cell.stance is not Stance.DENY}
    return ends, matrix_changes(withdrawal, own, ends, inherited, at=at)


@pytest.mark.parametrize(
    ("withdrawal", "count"),
    [
        (Withdrawal("voice", "dubbing"), 1),
        (Withdrawal(right="voice"), len(Use)),
        (Withdrawal(use="dubbing"), len(Right)),
        (Withdrawal(), len(Right) * len(Use)),
    ],
)
def test_a_cell_a_right_a_use_or_everything_is_denied(withdrawal, count):
    _, (change,) = planned(withdrawal, version(Cell(*DUBBING, "allow"), Cell("face", "adr", "ask")))
    denied = [cell for cell in change.cells if cell.stance == "deny"]
    assert len(denied) == count
    assert ("face", "adr") in {(cell.right, cell.use) for cell in change.cells}


def test_withdrawing_the_door_withdraws_training_with_every_right():
    given = version(
        *(Cell(right, "training", "allow") for right in Right.codes()), Cell(*DUBBING, "allow")
    )
    ends, (change,) = planned(Withdrawal("training_data", "training"), given)
    said = {(cell.right, cell.use): cell.stance for cell in change.cells}

    assert set(ends) == {(right, "training") for right in Right.codes()}
    assert {stance for (_, use), stance in said.items() if use == "training"} == {"deny"}
    assert said[DUBBING] == "allow"


def test_withdrawing_training_with_one_right_leaves_the_door_open():
    given = version(*(Cell(right, "training", "allow") for right in Right.codes()))
    ends, (change,) = planned(Withdrawal("voice", "training"), given)
    said = {(cell.right, cell.use): cell.stance for cell in change.cells}

    assert set(ends) == {("voice", "training")}
    assert (said["voice", "training"], said["face", "training"]) == ("deny", "allow")


@pytest.mark.parametrize("at_once", [False, True])
def test_the_longest_notice_counts_unless_the_law_says_at_once(at_once):
    performers = version(Cell(*DUBBING, "allow", Scope(withdrawal_notice_hours=24)))
    guilds = version(Cell(*DUBBING, "allow", Scope(withdrawal_notice_hours=72)), kind="guild")
    _, (change,) = planned(Withdrawal(*DUBBING), performers, guilds, at_once=at_once)
    assert change.in_force_from == (MARCH if at_once else MARCH + timedelta(hours=72))


def test_of_twins_with_notices_of_their_own_the_longest_counts():
    twins = [
        combined_cell(
            [version(Cell(*DUBBING, "allow", Scope(withdrawal_notice_hours=hours)))], *DUBBING
        )
        for hours in (24, 72, 48)
    ]
    ends = ends_of_cells(Withdrawal(*DUBBING), {DUBBING: twins}, at=MARCH)
    assert ends == {DUBBING: MARCH + timedelta(hours=72)}


def test_each_cell_ends_after_its_own_notice():
    told = version(
        Cell(*DUBBING, "allow", Scope(withdrawal_notice_hours=48)), Cell("voice", "adr", "allow")
    )
    _, (first, second) = planned(Withdrawal(right="voice"), told)
    assert (first.in_force_from, second.in_force_from) == (MARCH, MARCH + timedelta(hours=48))
    assert {cell.use for cell in first.cells if cell.stance == "allow"} == {"dubbing"}
    assert {cell.stance for cell in second.cells} == {"deny"}


def test_a_version_recorded_for_later_does_not_bring_it_back():
    now = version(Cell(*DUBBING, "allow"))
    later = version(Cell(*DUBBING, "allow"), Cell("face", "adr", "allow"), number=2, at=JUNE)
    _, (first, second) = planned(Withdrawal(*DUBBING), now, later)
    assert (first.in_force_from, second.in_force_from) == (MARCH, JUNE)
    assert [(cell.right, cell.stance) for cell in second.cells] == [
        ("face", "allow"),
        ("voice", "deny"),
    ]


def test_one_licensee_is_excluded_and_the_others_are_not():
    told = version(Cell(*DUBBING, "allow", Scope(territories=frozenset({"FR"}))))
    _, (change,) = planned(Withdrawal(licensee="lantern"), told)
    (cell,) = change.cells
    assert cell.stance == "allow"
    assert cell.scope.territories == frozenset({"FR"})
    assert cell.scope.licensees_excluded == frozenset({"lantern"})


def test_a_default_alone_allows_nobody_anything_that_could_be_taken_back():
    default = version(Cell(*DUBBING, "ask", Scope(territories=frozenset({"FR"}))), kind="agency")
    _, found = planned(Withdrawal(licensee="lantern"), default)
    assert found == ()


def test_what_is_allowed_for_all_twins_is_taken_from_one_no_wider_than_it_counts():
    ask = Cell(*DUBBING, "ask", Scope(territories=frozenset({"FR"})))
    inherited = {DUBBING: combined_cell([version(ask)], *DUBBING)}
    taken = Withdrawal(*DUBBING, licensee="lantern")
    (change,) = matrix_changes(taken, (), {DUBBING: MARCH}, inherited, at=MARCH)
    (cell,) = change.cells
    assert (cell.stance, cell.scope.territories) == ("ask", frozenset({"FR"}))
    assert cell.scope.licensees_excluded == {"lantern"}


def test_nothing_changes_where_all_of_it_is_denied():
    _, found = planned(Withdrawal(*DUBBING), version(Cell(*DUBBING, "deny")))
    assert found == ()


cells = st.lists(
    st.builds(
        Cell,
        st.sampled_from(["voice", "face"]),
        st.sampled_from(["dubbing", "adr"]),
        st.sampled_from(["allow", "ask", "deny"]),
        st.builds(
            Scope,
            territories=st.none() | st.frozensets(st.sampled_from(["FR", "DE"])),
            withdrawal_notice_hours=st.none() | st.integers(0, 99),
        ),
    ),
    unique_by=lambda cell: (cell.right, cell.use),
    max_size=4,
).map(tuple)
withdrawals = st.builds(
    Withdrawal,
    st.sampled_from(["", "voice"]),
    st.sampled_from(["", "dubbing"]),
    st.sampled_from(["", "lantern"]),
)


@settings(deadline=None, max_examples=60)
@given(withdrawals, cells, cells, cells)
def test_what_was_taken_back_stays_denied_and_nothing_else_is_loosened(taken, now, later, default):
    own = [version(*now), version(*later, number=2, at=JUNE)]
    agency = version(*default, kind="agency")
    ends, found = planned(taken, *own, agency)
    after = [
        *own,
        *(
            version(*change.cells, number=3 + i, at=change.in_force_from)
            for i, change in enumerate(found)
        ),
    ]
    for instant in (MARCH + timedelta(hours=100), JUNE + timedelta(days=1)):
        for key in EVERY_CELL:
            before = combined_cell([agency, in_force(own, instant, JUNE)], *key)
            cell = combined_cell([agency, in_force(after, instant, JUNE)], *key)
            assert ORDER[cell.stance] >= ORDER[before.stance]
            if key in ends and cell.stance is not Stance.DENY:
                assert taken.licensee
                assert "licensees_excluded" in _outside(cell, instant, "lantern")


ORDER = {Stance.ALLOW: 0, Stance.ASK: 1, Stance.DENY: 2}


def _outside(cell, at, licensee):
    found = breaches(cell.scope, at=at, licensee=licensee, territory="FR", language=None)
    return {breach.field for breach in found}
