"""Whose a line of a bank is: proposed from what it says, measured on lines of every kind."""

from decimal import Decimal as D

import pytest
from django.conf import settings

from valuation.cash.received.proposals import Debt, Debtor, Said, only_one, proposals_for, stands_in

LANTERNFISH, TIN_ROCKET, COPPERLEAF, PAPER_BOAT, MUELLER = 1, 2, 3, 4, 5

DEBTORS = [
    Debtor(
        LANTERNFISH, ("Lanternfish Pictures",), frozenset({"DE89370400440532013000"}),
        (Debt("MER-2026-001", D("1200"), "USD", 11), Debt("MER-2026-004", D("300.50"), "USD", 14),
         Debt("MERIDIAN-I-2026-0007", D("640"), "USD", invoice=71),
         Debt("MERIDIAN-I-2026-0009", D("560"), "USD", invoice=72)),
    ),
    Debtor(TIN_ROCKET, ("Tin Rocket Games",), frozenset({"GB33BUKB20201555555555"}),
           (Debt("NOR-2026-002", D("880"), "EUR", 22),
            Debt("MERIDIAN-I-2026-0008", D("412.25"), "EUR", invoice=81))),
    Debtor(COPPERLEAF, ("Copperleaf Tea",), frozenset(),
           (Debt("MER-2026-006", D("5000"), "USD", 36),
            Debt("MERIDIAN-I-2026-0010", D("5000"), "USD", invoice=91))),
    Debtor(PAPER_BOAT, ("Paper Boat Films",), frozenset(),
           (Debt("MER-2026-003", D("300.50"), "USD", 43),)),
    Debtor(MUELLER, ("Müller & Söhne Filmproduktion",), frozenset(),
           (Debt("2026-0017", D("750"), "EUR", 57),)),
]  # fmt: skip

# amount, currency, counterparty, account, text, end-to-end → who it is; None: nobody to be sure of.
LINES = [
    # It names an agreement, however it is written.
    ("1200", "USD", "", "", "MER-2026-001", "", LANTERNFISH),
    ("1200", "USD", "", "", "Invoice mer 2026 001 thank you", "", LANTERNFISH),
    ("999", "USD", "", "", "MER2026001", "", LANTERNFISH),
    ("999", "USD", "", "", "MER-2026- 001", "", LANTERNFISH),
    ("999", "USD", "", "", "RE: MER/2026/001, PART", "", LANTERNFISH),
    ("1500.50", "USD", "", "", "MER-2026-001 MER-2026-004", "", LANTERNFISH),
    ("10", "USD", "", "", "", "MER-2026-006", COPPERLEAF),
    ("880", "EUR", "", "", "Ref.NOR-2026-002/Q3", "", TIN_ROCKET),
    ("750", "EUR", "", "", "Rechnung 2026-0017", "", MUELLER),
    ("750", "EUR", "", "", "RG 20260017", "", MUELLER),
    # It names an invoice, with or without what it asks for.
    ("640", "USD", "", "", "MERIDIAN-I-2026-0007", "", LANTERNFISH),
    ("640", "USD", "", "", "inv. meridian i 2026 0007", "", LANTERNFISH),
    ("300", "USD", "", "", "MERIDIANI20260007 part payment", "", LANTERNFISH),
    ("1200", "USD", "", "", "MERIDIAN-I-2026-0007, MERIDIAN-I-2026-0009", "", LANTERNFISH),
    ("412.25", "EUR", "TR GAMES OPS", "", "", "MERIDIAN-I-2026-0008", TIN_ROCKET),
    ("412.20", "EUR", "", "", "MERIDIAN-I-2026-0008 less fee", "", TIN_ROCKET),
    ("5000", "USD", "", "", "MERIDIAN-I-2026-0010/Q3", "", COPPERLEAF),
    # … or one that nobody issued, one digit too many, or the invoices of two.
    ("640", "USD", "", "", "MERIDIAN-I-2026-0070", "", None),
    ("640", "USD", "", "", "MERIDIAN-I-2026-00071", "", None),
    ("1052.25", "USD", "", "", "MERIDIAN-I-2026-0007 and MERIDIAN-I-2026-0008", "", None),
    # Its amount is an invoice's, and the name a little alike, or nothing else.
    ("560", "USD", "Lanternfsh Pictures", "", "", "", LANTERNFISH),
    ("560", "USD", "", "", "", "", None),
    # It comes from an account that they paid from before.
    ("44", "USD", "", "DE89370400440532013000", "", "", LANTERNFISH),
    ("44", "USD", "", "DE89 3704 0044 0532 0130 00", "", "", LANTERNFISH),
    ("44", "USD", "LF HOLDING", "DE89370400440532013000", "payment", "", LANTERNFISH),
    ("880", "EUR", "", "GB33BUKB20201555555555", "", "", TIN_ROCKET),
    ("1", "GBP", "TIN ROCKET", "gb33bukb20201555555555", "", "", TIN_ROCKET),
    # The name is theirs: case, company forms, accents, cut short.
    ("44", "USD", "LANTERNFISH PICTURES", "", "", "", LANTERNFISH),
    ("44", "USD", "Lanternfish Pictures, Inc.", "", "", "", LANTERNFISH),
    ("44", "USD", "The Lanternfish Pictures Company Ltd", "", "", "", LANTERNFISH),
    ("44", "USD", "LANTERNFISH PICTU", "", "", "", LANTERNFISH),
    ("44", "USD", "Copperleaf Tea GmbH & Co. KG", "", "", "", COPPERLEAF),
    ("44", "USD", "COPPERLEAF TEA PAYMENTS DEPT", "", "", "", COPPERLEAF),
    ("44", "EUR", "MUELLER", "", "", "", None),
    ("44", "EUR", "Muller & Sohne Filmproduktion", "", "", "", MUELLER),
    ("44", "EUR", "MÜLLER & SÖHNE FILMPRODUKTION GMBH", "", "", "", MUELLER),
    ("44", "EUR", "MÜLLER UND SÖHNE FILMPRODUKTION", "", "", "", None),
    ("44", "USD", "Paper Boat Films S.A.R.L.", "", "", "", PAPER_BOAT),
    ("44", "USD", "Tin Rocket Games, LLC", "", "June", "", TIN_ROCKET),
    # A name a little alike needs more than itself.
    ("44", "USD", "Lanternfsh Pictures", "", "", "", None),
    ("1200", "USD", "Lanternfsh Pictures", "", "", "", LANTERNFISH),
    ("5000", "USD", "Coperleaf Tea", "", "", "", COPPERLEAF),
    ("880", "EUR", "Tin Rockett Games", "", "", "", TIN_ROCKET),
    # The amount decides between two, and alone proposes nobody.
    ("300.50", "USD", "", "", "", "", None),
    ("1200", "USD", "", "", "", "", None),
    ("300.50", "USD", "Paper Boat Films", "", "", "", PAPER_BOAT),
    ("1500.50", "USD", "Lanternfish Pictures", "", "", "", LANTERNFISH),
    ("1200", "EUR", "", "", "", "", None),
    # Two speak for it: the one that names a debt comes first.
    ("1200", "USD", "Paper Boat Films", "", "on behalf of MER-2026-001", "", LANTERNFISH),
    ("44", "USD", "Copperleaf Tea", "DE89370400440532013000", "", "", LANTERNFISH),
    ("5000", "USD", "Lanternfish Pictures", "", "MER-2026-006", "", COPPERLEAF),
    ("44", "USD", "", "", "MER-2026-001 and MER-2026-003", "", None),
    # Chance: numbers and words that look like a reference and are none.
    ("44", "USD", "", "", "MER-2026-0012", "", None),
    ("44", "USD", "", "", "XMER-2026-001", "", None),
    ("44", "USD", "", "", "12026-0017", "", None),
    ("44", "USD", "", "", "2026-00171", "", None),
    ("44", "USD", "", "", "2026", "", None),
    # None of the desk's: fees, interest, people, the agency itself.
    ("44", "USD", "City Bank", "", "Interest", "", None),
    ("44", "EUR", "Tax office", "", "Refund 2025", "", None),
    ("44", "USD", "Jane Public", "", "rent", "", None),
    ("44", "USD", "", "", "", "", None),
    ("44", "USD", "Tea", "", "", "", None),
    ("44", "USD", "Pictures", "", "", "", None),
    ("44", "USD", "Films", "", "for Ada", "", None),
    ("44", "USD", "俳優株式会社", "", "", "", None),
    ("0.01", "USD", "PAYPAL", "", "verify", "", None),
    ("44", "USD", "Inc.", "", "", "", None),
]  # fmt: skip


@pytest.mark.parametrize("line", LINES, ids=lambda line: " ".join(line[:6]))
def test_a_line_is_proposed_to_be_theirs(line):
    amount, currency, name, account, text, end_to_end, expected = line
    said = Said(D(amount), currency, name, account, (text, end_to_end))

    chosen = only_one(proposals_for(said, DEBTORS))

    assert (chosen and chosen.licensee) == expected


def test_what_was_measured_is_what_is_told():
    right = nobody = missed = wrong = 0
    for amount, currency, name, account, text, end_to_end, expected in LINES:
        said = Said(D(amount), currency, name, account, (text, end_to_end))
        chosen = only_one(proposals_for(said, DEBTORS))
        found = chosen and chosen.licensee
        right += found == expected is not None
        nobody += found is expected is None
        missed += found is None is not expected
        wrong += found not in (None, expected)
    told = (f"Of {len(LINES)} lines of every kind one is proposed for {right}, all rightly, and "
            f"none for {nobody}")  # fmt: skip

    assert len(LINES) >= 50
    assert (missed, wrong) == (0, 0)
    assert told in " ".join((settings.BASE_DIR / "docs/ledger.md").read_text().split())


def test_what_a_line_names_is_paid_first():
    said = Said(D("1500.50"), "USD", texts=("MER-2026-001 and MER-2026-004",))

    (proposal,) = proposals_for(said, DEBTORS)

    assert [debt.agreement for debt in proposal.named] == [11, 14]
    assert [reason.value for reason in proposal.reasons] == ["reference", "amount"]


def test_two_that_are_as_likely_are_both_shown_and_none_is_chosen():
    said = Said(D("44"), "USD", texts=("MER-2026-001 and MER-2026-003",))

    found = proposals_for(said, DEBTORS)

    assert [one.licensee for one in found] == [LANTERNFISH, PAPER_BOAT]
    assert only_one(found) is None


def test_the_order_of_licensees_does_not_matter():
    for line in LINES:
        said = Said(D(line[0]), line[1], line[2], line[3], line[4:6])
        assert proposals_for(said, DEBTORS) == proposals_for(said, DEBTORS[::-1])


def test_a_short_reference_needs_a_letter():
    assert stands_in("HAR-2", "for HAR-2")
    assert not stands_in("HAR-2", "for HAR-20")
    assert not stands_in("2-17", "on 2-17")
