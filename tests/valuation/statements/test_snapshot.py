import json
from dataclasses import replace
from decimal import Decimal as D

import msgspec
import pytest

from tests.valuation.statements import cases
from valuation.statements.exports import content_json, lines_csv
from valuation.statements.snapshot import (
    BeneficiaryRow,
    DoesNotAddUp,
    from_json,
    to_json,
)
from valuation.words import Section

STATEMENTS = {
    name: case
    for name, case in vars(cases).items()
    if isinstance(case, (type(cases.ONE_LINE), type(cases.ROLL_UP)))
}


def test_totals_are_the_sums_of_the_lines():
    statement = cases.FIVE_LINES

    # 7,620 + 1,200 + 174 + 0 held + 180 late
    assert statement.earned == D("9174.00")
    assert statement.commission == D("-767.40")
    # 7,674.00 received - 767.40 commission
    assert statement.net == D("6906.60")
    # 250.00 at the start + 6,906.60 - 250.00 paid out
    assert statement.closing_balance == D("6906.60")
    # 1,000.00 at the start + 9,174.00 earned - 7,674.00 received
    assert statement.closing_accrued == D("2500.00")


def test_a_held_line_cannot_pay():
    with pytest.raises(DoesNotAddUp):
        replace(cases.ONE_LINE, lines=(replace(cases.PROMO, amount=D("1.00")),))


def test_money_received_is_no_line_of_use():
    with pytest.raises(DoesNotAddUp):
        replace(cases.ONE_LINE, lines=(replace(cases.ADR, section=Section.RECEIPT),))


def test_a_roll_up_whose_tables_differ_is_refused():
    with pytest.raises(DoesNotAddUp, match="earned"):
        replace(cases.ROLL_UP, beneficiaries=(BeneficiaryRow(name="Ada Example", earned=D(1)),))


@pytest.mark.parametrize("name", STATEMENTS)
def test_stored_content_is_the_snapshot_again(name):
    stored = json.loads(json.dumps(to_json(STATEMENTS[name])))

    assert from_json(stored) == STATEMENTS[name]
    assert content_json(from_json(stored)) == content_json(STATEMENTS[name])


def test_content_of_another_shape_is_refused():
    with pytest.raises(msgspec.ValidationError):
        from_json({"kind": "beneficiary", "currency": "USD"})


def test_decimals_are_stored_as_text():
    assert to_json(cases.ONE_LINE)["lines"][0]["amount"] == "1200.00"


def test_the_csv_has_a_row_for_each_line_receipt_and_deduction():
    rows = lines_csv(cases.FIVE_LINES).decode().splitlines()

    assert len(rows) == 1 + 5 + 1 + 1
    assert rows[1].startswith("usage,Orbital Post,Harbor Nine,10.5240/7791-8534-2C23-9030-8610-5")
    assert ",7620.00,USD," in rows[1]
    assert rows[-1].startswith("deduction,")
    assert ",-767.40,USD," in rows[-1]


def test_the_roll_ups_csv_has_its_three_tables():
    rows = lines_csv(cases.ROLL_UP).decode().splitlines()

    assert [row.split(",")[0] for row in rows[1:]] == [
        *("beneficiary", "beneficiary", "licensee", "licensee", "production", "production")
    ]


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+1", "-1", "@SUM(1)"])
def test_a_studios_name_is_no_formula_in_a_spreadsheet(name):
    statement = replace(cases.ONE_LINE, lines=(replace(cases.ADR, licensee=name),))

    assert f"usage,'{name}" in lines_csv(statement).decode()
