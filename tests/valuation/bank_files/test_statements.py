"""Statements of bank accounts: the same movements, whichever file they came in."""

import logging
from datetime import date
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuation.bank_files import reading
from valuation.bank_files.statements import LARGEST_FILE, BalancesDoNotFit, NotABankFile

MT940 = """\
:20:STARTUMS
:25:12345678/1234567890
:28C:00012/001
:60F:C260901USD1000,00
:61:2609020903CR500,25NTRFNONREF//BANKREF1
:86:166?00CREDIT?20EREF+INV-7?21SVWZ+Invoice MER-2026-007?22 thank you?30COBADEFF\
?31DE89370400440532013000?32LANTERNFISH?33 PICTURES
:61:2609030903RC20,00NRTIX-1//BANKREF2
:86:Returned payment
:61:2609040904D30,00NMSCNONREF
:86:Fee
:62F:C260930USD1450,25
-
"""


def entry(amount, direction="CRDT", more="", status="<Sts><Cd>BOOK</Cd></Sts>", currency="USD"):
    return f"""<Ntry><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd>{status}
        <BookgDt><Dt>2026-09-03</Dt></BookgDt><ValDt><Dt>2026-09-02</Dt></ValDt>
        <AcctSvcrRef>BANKREF1</AcctSvcrRef>{more}</Ntry>"""


PAID = """<NtryDtls><TxDtls><Refs><EndToEndId>INV-7</EndToEndId></Refs>
    <RltdPties><Dbtr><Pty><Nm>LANTERNFISH PICTURES</Nm></Pty></Dbtr>
    <DbtrAcct><Id><IBAN>DE89370400440532013000</IBAN></Id></DbtrAcct></RltdPties>
    <RmtInf><Ustrd>Invoice MER-2026-007</Ustrd><Ustrd>thank you</Ustrd></RmtInf>
    </TxDtls></NtryDtls>"""


def camt(entries, opening="1000.00", closing="1450.25", version="08", before=""):
    return f"""<?xml version="1.0" encoding="UTF-8"?>{before}
    <Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"><BkToCstmrStmt><Stmt>
    <Id>12</Id><ElctrncSeqNb>12</ElctrncSeqNb>
    <Acct><Id><Othr><Id>12345678/1234567890</Id></Othr></Id><Ccy>USD</Ccy></Acct>
    <Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="USD">{opening}</Amt>
      <CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-09-01</Dt></Dt></Bal>
    <Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="USD">{closing}</Amt>
      <CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-09-30</Dt></Dt></Bal>
    {"".join(entries)}</Stmt></BkToCstmrStmt></Document>""".encode()


RETURNED = entry("20.00", "DBIT", "<NtryDtls><TxDtls><RtrInf/></TxDtls></NtryDtls>")
CAMT053 = camt([entry("500.25", more=PAID), RETURNED, entry("30.00", "DBIT")])


@pytest.mark.parametrize("content", [MT940.encode(), MT940.replace("\n", "\r\n").encode(), CAMT053])
def test_both_formats_tell_the_same_movements(content):
    (statement,) = reading.read(content)
    paid, returned, fee = statement.lines

    assert (statement.account, statement.currency) == ("12345678/1234567890", "USD")
    assert (statement.opening, statement.closing) == (D("1000.00"), D("1450.25"))
    assert (statement.opened_on, statement.closed_on) == (date(2026, 9, 1), date(2026, 9, 30))
    assert (paid.amount, paid.booked_on, paid.valued_on) == (
        D("500.25"), date(2026, 9, 3), date(2026, 9, 2),
    )  # fmt: skip
    assert (paid.counterparty, paid.end_to_end) == ("LANTERNFISH PICTURES", "INV-7")
    assert paid.counterparty_account == "DE89370400440532013000"
    assert paid.text == "Invoice MER-2026-007 thank you"
    assert paid.bank_reference == "BANKREF1"
    assert [line.amount for line in (returned, fee)] == [D("-20.00"), D("-30.00")]
    assert [line.is_return for line in statement.lines] == [False, True, False]


def test_what_is_announced_and_not_booked_is_no_money():
    pending = entry("99.00", status="<Sts>PDNG</Sts>")
    old = entry("500.25", status="<Sts>BOOK</Sts>", more=PAID)

    (statement,) = reading.read(camt([old, pending], closing="1500.25", version="02"))

    assert [line.amount for line in statement.lines] == [D("500.25")]
    assert statement.pending == 1


def test_a_batch_is_told_by_its_parts_where_they_come_to_the_whole():
    def parts(*amounts):
        told = "".join(
            f'<TxDtls><AmtDtls><TxAmt><Amt Ccy="USD">{one}</Amt></TxAmt></AmtDtls></TxDtls>'
            for one in amounts
        )
        return camt([entry("30.00", more=f"<NtryDtls>{told}</NtryDtls>")], closing="1030.00")

    (whole,) = reading.read(parts("10.00", "20.00"))
    (unclear,) = reading.read(parts("10.00", "19.00"))

    assert [line.amount for line in whole.lines] == [D("10.00"), D("20.00")]
    assert [line.amount for line in unclear.lines] == [D("30.00")]


@pytest.mark.parametrize(
    "content",
    [MT940.replace("1450,25", "1450,26").encode(), camt([entry("500.25")], closing="1500.24")],
)
def test_a_file_whose_lines_do_not_come_to_its_balance_is_refused(content):
    with pytest.raises(BalancesDoNotFit, match="Ask the bank"):
        reading.read(content)


def test_an_account_is_kept_in_one_currency():
    with pytest.raises(NotABankFile, match="mixes currencies"):
        reading.read(camt([entry("500.25", currency="EUR")], closing="1500.25"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"day;amount\n2026-09-01;5",
        b"\x00" * 64,
        MT940.replace(":61:2609020903CR500,25", ":61:gibberish").encode(),
        MT940.replace("C260901USD", "C261301USD").encode(),
        MT940.replace(":62F:C260930USD1450,25\n", "").encode(),
        camt([entry("5 dollars")]),
        camt([entry("500.25", "SIDE")]),
        camt([entry("500.25", currency="EUR")]),
        CAMT053[:-40],
        CAMT053.replace(b"camt.053.001.08", b"camt.053.001.8x"),
        b"x" * (LARGEST_FILE + 1),
    ],
)
def test_what_is_no_statement_is_refused_with_a_sentence(content):
    with pytest.raises((NotABankFile, BalancesDoNotFit)) as refused:
        reading.read(content)

    assert str(refused.value).endswith(".")


def test_a_document_type_and_its_entities_are_refused(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("of the machine")
    before = f'<!DOCTYPE Document [<!ENTITY secret SYSTEM "file://{secret}">]>'

    with pytest.raises(NotABankFile, match="document type") as refused:
        reading.read(
            camt([entry("450.25", more="<AddtlNtryInf>&secret;</AddtlNtryInf>")], before=before)
        )

    assert "of the machine" not in str(refused.value)


def test_a_bomb_of_entities_is_refused_at_once():
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(12))
    bomb = camt([entry("450.25", more="<AddtlNtryInf>&l11;</AddtlNtryInf>")],
                before=f"<!DOCTYPE Document [{laughs}]>")  # fmt: skip

    with pytest.raises(NotABankFile):
        reading.read(bomb)


def test_a_line_that_was_not_understood_stays_out_of_the_log(caplog, capfd):
    with caplog.at_level(logging.DEBUG), pytest.raises(NotABankFile) as refused:
        reading.read(MT940.replace(":61:2609020903CR500,25", ":61:ADA SAMPLE").encode())

    assert "ADA SAMPLE" not in f"{refused.value}{caplog.text}{capfd.readouterr()}"


@given(st.lists(st.decimals("-99999", "99999", places=2).filter(bool), max_size=20))
def test_every_statement_that_is_read_adds_up(amounts):
    lines = "".join(
        f":61:260902{'C' if amount > 0 else 'D'}{abs(amount):f}".replace(".", ",") + "NTRFNONREF\n"
        for amount in amounts
    )
    closing = sum(amounts, D("0.00"))
    sign = "D" if closing < 0 else "C"
    text = (
        ":20:X\n:25:1\n:28C:1\n:60F:C260901EUR0,00\n"
        f"{lines}:62F:{sign}260930EUR{f'{abs(closing):f}'.replace('.', ',')}\n"
    )

    (statement,) = reading.read(text.encode())

    assert [line.amount for line in statement.lines] == amounts
    assert statement.closing == closing
