"""Statements of plainly fictional people, from one line to thousands."""

from dataclasses import replace
from datetime import date
from decimal import Decimal as D

from licensing.words import Meter, PricePart, Pricing
from talent.words import Right, TaxForm, Use
from valuation.invoices.content import Content, LineTold, PartyTold, TaxTold, TermsTold
from valuation.statements.snapshot import (
    AgeingRow,
    BeneficiaryRow,
    Deduction,
    Leaves,
    LicenseeRow,
    Party,
    Payout,
    PricedPart,
    ProductionRow,
    Proof,
    Receipt,
    ReceiptPart,
    RollUpSnapshot,
    StatedAgreement,
    StatedLine,
    StatedRule,
    StatementSnapshot,
    TaxStanding,
    TrustDifference,
    TrustShare,
    TrustStanding,
    YearToDate,
)
from valuation.words import AccountKind, CashDifference, CashShare, Section, StatementStepKind

NORTHLIGHT = Party(name="Northlight Talent", address=("12 Harbor Row", "Los Angeles CA 90014"))
ADA = Party(name="Ada Example")
EIDR = "10.5240/7791-8534-2C23-9030-8610-5"

DUBBING = StatedLine(
    section=Section.USAGE,
    licensee="Orbital Post",
    production="Harbor Nine",
    eidr=EIDR,
    agreement="Agreement 12",
    uses=(Use.DUBBING,),
    rights=(Right.VOICE,),
    languages=("fr", "de"),
    quantity=D("136"),
    meter=Meter.LINES,
    pricing=Pricing.GRADUATED,
    rates=(D("60"), D("45")),
    amount=D("7620.00"),
    reference="R1",
    parts=(
        PricedPart(part=PricePart.UNITS, bracket=1, quantity=D(100), price=D(60), amount=D("6000")),
        PricedPart(part=PricePart.UNITS, bracket=2, quantity=D(36), price=D(45), amount=D("1620")),
    ),
)
ADR = replace(
    DUBBING,
    uses=(Use.ADR,),
    languages=(),
    quantity=D("20"),
    rates=(D("60"),),
    amount=D("1200.00"),
    reference="R2",
    parts=(),
)
GAME = StatedLine(
    section=Section.USAGE,
    licensee="Lantern Games",
    production="Nightharbor",
    uses=(Use.GAME,),
    rights=(Right.VOICE,),
    quantity=D("58"),
    meter=Meter.LINES,
    rates=(D("0.4"),),
    factor=D("7.5"),
    factors=((("real_time", "yes", "2.5"), ("language", "ja", "3")),),
    amount=D("174.00"),
    reference="R3",
)
PROMO = replace(
    GAME,
    section=Section.HELD,
    uses=(Use.PROMO,),
    rights=(Right.FACE,),
    quantity=D("13"),
    rates=(),
    factor=D(1),
    factors=(),
    reference="",
    amount=D(0),
    note="Promo × Face is no in version 4 of the consent",
)
LATE = replace(
    DUBBING,
    section=Section.ADJUSTMENT,
    languages=("fr",),
    quantity=D("4"),
    rates=(D("45"),),
    amount=D("180.00"),
    reference="R4",
    parts=(),
    note="+4 lines across the 100-line bracket",
    prior_period="Q2 2026",
)
ONE_LINE = StatementSnapshot(
    number="ST-2026-Q3-0041",
    status=StatementStepKind.ISSUED,
    payee=NORTHLIGHT,
    beneficiary=ADA,
    period_starts_on=date(2026, 7, 1),
    period_ends_on=date(2026, 10, 1),
    currency="USD",
    issued_on=date(2026, 10, 6),
    payable_on=date(2026, 11, 29),
    lines=(ADR,),
)
FIVE_LINES = replace(
    ONE_LINE,
    number="ST-2026-Q3-0042",
    previous="ST-2026-Q2-0040",
    opening_balance=D("250.00"),
    opening_accrued=D("1000.00"),
    lines=(DUBBING, ADR, GAME, PROMO, LATE),
    receipts=(
        Receipt(
            received_on=date(2026, 9, 14),
            licensee="Orbital Post",
            reference="WIRE-22",
            amount=D("7674.00"),
            pay_by=date(2026, 10, 14),
            parts=(
                ReceiptPart(
                    reference="R1",
                    agreement="Agreement 12",
                    production="Harbor Nine",
                    period="Q3 2026",
                    amount=D("7500.00"),
                ),
                ReceiptPart(
                    reference="R9",
                    agreement="Agreement 12",
                    production="Harbor Nine",
                    period="Q2 2026",
                    amount=D("174.00"),
                ),
            ),
        ),
    ),
    deductions=(
        Deduction(
            kind=AccountKind.COMMISSION,
            percent=D(10),
            base=D("7674.00"),
            amount=D("-767.40"),
            note="representation at signing",
        ),
    ),
    payable_on=date(2026, 10, 14),
    paid_out=D("250.00"),
    payouts=(Payout(on=date(2026, 7, 20), amount=D("250.00")),),
    agreements=(
        StatedAgreement(
            reference="Agreement 12",
            licensee="Orbital Post",
            signed_on=date(2026, 3, 2),
            audit_years=2,
            audit_notice_days=30,
        ),
        StatedAgreement(
            reference="Agreement 31", licensee="Lantern Games", signed_on=date(2025, 11, 18)
        ),
    ),
    tax=TaxStanding(
        form=TaxForm.W9,
        signed_on=date(2025, 1, 7),
        residence="US",
        percent=D(0),
        source="W-9",
    ),
    rules=(
        StatedRule(
            title="Client money and the thirty days",
            citation="California Labor Code, Section 1700.25",
            confidence="primary source",
        ),
    ),
    year_to_date=YearToDate(
        year=2026,
        earned=D("12174.00"),
        received=D("9674.00"),
        deducted=D("-967.40"),
        paid_out=D("1800.00"),
    ),
    leaves=Leaves(first=184_300, last=195_120),
    paper="Letter",
    in_words=(
        (
            "Orbital Post used your voice for dubbing in French and German (136 lines) and ADR "
            "(20 lines). Lantern Games used your voice for game (58 lines)."
        ),
        (
            "One line (Lantern Games) was outside the consent given: it is held, and nothing is "
            "paid for it."
        ),
        "$2,500.00 is earned and waits for the studios to pay.",
    ),
    notes=(
        (
            "Lantern Games used your face in an interactive promo on 13 lines. Promo × Face is "
            "no in version 4 of your consent; the decision is yours."
        ),
    ),
    objections="Objections are heard until 29 November 2028. A disputed line is held; the rest is "
    "paid.",
    proof=Proof(first_index=184_201, end_index=196_775),
)
SIXTY_LINES = replace(
    FIVE_LINES,
    number="ST-2026-Q3-0043",
    lines=tuple(
        replace(
            line,
            production=f"Harbor Nine, episode {n}",
            eidr=EIDR if n % 7 == 0 else "",
            quantity=line.quantity + n,
        )
        for n, line in enumerate([DUBBING, ADR, GAME, PROMO, LATE, ADR] * 10)
    ),
)
LONG_NAMES = replace(
    FIVE_LINES,
    status=StatementStepKind.DRAFT,
    number="",
    issued_on=None,
    beneficiary=Party(
        name="Estate of Bartholomew Featherstonehaugh-Cholmondeley <the Younger> & Sons",
        address=("c/o Wigglesworth, Throckmorton & Featherstonehaugh LLP", "1 Very Long Lane"),
    ),
    to_performer=False,
    lines=(
        replace(
            DUBBING,
            licensee="Intercontinental Audiovisual Postproduction & Daughters GmbH & Co. KG",
            production="Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamter II",
            languages=("fr", "de", "es-MX", "pt-BR", "cmn-Hans"),
            rights=(Right.VOICE, Right.STYLE, Right.MOTION),
            quantity=D("1234567.125"),
            rates=(D("0.000125"), D("0.0001")),
            amount=D("98765432.10"),
            note='<script>alert("no")</script> & "quotes" — as reported by the studio',
        ),
        GAME,
    ),
)
NEGATIVE = replace(
    ONE_LINE,
    number="ST-2026-Q3-0044",
    lines=(
        replace(LATE, quantity=D("-20"), rates=(D("60"),), amount=D("-1200.00"), note="withdrawn"),
    ),
    opening_balance=D("-15.30"),
)
YEN = replace(
    FIVE_LINES,
    number="ST-2026-Q3-0045",
    currency="JPY",
    opening_balance=D("0"),
    opening_accrued=D("0"),
    paid_out=D(0),
    lines=(
        replace(DUBBING, rates=(D("9000"), D("6750")), amount=D("1143000")),
        replace(GAME, rates=(D("60"),), amount=D("26100")),
    ),
    receipts=(
        Receipt(received_on=date(2026, 9, 14), licensee="Orbital Post", amount=D("1143000")),
    ),
    deductions=(
        Deduction(
            kind=AccountKind.COMMISSION, percent=D(10), base=D("1143000"), amount=D("-114300")
        ),
        Deduction(
            kind=AccountKind.WITHHOLDING,
            percent=D("10.21"),
            base=D("1143000"),
            amount=D("-116700"),
            note="W-8BEN, article 12",
        ),
    ),
)
GERMAN = replace(FIVE_LINES, number="ST-2026-Q3-0046", currency="EUR", locale="de-DE", paper="A4")
SELF_BILLED = replace(
    GERMAN,
    number="ST-2026-Q3-0053",
    self_billed=Content(
        kind="self_billed", currency="EUR", locale="de-DE", through=date(2026, 9, 30),
        agency="Northlight Talent", customer="Northlight Talent GmbH",
        seller=PartyTold("Ada Example GmbH", "DE", "Weg 1", "10115", "Berlin", "DE123456789"),
        buyer=PartyTold("Northlight GmbH", "DE", "Kai 12", "20095", "Hamburg", "DE987654321"),
        terms=TermsTold(days=0, end_of_month=False, source="Vertrag vom 2. Januar 2026"),
        tax=TaxTold("S", D(19), ""),
        lines=(
            LineTold("receipt", "Agreement 12", 0, "Orbital Post", date(2026, 7, 1),
                     date(2026, 9, 30), D("7674.00")),
            LineTold("commission", "", 0, "Abzüglich des Anteils der Agentur, 10 %",
                     date(2026, 7, 1), date(2026, 9, 30), D("-767.40")),
        ),
        net=D("6906.60"), tax_amount=D("1312.25"), total=D("8218.85"), format="cii",
        number="NORTHLIGHT-SB-2026-0042", issued_on=date(2026, 10, 20),
        due_on=date(2026, 11, 14), wording=("Gutschrift",), tax_point="period_end",
        tax_point_on=date(2026, 9, 30),
    ),
)  # fmt: skip
# Names that are written from the right, or in none of the letters that labels are in.
ARABIC = replace(
    FIVE_LINES,
    number="ST-2026-Q3-0050",
    locale="en-US",
    paper="A4",
    beneficiary=Party(name="ليلى المثال", address=("١٢ شارع الميناء", "الإسكندرية")),
    lines=(
        replace(DUBBING, licensee="株式会社 見本音響", production="港の九番"),
        replace(ADR, licensee="มหาสมุทรตัวอย่าง", production="नमूना बंदरगाह"),
        replace(GAME, licensee="예시 게임즈", production="נמל הדוגמה"),
        PROMO,
        LATE,
    ),
)
THOUSAND_LINES = replace(
    FIVE_LINES,
    number="ST-2026-Q3-0051",
    lines=tuple(
        replace(line, production=f"Harbor Nine, episode {n}", reference=f"R{n}", eidr="")
        for n, line in enumerate([DUBBING, ADR, GAME, LATE] * 250)
    ),
)
THOUSANDS = replace(
    FIVE_LINES,
    number="ST-2026-Q3-0047",
    lines=tuple(
        replace(ADR, production=f"Harbor Nine, episode {n % 40}", reference=f"R{n}")
        for n in range(5000)
    ),
)
EMPTY = replace(ONE_LINE, number="ST-2026-Q3-0048", lines=(), in_words=("Nothing was used.",))

ROLL_UP = RollUpSnapshot(
    number="RU-2026-Q3-0007",
    previous="RU-2026-Q2-0006",
    status=StatementStepKind.ISSUED,
    agency=NORTHLIGHT,
    period_starts_on=date(2026, 7, 1),
    period_ends_on=date(2026, 10, 1),
    currency="USD",
    issued_on=date(2026, 10, 6),
    beneficiaries=(
        BeneficiaryRow(
            name="Ada Example",
            statement="ST-2026-Q3-0042",
            earned=D("9174.00"),
            received=D("7674.00"),
            commission=D("-767.40"),
            closing_balance=D("6906.60"),
            closing_accrued=D("2500.00"),
        ),
        BeneficiaryRow(
            name="Ben Sample",
            statement="ST-2026-Q3-0049",
            earned=D("1250.50"),
            received=D("400.00"),
            commission=D("-40.00"),
            other_deductions=D("-60.00"),
            closing_balance=D("300.00"),
            closing_accrued=D("850.50"),
        ),
    ),
    licensees=(
        LicenseeRow(
            name="Orbital Post",
            opening_receivable=D("1000.00"),
            earned=D("9000.00"),
            received=D("7674.00"),
            oldest_due_on=date(2026, 8, 30),
        ),
        LicenseeRow(name="Lantern Games", earned=D("1424.50"), received=D("400.00")),
    ),
    productions=(
        ProductionRow(
            title="Harbor Nine",
            eidr=EIDR,
            licensee="Orbital Post",
            earned=D("9000.00"),
            received=D("7674.00"),
        ),
        ProductionRow(
            title="Nightharbor",
            licensee="Lantern Games",
            earned=D("1424.50"),
            received=D("400.00"),
        ),
    ),
    proof=Proof(first_index=180_000, end_index=196_775),
    ageing=(
        AgeingRow(name="Lantern Games", not_invoiced=D("1024.50")),
        AgeingRow(name="Orbital Post", to_30=D("1326.00"), over_90=D("1000.00")),
    ),
    ageing_on=date(2026, 10, 6),
    trust=TrustStanding(
        on=date(2026, 9, 30),
        bank=D("9414.00"),
        trust_cash=D("9174.00"),
        shares=(
            TrustShare(share=CashShare.PAYABLE, amount=D("7206.60")),
            TrustShare(share=CashShare.COMMISSION, amount=D("1907.40")),
            TrustShare(share=CashShare.WITHHOLDING, amount=D("60.00")),
        ),
        differences=(TrustDifference(reason=CashDifference.WAITS, amount=D("240.00")),),
    ),
)
