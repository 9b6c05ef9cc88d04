"""Consents on the database: versions count up, never change, and say what was shown."""

import hashlib
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction

from talent.consent.consents import (
    BlanketConsent,
    ContradictoryConsent,
    Evidence,
    UnknownCode,
    matrix_of,
    record,
    versions_of,
)
from talent.consent.matrix import Cell, in_force
from talent.consent.scope import LanguagesIn, Limit, Scope
from talent.models import Performer
from talent.words import Use

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
JUNE = datetime(2026, 6, 1, tzinfo=UTC)

pytestmark = pytest.mark.django_db

DUBBING = Cell(
    "voice",
    "dubbing",
    "allow",
    Scope(
        territories=frozenset({"FR", "DE"}),
        languages=frozenset(),
        licensees_allowed=frozenset({"lantern"}),
        licensees_excluded=frozenset({"smokeco"}),
        valid_from=JANUARY,
        valid_to=JUNE,
        notice_hours=48,
        exclusions=frozenset({"hate"}),
        real_time=False,
        withdrawal_notice_hours=24,
        territories_excluded=frozenset({"US-TX"}),
        languages_in=(LanguagesIn("CA", frozenset({"fr", "en"})),),
        channels_allowed=frozenset({"cinema"}),
        channels_excluded=frozenset({"social"}),
        productions_allowed=frozenset({"P5"}),
        productions_excluded=frozenset({"P6"}),
        brands_allowed=frozenset({"fizz"}),
        brands_excluded=frozenset({"category:tobacco"}),
        limits=(Limit("lines", Decimal(10), per_licensee=True), Limit("seconds", Decimal("12.5"))),
    ),
)


@pytest.fixture
def performer():
    return Performer.objects.create(name="Ada Example", guild="equity_uk")


def record_cells(performer, *cells, **times):
    return record(
        matrix=matrix_of(performer=performer),
        cells=cells,
        evidence=Evidence("You allow dubbing into French."),
        by=None,
        **{"in_force_from": JANUARY, "recorded_at": JANUARY, **times},
    )


def read(performer, known_at=JUNE, cells=None):
    versions = versions_of(performers=[performer.pk], cells=cells, known_at=known_at)
    return versions.get(("performer", performer.pk), [])


def test_what_is_recorded_is_read_back(performer):
    record_cells(performer, DUBBING, Cell("voice", "advertising", "deny"))
    (version,) = read(performer)
    assert (version.number, version.owner_kind, version.owner) == (1, "performer", "Ada Example")
    assert set(version.cells) == {DUBBING, Cell("voice", "advertising", "deny")}


def test_the_text_shown_is_kept_with_its_hash(performer):
    version = record_cells(performer, DUBBING)
    assert version.text_sha256 == hashlib.sha256(b"You allow dubbing into French.").hexdigest()


def test_versions_count_up_and_the_later_one_unsets_what_it_does_not_say(performer):
    record_cells(performer, DUBBING)
    record_cells(performer, Cell("voice", "adr", "ask"), in_force_from=MARCH)
    first, second = read(performer, cells=[("voice", "dubbing")])
    assert (first.number, second.number) == (1, 2)
    assert (first.cells, second.cells) == ((DUBBING,), ())
    assert in_force([first, second], at=JUNE, known_at=JUNE) == second


def test_what_was_recorded_later_was_not_known(performer):
    record_cells(performer, DUBBING, recorded_at=JUNE)
    assert read(performer, known_at=MARCH) == []
    assert len(read(performer, known_at=JUNE)) == 1


def test_a_version_can_not_be_changed(performer):
    version = record_cells(performer, DUBBING)
    with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
        type(version).objects.update(text_shown="You allow everything.")
    with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
        version.cells.all().delete()


def test_a_blanket_consent_is_refused_with_the_reason(performer):
    with pytest.raises(BlanketConsent, match="Voice is allowed in every use"):
        record_cells(performer, *(Cell("voice", use, "allow") for use in Use.codes()))
    assert read(performer) == []


def test_a_guild_floor_may_allow_everything():
    cells = [Cell("voice", use, "allow") for use in Use.codes()]
    version = record(
        matrix=matrix_of(guild="equity_uk"),
        cells=cells,
        in_force_from=JANUARY,
        recorded_at=JANUARY,
        by=None,
        evidence=Evidence("The floor.", method="rule"),
    )
    assert version.cells.count() == len(cells)


@pytest.mark.parametrize(
    ("cells", "refusal"),
    [
        ([DUBBING, DUBBING], ContradictoryConsent),
        (
            [Cell("voice", "adr", "allow", Scope(valid_from=MARCH, valid_to=MARCH))],
            ContradictoryConsent,
        ),
        (
            [Cell("voice", "adr", "allow", Scope(territories=frozenset({"XX"})))],
            UnknownCode,
        ),
        (
            [Cell("voice", "adr", "allow", Scope(languages=frozenset({"klingonish"})))],
            UnknownCode,
        ),
    ],
)
def test_a_consent_that_makes_no_sense_is_refused(performer, cells, refusal):
    with pytest.raises(refusal):
        record_cells(performer, *cells)
    assert read(performer) == []


def test_versions_of_many_owners_take_two_queries(performer, django_assert_num_queries):
    for number in range(3):
        record_cells(Performer.objects.create(name=f"Bo Example {number}"), DUBBING)
    record_cells(performer, DUBBING)
    everybody = list(Performer.objects.values_list("pk", flat=True))
    with django_assert_num_queries(2):
        versions_of(performers=everybody, known_at=JUNE)
