"""ISO 20022 camt.053, any of its versions: the end-of-day statement that banks send as XML.

Source: ISO 20022 message definition BankToCustomerStatement, versions 02 to 13.
"""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation

from lxml import etree

from .statements import BankLine, BankStatement, NotABankFile

NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.\d\d")
OPENING, CLOSING = ("OPBD", "PRCD"), ("CLBD",)
BOOKED = "BOOK"

# No entity is resolved, no document type, file or address is read, and no tree grows huge.
PARSER = {
    "resolve_entities": False, "no_network": True, "load_dtd": False, "dtd_validation": False,
    "huge_tree": False, "remove_comments": True, "remove_pis": True,
}  # fmt: skip

Element = etree._Element


def is_camt053(content: bytes) -> bool:
    return b"camt.053.001." in content[:4_096]


def read(content: bytes) -> list[BankStatement]:
    """Return the statements of a camt.053 file. Raises NotABankFile."""
    try:
        root = etree.fromstring(content, etree.XMLParser(**PARSER))
    except etree.XMLSyntaxError as fault:
        raise NotABankFile(f"The XML breaks off or is not well formed: {fault.msg}.") from fault
    if root.getroottree().docinfo.doctype:
        raise NotABankFile("The XML declares a document type, which no bank's statement does.")
    space = etree.QName(root).namespace or ""
    if not NAMESPACE.fullmatch(space):
        raise NotABankFile(f"The XML is no camt.053 statement but {space or 'of no namespace'}.")
    for element in root.iter(f"{{{space}}}*"):
        element.tag = etree.QName(element).localname
    return [_statement(one) for one in root.iterfind("BkToCstmrStmt/Stmt")]


def _statement(told: Element) -> BankStatement:
    account = _text(told, "Acct/Id/IBAN") or _text(told, "Acct/Id/Othr/Id")
    opening, closing = _balance(told, OPENING), _balance(told, CLOSING)
    entries = told.findall("Ntry")
    booked = [entry for entry in entries if _is_booked(entry)]
    lines = tuple(line for entry in booked for line in _lines(entry))
    currency = _text(told, "Acct/Ccy") or _first_currency(told)
    return BankStatement(
        account=account,
        currency=currency,
        number=_text(told, "ElctrncSeqNb") or _text(told, "LglSeqNb") or _text(told, "Id"),
        lines=lines,
        opening=opening and opening[0],
        closing=closing and closing[0],
        opened_on=opening and opening[1],
        closed_on=closing and closing[1],
        pending=len(entries) - len(booked),
    )


def _lines(entry: Element) -> Iterator[BankLine]:
    """Yield what an entry says: the parts of a batch each, where these come to the whole."""
    whole, currency = _amount(entry.find("Amt"), entry)
    details = entry.findall("NtryDtls/TxDtls")
    parts = [_part(one, entry) for one in details]
    if len(parts) > 1 and None not in parts and sum(part or 0 for part in parts) == whole:
        for part, detail in zip(parts, details, strict=True):
            yield _line(entry, detail, part or Decimal(0), currency)
    else:
        yield _line(entry, details[0] if details else None, whole, currency)


def _line(entry: Element, detail: Element | None, amount: Decimal, currency: str) -> BankLine:
    # Who stands on the other side: whoever paid what came in, whoever was paid what went.
    side = "Dbtr" if amount > 0 else "Cdtr"
    party = f"RltdPties/{side}"
    return BankLine(
        booked_on=_day(entry, "BookgDt") or _day(entry, "ValDt") or _no_day(entry),
        valued_on=_day(entry, "ValDt"),
        amount=amount,
        currency=currency,
        bank_reference=_text(detail, "Refs/AcctSvcrRef") or _text(entry, "AcctSvcrRef"),
        end_to_end=_given(_text(detail, "Refs/EndToEndId"))
        # A batch that is booked as one names the order, by the reference that we gave it.
        or _text(entry, "NtryDtls/Btch/PmtInfId"),
        counterparty=_text(detail, f"{party}/Pty/Nm") or _text(detail, f"{party}/Nm"),
        counterparty_account=_text(detail, f"RltdPties/{side}Acct/Id/IBAN")
        or _text(detail, f"RltdPties/{side}Acct/Id/Othr/Id"),
        text=_written(detail) or _text(entry, "AddtlNtryInf"),
        is_return=_text(entry, "RvslInd") in ("true", "1")
        or (detail is not None and detail.find("RtrInf") is not None),
    )


def _written(detail: Element | None) -> str:
    """Return what whoever paid wrote: free lines, and the reference of an invoice."""
    if detail is None:
        return ""
    free = [one.text or "" for one in detail.iterfind("RmtInf/Ustrd")]
    references = [one.text or "" for one in detail.iterfind("RmtInf/Strd/CdtrRefInf/Ref")]
    documents = [one.text or "" for one in detail.iterfind("RmtInf/Strd/RfrdDocInf/Nb")]
    return " ".join(part.strip() for part in free + references + documents if part.strip())


def _part(detail: Element, entry: Element) -> Decimal | None:
    for path in ("Amt", "AmtDtls/TxAmt/Amt"):
        if (found := detail.find(path)) is not None:
            return _amount(found, detail if detail.find("CdtDbtInd") is not None else entry)[0]
    return None


def _amount(amount: Element | None, signed_by: Element) -> tuple[Decimal, str]:
    """Return an amount, above zero for money that came in, and its currency."""
    if amount is None:
        raise NotABankFile("An entry of the statement has no amount.")
    try:
        value = Decimal((amount.text or "").strip())
    except InvalidOperation as fault:
        raise NotABankFile(f"“{amount.text}” is no amount.") from fault
    direction = _text(signed_by, "CdtDbtInd")
    if direction not in ("CRDT", "DBIT"):
        raise NotABankFile("An entry of the statement does not say whether money came or went.")
    return (value if direction == "CRDT" else -value), amount.get("Ccy", "")


def _balance(told: Element, codes: tuple[str, ...]) -> tuple[Decimal, date | None] | None:
    for code in codes:
        for one in told.iterfind("Bal"):
            if _text(one, "Tp/CdOrPrtry/Cd") == code:
                return _amount(one.find("Amt"), one)[0], _day(one, "Dt")
    return None


def _first_currency(told: Element) -> str:
    amounts = told.iterfind("Bal/Amt"), told.iterfind("Ntry/Amt")
    return next((one.get("Ccy", "") for found in amounts for one in found), "")


def _is_booked(entry: Element) -> bool:
    """Tell whether an entry was booked; its status is text in old versions, then a code."""
    return (_text(entry, "Sts/Cd") or _text(entry, "Sts")) == BOOKED


def _day(told: Element, path: str) -> date | None:
    written = _text(told, f"{path}/Dt") or _text(told, f"{path}/DtTm")
    if not written:
        return None
    try:
        return date.fromisoformat(written[:10])
    except ValueError as fault:
        raise NotABankFile(f"“{written}” is no day.") from fault


def _no_day(entry: Element) -> date:
    raise NotABankFile(f"Entry {_text(entry, 'NtryRef')} of the statement has no day.")


def _given(end_to_end: str) -> str:
    return "" if end_to_end == "NOTPROVIDED" else end_to_end


def _text(told: Element | None, path: str) -> str:
    found = None if told is None else told.find(path)
    return "" if found is None else (found.text or "").strip()
