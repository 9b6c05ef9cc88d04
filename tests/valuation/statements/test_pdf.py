import json
import re
import subprocess
from dataclasses import replace
from decimal import Decimal as D
from io import BytesIO

import page
import pikepdf
import pytest

from talent import locales
from tests import judges
from tests.valuation.statements import cases
from valuation.statements import exports, page_values
from valuation.statements.pdf import draw
from valuation.statements.snapshot import from_json, to_json

VERIFY = "https://desk.example/verify/ST-2026-Q3-0042"


@pytest.fixture(scope="module")
def five_lines():
    return draw(cases.FIVE_LINES, verify_url=VERIFY)


def opened(content):
    return pikepdf.open(BytesIO(content))


def glyph_texts(content):
    """The text of each page, from the fonts' own ToUnicode maps."""
    with opened(content) as document:
        return [page_text(page) for page in document.pages]


def page_text(page):
    maps = {}
    for name, font in page.Resources.get("/Font", {}).items():
        maps[name] = to_unicode(font.ToUnicode.read_bytes().decode())
    text, current = [], {}
    for operands, operator in pikepdf.parse_content_stream(page):
        if str(operator) == "Tf":
            current = maps[str(operands[0])]
        elif str(operator) == "TJ":
            shown = b"".join(
                bytes(part) for part in operands[0] if isinstance(part, pikepdf.String)
            )
            codes = [shown[i : i + 2] for i in range(0, len(shown), 2)]
            text.append("".join(current.get(code, "?") for code in codes))
    return "\n".join(text)


def to_unicode(cmap):
    pairs = re.findall(r"<([0-9a-fA-F]{4})>\s*<([0-9a-fA-F]+)>", cmap)
    return {bytes.fromhex(code): bytes.fromhex(text).decode("utf-16-be") for code, text in pairs}


def font_names(content):
    with opened(content) as document:
        return {
            str(obj.BaseFont)
            for obj in document.objects
            if isinstance(obj, pikepdf.Dictionary) and obj.get("/Type") == "/Font"
        }


def test_the_same_content_gives_the_same_bytes(five_lines):
    again = draw(from_json(json.loads(json.dumps(to_json(cases.FIVE_LINES)))), verify_url=VERIFY)

    assert again == five_lines


def test_it_is_a_tagged_archive_file(five_lines):
    with opened(five_lines) as document:
        metadata = document.open_metadata()
        assert metadata["pdfaid:part"] == "3"
        assert metadata["pdfaid:conformance"] == "A"
        assert str(document.Root.Lang) == "en"
        assert "/StructTreeRoot" in document.Root
        assert "/OutputIntents" in document.Root
        assert "ST-2026-Q3-0042" in metadata["dc:title"]


def test_it_carries_its_content_and_its_lines_once(five_lines):
    with opened(five_lines) as document:
        files = {name: spec.get_file().read_bytes() for name, spec in document.attachments.items()}
        listed = [str(spec.AFRelationship) for spec in document.Root.AF]

    assert files == {
        "statement.json": exports.content_json(cases.FIVE_LINES),
        "lines.csv": exports.lines_csv(cases.FIVE_LINES),
    }
    assert listed == ["/Source", "/Data"]


@pytest.mark.parametrize("name", ["FIVE_LINES", "ROLL_UP", "LONG_NAMES"])
def test_source_sans_alone_is_embedded(name):
    names = font_names(draw(getattr(cases, name)))

    assert names
    assert all("Source-Sans-3" in font for font in names), names


def test_every_amount_can_be_read_out_of_the_file(five_lines):
    text = "\n".join(glyph_texts(five_lines))
    statement = cases.FIVE_LINES

    figures = [line.amount for line in statement.lines]
    figures += [statement.earned, statement.received, statement.deducted]
    figures += [statement.opening_balance, statement.closing_balance, statement.closing_accrued]
    for figure in figures:
        assert locales.amount(figure, "USD", "en-US") in text


def test_the_roll_ups_amounts_can_be_read_out_of_the_file():
    text = "\n".join(glyph_texts(draw(cases.ROLL_UP)))

    for row in cases.ROLL_UP.beneficiaries:
        assert locales.amount(row.net, "USD", "en-US") in text
    for row in cases.ROLL_UP.licensees:
        assert locales.amount(row.closing_receivable, "USD", "en-US") in text


def test_a_line_says_how_much_stands_in_which_bracket_and_what_its_factor_is_of(five_lines):
    text = "\n".join(glyph_texts(five_lines))

    assert "100 × 60.00" in text
    assert "36 × 45.00" in text
    assert "0.40 × 7.5" in text
    assert "Real-time generation × 2.5, Language Japanese × 3" in words_of(five_lines)


def words_of(content):
    return " ".join(" ".join(glyph_texts(content)).split())


def test_it_says_by_which_rules_forms_and_agreements_it_was_drawn(five_lines):
    text = words_of(five_lines)

    for told in (
        "by October 14, 2026",
        "Commission 10% of 7,674.00 representation at signing",
        "W-9 of January 7, 2025",
        "0% withheld",
        "California Labor Code, Section 1700.25",
        "Agreement 12 with Orbital Post, signed March 2, 2026.",
        "line 3: Harbor Nine · Agreement 12 · Q3 2026: 7,500.00",
        "2026 so far: earned 12,174.00",
        "lies between records 184,300 and 195,120",
        "Paid out, Jul 20, 2026",
    ):
        assert told in text, told


def test_a_tile_has_the_sign_of_its_table():
    values = page_values.roll_up_values(cases.ROLL_UP)

    assert values["commission"] == "−807.40"
    assert values["commission"] in values["beneficiary_totals"]
    own = page_values.statement_values(cases.FIVE_LINES)
    assert own["deducted"] in [step["amount"] for step in own["flow"]]


def test_the_agency_says_on_which_paper(five_lines):
    with opened(five_lines) as letter, opened(draw(cases.GERMAN)) as a4:
        sizes = [[round(side) for side in paper.pages[0].MediaBox[2:]] for paper in (letter, a4)]

    assert sizes == [[612, 792], [595, 842]]


@pytest.mark.parametrize("name", ["FIVE_LINES", "ARABIC", "ROLL_UP"])
def test_it_is_an_archive_file_to_a_judge(name, five_lines):
    content = five_lines if name == "FIVE_LINES" else draw(getattr(cases, name))

    found = page.validate_pdf_bytes(content, profile=page.ValidationProfile.PDF_A_3A)
    assert found.failures == []


def test_names_stand_in_their_own_letters():
    content = draw(cases.ARABIC)
    text = "\n".join(glyph_texts(content))

    assert "港の九番" in text
    assert "예시 게임즈" in text
    # Labels are not in Arabic, and so neither are days between them.
    assert "by October 14, 2026" in words_of(content)
    assert not [name for name in font_names(content) if "DejaVu" in name]


@pytest.mark.judge("poppler-utils")
def test_another_program_reads_the_same_amounts(five_lines, tmp_path):
    file = tmp_path / "statement.pdf"
    file.write_bytes(five_lines)

    text = subprocess.run(  # noqa: S603 (ours)
        [judges.JUDGES["poppler-utils"].beside("pdftotext"), "-layout", str(file), "-"],
        capture_output=True, check=True, text=True,
    ).stdout  # fmt: skip
    statement = cases.FIVE_LINES
    for amount in (
        statement.earned,
        statement.closing_balance,
        *(x.amount for x in statement.lines),
    ):
        assert locales.amount(amount, "USD", "en-US") in text


def test_yen_have_no_decimals():
    text = "\n".join(glyph_texts(draw(cases.YEN)))

    assert "1,143,000" in text
    assert "1,143,000.0" not in text


def test_german_figures_are_written_as_germans_write_them():
    text = "\n".join(glyph_texts(draw(cases.GERMAN)))

    assert "9.174,00" in text
    assert "14. Oktober 2026" in text


def test_a_negative_balance_is_carried_forward():
    text = "\n".join(glyph_texts(draw(cases.NEGATIVE)))

    assert "−1,200.00" in text
    assert "Closing balance, carried forward" in text


def test_markup_in_names_is_only_text():
    text = "\n".join(glyph_texts(draw(cases.LONG_NAMES)))

    assert "<script>alert" in text
    assert "<the" in text


def test_a_draft_says_so_on_every_page():
    draft = glyph_texts(draw(replace(cases.SIXTY_LINES, status="draft", number="")))

    assert len(draft) > 1
    assert all("DRAFT" in page for page in draft)
    assert not any("DRAFT" in page for page in glyph_texts(draw(cases.SIXTY_LINES)))


def test_a_long_table_repeats_its_heading_and_loses_no_line():
    pages = glyph_texts(draw(cases.SIXTY_LINES))
    with_lines = [page for page in pages if "Harbor Nine, episode" in page]

    assert len(with_lines) > 2
    assert all("Use, right" in page for page in with_lines)
    assert f"page {len(pages)} of {len(pages)}" in pages[-1]
    text = "\n".join(pages)
    for n in range(60):
        assert re.search(rf"Harbor Nine, episode {n}\s", text)


def test_thousands_of_lines_are_added_up_and_attached_in_full():
    content = draw(cases.THOUSANDS)

    with opened(content) as document:
        rows = document.attachments["lines.csv"].get_file().read_bytes().splitlines()
        assert len(document.pages) < 10
    assert len(rows) == 1 + 5000 + 1 + 1
    assert "5000 lines" in "\n".join(glyph_texts(content))


@pytest.mark.parametrize("limit", [1, 40, 4999, 5000])
def test_added_up_lines_keep_quantity_and_amount(limit):
    lines = page_values.summed(cases.THOUSANDS.lines, limit)

    assert len(lines) <= limit
    assert sum(line.amount for line in lines) == D("6000000.00")
    assert sum(line.quantity for line in lines) == D(100_000)


def test_an_empty_statement_is_drawn():
    assert "Nothing was used." in "\n".join(glyph_texts(draw(cases.EMPTY)))


def test_the_verify_address_stands_beside_its_code(five_lines):
    assert VERIFY in "\n".join(glyph_texts(five_lines))
    assert "desk.example" not in "\n".join(glyph_texts(draw(cases.FIVE_LINES)))
