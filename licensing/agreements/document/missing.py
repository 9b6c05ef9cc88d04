"""What a document of an agreement still misses, or says wrongly: each with its place."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from licensing.agreements.clauses import stated_numbers, wording
from licensing.agreements.clauses.clause_library import is_of_the_library
from licensing.agreements.clauses.placeholders import PLACEHOLDERS
from licensing.agreements.clauses.wording import Words
from licensing.models import Agreement
from licensing.words import DealStep, Situation
from talent import faces
from talent.words import Tier

from . import clause_versions
from .clause_versions import Chosen
from .gathered import Gathered, deal_of, gather
from .values import Values, numbers_of, values_of

# Parties whose clauses say who signs: without one there is nobody to sign for.
PARTIES = "parties."
FREE_TEXTS = {
    "description": ("The description of the intended uses", DealStep.GRANTS),
    "capture_boundary": ("The boundary of the capture", DealStep.CAPTURE),
    "capture_reason": ("The reason for the capture", DealStep.CAPTURE),
    "credit": ("The credit", DealStep.KIND),
}


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that keeps a document from being signed: where, what to do, and in which step.

    `field` is the placeholder or the column that is meant; empty: none.
    """

    place: str
    sentence: str
    step: DealStep
    field: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.sentence}"


def missing(agreement: Agreement, *, at: datetime) -> list[Missing]:
    """Return what a document of the agreement still misses, in the order of its clauses.

    Takes a fixed number of queries. `at` is the instant whose consents count.
    """
    gathered = gather(agreement, at=at)
    return list(missing_of(gathered, chosen_of(gathered)))


def chosen_of(gathered: Gathered) -> list[Chosen]:
    """Return the clauses of what was gathered; none where the kind of deal is not chosen."""
    deal = deal_of(gathered)
    return [] if deal is None else clause_versions.chosen(gathered.agreement, deal)


def missing_of(gathered: Gathered, clauses: list[Chosen]) -> Iterator[Missing]:
    """Yield what is missing from what was gathered."""
    if gathered.deal is None:
        yield Missing("Kind of deal", "Choose what kind of deal it is.", DealStep.KIND)
        return
    values = values_of(gathered)
    yield from _missing_parts(gathered, clauses)
    yield from _of_another_tier(gathered)
    yield from _empty(clauses, values)
    yield from _differing_numbers(gathered, clauses, values)
    yield from _unprintable(values)


def _missing_parts(gathered: Gathered, clauses: list[Chosen]) -> Iterator[Missing]:
    if not gathered.grants:
        yield Missing("Schedule A", "Grant at least one right for a use.", DealStep.GRANTS)
    if not any(card.lines.all() for card in gathered.cards):
        yield Missing("Schedule B", "Say what use costs: add a rate card.", DealStep.PRICE)
    if not any(one.clause.code.startswith(PARTIES) for one in clauses):
        yield Missing(
            "Parties", "The twin has nobody whose it is: name its performer.", DealStep.TWIN
        )
    deal = deal_of(gathered)
    if deal and deal.kind == "composite_persona" and Situation.SOURCES not in deal.situations:
        yield Missing("Sources", "Name the performers whom the persona draws on.", DealStep.TWIN)


def _of_another_tier(gathered: Gathered) -> Iterator[Missing]:
    """Yield each clause that was taken for a twin of another tier, or an agency wrote for one."""
    tier = gathered.agreement.twin.tier
    for clause in clause_versions.of_another_tier(gathered.agreement, tier):
        tiers = ", ".join(str(Tier(code).label).lower() for code in clause.applies["tiers"])
        yield Missing(
            f"{clause.section}, {clause.title}",
            f"The clause is about a twin of another tier ({tiers}). “Take newer clauses” on the "
            "agreement's page drops it.",
            DealStep.DOCUMENT,
        )


def _empty(clauses: list[Chosen], values: Values) -> Iterator[Missing]:
    """Yield each term that a clause names and nobody entered, once, at its first clause."""
    told: set[str] = set()
    for number, one in enumerate(clauses, start=1):
        where = f"Clause {number}, {one.clause.title}"
        for name in wording.slots(one.clause.body, where=where):
            if not values.get(name) and name not in told:
                told.add(name)
                placeholder = PLACEHOLDERS[name]
                says = f"It names {placeholder.label}: enter it."
                yield Missing(where, says, placeholder.step, name)


def _differing_numbers(
    gathered: Gathered, clauses: list[Chosen], values: Values
) -> Iterator[Missing]:
    """Yield figures typed into free text that differ from the terms: both can't hold."""
    agreed = numbers_of(gathered)
    for name, (place, step) in FREE_TEXTS.items():
        for stated in stated_numbers.unlike(values.get(name, ""), agreed):
            yield Missing(place, _differs(stated.written), step, name)
    for number, one in enumerate(clauses, start=1):
        if is_of_the_library(one.clause.code):
            continue
        place = f"Clause {number}, {one.clause.title}"
        words = " ".join(
            part.text if isinstance(part, Words) else "…"
            for paragraph in wording.paragraphs(one.clause.body, where=place)
            for part in paragraph
        )
        for stated in stated_numbers.unlike(words, agreed):
            yield Missing(place, _differs(stated.written), DealStep.DOCUMENT)


def _differs(written: str) -> str:
    return (
        f"“{written}” is typed into it, and no term of the agreement says so. Change the term, or "
        "take the figure out of the text."
    )


def _unprintable(values: Values) -> Iterator[Missing]:
    """Yield characters that no font of the desk has: they would print as empty boxes."""
    for name, text in values.items():
        lacking = faces.lacking(text)
        if lacking:
            placeholder = PLACEHOLDERS[name]
            yield Missing(
                placeholder.label.capitalize(),
                faces.cannot_print(lacking),
                placeholder.step,
                name,
            )
