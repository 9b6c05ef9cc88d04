"""When twins were seen is the same whether events lie in tables or in files."""

from collections import Counter
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from licensing.log import sequencer
from licensing.models import UsageEvent
from licensing.usage.archive import archive_file, archives, partitions
from licensing.usage.archive.archived_seen_time import archived_seen_time
from licensing.usage.recording.record import record_events
from licensing.usage.totals.seen_time import FIGURES, SEEN_BY, leaves_known, seen_time
from tests.factories import NOW
from valuation.models import SeenTime
from valuation.worth.twin.seen_days import add_new_leaves, compare_seen_time

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(days=800)
RULE = {"rated_to": 10**9, "received_before": LATER - timedelta(days=730)}
AMENDMENT = "org.likenessdesk.usage.amendment.v1"
SOURCE = "https://studio.example/dub"
SILENT = {"quantities": {"lines": "1.5"}}


def give_numbers_up_to(number):
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval('licensing_usageevent_id_seq', greatest(%s, 1))", [number])


def amended(use, name, take, seconds):
    told = {"replaces": {"source": SOURCE, "id": take}, "quantities": {"seconds": seconds}}
    return use(name, type=AMENDMENT, data=told)


@pytest.fixture
def old(use, origin, settings, tmp_path, monkeypatch):
    """A full partition of uses, one of them amended in it, and one that says nothing of time."""
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(archive_file, "EVENTS_IN_A_BLOCK", 2)
    before = partitions.newest_id()
    (partition,) = partitions.make_ahead(rows=1_000, ahead=4)
    give_numbers_up_to(partition.starts - 1)
    takes = [use(f"take-{n}", data={"quantities": {"seconds": "30.5"}}) for n in range(4)]
    record_events([*takes, use("silent", data=SILENT)], origin)
    record_events([amended(use, "fix-1", "take-1", "10")], origin)
    sequencer.seal(at=NOW)
    give_numbers_up_to(partition.ends)
    yield partition
    give_numbers_up_to(before)


def told(of):
    """What all leaves say of an event's twin: from tables, and from files."""
    sums = {name: Counter() for name in FIGURES}
    agency_id, twin_id = of.agency_id, of.twin_id
    for row in seen_time(
        agency_id=agency_id, twin_id=twin_id, from_index=0, to_index=leaves_known()
    ):
        for name in FIGURES:
            sums[name][tuple(row[key] for key in SEEN_BY)] += row[name]
    for place, found in archived_seen_time(from_index=0, to_index=leaves_known()).items():
        assert (place.agency_id, place.twin_id) == (agency_id, twin_id)
        for name in FIGURES:
            sums[name][tuple(place)[2:]] += getattr(found, name)
    return {name: {key: n for key, n in counted.items() if n} for name, counted in sums.items()}


@pytest.mark.parametrize("lies_in_a_table", [False, True])
def test_what_files_and_tables_say_together_is_what_tables_said(old, use, origin, lies_in_a_table):
    if lies_in_a_table:
        # An amendment of the next partition, of an event that leaves for a file.
        record_events([amended(use, "fix-2", "take-2", "5")], origin)
        sequencer.seal(at=NOW)
    one = UsageEvent.objects.earliest("pk")
    before = told(one)
    assert sum(before["seconds"].values()) == (30.5 * 2 + 10 + (5 if lies_in_a_table else 30.5))
    assert sum(before["unmeasured"].values()) == 1

    archives.detach(old, at=LATER, **RULE)

    assert UsageEvent.objects.count() == lies_in_a_table
    assert told(one) == before


def test_leaves_of_another_stretch_are_not_read(old):
    archives.detach(old, at=LATER, **RULE)

    # The first batch holds five leaves, the second the amendment.
    first = archived_seen_time(from_index=0, to_index=5).values()
    second = archived_seen_time(from_index=5, to_index=leaves_known()).values()

    assert sum(one.seconds for one in first) == 4 * 30.5
    assert sum(one.seconds for one in second) == 10 - 30.5


def test_sums_kept_of_archived_leaves_are_compared_with_their_files(old, tmp_path):
    add_new_leaves(now=NOW)
    one = UsageEvent.objects.earliest("pk")
    archives.detach(old, at=LATER, **RULE)
    assert not UsageEvent.objects.exists()

    (compared,) = compare_seen_time()
    assert (compared.differences, compared.unread) == ((), "")
    SeenTime.objects.create(
        run=compared.run, agency_id=one.agency_id, twin_id=one.twin_id,
        licensee_id=one.licensee_id, use=one.use, channel=one.channel, on=NOW.date(), seconds=60,
        unmeasured=0,
    )  # fmt: skip
    ((difference,),) = (found.differences for found in compare_seen_time())
    assert (difference["on"], difference["seconds"]) == (NOW.date(), 60)

    for file in tmp_path.rglob("*"):
        if file.is_file():
            file.unlink()
    said = StringIO()
    with pytest.raises(CommandError, match="1 of 1 stretches of the log were not compared"):
        call_command("exposure", verify=True, stderr=said)
    assert "Leaves 0 to 6 were not compared: " in said.getvalue()
