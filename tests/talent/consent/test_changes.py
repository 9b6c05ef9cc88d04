"""Changing a consent: on top of what was read, within what is above it, or not at all."""

from datetime import UTC, datetime, timedelta

import pytest

from talent.consent import changes
from talent.consent.changes import (
    ConsentChangedMeanwhile,
    ConsentLoosens,
    Evidence,
    NothingChanged,
)
from talent.consent.consents import BlanketConsent, UnknownCode, matrix_of
from talent.consent.matrix import Cell, in_force
from talent.consent.scope import Scope
from talent.words import Use
from tests.factories import JANUARY, represent

pytestmark = pytest.mark.django_db
JUNE = datetime(2026, 6, 1, tzinfo=UTC)
EVIDENCE = Evidence("A consent for the tests.", "electronic", "none")


def cell(stance="ask", *, use="dubbing", overrules=False, **scope):
    return Cell("voice", use, stance, Scope(**scope), overrules)


@pytest.fixture
def change(performer, agent):
    """Change the performer's matrix as the agent."""

    def changed(*cells, based_on=0, evidence=EVIDENCE, in_force_from=None, at=JUNE, **owner):
        return changes.change(
            consent=matrix_of(**(owner or {"performer": performer})),
            cells=cells,
            evidence=evidence,
            based_on=based_on,
            in_force_from=in_force_from,
            at=at,
            by=agent,
        )

    return changed


def test_a_change_is_a_new_version_from_now_on(change):
    version = change(cell())

    assert (version.number, version.in_force_from, version.recorded_at) == (1, JUNE, JUNE)
    assert [(one.right, one.use, one.stance) for one in version.cells.all()] == [
        ("voice", "dubbing", "ask")
    ]


def test_a_paper_consent_entered_late_counts_from_then_and_is_known_from_now(
    change, performer, agent
):
    change(cell(), in_force_from=JANUARY)
    own = changes._versions(matrix_of(performer=performer), agent, JUNE)[0]

    assert in_force(own, JANUARY, known_at=JUNE).number == 1
    assert in_force(own, JANUARY, known_at=JUNE - timedelta(seconds=1)) is None


def test_what_was_read_before_another_version_is_not_saved_over_it(change, consent, performer):
    consent("ask", performer=performer)
    with pytest.raises(ConsentChangedMeanwhile, match="Version 1 was recorded meanwhile"):
        change(cell("deny"), based_on=0)

    assert change(cell("deny"), based_on=1).number == 2


def test_a_change_that_changes_nothing_records_nothing(change, consent, performer):
    consent("ask", performer=performer)
    with pytest.raises(NothingChanged, match="version 1 says the same"):
        change(cell(), based_on=1)

    assert change(cell(), based_on=1, in_force_from=JUNE).number == 2
    other = Evidence("Another text.", "electronic", "none")
    assert change(cell(), based_on=2, evidence=other).number == 3


def test_what_the_guild_denies_is_not_loosened(change, consent):
    consent("deny", guild="equity_uk")

    with pytest.raises(ConsentLoosens) as refused:
        change(cell("allow", overrules=True))
    ((pair, reasons),) = refused.value.reasons.items()
    assert pair == ("voice", "dubbing")
    assert "is denied by Guild Equity UK, version 1; that can't be loosened" in reasons[0]


def test_an_agencys_default_is_overruled_on_the_record(change, consent, agency):
    consent("ask", agency=agency)

    with pytest.raises(ConsentLoosens):
        change(cell("allow"))
    assert change(cell("allow", overrules=True)).number == 1


def test_another_agencys_default_binds_nobody_here(change, consent, elsewhere, performer):
    represent(elsewhere, performer)
    consent("deny", agency=elsewhere)

    assert change(cell("allow")).number == 1


def test_a_twin_does_not_loosen_its_performer(change, consent, performer, twin):
    consent("ask", performer=performer)

    with pytest.raises(ConsentLoosens, match="asked about by Performer Ada Example"):
        change(cell("allow"), twin=twin)


def test_a_cell_that_stays_is_left_alone_though_the_floor_rose(change, consent, performer):
    consent("allow", performer=performer)
    consent("deny", guild="equity_uk")

    version = change(cell("allow"), cell("ask", use="game"), based_on=1)

    assert version.number == 2


def test_a_floor_that_counts_when_the_change_does_is_respected(change, consent):
    consent("deny", guild="equity_uk", at=JUNE + timedelta(days=30))

    assert change(cell("allow")).number == 1


@pytest.mark.parametrize(
    ("cells", "refusal"),
    [
        ([Cell("voice", use.value, "allow") for use in Use], BlanketConsent),
        ([cell(territories=frozenset({"XX"}))], UnknownCode),
    ],
)
def test_what_no_consent_may_say_is_refused_here_too(change, cells, refusal):
    with pytest.raises(refusal):
        change(*cells)


def test_a_matrix_opens_with_the_version_in_force_and_what_is_above(
    consent, performer, agent, agency
):
    consent("ask", guild="equity_uk")
    consent("deny", agency=agency)
    consent("ask", performer=performer)
    consent("allow", performer=performer, at=JUNE + timedelta(days=1))

    opened = changes.matrix_to_edit(matrix_of(performer=performer), by=agent, at=JUNE)
    known = changes.matrix_to_edit(
        matrix_of(performer=performer), by=agent, at=JUNE + timedelta(days=2)
    )

    assert (opened.current.number, opened.latest, opened.scheduled) == (1, 1, None)
    assert (known.current.number, known.latest) == (2, 2)
    assert [layer.owner_kind for layer in opened.above] == ["guild", "agency"]


def test_a_version_that_counts_later_is_announced(change, consent, performer, agent):
    consent("ask", performer=performer)
    change(cell("deny"), based_on=1, in_force_from=JUNE + timedelta(days=30))

    opened = changes.matrix_to_edit(matrix_of(performer=performer), by=agent, at=JUNE)

    assert (opened.current.number, opened.latest, opened.scheduled.number) == (1, 2, 2)
