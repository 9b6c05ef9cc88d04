"""Places: whether a rule's jurisdiction has anything to do with a deal, and by what."""

from collections.abc import Iterator
from dataclasses import dataclass

from licensing.agreements.rules.rulebook import Rule
from talent.territories import covers_place, place_name, touches

from .deal_facts import DealFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Whether a rule reaches a deal (None: not known), and the words that say why."""

    reaches: bool | None
    why: str


def reach(facts: DealFacts, rule: Rule) -> Reach:
    """Tell whether a rule reaches a deal by one of the things that its `reached_by` names.

    These are `governing_law`, `residence`, `agency`, `licensee` and `territories`. One that is not
    known leaves it open whether the rule does, if none of the others brings it.
    """
    named = rule.values.get("reached_by", [])
    found = [
        one for by in (named if isinstance(named, list) else []) for one in _WAYS[by](facts, rule)
    ]
    for wanted in (True, None):
        whys = [one.why for one in found if one.reaches is wanted]
        if whys:
            return Reach(reaches=wanted, why=whys[0])
    place = place_name(rule.jurisdiction)
    return Reach(reaches=False, why=f"Nothing of the deal lies in {place}.")


def _by_law(facts: DealFacts, rule: Rule) -> Iterator[Reach]:
    yield _place(facts.governing_law, rule, "its governing law")


def _by_residence(facts: DealFacts, rule: Rule) -> Iterator[Reach]:
    for person in facts.persons:
        yield _place(person.domicile, rule, f"the home of {person.name}")


def _by_agency(facts: DealFacts, rule: Rule) -> Iterator[Reach]:
    yield _place(facts.agency_country, rule, "the agency's country")


def _by_licensee(facts: DealFacts, rule: Rule) -> Iterator[Reach]:
    yield _place(facts.licensee_country, rule, "the licensee's country")


def _by_territories(facts: DealFacts, rule: Rule) -> Iterator[Reach]:
    for grant in facts.grants:
        excluded = covers_place(grant.territories_excluded, rule.jurisdiction)
        within = grant.territories is None or touches(grant.territories, rule.jurisdiction)
        if within and not excluded:
            yield Reach(reaches=True, why=f"It may be shown in {place_name(rule.jurisdiction)}.")


def _place(place: str, rule: Rule, what: str) -> Reach:
    """Compare a place with a rule's jurisdiction; a country leaves open which of its states."""
    if not place:
        return Reach(reaches=None, why=f"Nobody entered {what}.")
    if covers_place(frozenset([rule.jurisdiction]), place):
        return Reach(reaches=True, why=f"{what[0].upper()}{what[1:]} is {place_name(place)}.")
    if touches(frozenset([rule.jurisdiction]), place):
        return Reach(reaches=None, why=f"Of {what} only the country is known: {place_name(place)}.")
    return Reach(reaches=False, why=f"{what[0].upper()}{what[1:]} is {place_name(place)}.")


_WAYS = {
    "governing_law": _by_law,
    "residence": _by_residence,
    "agency": _by_agency,
    "licensee": _by_licensee,
    "territories": _by_territories,
}
