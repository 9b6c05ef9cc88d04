"""One door for a bank's file: tells which format it is, reads it, and checks that it adds up."""

from . import camt053, mt940
from .statements import LARGEST_FILE, BankStatement, NotABankFile, checked


def is_known(content: bytes) -> bool:
    """Tell whether a file is in a format that says itself what it holds, as no CSV does."""
    return camt053.is_camt053(content) or mt940.is_mt940(content)


def read(content: bytes) -> list[BankStatement]:
    """Return the statements of a bank's file. Raises NotABankFile and BalancesDoNotFit."""
    if len(content) > LARGEST_FILE:
        raise NotABankFile(f"A bank file has at most {LARGEST_FILE // 1024**2} MB.")
    if camt053.is_camt053(content):
        return checked(camt053.read(content))
    if mt940.is_mt940(content):
        return checked(mt940.read(content))
    raise NotABankFile("This is neither a camt.053 nor an MT940 file.")
