"""A statement of a bank account, whatever file it came in: its balances, and each line between."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from talent.errors import Refused

LARGEST_FILE = 20 * 1024 * 1024
MOST_LINES = 100_000


class NotABankFile(Refused):
    """The file is none that the desk reads, or breaks off; the sentence names the place."""

    code = "not_a_bank_file"


class BalancesDoNotFit(Refused):
    """Opening balance and lines do not come to the closing balance: lines are missing, or twice."""

    code = "balances_do_not_fit"


@dataclass(frozen=True, slots=True)
class BankLine:
    """One booked movement. `amount` is above zero for money that came in, in `currency`.

    `bank_reference` is the bank's own for the line; `end_to_end` is what whoever paid gave along,
    `text` what they wrote. `is_return` says that an earlier payment came back.
    """

    booked_on: date
    valued_on: date | None
    amount: Decimal
    currency: str
    bank_reference: str = ""
    end_to_end: str = ""
    counterparty: str = ""
    counterparty_account: str = ""
    text: str = ""
    is_return: bool = False


@dataclass(frozen=True, slots=True)
class BankStatement:
    """A stretch of one account. Balances are null where the file has none, as a CSV may not."""

    account: str
    currency: str
    number: str
    lines: tuple[BankLine, ...]
    opening: Decimal | None = None
    closing: Decimal | None = None
    opened_on: date | None = None
    closed_on: date | None = None
    # Announced by the bank and not booked yet: no money.
    pending: int = 0

    @property
    def moved(self) -> Decimal:
        return sum((line.amount for line in self.lines), Decimal(0))


def checked(statements: Sequence[BankStatement]) -> list[BankStatement]:
    """Return the statements of a file once each adds up. Raises BalancesDoNotFit, NotABankFile."""
    if not statements:
        raise NotABankFile("The file holds no statement of an account.")
    for one in statements:
        if len(one.lines) > MOST_LINES:
            raise NotABankFile(
                f"A statement has at most {MOST_LINES:,} lines; ask the bank for shorter ones."
            )
        if any(line.currency != one.currency for line in one.lines):
            raise NotABankFile(f"Statement {one.number} of {one.account} mixes currencies.")
        if None not in (one.opening, one.closing) and one.opening + one.moved != one.closing:
            raise BalancesDoNotFit(
                f"Statement {one.number} of {one.account} opens with {one.opening} and closes with "
                f"{one.closing} {one.currency}, but its lines come to {one.moved}. "
                "Ask the bank for the whole file."
            )
    return list(statements)
