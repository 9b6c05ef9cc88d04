"""Reading XLSX: what cells hold, and files that claim more than they are."""

import io
import zipfile
from datetime import date, datetime, timedelta

import pytest
import xlsxwriter

from licensing.usage.sheets import workbooks
from licensing.usage.sheets.workbooks import WorkbookUnreadable

SHEET = "xl/worksheets/sheet1.xml"


def written(*rows, formats=None):
    """A workbook with these rows; `formats` says how a kind of cell is shown."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True})
    shown = {kind: book.add_format({"num_format": form}) for kind, form in (formats or {}).items()}
    page = book.add_worksheet("Takes")
    book.add_worksheet("Notes").write(0, 0, "Nothing here")
    for number, row in enumerate(rows):
        for place, cell in enumerate(row):
            page.write(number, place, cell, *filter(None, [shown.get(type(cell))]))
    book.close()
    return file.getvalue()


def read(content, worksheet=""):
    return list(workbooks.rows(content, worksheet))


def changed(content, name, change):
    """The same workbook with one part changed."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w", 8) as new:
        for part in old.infolist():
            body = old.read(part)
            new.writestr(part.filename, change(body) if part.filename == name else body)
    return file.getvalue()


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (0.1 + 0.2, "0.3"),
        (1.005, "1.005"),
        (12, "12"),
        (14.50, "14.5"),
        (1e15, "1000000000000000"),
        (0.000001, "0.000001"),
        ("  Vesper ", "Vesper"),
        ("0042", "0042"),
        (True, "true"),
        (date(2026, 7, 13), "2026-07-13"),
        (datetime(2026, 7, 13, 10, 31, 7), "2026-07-13T10:31:07"),  # noqa: DTZ001 (cells know no zone)
        (timedelta(hours=30, seconds=5), "108005"),
    ],
)
def test_a_cell_is_read_as_what_it_holds(cell, text):
    formats = {datetime: "dd/mm/yy hh:mm", date: "d mmm", timedelta: "[h]:mm:ss"}

    ((_, cells),) = read(written([cell], formats=formats))

    assert cells == [text]


def test_rows_have_the_numbers_that_the_spreadsheet_shows():
    content = written([], [], ["a", "b"], [], ["1", "2"])

    assert [number for number, cells in read(content) if any(cells)] == [3, 5]


def test_the_worksheet_is_chosen_by_its_name():
    content = written(["a"])

    assert workbooks.worksheets(content) == ["Takes", "Notes"]
    assert read(content, "Notes") == [(1, ["Nothing here"])]
    with pytest.raises(WorkbookUnreadable, match="no such worksheet"):
        read(content, "Takings")


def test_a_bomb_is_refused_before_it_is_unpacked_whole(monkeypatch):
    monkeypatch.setattr(workbooks, "MOST_UNPACKED", 1024 * 1024)
    bomb = changed(written(["a"]), SHEET, lambda xml: xml + b" " * 8 * 1024 * 1024)

    assert len(bomb) < 50_000
    with pytest.raises(WorkbookUnreadable, match="unpacks to at most 1 MB"):
        read(bomb)


@pytest.mark.parametrize("place", [b"XFD1048576", b"A1048576", b"XFD1", b"A99999999999999999999"])
def test_a_cell_that_claims_to_stand_at_the_end_of_the_world_is_refused(place):
    """The reader keeps a place for every cell between the first and the last."""
    content = changed(
        written(["a"], ["b"]), SHEET, lambda xml: xml.replace(b'r="A2"', b'r="' + place + b'"')
    )

    with pytest.raises(WorkbookUnreadable, match="at most"):
        read(content)


def test_a_row_that_claims_a_number_beyond_all_is_refused():
    content = changed(
        written(["a"]), SHEET, lambda xml: xml.replace(b'<row r="1"', b'<row r="1048576"')
    )

    with pytest.raises(WorkbookUnreadable, match="at most"):
        read(content)


def test_one_long_text_in_every_cell_is_refused(monkeypatch):
    """Shared texts are stored once and read once a cell."""
    monkeypatch.setattr(workbooks, "MOST_TEXT", 50_000)
    content = written(*[["x" * 1_000]] * 60)

    with pytest.raises(WorkbookUnreadable, match="too much text"):
        read(content)
    assert len(read(written(*[["x" * 1_000]] * 40))) == 40


def test_a_document_type_is_refused():
    doctype = b'?>\n<!DOCTYPE a [<!ENTITY b "c">]>'
    content = changed(written(["a"]), SHEET, lambda xml: xml.replace(b"?>", doctype, 1))

    with pytest.raises(WorkbookUnreadable, match="no XLSX workbook"):
        read(content)


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04 and then nothing",
        written(["a"])[:400],
        changed(written(["a"]), SHEET, lambda xml: xml[:100]),
        changed(written(["a"]), "xl/workbook.xml", lambda xml: b"<workbook/>"),
    ],
    ids=["no zip", "cut off", "broken sheet", "no sheets"],
)
def test_what_is_no_workbook_is_told(content):
    with pytest.raises(WorkbookUnreadable):
        read(content)


def test_a_size_that_the_file_claims_is_not_believed():
    """The directory of the archive says one byte where a megabyte lies."""
    content = bytearray(changed(written(["a"]), SHEET, lambda xml: xml + b" " * 1024 * 1024))
    directory = content.rindex(b"PK\x01\x02", 0, content.rindex(SHEET.encode()))
    content[directory + 24 : directory + 28] = (1).to_bytes(4, "little")

    with pytest.raises(WorkbookUnreadable):
        read(bytes(content))
