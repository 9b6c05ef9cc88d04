"""A statement for programs: its content as JSON, its lines as CSV."""

import json

from talent import safe_csv
from valuation.statements.snapshot import (
    RollUpSnapshot,
    Snapshot,
    StatedLine,
    StatementSnapshot,
    to_json,
)

STATEMENT_COLUMNS = [
    *("section", "licensee", "production", "eidr", "agreement", "uses", "rights", "languages"),
    *("quantity", "meter", "pricing", "rates", "factor", "share", "amount", "currency"),
    *("prior_period", "note", "reference"),
]
ROLL_UP_COLUMNS = [
    *("table", "name", "statement", "licensee", "eidr", "earned", "received", "commission"),
    *("other_deductions", "net", "closing_balance", "closing_accrued", "opening_receivable"),
    *("closing_receivable", "oldest_due_on", "currency"),
]


def content_json(snapshot: Snapshot) -> bytes:
    """Return the whole content as indented UTF-8 JSON; the same snapshot gives the same bytes."""
    return json.dumps(to_json(snapshot), indent=1, sort_keys=True, ensure_ascii=False).encode()


def lines_csv(snapshot: Snapshot) -> bytes:
    """Return the lines of a statement, or the rows of a roll-up, as UTF-8 CSV with a header."""
    return "".join(safe_csv.lines(*lines(snapshot))).encode()


def lines(snapshot: Snapshot) -> tuple[list[str], list[list[object]]]:
    """Return the header and the lines of a statement, or the rows of a roll-up."""
    if isinstance(snapshot, RollUpSnapshot):
        columns, rows = ROLL_UP_COLUMNS, _roll_up_rows(snapshot)
    else:
        columns, rows = STATEMENT_COLUMNS, _statement_rows(snapshot)
    currency = {"currency": snapshot.currency}
    return columns, [[{**row, **currency}.get(column) for column in columns] for row in rows]


def _statement_rows(statement: StatementSnapshot) -> list[dict[str, object]]:
    lines = [_line_row(line) for line in statement.lines]
    receipts: list[dict[str, object]] = [
        {
            "section": "receipt",
            "licensee": receipt.licensee,
            "amount": receipt.amount,
            "note": receipt.received_on,
            "reference": receipt.reference,
        }
        for receipt in statement.receipts
    ]
    deductions: list[dict[str, object]] = [
        {
            "section": "deduction",
            "amount": deduction.amount,
            "rates": deduction.percent,
            "quantity": deduction.base,
            "note": f"{deduction.kind} {deduction.note}".strip(),
        }
        for deduction in statement.deductions
    ]
    return [*lines, *receipts, *deductions, *_contribution_rows(statement)]


def _contribution_rows(statement: StatementSnapshot) -> list[dict[str, object]]:
    """Return what plans are owed on top; it is part of no total above."""
    return [
        {
            "section": "contribution",
            "production": row.production,
            "amount": row.amount,
            "rates": row.percent,
            "quantity": row.base,
            "note": f"{row.plan}, {row.clause} {row.note}".strip(),
            "reference": row.confidence,
        }
        for row in (statement.beside.contributions if statement.beside else ())
    ]


def _line_row(line: StatedLine) -> dict[str, object]:
    return {column: getattr(line, column) for column in STATEMENT_COLUMNS if column != "currency"}


def _roll_up_rows(roll_up: RollUpSnapshot) -> list[dict[str, object]]:
    return [
        *(_named("beneficiary", row, "name") for row in roll_up.beneficiaries),
        *(_named("licensee", row, "name") for row in roll_up.licensees),
        *(_named("production", row, "title") for row in roll_up.productions),
    ]


def _named(table: str, row: object, name: str) -> dict[str, object]:
    figures = {name: getattr(row, name) for name in ROLL_UP_COLUMNS if hasattr(row, name)}
    return {**figures, "table": table, "name": getattr(row, name)}
