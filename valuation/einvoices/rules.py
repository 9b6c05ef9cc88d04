"""The business rules of EN 16931-1 that a document of the desk could break, as sentences.

Codes are those of the norm's validation artefacts. What `semantic` works out by itself (sums,
prices above zero, a category on each line) holds by construction and is not asked for here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from .semantic import SELF_BILLED, Document, Party, Tax

# Categories whose rules ask for the VAT numbers of both parties, of the seller, and for a reason.
NEEDS_BUYERS_NUMBER = {"AE": "BR-AE-02", "K": "BR-IC-02"}
NEEDS_SELLERS_NUMBER = {
    "S": "BR-S-02", "Z": "BR-Z-02", "E": "BR-E-02", "AE": "BR-AE-02", "K": "BR-IC-02",
    "G": "BR-G-02",
}  # fmt: skip
NEEDS_REASON = {"E": "BR-E-10", "AE": "BR-AE-10", "K": "BR-IC-10", "G": "BR-G-10", "O": "BR-O-10"}
MUST_BE_UNTAXED = {
    "Z": "BR-Z-05", "E": "BR-E-05", "AE": "BR-AE-05", "K": "BR-IC-05", "G": "BR-G-05",
    "O": "BR-O-05",
}  # fmt: skip
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Fault:
    """A rule that a document breaks, and what is missing, for whoever can put it right."""

    rule: str
    sentence: str


def faults(document: Document) -> list[Fault]:
    """Return which rules a document breaks; none: it may be sent."""
    seller, buyer = _names(document)
    parties = ((seller, document.seller, SELLERS), (buyer, document.buyer, BUYERS))
    return [
        *(Fault(rule, said) for rule, said, breaks in OF_DOCUMENTS if breaks(document)),
        *(
            Fault(rule, f"{who} {said}")
            for who, party, rules in parties
            for rule, said, breaks in rules
            if breaks(party)
        ),
        *_of_taxes(document),
    ]


def _names(document: Document) -> tuple[str, str]:
    """Return what seller and buyer are called to who puts it right."""
    if document.type_code in SELF_BILLED:
        return "The payee", "The buyer"
    return "The agency", "The customer"


def _has_more_than_cents(document: Document) -> bool:
    amounts = [document.paid, *(line.amount for line in document.lines)]
    return any(amount != amount.quantize(CENT) for amount in amounts)


def _has_period_backwards(document: Document) -> bool:
    return any(
        line.starts_on and line.last_day and line.last_day < line.starts_on
        for line in document.lines
    )


def _has_odd_number(party: Party) -> bool:
    letters = party.vat_number[:2]
    return bool(party.vat_number) and not (letters.isalpha() and letters.isupper())


def _mixes_untaxed(document: Document) -> bool:
    categories = _categories(document)
    return "O" in categories and len(categories) > 1


def _categories(document: Document) -> set[str]:
    return {one.tax.category for one in document.taxes}


OF_DOCUMENTS: tuple[tuple[str, str, Callable[[Document], object]], ...] = (
    ("BR-02", "It has no number.", lambda told: not told.number),
    ("BR-16", "It has no line.", lambda told: not told.lines),
    ("BR-25", "A line has no name.", lambda told: any(not line.name for line in told.lines)),
    ("BR-30", "The period of a line ends before it begins.", _has_period_backwards),
    (
        "BR-55",
        "The invoice that it corrects has no number.",
        lambda told: any(not one.number for one in told.preceding),
    ),
    (
        "BR-CO-25",
        "It has neither a due date nor payment terms.",
        lambda told: told.due > 0 and not (told.due_on or told.payment_terms),
    ),
    (
        "BR-CO-26",
        "The seller has neither a VAT number nor a registration.",
        lambda told: not (told.seller.vat_number or told.seller.registration),
    ),
    (
        "BR-DEC-23",
        "The norm writes amounts with two decimals, and this currency has more.",
        _has_more_than_cents,
    ),
    (
        "BR-CO-03",
        "It has a day on which tax becomes due and says that it does when it is paid.",
        lambda told: told.tax_point_on and told.tax_due_when_paid,
    ),
    (
        "BR-IC-11",
        "Within the EU it says for which days it is.",
        lambda told: "K" in _categories(told) and not (told.starts_on and told.last_day),
    ),
    (
        "BR-O-02",
        "What is not subject to tax names no VAT number.",
        lambda told: "O" in _categories(told) and (told.seller.vat_number or told.buyer.vat_number),
    ),
    ("BR-O-11", "What is not subject to tax stands on an invoice of its own.", _mixes_untaxed),
)


def _of_party(
    *, name: str, country: str, scheme: str
) -> tuple[tuple[str, str, Callable[[Party], object]], ...]:
    return (
        (name, "has no name.", lambda party: not party.name),
        (country, "has no country.", lambda party: not party.country),
        (
            scheme,
            "has an electronic address and no scheme that it is one by.",
            lambda party: party.electronic_address and not party.electronic_scheme,
        ),
        ("BR-CO-09", "has a VAT number without its country’s letters.", _has_odd_number),
    )


SELLERS = _of_party(name="BR-06", country="BR-09", scheme="BR-62")
BUYERS = _of_party(name="BR-07", country="BR-11", scheme="BR-63")


def _of_taxes(document: Document) -> Iterator[Fault]:
    seller, buyer = _names(document)
    for category in sorted(_categories(document)):
        if category in NEEDS_SELLERS_NUMBER and not document.seller.vat_number:
            yield Fault(NEEDS_SELLERS_NUMBER[category], f"{seller} has no VAT number.")
        if category in NEEDS_BUYERS_NUMBER and not document.buyer.vat_number:
            yield Fault(NEEDS_BUYERS_NUMBER[category], f"{buyer} has no VAT number.")
    for one in document.taxes:
        yield from _of_tax(one.tax)


def _of_tax(tax: Tax) -> Iterator[Fault]:
    if tax.category in NEEDS_REASON and not tax.reason:
        yield Fault(NEEDS_REASON[tax.category], "It does not say why no tax is charged.")
    if tax.category in MUST_BE_UNTAXED and tax.percent:
        yield Fault(MUST_BE_UNTAXED[tax.category], "It has a rate and is not taxed.")
    if tax.category == "S" and tax.percent <= 0:
        yield Fault("BR-S-05", "What is taxed has a rate above zero.")
