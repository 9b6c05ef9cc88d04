"""Numbers typed into free text: which mean something, and which differ from the terms."""

from decimal import Decimal as D

import pytest

from licensing.agreements.clauses.stated_numbers import stated_in, unlike

AGREED = {"money": {D("3.90"), D(5000)}, "days": {D(30)}, "percent": {D("2.5")}, "lines": {D(900)}}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("at $4.10 a line", [("money", D("4.10"), "$4.10")]),
        ("EUR 1,234.50 in all", [("money", D("1234.50"), "EUR 1,234.50")]),
        ("1.234,50 € in all", [("money", D("1234.50"), "1.234,50 €")]),
        ("within 30 days, or 2 calendar days", [
            ("days", D(30), "30 days"), ("days", D(2), "2 calendar days")]),
        ("a 48-hour notice", [("hours", D(48), "48-hour")]),
        ("2.5 % of it, 10 percent", [
            ("percent", D("2.5"), "2.5 %"), ("percent", D(10), "10 percent")]),
        ("at most 1 000 lines", [("lines", D(1000), "1 000 lines")]),
        ("a girl of 12 years of age, season 2, scenes 12, 31 and 44", []),
        ("ACT 3, NA-7, the year 1962, 90210", []),
    ],
)  # fmt: skip
def test_figures_are_read_as_people_write_them(text, found):
    text = text.replace("1 000", "1\u00a0000")
    found = [
        (unit, figure, written.replace("1 000", "1\u00a0000")) for unit, figure, written in found
    ]

    assert [(one.unit, one.figure, one.written) for one in stated_in(text)] == found


@pytest.mark.parametrize(
    ("text", "differ"),
    [
        ("at $3.90 a line, up to $5,000, within 30 days", []),
        ("at $3.91 a line", ["$3.91"]),
        ("within 31 days", ["31 days"]),
        ("901 lines", ["901 lines"]),
        # Nothing is agreed in seconds, so that a length is a description; days always are agreed.
        ("a spot of 30 seconds", []),
        ("30 hours", ["30 hours"]),
    ],
)
def test_what_no_term_says_differs(text, differ):
    assert [one.written for one in unlike(text, AGREED)] == differ
