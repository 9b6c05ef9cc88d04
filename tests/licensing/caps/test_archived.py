"""A cap that is added counts archived uses as if they still lay in tables."""

from datetime import date, timedelta
from decimal import Decimal as D
from pathlib import Path

import pytest
from django.db import connection

from licensing.agreements import counted_caps
from licensing.agreements.counted_caps import begin_to_count
from licensing.log import sequencer
from licensing.models import Cap, CapYear, EventArchive
from licensing.usage.archive import archive_file, archives, partitions
from licensing.usage.archive.archived_events import ArchiveAway, ArchiveChanged
from licensing.usage.recording.record import record_events
from tests.factories import NOW, admin_page, make_persona, sign_in

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(days=800)
YEAR = date(2026, 1, 1)
AMENDMENT = "org.likenessdesk.usage.amendment.v1"
FIRST = {"source": "https://studio.example/dub", "id": "first"}


@pytest.fixture(autouse=True)
def _files_and_numbers_of_their_own(db, settings, tmp_path, monkeypatch):
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(archive_file, "EVENTS_IN_A_BLOCK", 2)
    before = partitions.newest_id()
    yield
    give_numbers_up_to(before)


def give_numbers_up_to(number):
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval('licensing_usageevent_id_seq', greatest(%s, 1))", [number])


@pytest.fixture
def old(use, origin, agreement):
    """Seven sealed events, one of them replaced and one a ruling's, in a partition that is full."""
    agreement.time_zone = "America/Los_Angeles"
    agreement.save()
    (partition,) = partitions.make_ahead(rows=1_000, ahead=4)
    give_numbers_up_to(partition.starts - 1)
    alone = {"agreement": None, "language": None}
    new_year = "2026-01-01T03:00:00Z"  # still New Year's Eve in Los Angeles
    record_events(
        [
            use("first", data=lines("1000")),
            use("mended", type=AMENDMENT, data={"replaces": FIRST, **lines("2.5")}),
            use("game", data={"channel": "game", **lines("3")}),
            use("eve", data=lines("5"), time=new_year),
            use("alone", data=alone | lines("7"), time=new_year),
            use("words", data={"quantities": {"words": "11"}}),
        ],
        origin,
    )
    sequencer.seal(at=NOW)
    give_numbers_up_to(partition.ends)
    return partition


def lines(quantity):
    return {"quantities": {"lines": quantity}}


def detach(partition):
    return archives.detach(
        partition, at=LATER, rated_to=10**9, received_before=LATER - timedelta(days=730)
    )


def added(**fields):
    cap = Cap.objects.create(**{"meter": "lines", "limit": 330, "starts_on": YEAR, **fields})
    begin_to_count([cap.pk], at=NOW)
    return dict(CapYear.objects.filter(cap=cap).values_list("starts_on", "used"))


def test_it_counts_the_same_before_and_after_uses_left_for_a_file(
    old, agreement, twin, performer, use, origin
):
    give_numbers_up_to(old.ends)
    record_events([use("young", data=lines("0.25"))], origin)  # stays in its table
    kinds = [
        {"agreement": agreement},
        {"agreement": agreement, "channels": ["game"]},
        {"agreement": agreement, "starts_on": date(2025, 12, 31)},
        {"agreement": agreement, "starts_on": date(2025, 1, 1), "ends_on": YEAR},
        {"agreement": agreement, "meter": "words"},
        {"agreement": agreement, "meter": "tokens"},
        {"twin": twin},
        {"performer": performer, "starts_on": date(2025, 1, 1)},
        {"performer": performer, "year_start_month": 5},
    ]
    before = [added(**kind) for kind in kinds]
    # 2.5 + 3 + 0.25 of the agreement in 2026, 7 of nobody's, and 5 on the Eve of 2025.
    assert before[0] == {YEAR: D("5.75")}
    assert before[3] == {date(2025, 1, 1): 5, YEAR: 0}
    assert before[4] == {YEAR: 11}
    assert before[7] == {date(2025, 1, 1): 5, YEAR: D("12.75")}

    detach(old)
    assert [added(**kind) for kind in kinds] == before


def test_a_file_is_read_only_for_a_cap_that_its_units_tell_of(old, agreement, agency):
    path = Path(detach(old).file.path)
    path.unlink()

    assert added(agreement=agreement, meter="tokens") == {YEAR: 0}
    assert added(agreement=agreement, starts_on=date(2027, 2, 1)) == {date(2027, 1, 1): 0}
    assert added(twin=make_persona(agency)) == {YEAR: 0}


@pytest.mark.parametrize(
    ("harm", "refusal", "why"),
    [
        (Path.unlink, ArchiveAway, "cannot be reached"),
        (lambda path: path.write_bytes(b"x" * path.stat().st_size), ArchiveChanged, "restore"),
    ],
    ids=["away", "changed"],
)
def test_a_file_that_cannot_be_read_is_a_refusal_that_names_it(old, agreement, harm, refusal, why):
    archive = detach(old)
    harm(Path(archive.file.path))

    with pytest.raises(refusal, match=why) as refused:
        added(agreement=agreement)
    assert archive.file.name in str(refused.value)
    assert not CapYear.objects.exists()


def test_staff_who_add_a_cap_read_which_file_is_away_and_nothing_is_kept(old, affairs, performer):
    archive = detach(old)
    Path(archive.file.path).unlink()
    sent = {"performer": performer.pk, "meter": "lines", "limit": "8", "hard": "on",
            "year_start_month": "1", "starts_on": "2026-01-01",
            "years-TOTAL_FORMS": 0, "years-INITIAL_FORMS": 0}  # fmt: skip

    said = sign_in(affairs).post(admin_page(Cap), sent, follow=True)

    assert archive.file.name in said.text
    assert not Cap.objects.exists()


@pytest.mark.parametrize("was_away", [False, True], ids=["leaves", "comes back"])
def test_uses_that_move_while_the_files_are_read_are_counted_once(
    old, agreement, monkeypatch, was_away
):
    archive = detach(old) if was_away else None
    read, reads = counted_caps.used_in_archives, []

    def and_then_they_move(counted):
        sums = read(counted)
        if not reads:
            archives.attach(first_id=archive.first_id) if archive else detach(old)
        reads.append(sums)
        return sums

    monkeypatch.setattr(counted_caps, "used_in_archives", and_then_they_move)

    assert added(agreement=agreement) == {YEAR: D("5.5")}
    assert len(reads) == 2
    assert EventArchive.objects.in_place_of_tables().exists() is not was_away


def test_an_archive_of_before_all_meters_were_summed_is_read(old, agreement):
    archive = detach(old)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        archive.units.all().delete()

    assert added(agreement=agreement) == {YEAR: D("5.5")}
