from dataclasses import replace
from decimal import Decimal as D

from tests.valuation.statements import cases
from valuation.statements.summary import in_words


def test_a_statement_is_told_in_sentences():
    assert in_words(cases.FIVE_LINES) == (
        (
            "Orbital Post used your voice for dubbing in French and German (136 lines) and ADR "
            "(20 lines)."
        ),
        "Lantern Games used your voice for game (58 lines).",
        "Corrections of earlier periods come to $180.00.",
        (
            "One line (Lantern Games) was outside the consent given: it is held, and nothing is "
            "paid for it."
        ),
        "$2,500.00 is earned and waits for the studios to pay.",
    )


def test_an_heir_is_not_told_of_their_own_voice():
    told = in_words(replace(cases.ONE_LINE, to_performer=False))

    assert told[0] == "Orbital Post used the voice for ADR (20 lines)."


def test_a_quiet_period_says_so():
    assert in_words(cases.EMPTY) == ("Nothing was used in this period.",)


def test_many_licensees_are_not_all_told():
    lines = tuple(replace(cases.ADR, licensee=f"Studio {n}", amount=D(100 - n)) for n in range(5))
    told = in_words(replace(cases.ONE_LINE, lines=lines))

    assert told[:3] == tuple(f"Studio {n} used your voice for ADR (20 lines)." for n in range(3))
    assert told[3] == "2 more licensees are in the lines."
