"""Numbers and times as sheets write them: read where they are sure, refused where they are not."""

import pytest

from licensing.usage.sheets.values import (
    Cell,
    CellKind,
    RunningSums,
    is_label_of_totals,
    proposed_order,
    proposed_sign,
    read_id,
    read_number,
    read_time,
)
from licensing.wire.faults import FieldFault
from licensing.words import DateOrder, DecimalSign

POINT, COMMA = DecimalSign.POINT, DecimalSign.COMMA


def said(value):
    return value.code if isinstance(value, FieldFault) else value


@pytest.mark.parametrize(
    ("cell", "unsaid", "point", "comma"),
    [
        ("12", "12", "12", "12"),
        ("1.250", "ambiguous_number", "1.25", "1250"),
        ("1,250", "ambiguous_number", "1250", "1.25"),
        ("1,5", "1.5", "other_decimal_sign", "1.5"),
        ("1.5", "1.5", "1.5", "other_decimal_sign"),
        ("0.125", "0.125", "0.125", "other_decimal_sign"),
        ("1234.567", "1234.567", "1234.567", "other_decimal_sign"),
        ("1.250,5", "1250.5", "other_decimal_sign", "1250.5"),
        ("1,250.5", "1250.5", "1250.5", "other_decimal_sign"),
        ("1.234.567", "1234567", "other_decimal_sign", "1234567"),
        ("1 250", "1250", "1250", "1250"),
        ("1'250.5", "1250.5", "1250.5", "other_decimal_sign"),
        ("1\N{NARROW NO-BREAK SPACE}250,5", "1250.5", "other_decimal_sign", "1250.5"),
        ("1.5E+03", "shortened_number", "shortened_number", "shortened_number"),
        ("-3", "-3", "-3", "-3"),
        # For the meter's own check to refuse.
        ("12 lines", "12 lines", "12 lines", "12 lines"),
        ("(12)", "(12)", "(12)", "(12)"),
        ("12 34", "12 34", "12 34", "12 34"),
    ],
)
def test_a_number_is_read_by_the_sign_that_was_said(cell, unsaid, point, comma):
    assert said(read_number(cell, "words", None)) == unsaid
    assert said(read_number(cell, "words", POINT)) == point
    assert said(read_number(cell, "words", COMMA)) == comma


def test_a_number_cell_of_a_workbook_is_sure_and_a_span_of_time_only_in_seconds():
    assert read_number(Cell.of("1.125", CellKind.NUMBER), "lines", COMMA) == "1.125"
    span = Cell.of("90", CellKind.DURATION)
    assert (said(read_number(span, "lines", None)), read_number(span, "seconds", None)) == (
        "duration",
        "90",
    )


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (CellKind.FORMULA, "formula_without_result"),
        (CellKind.ERROR, "cell_with_error"),
        (CellKind.MERGED, "merged_cell"),
        (CellKind.HIDDEN, "hidden_row"),
    ],
)
def test_a_cell_that_only_looks_blank_is_told(kind, code):
    cell = Cell.of("?", kind)
    assert said(read_number(cell, "lines", None)) == code
    assert said(read_time(cell, None, "UTC")) == code
    assert said(read_id(cell)) == code


def test_an_id_that_a_spreadsheet_shortened_is_refused():
    assert said(read_id("1.23457E+15")) == "shortened_number"
    assert said(read_id(Cell.of("12345678901234600000", CellKind.LONG_NUMBER))) == (
        "shortened_number"
    )
    assert read_id("0042") == "0042"


@pytest.mark.parametrize(
    ("cells", "sign", "is_written"),
    [
        (["1.250", "980"], None, True),
        (["1.250", "1,5"], COMMA, True),
        (["1.5", "1,5"], None, True),
        (["12", "13"], None, False),
        ([Cell.of("1.5", CellKind.NUMBER)], None, False),
    ],
)
def test_a_sign_is_proposed_from_the_whole_column(cells, sign, is_written):
    assert proposed_sign(cells) == (sign, is_written)


@pytest.mark.parametrize(
    ("cell", "order", "read"),
    [
        ("2026-07-14", None, "2026-07-14T00:00:00+02:00"),
        ("2026-07-14T10:31", None, "2026-07-14T10:31:00+02:00"),
        ("2026-07-14T10:31:00Z", None, "2026-07-14T10:31:00+00:00"),
        ("14/07/2026", None, "2026-07-14T00:00:00+02:00"),
        ("03/04/2026", None, "ambiguous_date"),
        ("03/04/2026", DateOrder.DAY, "2026-04-03T00:00:00+02:00"),
        ("03/04/2026 10:31", DateOrder.MONTH, "2026-03-04T10:31:00+01:00"),
        ("07/14/2026", DateOrder.DAY, "other_date_order"),
        ("3.4.2026", None, "2026-04-03T00:00:00+02:00"),
        ("03/04/26", DateOrder.DAY, "unreadable_time"),
        ("20260714", None, "unreadable_time"),
        ("46217", None, "unreadable_time"),
        ("2026-03-29T02:30", None, "ambiguous_hour"),
        ("2026-10-25T02:30", None, "ambiguous_hour"),
        ("2026-10-25T02:30+01:00", None, "2026-10-25T02:30:00+01:00"),
    ],
)
def test_a_time_is_read_in_the_order_that_was_said(cell, order, read):
    assert said(read_time(cell, order, "Europe/Rome")) == read


def test_a_day_whose_first_hour_the_zone_leaves_out_is_a_day():
    """Clocks in Cairo were put forward at midnight."""
    assert read_time("2026-04-24", None, "Africa/Cairo").startswith("2026-04-24T00:00:00")


def test_an_order_is_proposed_from_the_whole_column():
    assert proposed_order(["03/04/2026", "14/07/2026"]) == (DateOrder.DAY, True)
    assert proposed_order(["03/04/2026", "04/04/2026"]) == (None, True)
    assert proposed_order(["14/07/2026", "07/14/2026"]) == (None, True)
    assert proposed_order(["2026-07-14"]) == (None, False)


@pytest.mark.parametrize("label", ["Total", "TOTAL:", "Grand total", "Summe", "Total 2026", "合計"])
def test_labels_of_totals(label):
    assert is_label_of_totals(label)


@pytest.mark.parametrize("label", ["Total Recall", "Summer", "Reel 1", "", "12"])
def test_what_is_no_label_of_totals(label):
    assert not is_label_of_totals(label)


def test_a_sum_is_of_two_rows_or_more():
    sums = RunningSums()
    sums.add({"lines": "10"})
    assert not sums.are({"lines": "10"})
    sums.add({"lines": "4.0"})
    assert sums.are({"lines": "14"})
    assert not sums.are({"lines": "14", "words": "1"})
    assert not sums.are({})
