"""SWIFT MT940: the statement as text that many banks still send.

Source: SWIFT Standards Category 9, MT 940 Customer Statement Message. The tags are read by the
`mt-940` package; signs, returns and what belongs together are decided here.
"""

import logging
import re
from datetime import date
from decimal import Decimal
from typing import Any

import mt940

from .statements import BankLine, BankStatement, NotABankFile

BEGINS = re.compile(r"^(?=:20:)", re.MULTILINE)
# C credits, D debits, RD takes a debit back, RC a credit: money that comes in is above zero.
SIGNS = {"C": 1, "EC": 1, "RD": 1, "D": -1, "ED": -1, "RC": -1}

# What German banks write into tag 86: numbered fields, and in the text of a transfer SEPA's words.
FIELD = re.compile(r"\?(\d\d)")
TEXT_FIELDS = {f"{number}" for number in (*range(20, 30), *range(60, 64))}
NAME_FIELDS = {"32", "33"}
WORD = re.compile(r"(EREF|KREF|MREF|CRED|DEBT|SVWZ|ABWA|ABWE|IBAN|BIC)\+")

# The package logs the line that it cannot read, which holds names, accounts and amounts.
logging.getLogger("mt940").setLevel(logging.CRITICAL + 1)


def is_mt940(content: bytes) -> bool:
    return b":20:" in content[:1_024] and b":25:" in content[:4_096]


def read(content: bytes) -> list[BankStatement]:
    """Return the statements of an MT940 file. Raises NotABankFile."""
    text = _decoded(content).replace("\r\n", "\n")
    return [_statement(part) for part in BEGINS.split(text) if part.startswith(":20:")]


def _statement(text: str) -> BankStatement:
    told = mt940.models.Transactions(processors={"post_transaction_details": []})
    try:
        told.parse(text)
    except (ValueError, RuntimeError, AssertionError, KeyError, AttributeError) as fault:
        raise NotABankFile(f"{_name_of(told)} {_unread(fault)}") from fault
    data = told.data
    opening, closing = data.get("final_opening_balance"), data.get("final_closing_balance")
    opening = opening or data.get("intermediate_opening_balance")
    closing = closing or data.get("intermediate_closing_balance")
    if opening is None or closing is None:
        raise NotABankFile(f"{_name_of(told)} lacks its opening or closing balance (tags 60, 62).")
    currency = opening.amount.currency
    return BankStatement(
        account=data.get("account_identification") or "",
        currency=currency,
        number=_number(data),
        lines=tuple(_line(one.data, currency) for one in told.transactions),
        opening=opening.amount.amount,
        closing=closing.amount.amount,
        opened_on=_day(opening.date),
        closed_on=_day(closing.date),
    )


def _line(told: dict[str, Any], currency: str) -> BankLine:
    status = told.get("status") or ""
    if status not in SIGNS or told.get("amount") is None:
        raise NotABankFile(f"A line says “{status}”, neither credit nor debit.")
    details = _details(told.get("transaction_details") or "")
    own_reference = _one_line(told.get("customer_reference") or "")
    return BankLine(
        booked_on=_day(told.get("guessed_entry_date") or told["date"]),
        valued_on=_day(told["date"]),
        amount=SIGNS[status] * abs(Decimal(told["amount"].amount)),
        currency=currency,
        bank_reference=_one_line(told.get("bank_reference") or ""),
        end_to_end=details["end_to_end"] or ("" if own_reference == "NONREF" else own_reference),
        counterparty=details["counterparty"],
        counterparty_account=details["account"],
        text=details["text"],
        is_return=status.startswith("R"),
    )


def _details(written: str) -> dict[str, str]:
    """Return what tag 86 says: as numbered fields where the bank writes them, else as one text."""
    _head, *rest = FIELD.split(written.replace("\n", ""))
    fields = list(zip(rest[::2], rest[1::2], strict=True))
    if not fields:
        return {"text": _one_line(written), "end_to_end": "", "counterparty": "", "account": ""}
    text = "".join(value for number, value in fields if number in TEXT_FIELDS)
    before, *words = WORD.split(text)
    by_word = dict(zip(words[::2], words[1::2], strict=True))
    return {
        "text": _one_line(by_word.get("SVWZ", before)),
        "end_to_end": _given(_one_line(by_word.get("EREF", ""))),
        "counterparty": _one_line("".join(v for number, v in fields if number in NAME_FIELDS)),
        "account": _one_line("".join(value for number, value in fields if number == "31")),
    }


def _name_of(told: mt940.models.Transactions) -> str:
    return f"Statement {_number(told.data)} of {told.data.get('account_identification', '?')}"


def _number(data: dict[str, Any]) -> str:
    return "/".join(filter(None, (data.get("statement_number"), data.get("sequence_number"))))


def _unread(fault: Exception) -> str:
    """Say which tag was not understood, without the line itself: errors are logged and mailed."""
    tags = [one.id for one in fault.args if hasattr(one, "id")]
    place = f"has a tag :{tags[0]}: that" if tags else "has a day or an amount that"
    return f"{place} is not as SWIFT writes it. Ask the bank for the file again, or for camt.053."


def _day(told: date) -> date:
    return date(told.year, told.month, told.day)


def _given(end_to_end: str) -> str:
    return "" if end_to_end == "NOTPROVIDED" else end_to_end


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _decoded(content: bytes) -> str:
    """Return the text: SWIFT's characters are ASCII, and banks write UTF-8 or Latin-1 beyond it."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")
