"""Sheets between their upload and their import: learnt mappings, workers, and cancelling."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from licensing import tasks
from licensing.models import SheetMapping, UsageEvent, UsageImport, UsageSheet
from licensing.usage.sheets import uploads
from licensing.usage.sheets.rows import ColumnMapping
from licensing.usage.sheets.uploads import SheetGone, SheetRefused
from licensing.words import ImportMode
from talent.models import User

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SHEET = "Take,Recorded,Lines,Language\n1,2026-07-13,1.5,it\n2,2026-07-13,2,it\n"


@pytest.fixture
def clerk(db):
    return User.objects.create_user("clerk@desk.example")


@pytest.fixture
def receive(terms, clerk):
    def receive(text=SHEET, *, name="takes.csv", at=NOW):
        file = io.BytesIO(text.encode())
        return uploads.receive(file, file_name=name, terms=terms, at=at, by=clerk)

    return receive


@pytest.fixture
def mapping(twin, agreement):
    constants = {"twin": f"T{twin.pk}", "agreement": "NA-1", "right": "voice", "use": "dubbing",
                 "territory": "IT", "channel": "streaming"}  # fmt: skip
    columns = {"Take": "", "Recorded": "time", "Lines": "lines", "Language": "language"}
    return ColumnMapping(columns, constants, "Europe/Rome")


@pytest.fixture
def queued(receive, mapping, clerk):
    sheet = receive()
    uploads.remember_mapping(sheet, mapping, at=NOW, by=clerk)
    uploads.queue(sheet, ImportMode.ALL_OR_NONE)
    return sheet


@pytest.mark.parametrize("unseen", ["\u202e", "\n", "\x1b"])
def test_a_files_name_shows_what_nobody_sees(receive, unseen):
    """Else “gpj.exe” reads as a picture; a name that cannot be read is no reason to send again."""
    assert (
        receive(name=f"takes{unseen}vsc.csv").file_name == "takes\N{REPLACEMENT CHARACTER}vsc.csv"
    )


def go_on(_rows):
    return True


def test_a_sheet_waits_sealed_until_it_is_imported(receive):
    sheet = receive()

    assert sheet.rows == 2
    assert uploads.content_of(sheet) == SHEET.encode()
    assert b"Recorded" not in bytes(UsageSheet.objects.get().content)


def test_columns_that_bear_a_fields_name_are_known_at_once(receive):
    assert receive().mapping["columns"] == {"Lines": "lines", "Language": "language"}


def test_the_next_sheet_with_these_headers_is_mapped_already(receive, mapping, clerk, terms):
    uploads.remember_mapping(receive(), mapping, at=NOW, by=clerk)

    assert receive(SHEET + "3,2026-07-14,3,it\n").mapping == vars(mapping) | {"decimal_sign": "."}
    assert receive(SHEET.replace("Take", "Cue")).mapping["columns"] != mapping.columns
    assert SheetMapping.objects.get().learnt_from == clerk


def test_the_latest_meaning_counts(receive, mapping, clerk):
    uploads.remember_mapping(receive(), mapping, at=NOW, by=clerk)
    later = ColumnMapping({**mapping.columns, "Take": "id"}, mapping.constants, "UTC")
    uploads.remember_mapping(receive(), later, at=NOW, by=clerk)
    uploads.remember_mapping(receive(), later, at=NOW, by=clerk)

    assert receive().mapping == vars(later) | {"decimal_sign": "."}
    assert SheetMapping.objects.count() == 2


@pytest.mark.parametrize("text", ["", "a,a\n1,2\n", "PK\x03\x04"])
def test_a_file_that_is_no_sheet_is_refused(receive, text):
    with pytest.raises(SheetRefused, match="Row 1"):
        receive(text)
    assert not UsageSheet.objects.exists()


def test_a_done_import_lets_the_file_go_and_keeps_its_report(queued):
    uploads.run(sheet_id=queued.pk, at=NOW, watch=go_on)

    queued.refresh_from_db()
    assert (queued.status, queued.content) == ("done", None)
    assert queued.report.accepted == 2
    with pytest.raises(SheetGone):
        uploads.content_of(queued)


def test_a_sheet_is_imported_once_however_often_it_is_asked_for(queued):
    for _ in range(3):
        uploads.run(sheet_id=queued.pk, at=NOW, watch=go_on)
    with pytest.raises(SheetGone):
        uploads.queue(queued, ImportMode.ROW_BY_ROW)

    assert UsageImport.objects.count() == 1


def test_another_reading_of_the_same_file_is_told(queued, receive, mapping, clerk):
    uploads.run(sheet_id=queued.pk, at=NOW, watch=go_on)
    again = receive()
    assert uploads.other_readings(again) == []

    other = ColumnMapping({**mapping.columns, "Take": "id"}, mapping.constants, mapping.time_zone)
    uploads.remember_mapping(again, other, at=NOW, by=clerk)
    assert uploads.other_readings(again) == [UsageImport.objects.get()]


def test_a_queued_sheet_is_cancelled_at_once(queued):
    uploads.cancel(queued, at=NOW)
    uploads.run(sheet_id=queued.pk, at=NOW, watch=go_on)

    queued.refresh_from_db()
    assert (queued.status, queued.content) == ("cancelled", None)
    assert not UsageEvent.objects.exists()


def test_a_running_sheet_stops_at_its_next_rows(queued):
    def watch(_rows):
        uploads.cancel(queued, at=NOW)
        return not uploads.is_cancelled(queued.pk)

    uploads.run(sheet_id=queued.pk, at=NOW, watch=watch)

    queued.refresh_from_db()
    assert queued.status == "cancelled"
    assert not UsageEvent.objects.exists()


def test_a_failure_keeps_nothing_and_says_so(queued, monkeypatch):
    monkeypatch.setattr("licensing.usage.sheets.imports.record_events", lambda *_: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        uploads.run(sheet_id=queued.pk, at=NOW, watch=go_on)

    queued.refresh_from_db()
    assert (queued.status, queued.failure) == ("failed", "ZeroDivisionError. Nothing was kept.")
    assert not UsageImport.objects.exists()


def test_the_sweep_goes_on_with_what_a_killed_worker_left(
    queued, django_capture_on_commit_callbacks
):
    UsageSheet.objects.update(status="running")
    with django_capture_on_commit_callbacks() as begun:
        assert tasks.import_usage_sheets() == 1
    assert len(begun) == 1

    assert tasks.import_usage_sheet(sheet_id=queued.pk) == "done"
    assert UsageEvent.objects.count() == 2


def test_sheets_nobody_went_on_with_are_forgotten(receive):
    old = receive(at=timezone.now() - timedelta(days=8))
    new = receive(at=timezone.now())
    tasks.import_usage_sheets()

    old.refresh_from_db()
    new.refresh_from_db()
    assert (old.content, old.status) == (None, "cancelled")
    assert new.content is not None
