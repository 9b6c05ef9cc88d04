"""Old events leave their tables for a file without anything being lost or hidden."""

import gzip
import hashlib
import json
from datetime import timedelta
from decimal import Decimal as D
from io import StringIO
from pathlib import Path

import pgtrigger
import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, transaction
from django.forms.models import model_to_dict
from django.urls import reverse

from licensing import api_keys
from licensing.decision.request import ANY_LICENSEE, Request
from licensing.facts.facts import facts_for
from licensing.log import sequencer
from licensing.models import (
    ArchiveBlock,
    ArchivedUnits,
    DeadLetter,
    EventArchive,
    Replacement,
    UsageEvent,
    UsageRecord,
)
from licensing.usage.archive import archive_file, archived_events, archives, partitions
from licensing.usage.corrections import read_again
from licensing.usage.recording.messages import Reception
from licensing.usage.recording.record import record_events
from talent.consent import consents
from talent.consent.matrix import Cell
from talent.consent.scope import Limit, Scope
from talent.models import Membership, User
from talent.words import Meter, Role, Stance
from tests.factories import NOW, make_agency, make_terms

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(days=800)
AMENDMENT = "org.likenessdesk.usage.amendment.v1"
SOURCE = "https://studio.example/dub"
BEFORE_THE_YEAR = "2026-01-01T00:59:59+01:00"  # in UTC
TOLD = {"quantities": {"lines": "1.5", "seconds": "30"}}
RULE = {"rated_to": 10**9, "received_before": LATER - timedelta(days=730)}


@pytest.fixture(autouse=True)
def _files_and_numbers_of_their_own(db, settings, tmp_path, monkeypatch):
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(archive_file, "EVENTS_IN_A_BLOCK", 4)
    before = partitions.newest_id()
    yield
    give_numbers_up_to(before)


def give_numbers_up_to(number):
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval('licensing_usageevent_id_seq', greatest(%s, 1))", [number])


@pytest.fixture
def old(use, origin):
    """Ten sealed events, alone in a partition that is full."""
    (partition,) = partitions.make_ahead(rows=1_000, ahead=4)
    give_numbers_up_to(partition.starts - 1)
    record_events(
        [use(f"take-{n}", data={"prompt": f"Straße {n}", **TOLD}) for n in range(9)], origin
    )
    alone = {"agreement": None, "language": None, **TOLD}
    record_events([use("alone", data=alone, time=BEFORE_THE_YEAR)], origin)
    sequencer.seal(at=NOW)
    give_numbers_up_to(partition.ends)
    return partition


def detach(partition, **changed):
    return archives.detach(partition, at=LATER, **(RULE | changed))


def everything():
    """Every event and record of the tables, as told to anybody who compares."""
    return (
        [
            model_to_dict(one) | {"entry": bytes(one.entry)}
            for one in UsageEvent.objects.order_by("pk")
        ],
        [
            (one.pk, bytes(one.salt), bytes(one.canonical))
            for one in UsageRecord.objects.order_by("pk")
        ],
    )


# Leaving


def test_a_detached_partition_is_a_file_and_no_table(old):
    archive = detach(old)

    assert not UsageEvent.objects.filter(pk__gte=old.starts, pk__lt=old.ends).exists()
    assert not UsageRecord.objects.filter(pk__gte=old.starts, pk__lt=old.ends).exists()
    assert (archive.first_id, archive.end_id, archive.events) == (old.starts, old.ends, 10)
    assert (archive.first_index, archive.last_index) == (0, 9)
    assert archive.detached_at == LATER
    path = Path(archive.file.path)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == archive.sha256
    assert path.stat().st_mode & 0o077 == 0
    lines = gzip.decompress(path.read_bytes()).decode().split("\n")[:-1]
    assert [json.loads(line)["id"] for line in lines] == [old.starts + n for n in range(10)]


def test_every_column_of_an_archived_event_reads_as_before(old):
    before = {one.pk: one for one in UsageEvent.objects.select_related("record")}
    detach(old)

    found = archived_events.events_in_archives(list(before))

    assert found.keys() == before.keys()
    for pk, event in before.items():
        for field in UsageEvent._meta.concrete_fields:
            assert plain(getattr(found[pk], field.attname)) == plain(getattr(event, field.attname))
        assert bytes(found[pk].record.salt) == bytes(event.record.salt)
        assert bytes(found[pk].record.canonical) == bytes(event.record.canonical)
        assert found[pk].twin == event.twin
    assert archived_events.event_in_archive(old.starts + 500) is None
    assert archived_events.event_in_archive(old.ends + 1) is None


def plain(value):
    return bytes(value) if isinstance(value, memoryview) else value


def test_reading_one_event_reads_one_block(old, monkeypatch):
    detach(old)
    read = []
    monkeypatch.setattr(
        archive_file,
        "read_block",
        lambda block, file, real=archive_file.read_block: read.append(block) or real(block, file),
    )

    assert archived_events.event_in_archive(old.starts + 5).pk == old.starts + 5
    assert [block.first_id for block in read] == [old.starts + 4]


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({"rated_to": 9}, "rated"),
        ({"received_before": NOW}, "too recently"),
    ],
)
def test_what_is_not_done_with_stays(old, rule, why):
    with pytest.raises(archives.NotYetArchivable, match=why):
        detach(old, **rule)

    assert not EventArchive.objects.exists()
    assert archives.archivable_partitions(**(RULE | rule)) == []
    assert archives.archivable_partitions(**RULE) == [old]


def test_a_partition_that_is_still_filled_or_not_sealed_stays(use, origin):
    (partition,) = partitions.make_ahead(rows=1_000, ahead=4)
    give_numbers_up_to(partition.starts - 1)
    record_events([use()], origin)

    with pytest.raises(archives.NotYetArchivable, match="still come in"):
        detach(partition)
    give_numbers_up_to(partition.ends)
    with pytest.raises(archives.NotYetArchivable, match="sealed"):
        detach(partition)


def test_an_event_without_a_place_in_the_log_keeps_its_partition(old, use, origin):
    give_numbers_up_to(old.starts + 500)
    record_events([use("late")], origin)
    give_numbers_up_to(old.ends)

    with pytest.raises(archives.NotYetArchivable, match="no place in the log"):
        detach(old)


@pytest.mark.parametrize("sealed", [False, True])
def test_an_amendment_that_no_night_has_read_keeps_what_it_amends(old, use, origin, sealed):
    replaced = {"replaces": {"source": SOURCE, "id": "take-1"}}
    record_events([use("fix-1", type=AMENDMENT, data=replaced)], origin)
    if sealed:
        sequencer.seal(at=NOW)

    with pytest.raises(archives.NotYetArchivable, match="amendment"):
        detach(old, rated_to=10)


def test_a_file_that_does_not_hold_what_was_told_takes_nothing_away(old, monkeypatch):
    before = everything()
    read = archive_file.columns_of

    def one_is_other(line):
        row = read(line)
        return row | {"canonical": b"{}"} if row["id"] == old.starts + 7 else row

    monkeypatch.setattr(archive_file, "columns_of", one_is_other)
    with pytest.raises(archived_events.ArchiveChanged, match="commits to"):
        detach(old)

    assert everything() == before
    assert not EventArchive.objects.exists()


def test_a_record_that_is_missing_takes_nothing_away(old):
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {old.records} DISABLE TRIGGER ALL")
        cursor.execute(f"DELETE FROM {old.records} WHERE event_id = %s", [old.starts])  # noqa: S608
    with pytest.raises(archived_events.ArchiveChanged, match="9 of 10"):
        detach(old)

    assert UsageEvent.objects.count() == 10


def test_tables_that_hold_more_than_the_file_stay(old, monkeypatch):
    monkeypatch.setattr(partitions, "retry_while_locked", killed)
    with pytest.raises(Killed):
        detach(old)
    monkeypatch.undo()
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {old.events} SELECT (json_populate_record(event, %s)).*"  # noqa: S608
            f" FROM {old.events} event WHERE id = %s",
            [json.dumps({"id": old.starts + 50}), old.starts],
        )

    with pytest.raises(archives.NotYetArchivable, match="more than in the file"):
        detach(old)
    assert UsageEvent.objects.count() == 11


def test_a_file_that_was_harmed_after_a_kill_takes_nothing_away(old, monkeypatch):
    monkeypatch.setattr(partitions, "retry_while_locked", killed)
    with pytest.raises(Killed):
        detach(old)
    monkeypatch.undo()
    path = Path(EventArchive.objects.get().file.path)
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(archived_events.ArchiveChanged):
        detach(old)
    assert UsageEvent.objects.count() == 10


def killed(*args, **kwargs):
    raise Killed


class Killed(BaseException):
    """What no handler catches, like a kill."""


@pytest.mark.parametrize(
    ("module", "step"),
    [
        (archives, "_write_file"),
        (archives, "_sync_folder"),
        (archives, "_prove"),
        (ArchiveBlock.objects, "bulk_create"),
        (partitions, "retry_while_locked"),
        (partitions, "drop"),
        (EventArchive, "save"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_kill_at_any_step_leaves_the_tables_or_the_file_and_a_rerun_ends_the_work(
    old, monkeypatch, module, step, after
):
    before = everything()
    real = getattr(module, step)

    def killed(*args, **kwargs):
        if after:
            real(*args, **kwargs)
        raise Killed

    monkeypatch.setattr(module, step, killed)
    with pytest.raises(Killed):
        detach(old)
    monkeypatch.setattr(module, step, real)

    if UsageEvent.objects.exists():
        assert everything() == before
    else:
        assert archived_events.events_in_archives([pk for pk, _, _ in before[1]]).keys() == {
            pk for pk, _, _ in before[1]
        }
    again = EventArchive.objects.in_place_of_tables().exists() or detach(old)
    assert again
    assert not UsageEvent.objects.exists()


# Staying in use


def test_an_event_sent_again_gets_its_first_receipt_from_the_file(old, use, origin):
    before = UsageEvent.objects.get(pk=old.starts)
    detach(old)

    same, other = record_events(
        [
            use("take-0", data={"prompt": "Straße 0", **TOLD}),
            use("take-1", data={"territory": "IT"}),
        ],
        origin,
    )

    assert same.reception is Reception.KNOWN
    assert (same.event_id, same.entry) == (old.starts, bytes(before.entry))
    assert (same.standing, same.standing_reason) == (before.standing, before.standing_reason)
    assert other.reception is Reception.CONFLICT
    assert not UsageEvent.objects.exists()


def test_a_file_to_which_something_was_added_is_not_the_one_that_was_recorded(old):
    archive = detach(old)
    with Path(archive.file.path).open("ab") as file:
        file.write(b"\n")

    with pytest.raises(archived_events.ArchiveChanged, match="digest differs"):
        archives.attach(first_id=old.starts)


def test_an_amendment_of_an_archived_event_waits_until_the_archive_is_back(old, use, origin):
    detach(old)
    fixes = [
        use("fix-0", type=AMENDMENT, data={"replaces": {"event": str(old.starts)}}),
        use("fix-1", type=AMENDMENT, data={"replaces": {"source": SOURCE, "id": "take-1"}}),
        use("fix-2", type=AMENDMENT, data={"replaces": {"source": SOURCE, "id": "never sent"}}),
    ]

    outcomes = record_events(fixes, origin)

    assert [one.reception for one in outcomes] == [Reception.NOT_UNDERSTOOD] * 3
    assert [one.faults[0].code for one in outcomes] == [
        "archived_event",
        "archived_event",
        "unknown_event",
    ]
    assert "archive" in DeadLetter.objects.get(pk=outcomes[0].dead_letter_id).detail
    assert not UsageEvent.objects.exists()

    archives.attach(first_id=old.starts)
    replayed = read_again(dead_letter_ids=[one.dead_letter_id for one in outcomes], at=LATER)

    assert [one.reception for one in replayed] == [
        Reception.RECORDED,
        Reception.RECORDED,
        Reception.NOT_UNDERSTOOD,
    ]
    assert set(Replacement.objects.values_list("event_id", flat=True)) == {
        old.starts,
        old.starts + 1,
    }


def test_a_licensee_reads_its_archived_event_and_nobody_elses(client, old, terms, licensee):
    detach(old)
    other = make_agency("other")
    foreign = make_terms(other, licensee)
    own, strange = (
        api_keys.issue(terms=one, label="Key", at=NOW, by=None).secret for one in (terms, foreign)
    )
    url = f"/api/v1/usage/events/{old.starts}"

    shown = client.get(url, headers={"authorization": f"Bearer {own}"})

    assert shown.status_code == 200
    assert shown.json()["index"] == 0
    assert shown.json()["quantities"] == {"lines": "1.5", "seconds": "30"}
    assert client.get(url, headers={"authorization": f"Bearer {strange}"}).status_code == 404


def test_staff_open_an_archived_event_by_its_number_and_strangers_do_not(client, old, agency):
    detach(old)
    url = reverse("admin:licensing_usageevent_change", args=[old.starts])
    other = make_agency("other")
    for where, status in ((agency, 200), (other, 404)):
        user = User.objects.create_user(f"{where.slug}@example.com", is_staff=True)
        Membership.objects.create(
            user=user, agency=where, role=Role.AGENT.value, starts_on="2020-01-01"
        )
        client.force_login(user)
        assert client.get(url).status_code == status
        found = client.get(reverse("admin:search"), {"s": str(old.starts), "extended": 1})
        assert (f"usageevent/{old.starts}/" in found.text) == (status == 200)
    client.force_login(User.objects.create_superuser("operator@example.com"))
    assert "1.5 lines, 30 seconds" in client.get(url).text
    assert client.get(reverse("admin:licensing_eventarchive_changelist")).status_code == 200


def test_an_archived_event_is_visible_to_whom_it_was(old, agency):
    event = UsageEvent.objects.get(pk=old.starts)
    stranger = User.objects.create_user("stranger@example.com")
    staff = User.objects.create_user("staff@example.com")
    Membership.objects.create(
        user=staff, agency=agency, role=Role.AGENT.value, starts_on="2020-01-01"
    )
    operator = User.objects.create_superuser("operator@example.com")

    for user, sees in ((stranger, False), (staff, True), (operator, True)):
        assert UsageEvent.objects.visible_to(user).filter(pk=event.pk).exists() is sees
        assert event.is_visible_to(user) is sees


@pytest.fixture
def seconds_used(twin, terms, performer):
    """Tell how many seconds the desk knows of, for a consent to an hour."""
    consents.record(
        matrix=consents.matrix_of(performer=performer),
        cells=[Cell("voice", "dubbing", Stance.ALLOW, Scope(limits=(Limit("seconds", D(3600)),)))],
        in_force_from=NOW,
        recorded_at=NOW,
        by=None,
        evidence=consents.Evidence("An hour at most."),
    )
    request = Request(f"T{twin.pk}", "voice", "dubbing", terms.licensee.slug, LATER)

    def told(known_at=LATER):
        (facts,) = facts_for([request], terms=terms, known_at=known_at)
        return sum(row.used for row in facts.contributors[0].used)

    return told


def test_hours_that_a_consent_bounds_count_on(old, seconds_used):
    """What was used is used, whether its events lie in a table or in a file."""
    before = seconds_used()
    detach(old)

    assert before == seconds_used() == D(10) * 30
    assert seconds_used(known_at=NOW) == 0
    archives.attach(first_id=old.starts)
    assert seconds_used() == before


def test_what_an_amendment_took_back_counts_no_hours(old, use, origin, seconds_used):
    archives.attach(first_id=detach(old).first_id)
    replaced = {"replaces": {"source": SOURCE, "id": "take-1"}}
    record_events(
        [use("fix-1", type=AMENDMENT, data=replaced | {"quantities": {"seconds": "10"}})], origin
    )
    sequencer.seal(at=NOW)
    assert seconds_used() == D(9) * 30 + 10

    detach(old)
    assert seconds_used() == D(9) * 30 + 10


def test_units_that_a_consent_limits_count_on_by_meter_licensee_and_year(
    old, twin, terms, performer, consent
):
    limits = [
        Limit("lines", D(1), per_licensee=True),
        Limit("seconds", D(1), per_year=True),
        Limit("tokens", D(1)),
    ]
    consent(performer=performer, scope=Scope(limits=tuple(limits)))
    request = Request(f"T{twin.pk}", "voice", "dubbing", terms.licensee.slug, LATER)

    def used():
        (facts,) = facts_for([request], terms=terms, known_at=LATER)
        return facts.contributors[0].used

    before = used()
    assert [(row.meter, row.licensee, row.year, row.used) for row in before] == [
        ("lines", terms.licensee.slug, 2025, D("1.5")),
        ("lines", terms.licensee.slug, 2026, D("13.5")),
        ("seconds", terms.licensee.slug, 2025, D(30)),
        ("seconds", terms.licensee.slug, 2026, D(270)),
    ]
    detach(old)
    assert used() == before
    # An archive of before licensees were kept counts for every one.
    with pgtrigger.ignore("licensing.ArchivedUnits:append_only"):
        ArchivedUnits.objects.update(licensee=None)
    assert {row.licensee for row in used()} == {ANY_LICENSEE}


def test_the_units_of_an_archive_are_summed_in_every_meter():
    for meter in Meter.codes():
        assert f"('{meter}', used.{meter})" in archives.STORE_UNITS


# A file that changed


def test_a_file_that_was_changed_is_never_believed(old):
    archive = detach(old)
    path = Path(archive.file.path)
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(content)

    with pytest.raises(archived_events.ArchiveChanged):
        archived_events.event_in_archive(old.starts)
    with pytest.raises(archived_events.ArchiveChanged):
        archives.attach(first_id=old.starts)
    path.unlink()
    with pytest.raises(archived_events.ArchiveAway, match="cannot be reached"):
        archived_events.event_in_archive(old.starts)


def test_an_archives_row_never_changes(old):
    archive = detach(old)
    for change in ({"sha256": "0" * 64}, {"events": 3}):
        with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
            EventArchive.objects.filter(pk=archive.pk).update(**change)
    with pytest.raises(ProgrammingError, match="Cannot"), transaction.atomic():
        archive.delete()


# Coming back


def test_attached_events_are_what_they_were_and_can_leave_again(old):
    before = everything()
    made = detach(old)

    archives.attach(first_id=old.starts)

    assert everything() == before
    assert not EventArchive.objects.in_place_of_tables().exists()
    with pytest.raises(ProgrammingError, match="Cannot update or delete"), transaction.atomic():
        UsageEvent.objects.filter(pk=old.starts).update(territory="IT")
    with pytest.raises(archives.NoSuchArchive):
        archives.attach(first_id=old.starts)
    assert detach(old).pk == made.pk
    assert archived_events.event_in_archive(old.starts + 9).standing == before[0][9]["standing"]


def test_columns_that_came_after_an_archive_have_their_defaults(old, monkeypatch):
    before = everything()
    older = "to_jsonb(line) - 'real_time' - 'build_id'"
    lines = archives.FILE_LINES.replace("row_to_json(line)", older)
    monkeypatch.setattr(archives, "FILE_LINES", lines)
    detach(old)

    event = archived_events.event_in_archive(old.starts)
    assert (event.real_time, event.build_id) == (False, None)
    archives.attach(first_id=old.starts)
    assert everything() == before


def test_the_command_shows_and_takes_each_step(old, settings):
    settings.PARTITIONS_AHEAD = 0
    with pytest.raises(CommandError, match="No archive"):
        call_command("usage_partitions", "attach", "7", stdout=StringIO())

    assert said("detach", "--days", "0") == ""  # No night has rated anything.
    assert "in use" in said()
    detach(old)
    assert f"Events {old.starts} to {old.ends - 1}: in " in said()
    assert "10 events" in said("attach", str(old.starts))
    assert said("make") == ""


def said(*step):
    out = StringIO()
    call_command("usage_partitions", *step, stdout=out)
    return out.getvalue()
