"""Bad input: all decided, all explained, nothing allowed by accident."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from licensing.clearance.ask import ask
from licensing.clearance.sent_request import SentRequest
from licensing.decision.decision import decide
from licensing.decision.request import Request
from licensing.facts.facts import facts_for
from licensing.wire.names import Prefix, name_of
from talent.consent.consents import Evidence, UnknownCode, matrix_of, record
from talent.consent.matrix import Cell, combined_cell
from talent.consent.scope import Scope
from talent.consent.sentences import sentence

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
JUNE = datetime(2026, 6, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def decided(terms, twin, agreement):
    """Ask about a dubbed line; return the outcome with the code that decided."""
    question = SentRequest(
        twin=twin.name, right="voice", use="dubbing", at=MARCH, agreement=agreement.reference,
        territory="FR", language="fr", channel="cinema",
    )  # fmt: skip

    def answer(*, known_at=MARCH, **changes):
        row = ask(replace(question, **changes), terms=terms, asked_at=known_at)
        assert row.decision["studio_text"]
        assert row.outcome == "cleared" or row.decision["nearest_change"]
        return row.outcome, row.decision["deciding"]["code"]

    return answer


def test_a_hole_in_a_matrix_is_a_denial(decided, consent, performer):
    consent(performer=performer)
    assert decided(use="game") == ("refused", "unset")


def test_a_hole_in_a_later_version_takes_back_what_the_earlier_one_allowed(
    decided, consent, performer
):
    consent(performer=performer)
    consent(performer=performer, use="adr", at=FEBRUARY)
    assert decided() == ("refused", "unset")
    assert decided(at=JANUARY) == ("cleared", "allow")


def test_a_paper_consent_entered_weeks_late_counts_from_then_and_is_known_from_now(
    decided, consent, performer
):
    consent(performer=performer, at=JANUARY, recorded_at=MARCH)
    assert decided(at=FEBRUARY, known_at=MARCH - SECOND) == ("refused", "unset")
    assert decided(at=FEBRUARY, known_at=MARCH) == ("cleared", "allow")


@pytest.mark.parametrize("field", ["territories", "languages"])
def test_a_consent_for_a_code_that_does_not_exist_is_not_recorded(performer, field):
    with pytest.raises(UnknownCode, match="xx-nowhere"):
        record(
            matrix=matrix_of(performer=performer),
            cells=[Cell("voice", "dubbing", "allow", Scope(**{field: frozenset({"xx-nowhere"})}))],
            in_force_from=JANUARY, recorded_at=JANUARY, by=None, evidence=Evidence("A voice."),
        )  # fmt: skip


@pytest.mark.parametrize(
    "sent",
    [
        {"territory": "XX"}, {"territory": ""}, {"territory": "FRA"},
        {"language": "zz-nope"}, {"language": "français"},
    ],
)  # fmt: skip
def test_a_request_with_a_code_that_does_not_exist_is_refused(decided, consent, performer, sent):
    consent(performer=performer)
    assert decided(**sent) == ("refused", "unknown_code")


@pytest.mark.parametrize("field", ["territories", "languages", "licensees_allowed"])
def test_an_empty_list_means_none_and_the_sentence_says_so(decided, consent, performer, field):
    scope = Scope(**{field: frozenset()})
    version = consent(performer=performer, scope=scope)
    assert decided() == ("refused", field)
    assert version.cells.get().stance == "allow"
    said = sentence(replace(combined_cell([], "voice", "dubbing"), stance="allow", scope=scope))
    assert "may not be dubbed, because its consent names no" in said


def test_of_versions_that_overlap_the_one_recorded_last_for_an_instant_counts(
    decided, consent, performer
):
    consent("allow", performer=performer)
    consent("deny", performer=performer)
    assert decided() == ("refused", "denied")
    consent("allow", performer=performer)
    assert decided() == ("cleared", "allow")


def test_a_version_for_later_does_not_count_before(decided, consent, performer):
    consent(performer=performer)
    consent("deny", performer=performer, at=JUNE, recorded_at=FEBRUARY)
    assert decided() == ("cleared", "allow")
    assert decided(at=JUNE) == ("refused", "denied")


def test_a_request_for_the_future_is_decided_by_what_is_recorded_for_then(
    decided, consent, performer
):
    consent(performer=performer, scope=Scope(valid_to=JUNE))
    assert decided(at=JUNE - SECOND) == ("cleared", "allow")
    assert decided(at=JUNE) == ("refused", "valid_to")
    assert decided(at=datetime(2999, 1, 1, tzinfo=UTC))[0] == "refused"


def test_a_request_before_the_first_version_is_refused(decided, consent, performer):
    consent(performer=performer, at=FEBRUARY)
    assert decided(at=FEBRUARY - SECOND) == ("refused", "unset")
    assert decided(at=datetime(1970, 1, 1, tzinfo=UTC)) == ("refused", "unset")


def test_a_studios_clock_that_runs_ahead_or_behind_changes_only_the_instant_asked_about(
    decided, consent, performer
):
    consent(performer=performer, at=FEBRUARY)
    assert decided(at=MARCH + timedelta(minutes=7)) == ("cleared", "allow")
    assert decided(at=MARCH - timedelta(minutes=7)) == ("cleared", "allow")
    assert decided(at=FEBRUARY - SECOND, known_at=FEBRUARY + SECOND) == ("refused", "unset")


def test_a_consent_recorded_ahead_of_our_clock_is_not_known_yet(decided, consent, performer):
    consent(performer=performer, at=JANUARY, recorded_at=MARCH + SECOND)
    assert decided() == ("refused", "unset")


@pytest.mark.parametrize("at", [datetime(2026, 3, 1), None])  # noqa: DTZ001 (naive on purpose)
def test_an_instant_without_a_zone_is_refused_whatever_is_allowed(
    consent, performer, terms, twin, agreement, at
):
    consent(performer=performer)
    request = Request(
        name_of(Prefix.TWIN, twin.pk),
        "voice",
        "dubbing",
        "paper-moon",
        at,
        name_of(Prefix.AGREEMENT, agreement.pk),
    )
    (facts,) = facts_for([request], terms=terms, known_at=MARCH)
    assert decide(request, facts, MARCH).deciding.code == "undated"
