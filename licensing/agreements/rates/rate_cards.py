"""Rate cards: what makes one complete."""

from collections.abc import Sequence
from decimal import Decimal

from licensing.models import RateCard, RateLine
from licensing.words import Pricing
from talent.errors import Refused

BRACKETED = {Pricing.GRADUATED, Pricing.VOLUME}
MAY_HAVE_BRACKETS = {*BRACKETED, Pricing.PERCENTAGE}


class CardIncomplete(Refused):
    """A card without lines, or a line that prices nothing: what it rates would be worth nothing."""

    code = "card_incomplete"


def refuse_brackets(label: str, pricing: str, tops: Sequence[Decimal | None]) -> None:
    """Raise CardIncomplete unless brackets that end at `tops` (None: never) fit a kind of price."""
    if not tops:
        if pricing in BRACKETED:
            raise CardIncomplete(
                f"“{label}” is priced by brackets and has none; enter them, the last without an "
                "end."
            )
        return
    if pricing not in MAY_HAVE_BRACKETS:
        raise CardIncomplete(
            f"“{label}” has brackets, which {Pricing(pricing).label.lower()} prices do not use; "
            "take them out, or choose graduated or volume."
        )
    if tops.count(None) != 1:
        raise CardIncomplete(
            f"One bracket of “{label}”, the last, has no end, or usage above it would be free."
        )
    ends = [top for top in tops if top is not None]
    if len(set(ends)) != len(ends):
        raise CardIncomplete(f"Two brackets of “{label}” end at the same quantity.")


def refuse_incomplete(card: RateCard) -> None:
    """Raise CardIncomplete for a card without lines, or with one that prices nothing."""
    lines: list[RateLine] = list(card.lines.all())
    if not lines:
        raise CardIncomplete(
            f"The rates from {card.effective_from} have no line; enter one, or take them out."
        )
    for line in lines:
        tops = [bracket.up_to for bracket in line.brackets.all()]
        refuse_brackets(line.label, line.pricing, tops)
