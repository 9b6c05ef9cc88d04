"""Before signing: what only the performer reads of an agreement, and what similar uses paid.

It stands beside the document, not in it: what the agency takes, holds back and lets recoup is
nothing that the licensee reads, and what other licensees pay is nothing that this one reads.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from licensing.agreements.rates import explained, line_floors
from licensing.models import Agreement, RateLine
from licensing.pricing import UnpriceableTerms
from licensing.words import AgreementStatus
from talent import locales
from talent.models import Performer

from .gathered import Gathered, gather

SIMILAR = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """A question that a performer asks before signing, with what the desk knows."""

    question: str
    sentences: tuple[str, ...]


def before_signing(
    agreement: Agreement, performer: Performer, *, at: datetime, locale: str
) -> list[Answer]:
    """Return what one performer reads of an agreement beside its document.

    Takes a fixed number of queries, and names no other licensee or performer.
    """
    gathered = gather(agreement, at=at)
    answers = [
        ("What the agency takes", _commission(gathered, performer, locale)),
        ("What is held back", _held_back(gathered, locale)),
        ("What similar uses of yours pay", _similar(gathered, performer, locale)),
        ("What the guild asks for at least", _floors(gathered)),
    ]
    return [Answer(question, tuple(sentences)) for question, sentences in answers]


def _commission(gathered: Gathered, performer: Performer, locale: str) -> Iterator[str]:
    own = [row for row in gathered.representations if row.performer_id == performer.pk]
    for row in own:
        yield f"{locales.percent(row.commission_percent, locale)} of what you are paid."
    if not own:
        yield "Nothing: this agency does not represent you, or takes no commission."


def _held_back(gathered: Gathered, locale: str) -> Iterator[str]:
    agreement = gathered.agreement
    if agreement.reserve_percent:
        percent = locales.percent(agreement.reserve_percent, locale)
        yield f"{percent} of what would be payable, for {agreement.reserve_periods} periods."
    if agreement.reserve_cap:
        cap = locales.money(agreement.reserve_cap, agreement.currency, locale)
        yield f"At most {cap}."
    if agreement.recoups_with:
        yield f"Advances are paid back together with the group “{agreement.recoups_with}”."
    if not agreement.reserve_percent and not agreement.recoups_with:
        yield "Nothing."


def _similar(gathered: Gathered, performer: Performer, locale: str) -> Iterator[str]:
    """Yield what other signed agreements of the performer charge for what is counted here."""
    agreement = gathered.agreement
    meters = {line.meter for card in gathered.cards for line in card.lines.all()}
    of_performer = Q(card__agreement__twin__performer=performer) | Q(
        card__agreement__twin__sources__performer=performer
    )
    lines = (
        RateLine.objects.filter(of_performer, meter__in=meters, unlicensed=False)
        .filter(card__proposed=False, card__agreement__agency=agreement.agency_id)
        .exclude(card__agreement=agreement.pk)
        .exclude(card__agreement__status=AgreementStatus.DRAFT.value)
        .select_related("card__agreement")
        .prefetch_related("brackets")
        .order_by("-card__effective_from", "pk")
        .distinct()
    )
    found = False
    for line in lines[:SIMILAR]:
        year = line.card.effective_from.year
        try:
            example = explained.example(line, line.card.agreement.currency, locale)
        except UnpriceableTerms:
            continue
        found = True
        yield f"{line.label}, agreed in {year}: {example}"
    if not found:
        yield "You have no other agreement that counts the same."


def _floors(gathered: Gathered) -> Iterator[str]:
    below = [str(one) for one in line_floors.below_floors(gathered.agreement)]
    yield from below
    if not below:
        yield "No rate lies below a floor that the rulebook knows."
