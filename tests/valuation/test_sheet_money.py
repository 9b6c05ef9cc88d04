"""Sheets that would be misread: what each pays through the real import and night, worked by hand.

Price: 3.90 a line, rounded up per event; 0.35 a word; half as much again in Canada's French.
"""

import io
from datetime import date, timedelta
from decimal import Decimal as D
from pathlib import Path

import pytest
import xlsxwriter
from django.db.models import Sum

from licensing.log import sequencer
from licensing.models import DeadLetter, RateCard, RateLine, UsageEvent
from licensing.usage import corrections
from licensing.usage.sheets.imports import import_sheet
from licensing.usage.sheets.rows import ColumnMapping
from licensing.words import ImportMode
from tests.factories import make_user, record_consent
from tests.valuation.world import TONIGHT
from valuation import night
from valuation.models import ResidualLine

pytestmark = pytest.mark.usefixtures("without_statements")
CASES = Path(__file__).parent / "vectors"


@pytest.fixture
def priced(world):
    record_consent(performer=world.performer)
    world.line(unit_price=D("3.90"), round_quantity="per_event_up")
    world.line(code="words", meter="words", unit_price=D("0.35"))
    world.factor("language", "fr-CA", "1.5")
    return world


@pytest.fixture
def pay(priced):
    """Import a sheet row by row, let the night come, and return what it paid."""

    def pay(content, columns, *, worksheet="", constants=None, **ways):
        content = content.encode() if isinstance(content, str) else content
        said = said_of_all(priced) | (constants or {})
        mapping = ColumnMapping(columns, said, "Europe/Berlin", **ways)
        report = import_sheet(
            io.BytesIO(content),
            file_name="sheet",
            terms=priced.terms,
            mapping=mapping,
            at=TONIGHT,
            by=None,
            mode=ImportMode.ROW_BY_ROW,
        )
        sequencer.seal(at=TONIGHT)
        night.run_night(as_of=TONIGHT.date(), now=TONIGHT)
        return report, paid()

    return pay


def said_of_all(priced):
    return {
        "twin": f"T{priced.twin.pk}",
        "agreement": priced.agreement.reference,
        "right": "voice",
        "use": "dubbing",
        "territory": "US",
        "language": "fr",
        "channel": "streaming",
    }


def paid():
    return ResidualLine.objects.aggregate(sum=Sum("amount", default=D(0)))["sum"]


def counts(report):
    return report.accepted, report.known, report.rejected, report.left_out


def codes(report):
    return [(error["row"], error["code"]) for error in report.errors]


def workbook(rows, *, change=lambda _book, _page: None):
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True})
    page = book.add_worksheet()
    for number, row in enumerate(rows):
        page.write_row(number, 0, row)
    change(book, page)
    book.close()
    return file.getvalue()


LINES = {"Day": "time", "Lines": "lines"}
WORDS = {"Day": "time", "Words": "words"}


# The cases that were seen to pay wrong


def test_columns_in_another_order_are_the_same_uses(pay):
    columns = {"Recorded on": "time", "Lines": "lines", "Reel": ""}
    pay("Recorded on,Reel,Lines\n2026-11-16,4,10\n2026-11-17,4,4\n", columns)

    report, sum_paid = pay("Reel,Recorded on,Lines\n4,2026-11-16,10\n4,2026-11-17,4\n", columns)

    assert (counts(report), report.known_rows) == ((0, 2, 0, 0), [2, 3])
    assert sum_paid == D("54.60")  # 14 × 3.90


def test_a_column_renamed_or_dropped_is_the_same_use_too(pay):
    pay("Day,Reel,Lines\n2026-11-16,4,10\n", {**LINES, "Reel": ""})

    report, sum_paid = pay("Date,Count\n16.11.2026,10.0\n", {"Date": "time", "Count": "lines"})

    assert (counts(report), sum_paid) == ((0, 1, 0, 0), D("39.00"))


def test_a_row_held_for_known_counts_once_somebody_says_that_it_is_another(pay):
    pay("Day,Lines\n2026-11-16,10\n2026-11-17,4\n", LINES)
    next_day = "Day,Lines\n2026-11-16,10\n2026-11-18,1\n"
    report, sum_paid = pay(next_day, LINES)
    assert (counts(report), report.known_rows) == ((1, 1, 0, 0), [2])
    assert sum_paid == D("58.50")  # 15 × 3.90

    for _again in range(2):
        report, sum_paid = pay(next_day, LINES, other_uses=[2])
    assert (counts(report), sum_paid) == ((0, 2, 0, 0), D("97.50"))  # 25 × 3.90


def test_a_totals_row_counts_only_if_somebody_says_so(pay):
    sheet = "Reel,Lines\nReel 1,10\nReel 2,4\nTotal,14\n"
    columns, constants = {"Reel": "", "Lines": "lines"}, {}
    sheet = sheet.replace("\n", ",2026-11-20\n").replace("Lines,2026-11-20", "Lines,Day")

    report, sum_paid = pay(sheet, {**columns, "Day": "time"}, constants=constants)
    assert (counts(report), codes(report)) == ((2, 0, 0, 1), [(4, "row_of_totals")])
    assert sum_paid == D("54.60")

    report, sum_paid = pay(sheet, {**columns, "Day": "time"}, no_totals=[4])
    assert (counts(report), sum_paid) == ((1, 2, 0, 0), D("109.20"))


GERMAN = "Datum;Wörter\n2026-11-16;1.250\n2026-11-17;980\n"


def test_a_german_sheet_asks_how_it_writes_numbers(pay):
    columns = {"Datum": "time", "Wörter": "words"}
    report, sum_paid = pay(GERMAN, columns)
    # 980 × 0.35; the other row waits.
    assert (codes(report), sum_paid) == ([(2, "ambiguous_number")], D("343.00"))

    report, sum_paid = pay(GERMAN, columns, decimal_sign=",")
    assert (counts(report), sum_paid) == ((1, 1, 0, 0), D("780.50"))  # 2,230 × 0.35


def test_a_refused_number_is_not_read_as_another_when_it_is_read_again(pay):

    pay(GERMAN, {"Datum": "time", "Wörter": "words"})
    corrections.read_again(
        dead_letter_ids=list(DeadLetter.objects.values_list("pk", flat=True)), at=TONIGHT
    )

    assert UsageEvent.objects.count() == 1


def test_a_formula_without_a_result_is_no_blank(pay):
    content = (CASES / "formula_without_value.xlsx").read_bytes()
    report, sum_paid = pay(content, {"Recorded on": "time", "Words": "words", "Lines": "lines"})

    assert codes(report) == [(2, "formula_without_result"), (3, "formula_without_result")]
    assert {error["column"] for error in report.errors} == {"Lines"}
    assert sum_paid == 0


def test_ids_of_sixteen_digits_are_two_takes(pay):
    content = (CASES / "sixteen_digit_ids.xlsx").read_bytes()
    report, sum_paid = pay(content, {"Take": "id", "Recorded on": "time", "Lines": "lines"})

    assert (counts(report), sum_paid) == ((2, 0, 0, 0), D("78.00"))  # 2 × 10 × 3.90


# Ten more of the kind


def test_1_days_before_months_fall_into_their_own_quarter(pay, priced):
    """In October a line costs 5: the second of October is not the tenth of February."""

    card = RateCard.objects.create(agreement=priced.agreement, effective_from=date(2026, 10, 1))
    RateLine.objects.create(
        card=card, code="l", label="l", meter="lines", pricing="per_unit", unit_price=D(5)
    )
    sheet = "Day,Lines\n02/10/2026,10\n10/07/2026,2\n"

    report, sum_paid = pay(sheet, LINES)
    assert (codes(report), sum_paid) == ([(2, "ambiguous_date"), (3, "ambiguous_date")], 0)

    _report, sum_paid = pay(sheet, LINES, date_order="day")
    assert sum_paid == D("57.80")  # 10 × 5 + 2 × 3.90


def test_2_a_year_of_two_digits_is_refused(pay):
    report, sum_paid = pay("Day,Lines\n16/11/26,10\n17/11/2026,1\n", LINES)
    assert (codes(report), sum_paid) == ([(2, "unreadable_time")], D("3.90"))


def test_3_a_number_with_an_exponent_is_refused(pay):
    report, sum_paid = pay("Day,Words\n2026-11-16,1.5E+03\n2026-11-17,10\n", WORDS)
    assert (codes(report), sum_paid) == ([(2, "shortened_number")], D("3.50"))


def test_4_an_error_of_a_spreadsheet_is_no_blank(pay):
    def broken(_book, page):
        page.write_formula(1, 1, "=1/0", None, "#DIV/0!")

    content = workbook(
        [("Day", "Lines", "Words"), ("2026-11-16", "", 100), ("2026-11-17", 2, 20)], change=broken
    )
    report, sum_paid = pay(content, {**LINES, "Words": "words"})

    # The second row: 2 × 3.90 + 20 × 0.35. The words of the first wait for its lines.
    assert (codes(report), sum_paid) == ([(2, "cell_with_error")], D("14.80"))


def test_5_a_language_merged_over_rows_is_not_the_constant(pay):
    def merged(_book, page):
        page.merge_range(1, 2, 2, 2, "fr-CA")

    content = workbook(
        [("Day", "Lines", "Language"), ("2026-11-16", 10), ("2026-11-17", 10)], change=merged
    )
    report, sum_paid = pay(content, {**LINES, "Language": "language"})

    # The first row alone: 10 × 3.90 × 1.5; the second is no plain French.
    assert (codes(report), sum_paid) == ([(3, "merged_cell")], D("58.50"))


def test_6_a_span_of_time_is_no_number_of_lines(pay):

    def span(book, page):
        page.write_datetime(
            1, 1, timedelta(minutes=10), book.add_format({"num_format": "[h]:mm:ss"})
        )

    content = workbook([("Day", "Lines"), ("2026-11-16",), ("2026-11-17", 10)], change=span)
    report, sum_paid = pay(content, LINES)
    assert (codes(report), sum_paid) == ([(2, "duration")], D("39.00"))


def test_7_thousands_may_be_set_apart_by_spaces(pay):
    _report, sum_paid = pay("Day;Words\n2026-11-16;1 250\n2026-11-17;1\u202f000\n", WORDS)
    assert sum_paid == D("787.50")  # 2,250 × 0.35


def test_8_a_number_with_its_unit_and_one_in_brackets_are_refused(pay):
    report, sum_paid = pay("Day,Lines\n2026-11-15,12 lines\n2026-11-16,(12)\n2026-11-17,1\n", LINES)
    assert codes(report) == [(2, "unreadable_quantity"), (3, "unreadable_quantity")]
    assert sum_paid == D("3.90")


def test_9_a_hidden_row_is_not_paid_unseen(pay):
    def hide(_book, page):
        page.set_row(1, None, None, {"hidden": True})

    content = workbook([("Day", "Lines"), ("2026-11-16", 10), ("2026-11-17", 4)], change=hide)
    report, sum_paid = pay(content, LINES)
    assert (codes(report), sum_paid) == ([(2, "hidden_row")], D("15.60"))


def test_10_two_sheets_pasted_under_one_another_bring_their_header_again(pay):
    report, sum_paid = pay("Day,Lines\n2026-11-16,10\nDay,Lines\n2026-11-17,4\n", LINES)
    assert (counts(report), codes(report)) == ((2, 0, 0, 1), [(3, "header_again")])
    assert sum_paid == D("54.60")


def test_11_an_hour_that_clocks_leave_out_is_refused(pay):
    report, sum_paid = pay("Day,Lines\n2026-10-25T02:30,10\n2026-10-25,1\n", LINES)
    assert (codes(report), sum_paid) == ([(2, "ambiguous_hour")], D("3.90"))


def test_12_an_id_shortened_by_a_spreadsheet_merges_no_takes(pay):
    report, sum_paid = pay(
        "Take,Day,Lines\n1.23457E+15,2026-11-16,10\n1.23457E+15,2026-11-16,10\n7,2026-11-16,1\n",
        {**LINES, "Take": "id"},
    )
    assert codes(report) == [(2, "shortened_number"), (3, "shortened_number")]
    assert sum_paid == D("3.90")


# What another stranger thought up


@pytest.mark.parametrize("second", ["words", "WORDS"])
def test_13_two_columns_that_say_the_same_field_are_asked_about(pay, second):
    """The last of them was paid, without a word: 20 words instead of 10, or of 30."""
    columns = {"Day": "time", "Words": "words", "WORDS": "words"}
    columns = {name: columns[name] for name in ("Day", "Words", second) if name in columns}
    report, sum_paid = pay(f"Day,Words,{second}\n2026-11-16,10,20\n", columns)
    assert (codes(report), sum_paid) == ([(1, "doubled_field")], 0)

    report, sum_paid = pay(f"Day,Words,{second}\n2026-11-16,10,20\n", {**columns, second: ""})
    assert sum_paid == D("3.50")  # 10 × 0.35


@pytest.mark.parametrize("shown", ["0%", "0.0%", '[Red]0.00%;"minus" 0%'])
def test_14_a_percentage_is_no_number_of_lines(pay, shown):
    def percent(book, page):
        page.write_number(1, 1, 0.5, book.add_format({"num_format": shown}))

    content = workbook([("Day", "Lines"), ("2026-11-16",), ("2026-11-17", 1)], change=percent)
    report, sum_paid = pay(content, LINES)
    assert (codes(report), sum_paid) == ([(2, "percentage")], D("3.90"))


def test_15_a_percent_sign_that_is_only_text_makes_no_percentage(pay):
    def texts(book, page):
        page.write_number(1, 1, 2, book.add_format({"num_format": '0" (100%)"'}))

    _report, sum_paid = pay(workbook([("Day", "Lines"), ("2026-11-16",)], change=texts), LINES)
    assert sum_paid == D("7.80")  # 2 × 3.90


def test_16_a_row_that_is_struck_out_is_not_paid(pay):
    def struck(book, page):
        through = book.add_format({"font_strikeout": True})
        page.write_string(1, 0, "2026-11-16", through)
        page.write_number(1, 1, 10, through)

    content = workbook([("Day", "Lines"), (), ("2026-11-17", 4)], change=struck)
    report, sum_paid = pay(content, LINES)
    assert ({code for _row, code in codes(report)}, sum_paid) == ({"struck_out"}, D("15.60"))


def test_17_a_cell_over_two_columns_is_not_the_first_alone(pay):
    def merged(_book, page):
        page.merge_range(1, 1, 1, 2, 10)

    content = workbook(
        [("Day", "Lines", "Words"), ("2026-11-16",), ("2026-11-17", 4, 100)], change=merged
    )
    report, sum_paid = pay(content, {**LINES, "Words": "words"})
    # 4 × 3.90 + 100 × 0.35; ten of which, the first row does not say.
    assert (codes(report), sum_paid) == ([(2, "merged_cell")], D("50.60"))


@pytest.mark.parametrize("first", ["hidden", "empty"])
def test_18_the_first_worksheet_that_shows_something_is_read(pay, first):
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True})
    old, page = book.add_worksheet("Old"), book.add_worksheet("November")
    page.activate()
    if first == "hidden":
        old.hide()
        old.write_row(0, 0, ("Day", "Lines"))
        old.write_row(1, 0, ("2026-10-16", 100))
    page.write_row(0, 0, ("Day", "Lines"))
    page.write_row(1, 0, ("2026-11-16", 10))
    book.close()

    report, sum_paid = pay(file.getvalue(), LINES)
    assert (counts(report), sum_paid) == ((1, 0, 0, 0), D("39.00"))


def test_19_a_sum_that_is_carried_over_is_no_use(pay):
    sheet = (
        "Reel,Day,Lines\nBrought forward,2026-11-15,100\nA,2026-11-16,10\nÜbertrag,2026-11-17,4\n"
    )
    report, sum_paid = pay(sheet, {"Reel": "", **LINES})
    assert codes(report) == [(2, "row_of_totals"), (4, "row_of_totals")]
    assert sum_paid == D("39.00")


def test_20_each_months_total_is_no_use_wherever_it_stands(pay):
    sheet = (
        "Reel,Day,Lines\nA,2026-10-16,10\nB,2026-10-17,4\nTotal October,2026-10-31,14\n"
        "Total Loss,2026-11-16,3\nNovember total,2026-11-30,3\nC,2026-11-20,1\n"
    )
    report, sum_paid = pay(sheet, {"Reel": "", **LINES})
    # Total Loss is a reel: 10 + 4 + 3 + 1.
    assert codes(report) == [(4, "row_of_totals"), (6, "row_of_totals")]
    assert sum_paid == D("70.20")


def test_21_an_id_of_seventeen_digits_that_is_a_number_merges_no_takes(pay):
    """A spreadsheet keeps both as 12345678901234568."""
    takes = [(12345678901234567, "2026-11-16", 10), (12345678901234569, "2026-11-16", 10)]
    content = workbook([("Take", "Day", "Lines"), *takes, (7, "2026-11-16", 1)])
    report, sum_paid = pay(content, {"Take": "id", **LINES})
    assert codes(report) == [(2, "shortened_number"), (3, "shortened_number")]
    assert sum_paid == D("3.90")


# Rows that staff put right, and that the studio then puts right another way


WRONG = "Day,Lines\n2026-11-16,10\n2026-11-17,-4\n"  # 10 × 3.90; the second row waits
RIGHT = "Day,Lines\n2026-11-16,10\n2026-11-17,4\n"


@pytest.fixture
def put_right(priced):
    """Put the row that waits right as somebody of staff; return what the next night has paid."""
    clerk = make_user("clerk@agency.example")

    def put_right(lines, time="", **says):
        letter = DeadLetter.objects.open().get()
        data = letter.envelope["data"]
        said = {name: value for name, value in data.items() if isinstance(value, str)}
        corrections.correct(
            dead_letter_id=letter.pk,
            fields=said_of_all(priced)
            | said
            | {"time": time or letter.envelope["time"], "lines": lines},
            time_zone="Europe/Berlin",
            at=TONIGHT,
            by=clerk,
            reason="As told on the phone",
            **says,
        )
        sequencer.seal(at=TONIGHT)
        night.run_night(as_of=TONIGHT.date(), now=TONIGHT)
        return paid()

    return put_right


def test_what_the_studio_corrects_after_staff_takes_the_place_of_theirs(pay, put_right):
    pay(WRONG, LINES)
    assert put_right("3") == D("50.70")  # 13 × 3.90

    report, sum_paid = pay(RIGHT, LINES)
    assert (counts(report), codes(report)) == ((0, 1, 1, 0), [(3, "may_be_put_right")])
    assert sum_paid == D("50.70")
    with pytest.raises(corrections.SaysWhatIsKnown) as asked:
        put_right("4")
    assert put_right("4", in_place_of=asked.value.event) == D("54.60")  # 14 × 3.90, not 17

    for sheet in (WRONG, RIGHT):
        report, sum_paid = pay(sheet, LINES)
        assert (counts(report), sum_paid) == ((0, 2, 0, 0), D("54.60"))

    report, _sum = pay(RIGHT.replace(",4", ",5"), LINES)
    assert codes(report) == [(3, "may_be_put_right")]
    with pytest.raises(corrections.SaysWhatIsKnown) as asked_anew:
        put_right("5", in_place_of=asked.value.event)
    assert put_right("5", in_place_of=asked_anew.value.event) == D("58.50")  # 15 × 3.90


@pytest.mark.parametrize(
    ("wrong", "right", "lines"),
    [
        pytest.param("2026-11-17,-4", "2026-11-17,4", "3", id="figure"),
        pytest.param("17.11.26,3", "2026-11-18,3", "3", id="day"),
        pytest.param("2026-11-17,3,7", "2026-11-17,4", "3", id="slipped cells"),
    ],
)
def test_what_staff_correct_after_the_studio_takes_the_place_of_its_row(
    pay, put_right, wrong, right, lines
):
    head = "Day,Lines\n2026-11-16,10\n"
    pay(f"{head}{wrong}\n", LINES)
    _report, before = pay(f"{head}{right}\n", LINES)
    theirs = UsageEvent.objects.latest("pk")
    assert before == (10 + theirs.lines) * D("3.90")

    with pytest.raises(corrections.SaysWhatIsKnown) as asked:
        put_right(lines, time="2026-11-17")
    assert asked.value.event == theirs.pk
    assert paid() == before
    assert put_right(lines, time="2026-11-17", in_place_of=theirs.pk) == D("50.70")  # 13 × 3.90

    for sheet in (wrong, right):
        report, sum_paid = pay(f"{head}{sheet}\n", LINES)
        assert (counts(report), sum_paid) == ((0, 2, 0, 0), D("50.70"))


def test_a_row_put_right_after_the_studio_counts_besides_its_row_once_staff_say_so(pay, put_right):
    pay(WRONG, LINES)
    pay(RIGHT, LINES)

    assert put_right("3", is_another=True) == D("66.30")  # 17 × 3.90


def test_a_row_put_right_is_not_asked_about_uses_of_other_days_or_languages(pay, put_right):
    pay(WRONG, LINES)
    pay("Day,Lines,Language\n2026-11-18,4,\n2026-11-17,4,de\n", {**LINES, "Language": "language"})

    assert put_right("3") == D("81.90")  # 21 × 3.90


def test_a_row_like_one_put_right_counts_besides_it_once_staff_say_so(pay, put_right):
    pay(WRONG, LINES)
    put_right("3")
    pay(RIGHT, LINES)

    assert put_right("4", is_another=True) == D("66.30")  # 17 × 3.90
    report, sum_paid = pay(RIGHT, LINES)
    assert (counts(report), sum_paid) == ((0, 2, 0, 0), D("66.30"))


def test_a_row_in_doubt_is_not_counted_by_being_read_again_or_sent_in_another_order(pay, put_right):
    pay(WRONG, LINES)
    put_right("3")
    pay(RIGHT, LINES)
    letter = DeadLetter.objects.open().get()
    corrections.read_again(dead_letter_ids=[letter.pk], at=TONIGHT)

    report, sum_paid = pay("Lines,Day\n4,2026-11-17\n10,2026-11-16\n", LINES)

    assert (codes(report), sum_paid) == ([(2, "may_be_put_right")], D("50.70"))
    assert DeadLetter.objects.open().get() == letter


def test_a_new_row_of_another_sheet_is_not_asked_about(pay, put_right):
    pay(WRONG, LINES)
    put_right("3")

    report, sum_paid = pay("Day,Lines\n2026-11-18,1\n2026-11-19,4\n2026-11-17,2\n", LINES)

    assert (counts(report), sum_paid) == ((3, 0, 0, 0), D("78.00"))  # 20 × 3.90
