"""ISO 20022 pain.001.001.09: transfers as XML, which banks of most countries take.

Source: ISO 20022 message definition CustomerCreditTransferInitiationV09; addresses are structured,
as SWIFT's CBPR+ and the EPC ask from November 2026 on.
"""

from decimal import Decimal

from lxml import etree

from licensing.money import rounded

from .payments import Address, BankAccount, Payment, PaymentBatch, refuse_unpayable

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
SEPA_CURRENCY = "EUR"

Element = etree._Element


def write(batch: PaymentBatch) -> bytes:
    """Return the file of a batch; the same batch gives the same bytes. Raises NotPayable."""
    refuse_unpayable(batch)
    document = etree.Element("Document", nsmap={None: NAMESPACE})
    order = _add(document, "CstmrCdtTrfInitn")
    head = _add(order, "GrpHdr")
    _add(head, "MsgId", batch.reference)
    _add(head, "CreDtTm", f"{batch.made_at:%Y-%m-%dT%H:%M:%S}{_offset(batch)}")
    _add_sums(head, batch)
    _add(_add(head, "InitgPty"), "Nm", batch.debtor.holder)
    part = _add(order, "PmtInf")
    _add(part, "PmtInfId", batch.reference)
    _add(part, "PmtMtd", "TRF")
    _add_sums(part, batch)
    if batch.currency == SEPA_CURRENCY:
        _add(_add(_add(part, "PmtTpInf"), "SvcLvl"), "Cd", "SEPA")
    _add(_add(part, "ReqdExctnDt"), "Dt", batch.execute_on.isoformat())
    _add_party(part, "Dbtr", batch.debtor)
    account = _add_account(part, "DbtrAcct", batch.debtor)
    _add(account, "Ccy", batch.currency)
    _add_bank(part, "DbtrAgt", batch.debtor)
    _add(part, "ChrgBr", "SLEV" if batch.currency == SEPA_CURRENCY else "SHAR")
    for payment in batch.payments:
        _add_payment(part, payment, batch.currency)
    return etree.tostring(document, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _add_payment(part: Element, payment: Payment, currency: str) -> None:
    told = _add(part, "CdtTrfTxInf")
    _add(_add(told, "PmtId"), "EndToEndId", payment.end_to_end)
    amount = _add(_add(told, "Amt"), "InstdAmt", _plain(payment.amount, currency))
    amount.set("Ccy", currency)
    if payment.to.bic or not payment.to.iban:
        _add_bank(told, "CdtrAgt", payment.to)
    _add_party(told, "Cdtr", payment.to)
    _add_account(told, "CdtrAcct", payment.to)
    if payment.text:
        _add(_add(told, "RmtInf"), "Ustrd", payment.text)


def _add_sums(under: Element, batch: PaymentBatch) -> None:
    _add(under, "NbOfTxs", str(len(batch.payments)))
    _add(under, "CtrlSum", _plain(batch.total, batch.currency))


def _add_party(under: Element, name: str, account: BankAccount) -> None:
    party = _add(under, name)
    _add(party, "Nm", account.holder)
    _add_address(party, account.address)


def _add_address(party: Element, address: Address) -> None:
    told = _add(party, "PstlAdr")
    parts = {
        "StrtNm": address.street,
        "BldgNb": address.house_number,
        "PstCd": address.postcode,
        "TwnNm": address.town,
        "Ctry": address.country,
    }
    for name, value in parts.items():
        if value:
            _add(told, name, value)


def _add_account(under: Element, name: str, account: BankAccount) -> Element:
    told = _add(under, name)
    number = _add(told, "Id")
    if account.iban:
        _add(number, "IBAN", account.iban.replace(" ", ""))
    else:
        _add(_add(number, "Othr"), "Id", account.number)
    return told


def _add_bank(under: Element, name: str, account: BankAccount) -> None:
    bank = _add(_add(under, name), "FinInstnId")
    if account.bic:
        _add(bank, "BICFI", account.bic)
    elif account.routing_number:
        member = _add(bank, "ClrSysMmbId")
        _add(_add(member, "ClrSysId"), "Cd", "USABA")
        _add(member, "MmbId", account.routing_number)
    else:
        _add(_add(bank, "Othr"), "Id", "NOTPROVIDED")


def _add(under: Element, name: str, text: str | None = None) -> Element:
    element = etree.SubElement(under, name)
    element.text = text
    return element


def _plain(amount: Decimal, currency: str) -> str:
    return f"{rounded(amount, currency):f}"


def _offset(batch: PaymentBatch) -> str:
    written = f"{batch.made_at:%z}"
    return f"{written[:3]}:{written[3:5]}"
