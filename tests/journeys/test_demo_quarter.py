"""Two agreements of the demo's third quarter, worked by hand from their terms to the statements.

Deductions are rounded half up, each once per version of its rate; shares go by largest remainder.

MER-2026-008: Vesper speaks French in Kite Weather, for Paper Boat, in euros.

    Vesper is Hana, Ivo and Jun, 5 : 3 : 2. Jun left on 16 September: 5 : 3 from then on.
    The agreement promises 750.00 a quarter. 1,000.00 were due on signing, 1 July, and use pays
    them back. Lines cost 3.13 up to 100, 2.71 up to 200, 2.29 from there; each reel counts up.

    Use         8 July 41.3 -> 42, 22 July 35, 12 August 52.6 -> 53, 9 September 45.2 -> 46:
                                                               176 lines until Jun left
                21 September 19.5 -> 20: 196 lines, of which the first night made
                    100 x 3.13 + 96 x 2.71 = 313.00 + 260.16                       =   573.16
                Reported late, 24 September 17.8 -> 18: it crosses the edge at 200:
                    4 x 2.71 + 14 x 2.29 = 10.84 + 32.06                           =    42.90
                214 lines:  100 x 3.13 + 100 x 2.71 + 14 x 2.29
                          = 313.00     + 271.00     + 32.06                        =   616.06
    True-up     750.00 - 616.06                                                    =   133.94
    Advance                                                                           1,000.00
    Paid back   by use and true-up, 616.06 + 133.94                                =  -750.00
                                                                                     --------
    Owed        the advance; 250.00 of it are still to be paid back                  1,000.00

    Split                                           Hana        Ivo         Jun
      176 lines: 313.00 + 76 x 2.71 = 518.96
        5 : 3 : 2       259.48, 155.688, 103.792    259.48      155.69      103.79
      38 lines: 616.06 - 518.96 = 97.10
        5 : 3           60.6875, 36.4125             60.69       36.41
      Use                                           320.17      192.10      103.79  =  616.06
      True-up, of 30 September: 83.7125, 50.2275     83.71       50.23              =  133.94
      Advance, of 1 July, 5 : 3 : 2                 500.00      300.00      200.00  = 1,000.00
      Paid back                                    -403.88     -242.33     -103.79  =  -750.00
      Earned                                        500.00      300.00      200.00  = 1,000.00
      Still to be paid back                          96.12       57.67       96.21  =   250.00

    Received    20 July       617.38: 308.69, 185.214, 123.476
                                                    308.69      185.21      123.48
                21 September  382.62, the rest of 1,000.00
                                                    191.31      114.79       76.52
    Commission  10 %, 10 %, 12.5 % of what each received by one rate of withholding:
                Ivo 18.521 and 11.479               -50.00      -18.52      -25.00
                                                                -11.48
    Withheld    nothing by their certificates, but Ivo's ended on 31 August; from then on 30 %,
                as of whoever abroad has none: 34.437           -34.44
    Contributions: none, for no guild's agreement counts.
    Net                                             450.00      235.56      175.00  =   860.56

    Their statements hold MER-2026-007 too (test_dialogue_sheet), which nobody has paid:
                                                    368.41      221.04      147.36  =   736.81

MER-2026-004: Clara's photograph speaks in Nine Lanterns, for Lanternfish, in dollars.

    Clara died in 2019; Dora and Emil inherit 2 : 1. A tenth of the net is held until 2027.
    Seconds cost 90.00 up to 60, 60.00 up to 240, 45.00 from there.

    Use         370.4 seconds:  60 x 90.00 + 180 x 60.00 + 130.4 x 45.00
                          = 5,400.00     + 10,800.00    + 5,868.00                 = 22,068.00
    Received    75,000.00 pay first MER-2026-002 (50,037.00 + 12,262.50), MER-2026-003 (5,775.00),
                then, of this                                                         6,925.50
                15,000.00 more                                                       15,000.00
                                                                                     ---------
                                                                                     21,925.50
    Amended after that: the last scene lasted 10.7 seconds and not 30.7:
                350.4 seconds:  5,400.00 + 10,800.00 + 110.4 x 45.00 = 4,968.00    = 21,168.00
    Given back  21,925.50 - 21,168.00, the studio's credit                         =    757.50

    Split                                                        Dora        Emil
      Earned, and received less given back                  14,112.00    7,056.00  = 21,168.00
      Commission, 10 %                                      -1,411.20     -705.60
      Withheld, no certificate, 24 %: 3,386.88, 1,693.44    -3,386.88   -1,693.44
      Contributions: none, for no guild's agreement counts.
      Left                                                   9,313.92    4,656.96
      Reserve, 10 %: 931.392, 465.696                         -931.39     -465.70
        before the amendment, of 14,617.00 and 7,308.50:
        10 % of 9,647.22 and 4,823.61                          964.72      482.36
        so released again                                       33.33       16.66
      Net                                                    8,382.53    4,191.26  = 12,573.79
"""

from datetime import date
from decimal import Decimal as D

import pytest

from valuation.models import Reading, Remittance, Statement
from valuation.statements.snapshot import statement_from_json

pytestmark = pytest.mark.usefixtures("demo")


def stated(currency):
    """The third quarter's statements of Meridian in a currency, by first name."""
    statements = Statement.objects.issued().filter(
        agency__slug="meridian",
        currency=currency,
        period_on=date(2026, 7, 1),
        beneficiary__isnull=False,
    )
    contents = [statement_from_json(statement.content) for statement in statements]
    return {content.beneficiary.name.partition(" ")[0]: content for content in contents}


def amounts(content, reference):
    """What a statement says of an agreement, in its order, and what was received and taken off."""
    own = [line for line in content.lines if line.agreement == reference]
    return (
        [(line.section.value, f"{line.amount:.2f}") for line in own],
        [f"{receipt.amount:.2f}" for receipt in content.receipts],
        [(kept.kind.value, f"{kept.amount:.2f}") for kept in content.deductions],
    )


def priced(reference):
    """How each reading of an agreement is explained: (part, quantity, unit price, amount)."""
    readings = Reading.objects.filter(
        agreement__reference=reference, period_on=date(2026, 7, 1)
    ).order_by("kind")
    return {
        reading.kind: [
            (line["part"], D(line["quantity"]), D(line["unit_price"]), D(line["amount"]))
            for line in reading.explanation
        ]
        for reading in readings
    }


def test_the_french_reels_pay_an_advance_back_and_whoever_was_in_them():
    assert priced("MER-2026-008") == {
        "use": [
            ("units", D(100), D("3.13"), D("313.00")),
            ("units", D(100), D("2.71"), D("271.00")),
            ("units", D(14), D("2.29"), D("32.06")),
        ],
        "true_up": [
            ("guarantee", D(1), D("750.00"), D("750.00")),
            ("earned", D(1), D("-616.06"), D("-616.06")),
        ],
        "advance": [("advance", D(1), D("1000.00"), D("1000.00"))],
    }
    found = stated("EUR")
    assert {name: amounts(content, "MER-2026-008") for name, content in found.items()} == {
        "Hana": (
            [
                ("usage", "320.17"),
                ("true_up", "83.71"),
                ("advance", "500.00"),
                ("recoupment", "-403.88"),
            ],
            ["308.69", "191.31"],
            [("commission", "-50.00")],
        ),
        "Ivo": (
            [
                ("usage", "192.10"),
                ("true_up", "50.23"),
                ("advance", "300.00"),
                ("recoupment", "-242.33"),
            ],
            ["185.21", "114.79"],
            [("commission", "-30.00"), ("withholding", "-34.44")],
        ),
        "Jun": (
            [("usage", "103.79"), ("advance", "200.00"), ("recoupment", "-103.79")],
            ["123.48", "76.52"],
            [("commission", "-25.00")],
        ),
    }
    assert {
        name: (content.earned, content.net, content.closing_balance, content.closing_accrued)
        for name, content in found.items()
    } == {
        "Hana": (D("868.41"), D("450.00"), D("450.00"), D("368.41")),
        "Ivo": (D("521.04"), D("235.56"), D("235.56"), D("221.04")),
        "Jun": (D("347.36"), D("175.00"), D("175.00"), D("147.36")),
    }
    left = {name: content.beside.advances for name, content in found.items()}
    assert left == {"Hana": D("96.12"), "Ivo": D("57.67"), "Jun": D("96.21")}


def test_the_estate_gives_back_what_an_amended_scene_was_paid_for():
    (use,) = priced("MER-2026-004").values()
    assert use == [
        ("units", D(60), D("90.00"), D("5400.00")),
        ("units", D(180), D("60.00"), D("10800.00")),
        ("units", D("110.4"), D("45.00"), D("4968.00")),
    ]
    found = stated("USD")
    assert {name: amounts(found[name], "MER-2026-004") for name in ("Dora", "Emil")} == {
        "Dora": (
            [("usage", "14112.00")],
            ["4617.00", "10000.00", "-505.00"],
            [
                ("commission", "-1411.20"),
                ("withholding", "-3386.88"),
                ("reserve", "-964.72"),
                ("reserve", "33.33"),
            ],
        ),
        "Emil": (
            [("usage", "7056.00")],
            ["2308.50", "5000.00", "-252.50"],
            [
                ("commission", "-705.60"),
                ("withholding", "-1693.44"),
                ("reserve", "-482.36"),
                ("reserve", "16.66"),
            ],
        ),
    }
    assert [found[name].closing_balance for name in ("Dora", "Emil")] == [
        D("8382.53"),
        D("4191.26"),
    ]
    assert [found[name].beside.reserve for name in ("Dora", "Emil")] == [D("931.39"), D("465.70")]
    lanternfish = Remittance.objects.filter(reference__in=["DEMO-WIRE-0001", "DEMO-WIRE-0002"])
    assert sum(one.unmatched for one in lanternfish.with_left()) == D("757.50")
