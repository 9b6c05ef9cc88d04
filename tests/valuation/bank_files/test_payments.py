"""Payment orders: what a bank is told to pay is what the batch says, to the cent."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal as D
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from valuation.bank_files import nacha, pain001
from valuation.bank_files.payments import Address, BankAccount, NotPayable, Payment, PaymentBatch

BERLIN = Address("Berlin", "DE", "Beispielweg", "7", "10115")
BANK = BankAccount("Example Talent", BERLIN, iban="DE89370400440532013000", bic="COBADEFF")
PAYEE = BankAccount("Zoë Specimen", BERLIN, iban="FR1420041010050500013M02606")
LOS_ANGELES = Address("Los Angeles", "US", "Sample Street", "1", "90001")
US_BANK = BankAccount("Example Talent", LOS_ANGELES, routing_number="021000021", number="123")
US_PAYEE = BankAccount("Zoë Specimen", LOS_ANGELES, routing_number="011401533", number="99")


def batch(*amounts, currency="EUR", debtor=BANK, to=PAYEE, text=""):
    return PaymentBatch(
        reference="RUN-2026-10-0001",
        made_at=datetime(2026, 10, 1, 9, tzinfo=UTC),
        execute_on=date(2026, 10, 2),
        currency=currency,
        debtor=debtor,
        payments=tuple(
            Payment(f"P-{number}", to, D(amount), text) for number, amount in enumerate(amounts)
        ),
    )


def dollars(*amounts, **about):
    return batch(*amounts, currency="USD", debtor=US_BANK, to=US_PAYEE, **about)


def schema():
    """The schema of ISO 20022, as a package for SEPA files brings it."""
    place = Path(find_spec("sepaxml").origin).with_name("schemas")
    return etree.XMLSchema(etree.parse(place / "pain.001.001.09.xsd"))


amounts = st.lists(st.decimals("0.01", "999999", places=2), min_size=1, max_size=12)


@given(amounts)
def test_the_schema_accepts_an_order_and_its_sums_are_those_of_its_payments(paid):
    for one in (batch(*paid, text="Residuals"), dollars(*paid)):
        document = etree.fromstring(pain001.write(one))
        schema().assertValid(document)
        space = {"p": pain001.NAMESPACE}
        told = [D(part.text) for part in document.iterfind(".//p:InstdAmt", space)]

        assert told == paid
        for total in document.iterfind(".//p:CtrlSum", space):
            assert D(total.text) == sum(paid)
        for count in document.iterfind(".//p:NbOfTxs", space):
            assert int(count.text) == len(paid)


@given(amounts, st.sampled_from(["", "Residuals Q3"]))
def test_the_sums_of_a_nacha_file_are_those_of_its_entries(paid, text):
    lines = nacha.write(dollars(*paid, text=text), company_id="1234567890").decode().split("\r\n")
    assert lines.pop() == ""
    entries = [line for line in lines if line[0] == "6"]
    addenda = [line for line in lines if line[0] == "7"]
    batch_end = next(line for line in lines if line[0] == "8")
    file_end = next(line for line in lines if line[0] == "9")

    assert {len(line) for line in lines} == {94}
    assert len(lines) % 10 == 0
    assert int(file_end[7:13]) * 10 == len(lines)
    assert [D(line[29:39]) / 100 for line in entries] == paid
    assert len(addenda) == (len(entries) if text else 0)
    assert D(batch_end[32:44]) / 100 == D(file_end[43:55]) / 100 == sum(paid)
    assert int(batch_end[4:10]) == int(file_end[13:21]) == len(entries) + len(addenda)
    hashed = sum(int(line[3:11]) for line in entries) % 10**10
    assert int(batch_end[10:20]) == int(file_end[21:31]) == hashed
    assert [line[79:94] for line in entries] == [
        f"02100002{number:07}" for number in range(1, len(entries) + 1)
    ]


def test_a_nacha_file_by_hand():
    """Two records worked by hand from the layout of Nacha's appendix three."""
    lines = nacha.write(dollars("12.30", text="Residuals Q3"), company_id="1234567890").decode()
    header, _batch, entry, addenda, *_rest = lines.split("\r\n")

    assert header.startswith("101 02100002112345678902610010900A094101")
    fields = [
        "622", "011401533", "99".ljust(17), "0000001230", "P-0".ljust(15), "Zoe Specimen".ljust(22),
        "  ", "1", "021000020000001",
    ]  # fmt: skip
    assert entry == "".join(fields)
    assert addenda == "705" + "Residuals Q3".ljust(80) + "0001" + "0000001"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (batch(), "pays nobody"),
        (batch("0"), "can't be transferred"),
        (batch("-5"), "can't be transferred"),
        (batch("1.005"), "can't be transferred"),
        (batch("1", to=replace(PAYEE, iban="FR1420041010050500013M02607")), "IBAN"),
        (batch("1", to=replace(PAYEE, iban="")), "neither an IBAN nor a routing number"),
        (batch("1", to=replace(PAYEE, bic="NOBIC")), "BIC"),
        (batch("1", to=replace(PAYEE, address=Address("", "DE"))), "needs a town"),
        (batch("1", to=replace(PAYEE, holder="")), "holder"),
        (batch("1", to=replace(PAYEE, holder="Z" * 141)), "holder"),
        (batch("1", text="t" * 141), "text"),
        (replace(batch("1"), reference="R" * 36), "reference"),
        (replace(batch("1"), payments=batch("1").payments * 2), "twice"),
    ],
)
def test_what_a_bank_would_send_back_is_refused_before(wrong, says):
    with pytest.raises(NotPayable, match=says):
        pain001.write(wrong)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (batch("1"), "dollars"),
        (dollars("1", text="俳優"), "Latin letters"),
        (replace(dollars("1"), debtor=replace(US_BANK, number="9" * 18)), "United States"),
        (dollars("100000000.00"), "more than a NACHA entry holds"),
    ],
)
def test_a_nacha_file_takes_dollars_in_latin_letters_within_the_country(wrong, says):
    with pytest.raises(NotPayable, match=says):
        nacha.write(wrong, company_id="1234567890")


def test_a_company_id_has_ten_characters():
    with pytest.raises(NotPayable, match="ten characters"):
        nacha.write(dollars("1"), company_id="123")


def test_the_same_batch_gives_the_same_bytes():
    assert pain001.write(batch("1", "2")) == pain001.write(batch("1.00", "2.0000"))
