"""Importing row by row: right rows count, wrong rows wait and are put right, nothing twice."""

import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest
import xlsxwriter

from licensing.models import DeadLetter, EventKey, LetterStep, UsageBatch, UsageEvent, UsageImport
from licensing.usage import corrections
from licensing.usage.corrections import (
    AlreadyAnEvent,
    DeadLetterClosed,
    NoStepReason,
    SaysWhatIsKnown,
    StillNotUnderstood,
)
from licensing.usage.sheets import imports
from licensing.usage.sheets.imports import ImportCancelled, import_sheet
from licensing.usage.sheets.rows import ColumnMapping
from licensing.words import ImportMode
from talent.models import User

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SHEET = """Take,Recorded,Lines
1,2026-07-13,1.5
2,2026-07-13,-0.3
3,July 14,2.0
4,2026-07-14
5,2026-07-14,4
"""


@pytest.fixture
def mapping(twin, agreement):
    return ColumnMapping(
        columns={"Take": "", "Recorded": "time", "Lines": "lines"},
        constants={
            "twin": f"T{twin.pk}",
            "agreement": agreement.reference,
            "right": "voice",
            "use": "dubbing",
            "territory": "IT",
            "language": "it",
            "channel": "streaming",
        },
        time_zone="Europe/Rome",
    )


@pytest.fixture
def load(terms, mapping):
    def load(sheet=SHEET, *, mode=ImportMode.ROW_BY_ROW, mapping=mapping, **options):
        body = sheet if isinstance(sheet, bytes) else sheet.encode()
        defaults = {"file_name": "takes.csv", "terms": terms, "at": NOW, "by": None}
        return import_sheet(io.BytesIO(body), mapping=mapping, mode=mode, **defaults | options)

    return load


@pytest.fixture
def clerk(db):
    return User.objects.create_user("clerk@desk.example")


@pytest.fixture
def correct(clerk, mapping):
    """Put a dead letter right; the test says what is different from the message."""

    def correct(dead_letter, *, is_another=False, **different):
        data = dead_letter.envelope["data"]
        fields = {**mapping.constants, **data.get("quantities", {})}
        fields["time"] = dead_letter.envelope.get("time", "")
        return corrections.correct(
            dead_letter_id=dead_letter.pk,
            fields=fields | different,
            time_zone="Europe/Rome",
            at=NOW + timedelta(hours=1),
            by=clerk,
            reason="As the studio told on the phone",
            is_another=is_another,
        )

    return correct


def counts(report):
    return report.rows, report.accepted, report.known, report.rejected


def test_right_rows_count_and_wrong_rows_wait_with_their_place(load):
    report = load()

    assert counts(report) == (5, 2, 0, 3)
    letters = DeadLetter.objects.filter(usage_import=report).order_by("sheet_row")
    assert list(letters.values_list("sheet_row", "sheet_column", "code")) == [
        (3, "Lines", "negative_quantity"),
        (4, "Recorded", "unreadable_time"),
        (5, "", "odd_row"),
    ]
    assert [error["row"] for error in report.errors] == [3, 4, 5]
    assert UsageBatch.objects.get().usage_import == report


def test_a_sheet_that_breaks_off_keeps_none_of_its_rows(load, monkeypatch):
    """Nobody knows what it still held, so what was read is no import."""
    monkeypatch.setattr(imports, "ROWS_AT_ONCE", 1)
    broken = "".join(SHEET.splitlines(keepends=True)[:2]).encode() + b"9,2026-07-14,\xff\n"

    report = load(broken)

    assert report.accepted == 0
    assert report.errors[-1]["code"] == "not_utf_8"
    assert not UsageEvent.objects.exists()
    assert not DeadLetter.objects.exists()


def test_the_same_sheet_again_counts_and_keeps_nothing_twice(load):
    load()
    again = load(at=NOW + timedelta(days=1))

    assert counts(again) == (5, 0, 2, 3)
    assert (UsageEvent.objects.count(), DeadLetter.objects.count()) == (2, 3)


def test_wrong_rows_put_right_are_known_when_the_sheet_comes_again(load, correct):
    load()
    negative, late, short = DeadLetter.objects.order_by("sheet_row")
    correct(negative, lines="0.3")
    correct(late, time="2026-07-14")
    correct(short, time="2026-07-14", lines="3")

    again = load(at=NOW + timedelta(days=1))

    assert counts(again) == (5, 0, 5, 0)
    assert sorted(UsageEvent.objects.values_list("lines", flat=True)) == [
        D("0.3"), D("1.5"), D(2), D(3), D(4),
    ]  # fmt: skip
    assert counts(load(mode=ImportMode.ALL_OR_NONE, at=NOW + timedelta(days=2))) == (5, 0, 5, 0)


RIGHT = """Take,Recorded,Lines
1,2026-07-13,1.5
2,2026-07-13,0.3
3,2026-07-14,2
4,2026-07-14,4
5,2026-07-14,4
"""


def all_lines():
    return sorted(UsageEvent.objects.values_list("lines", flat=True))


def test_what_staff_put_right_is_known_when_the_studio_sends_it_put_right_too(load, correct):
    """The take is not mapped, so two of the rows say the same: they are two uses, and stay two."""
    load()
    negative, late, short = DeadLetter.objects.order_by("sheet_row")
    correct(negative, lines="0.3")
    correct(late, time="2026-07-14")
    correct(short, time="2026-07-14", lines="4.0")

    again = load(RIGHT, at=NOW + timedelta(days=1))

    assert counts(again) == (5, 0, 5, 0)
    assert all_lines() == [D("0.3"), D("1.5"), D(2), D(4), D(4)]


def test_what_the_studio_put_right_first_is_not_counted_once_more_by_staff(load, correct, clerk):
    load()
    load(RIGHT, at=NOW + timedelta(hours=1))
    negative = DeadLetter.objects.get(sheet_row=3)

    with pytest.raises(SaysWhatIsKnown, match="says the same"):
        correct(negative, lines="0.3")
    assert DeadLetter.objects.open().count() == 3
    assert all_lines().count(D("0.3")) == 1

    correct(negative, lines="0.3", is_another=True)
    assert all_lines().count(D("0.3")) == 2


def test_a_row_that_fits_no_header_is_not_understood_by_itself(load):
    """Its cells may have slipped: read again, it must not become some other use."""
    load()
    corrections.read_again(
        dead_letter_ids=list(DeadLetter.objects.values_list("pk", flat=True)), at=NOW
    )

    assert DeadLetter.objects.open().count() == 3
    assert DeadLetter.objects.get(code="odd_row").envelope["data"] == {"cells": ["4", "2026-07-14"]}


def test_an_id_used_for_something_else_waits_too(load, mapping, correct):
    own = ColumnMapping({**mapping.columns, "Take": "id"}, mapping.constants, mapping.time_zone)
    load("Take,Recorded,Lines\n1,2026-07-13,1.5\n", mapping=own)

    report = load("Take,Recorded,Lines\n1,2026-07-13,9\n", mapping=own)

    dead_letter = DeadLetter.objects.get()
    assert (counts(report), dead_letter.code) == ((1, 0, 0, 1), "key_conflict")
    with pytest.raises(AlreadyAnEvent, match="give it an id of its own"):
        correct(dead_letter)
    correct(dead_letter, id="1b")
    assert sorted(EventKey.objects.values_list("key", flat=True)) == ["1", "1b"]


def test_a_sheet_that_cannot_be_read_to_its_end_leaves_nothing(load):
    report = load(SHEET.encode() + b"6,2026-07-14,\xe9\n")

    assert (report.accepted, [error["code"] for error in report.errors][-1:]) == (0, ["not_utf_8"])
    assert not UsageEvent.objects.exists()
    assert not DeadLetter.objects.exists()


@pytest.mark.parametrize("mode", list(ImportMode))
def test_a_cancelled_import_leaves_nothing(load, monkeypatch, mode):
    monkeypatch.setattr(imports, "ROWS_AT_ONCE", 1)
    seen = []

    def watch(rows):
        seen.append(rows)
        return rows < 2

    with pytest.raises(ImportCancelled):
        load(mode=mode, watch=watch)

    assert seen == [1, 2]
    assert not any(model.objects.exists() for model in (UsageEvent, DeadLetter, UsageImport))


# The same sheet as CSV and as XLSX


def workbook(rows):
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True})
    page, shown = book.add_worksheet(), book.add_format({"num_format": "dd/mm/yyyy"})
    for number, row in enumerate(rows):
        for place, cell in enumerate(row):
            page.write(number, place, cell, *([shown] if isinstance(cell, datetime) else []))
    book.close()
    return file.getvalue()


def test_a_workbook_and_a_csv_of_the_same_rows_are_the_same_uses(load):
    load("Take,Recorded,Lines\n1,2026-07-13,1.50\n2,2026-07-13 00:00,0.3\n3,2026-07-14,2.0\n")
    day = datetime(2026, 7, 13)  # noqa: DTZ001 (cells know no zone)
    rows = [(1, day, 1.5), (2, day, 0.1 + 0.2), (3, day + timedelta(days=1), 2)]

    report = load(workbook([("Take", "Recorded", "Lines", ""), *rows]))

    assert counts(report) == (3, 0, 3, 0)


# Corrections


def test_a_correction_stands_beside_the_message_as_sent(load, correct, clerk):
    load()
    dead_letter = DeadLetter.objects.get(sheet_row=3)
    sent = dead_letter.envelope

    outcome = correct(dead_letter, lines="0.3")

    dead_letter.refresh_from_db()
    step = dead_letter.steps.get()
    assert dead_letter.envelope == sent
    assert step.message["data"]["quantities"] == {"lines": "0.3"}
    assert (step.by, step.reason) == (clerk, "As the studio told on the phone")
    assert dead_letter.resolved_event_id == outcome.event_id
    record = UsageEvent.objects.get(pk=outcome.event_id).record
    assert f"correction {step.pk}".encode() in bytes(record.canonical)


def test_a_correction_that_is_wrong_too_leaves_nothing(load, correct):
    load()
    dead_letter = DeadLetter.objects.get(sheet_row=3)

    with pytest.raises(StillNotUnderstood) as refusal:
        correct(dead_letter, lines="-0.3", use="laughing")

    assert {fault.pointer for fault in refusal.value.faults} == {
        "/data/use",
        "/data/quantities/lines",
    }
    assert not LetterStep.objects.exists()
    assert DeadLetter.objects.open().count() == 3


def test_a_dead_letter_is_dealt_with_once(load, correct, clerk):
    load()
    dead_letter = DeadLetter.objects.get(sheet_row=3)
    correct(dead_letter, lines="0.3")

    with pytest.raises(DeadLetterClosed):
        correct(dead_letter, lines="0.4")
    with pytest.raises(DeadLetterClosed):
        corrections.close(dead_letter_id=dead_letter.pk, at=NOW, by=clerk, reason="No use")
    assert UsageEvent.objects.filter(lines=D("0.3")).count() == 1


def test_closing_needs_a_reason_and_the_sheet_then_takes_the_row_as_known(load, clerk):
    load()
    dead_letter = DeadLetter.objects.get(sheet_row=3)

    with pytest.raises(NoStepReason):
        corrections.close(dead_letter_id=dead_letter.pk, at=NOW, by=clerk, reason="  ")
    corrections.close(dead_letter_id=dead_letter.pk, at=NOW, by=clerk, reason="A test row")

    assert counts(load()) == (5, 0, 3, 2)
    assert not UsageEvent.objects.filter(lines__lt=1).exists()
