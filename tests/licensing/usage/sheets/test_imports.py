"""Importing a studio's usage sheet: all of its rows or none, and never twice."""

import io
import json
import tracemalloc
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest
from django.core.management import CommandError, call_command

from licensing.models import (
    CapYear,
    DeadLetter,
    EventKey,
    UsageBatch,
    UsageEvent,
    UsageImport,
    UsageRecord,
)
from licensing.usage.sheets import rows, tables
from licensing.usage.sheets.imports import import_sheet, preview_sheet
from licensing.usage.sheets.rows import ColumnMapping

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

SHEET = """Line no,Said by,Recorded,Lines,Words
1,Duenna,2026-07-13,1.5,15
2,Duenna,2026-07-13,0.3,3
3,Duenna,2026-07-14,2.0,20
"""


@pytest.fixture
def mapping(twin, agreement):
    return ColumnMapping(
        columns={
            "Line no": "",
            "Said by": "",
            "Recorded": "time",
            "Lines": "lines",
            "Words": "words",
        },
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
    def load(sheet=SHEET, *, mapping=mapping, at=NOW):
        body = sheet if isinstance(sheet, bytes) else sheet.encode()
        return import_sheet(
            io.BytesIO(body), file_name="duenna.csv", terms=terms, mapping=mapping, at=at, by=None
        )

    return load


def counts(report):
    return report.rows, report.accepted, report.known, report.rejected


def nothing_but_the_report():
    kept = (UsageEvent, UsageRecord, EventKey, UsageBatch, DeadLetter, CapYear)
    return UsageImport.objects.count() == 1 and not any(m.objects.exists() for m in kept)


def test_every_row_becomes_an_event(load, agreement):
    report = load()

    assert counts(report) == (3, 3, 0, 0)
    assert report.errors == []
    events = UsageEvent.objects.order_by("id").values_list(
        "lines", "words", "language", "agreement"
    )
    assert list(events) == [
        (D("1.5"), D(15), "it", agreement.pk),
        (D("0.3"), D(3), "it", agreement.pk),
        (D("2"), D(20), "it", agreement.pk),
    ]
    assert UsageBatch.objects.get().usage_import == report
    assert UsageImport.objects.get() == report


def test_a_time_without_an_offset_is_that_of_the_mappings_zone(load):
    load()

    first = UsageEvent.objects.earliest("occurred_at")
    assert first.occurred_at == datetime(2026, 7, 12, 22, 0, tzinfo=UTC)


def test_the_same_sheet_again_pays_nothing_twice(load):
    first = load()
    again = load(at=NOW + timedelta(days=3))

    assert counts(again) == (3, 0, 3, 0)
    assert again.file_sha256 == first.file_sha256
    assert UsageEvent.objects.count() == 3


def test_a_longer_sheet_adds_its_new_rows_only(load):
    load()

    report = load(SHEET + "4,Duenna,2026-07-15,1,10\n")

    assert counts(report) == (4, 1, 3, 0)


def test_identical_rows_of_one_sheet_each_count(load):
    twice = SHEET + "3,Duenna,2026-07-14,2.0,20\n"

    assert counts(load(twice)) == (4, 4, 0, 0)
    assert counts(load(twice)) == (4, 0, 4, 0)


def test_a_row_is_known_whatever_its_spelling_of_csv(load):
    load()
    respelled = SHEET.replace(",", ";").replace("\n", "\r\n")

    assert counts(load("\ufeff" + respelled)) == (3, 0, 3, 0)


def test_another_licensee_or_mapping_makes_other_ids(load, mapping):
    load()
    elsewhere = ColumnMapping(
        mapping.columns, {**mapping.constants, "territory": "CH"}, mapping.time_zone
    )

    assert counts(load(mapping=elsewhere)) == (3, 3, 0, 0)


def test_the_studios_own_ids_are_used_where_it_has_them(load, mapping):
    own = ColumnMapping({**mapping.columns, "Line no": "id"}, mapping.constants, mapping.time_zone)

    load(mapping=own)

    assert sorted(EventKey.objects.values_list("key", flat=True)) == ["1", "2", "3"]


def test_an_own_id_with_other_content_is_refused(load, mapping):
    own = ColumnMapping({**mapping.columns, "Line no": "id"}, mapping.constants, mapping.time_zone)
    load(mapping=own)

    report = load(SHEET.replace("2.0,20", "9.0,90"), mapping=own)

    assert counts(report) == (3, 0, 0, 1)
    assert report.errors == [
        {
            "row": 4,
            "column": "Line no",
            "code": "key_conflict",
            "detail": "This id was used before, for something else.",
        }
    ]


def test_columns_may_bear_the_fields_own_names(load, twin, agreement):
    sheet = (
        "id,time,twin,agreement,right,use,territory,channel,real_time,lines\n"
        f"a,2026-07-13T10:00:00Z,T{twin.pk},NA-1,voice,dubbing,IT,streaming,yes,2\n\n"
    )

    assert counts(load(sheet, mapping=ColumnMapping())) == (1, 1, 0, 0)
    assert UsageEvent.objects.get().real_time is True


@pytest.mark.parametrize(
    ("wrong", "right", "row", "column", "code"),
    [
        ("Said by", "Sung by", 1, "Said by", "missing_column"),
        ("Words", "Words,Mood", 1, "Mood", "unknown_column"),
        ("Said by", "Words", 1, "Words", "doubled_column"),
        ("0.3,3", "-0.3,3", 3, "Lines", "negative_quantity"),
        ("0.3,3", "NaN,3", 3, "Lines", "unreadable_quantity"),
        ("0.3,3", "0.300.00,3", 3, "Lines", "other_decimal_sign"),
        ("0.3,3", "1.250,3", 3, "Lines", "ambiguous_number"),
        ("0.3,3", "0.3", 3, "", "odd_row"),
        ("2026-07-14", "07/08/2026", 4, "Recorded", "ambiguous_date"),
        ("2026-07-14", "July 14", 4, "Recorded", "unreadable_time"),
        ("2026-07-14", "", 4, "Recorded", "missing_field"),
        ("0.3,3", ",", 3, "quantities", "unreadable_data"),
    ],
)
def test_a_wrong_row_is_told_in_its_own_words_and_nothing_is_kept(
    load, wrong, right, row, column, code
):
    report = load(SHEET.replace(wrong, right, 1))

    (error,) = report.errors
    assert (error["row"], error["column"], error["code"]) == (row, column, code)
    assert error["detail"].endswith(".")
    assert (report.accepted, report.rejected) == (0, 1)
    assert nothing_but_the_report()


@pytest.mark.parametrize(
    ("constants", "column", "code"),
    [
        ({"twin": "T0"}, "twin", "unknown_twin"),
        ({"agreement": "NA-9"}, "agreement", "unknown_agreement"),
        ({"currency": "EUR"}, "currency", "wrong_currency"),
        ({"territory": "Italy"}, "territory", "unknown_territory"),
    ],
)
def test_a_wrong_constant_is_wrong_in_every_row(load, mapping, constants, column, code):
    changed = ColumnMapping(mapping.columns, {**mapping.constants, **constants}, "UTC")

    report = load(mapping=changed)

    assert {(error["column"], error["code"]) for error in report.errors} == {(column, code)}
    assert counts(report) == (3, 0, 0, 3)
    assert nothing_but_the_report()


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        (ColumnMapping({"Lines": "laughs"}), "unknown_field"),
        (ColumnMapping(constants={"colour": "red"}), "unknown_field"),
        (ColumnMapping(time_zone="Mars/Olympus"), "unknown_time_zone"),
    ],
)
def test_a_wrong_mapping_is_told(load, changed, code):
    assert [error["code"] for error in load(mapping=changed).errors] == [code]


def test_all_wrong_rows_are_told_at_once(load):
    report = load(SHEET.replace("1.5", "-1").replace("2.0", "-2"))

    assert [error["row"] for error in report.errors] == [2, 4]


def test_only_the_first_thousand_faults_are_kept(load):
    report = load("Line no,Said by,Recorded,Lines,Words\n" + "1,D,2026-07-13,-1,1\n" * 1_050)

    assert (report.rejected, len(report.errors)) == (1_050, 1_000)


def test_broken_utf_8_is_told_with_its_row(load):
    report = load(SHEET.encode().replace(b"2,Duenna", b"2,Du\xe9nna"))

    assert report.errors == [
        {"row": 3, "column": "", "code": "not_utf_8", "detail": "The sheet is not UTF-8 here."}
    ]
    assert nothing_but_the_report()


@pytest.mark.parametrize(
    ("sheet", "code"),
    [("", "no_header"), ("\n", "no_header"), (SHEET + '"4,', "not_csv")],
)
def test_what_is_no_sheet_is_told(load, sheet, code):
    assert [error["code"] for error in load(sheet).errors] == [code]


def test_a_sheet_beyond_ten_megabytes_is_refused(load):
    row = "1,Duenna,2026-07-13,1.5,15\n"
    header = "Line no,Said by,Recorded,Lines,Words\n"

    report = load(header + "\n" * (tables.LARGEST_FILE + 1) + row)

    assert [error["code"] for error in report.errors] == ["sheet_too_large"]
    assert nothing_but_the_report()


def test_a_fault_half_way_leaves_nothing(load, monkeypatch):
    monkeypatch.setattr("licensing.usage.sheets.imports.ROWS_AT_ONCE", 2)

    report = load(SHEET.replace("2.0", "-2"))

    assert counts(report) == (3, 0, 0, 1)
    assert nothing_but_the_report()


def test_a_preview_counts_and_keeps_nothing(load, terms, mapping):
    load()
    longer = io.BytesIO((SHEET + "4,Duenna,2026-07-15,1,10\n5,Duenna,2026-07-15,-1,1\n").encode())

    tally = preview_sheet(longer, terms=terms, mapping=mapping, at=NOW)

    assert (tally.rows, tally.accepted, tally.known, tally.rejected) == (5, 1, 3, 1)
    assert UsageEvent.objects.count() == 3
    assert UsageImport.objects.count() == 1


def test_a_preview_of_the_first_rows_says_that_there_are_more(terms, mapping):
    def whole(rows):
        sheet = io.BytesIO(SHEET.encode())
        return preview_sheet(sheet, terms=terms, mapping=mapping, at=NOW, rows=rows).whole

    assert not whole(2)
    assert whole(3)
    assert whole(None)


def test_a_very_long_name_of_a_file_is_cut(terms, mapping):
    report = import_sheet(
        io.BytesIO(SHEET.encode()),
        file_name="ä" * 300 + ".csv",
        terms=terms,
        mapping=mapping,
        at=NOW,
        by=None,
    )

    assert report.file_name == "ä" * 255
    assert report.accepted == 3


def test_memory_does_not_grow_with_the_sheet(mapping):
    header, row = "Line no,Said by,Recorded,Lines,Words\n", "{},D,2026-07-13,1,1\n"
    wide = header + "".join(row.format(i) for i in range(8_000))
    sheet = rows.Sheet(io.BytesIO(wide.encode()), mapping, licensee="paper-moon")

    tracemalloc.start()
    seen = sum(1 for _ in sheet.rows())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert seen == 8_000
    assert peak < 4 * 1024 * 1024


@pytest.fixture
def file(tmp_path, mapping):
    (tmp_path / "duenna.csv").write_text(SHEET, encoding="utf-8")
    (tmp_path / "mapping.json").write_text(
        json.dumps({"columns": mapping.columns, "constants": mapping.constants}), encoding="utf-8"
    )
    return tmp_path / "duenna.csv"


def command(file, **options):
    out = io.StringIO()
    parties = {"agency": "northlight", "licensee": "paper-moon"}
    mapping = file.parent / "mapping.json"
    call_command("import_usage", file, **(parties | {"mapping": mapping, "stdout": out} | options))
    return out.getvalue()


def test_the_command_imports_a_sheet(file, terms):
    assert "3 rows: 3 imported, 0 known." in command(file)
    assert "3 rows: 0 imported, 3 known." in command(file)


def test_the_command_previews_a_sheet(file, terms):
    assert "3 rows: 3 would be new, 0 known. Nothing was kept." in command(file, preview=True)
    assert not UsageImport.objects.exists()


def test_the_command_names_row_and_column_of_what_is_wrong(file, terms):
    file.write_text(SHEET.replace("0.3", "-0.3"), encoding="utf-8")
    err = io.StringIO()

    with pytest.raises(CommandError, match="1 of 3 rows are wrong, so none was imported"):
        command(file, stderr=err)

    assert "Row 3, column “Lines”: A quantity is not negative" in err.getvalue()


def test_the_command_takes_a_mapping_on_its_line(file, terms, mapping):
    columns = [f"{name}={target}" for name, target in mapping.columns.items()]
    constants = [f"{name}={value}" for name, value in mapping.constants.items()]

    told = command(file, mapping=None, column=columns, constants=constants, time_zone="UTC")

    assert "3 imported" in told


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"licensee": "nobody"}, "no terms with nobody"),
        ({"column": ["Lines"]}, "no “=”"),
    ],
)
def test_the_command_says_what_it_lacks(file, terms, options, message):
    with pytest.raises(CommandError, match=message):
        command(file, **options)


def test_the_command_says_that_a_file_is_missing(file, terms):
    (file.parent / "mapping.json").write_text("{", encoding="utf-8")
    with pytest.raises(CommandError, match="cannot be read as JSON"):
        command(file)
    with pytest.raises(CommandError, match="cannot be opened"):
        command(file.parent / "none.csv", mapping=None)
