"""The exported ODRL policy, read by rdflib and judged alone, says what the desk decides."""

import json
from dataclasses import replace
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given, settings
from rdflib import RDF, Graph, URIRef

from licensing.decision.decision import decide
from licensing.decision.request import (
    AgreementFacts,
    Contributor,
    Facts,
    GrantFacts,
    Request,
    TwinFacts,
)
from licensing.words import Outcome
from talent.consent import exports
from talent.consent.matrix import Cell, Version, combined_cell, in_force
from talent.consent.scope import Limit, Scope
from talent.words import Right, Use

from . import odrl
from .worlds import FIZZ, INSTANTS, KNOWN_AT, PAIRS, consented, requests, varied

# rdflib's own, on reading JSON-LD.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")

TWIN = "urn:likenessdesk:twin:7"

# Everything but the consent is in order, so that the consent alone decides.
OPEN = Facts(
    twin=TwinFacts("7", "The twin", "dynamic_behavioral_emulator", "active"),
    agreement=AgreementFacts(
        id="3",
        reference="LD-3",
        licensee="lantern",
        twin="7",
        status="signed",
        signed_at=KNOWN_AT,
        starts_at=INSTANTS[0],
        grants=tuple(GrantFacts(*pair, real_time=True) for pair in PAIRS),
    ),
)
# What no consent decides: words the desk doesn't know, and content that is refused for minors.
ELSEWHERE = {"XX", "zz-zz", ("unheard of",), ("nudity",), "carrier pigeon"}


def facts_of(people, request):
    deal = replace(OPEN.agreement, licensee=request.licensee)
    # Whether somebody is a minor stands in no policy.
    adults = tuple(replace(person, life="living", born_on=None) for person in people)
    return replace(OPEN, contributors=adults, agreement=deal, brand=FIZZ)


def party(person):
    return f"urn:likenessdesk:performer:{person.id}"


def cells_of(person, at):
    """What all layers that count at an instant say together, cell by cell."""
    owners = dict.fromkeys((v.owner_kind, v.owner) for v in person.versions)
    found = [
        in_force([v for v in person.versions if (v.owner_kind, v.owner) == owner], at, KNOWN_AT)
        for owner in owners
    ]
    layers = [version for version in found if version]
    return {
        (r, u): combined_cell(layers, r, u, voices=person.voices)
        for r in Right.codes()
        for u in Use.codes()
    }


def exported(people, at):
    document = exports.policy(
        twin=TWIN,
        title="The twin",
        people=[exports.ConsentingParty(party(one), cells_of(one, at)) for one in people],
        at=at,
    )
    return Graph().parse(data=json.dumps(document), format="json-ld")


def stated(request, people):
    hours = (request.at - request.noticed_at).total_seconds() // 3600 if request.noticed_at else 0
    units = dict(_metered(request, people))
    return odrl.Use(
        asset=URIRef(f"{TWIN}:{request.right}"),
        purpose=URIRef(f"urn:likenessdesk:consent:use:{request.use}"),
        recipient=URIRef(f"urn:likenessdesk:licensee:{request.licensee}"),
        at=request.at,
        place=request.territory,
        language=request.language,
        channel=request.channel and odrl.DESK[f"channel:{request.channel}"],
        production=request.production
        and URIRef(f"urn:likenessdesk:production:{request.production}"),
        brand=_brand(request.brand),
        content=None
        if request.content is None
        else frozenset(odrl.DESK[f"content:{code}"] for code in request.content),
        real_time=request.real_time,
        metered=units.get(odrl.DESK["metered:seconds"]),
        units=units,
        hours_before=int(hours),
    )


def _metered(request, people):
    """Yield what the use and those before it come to, by the profile's term for each count."""
    for meter, quantity in request.units:
        for year, each in product((False, True), repeat=2):
            term = f"metered:{meter}{':perYear' if year else ''}{':perLicensee' if each else ''}"
            used = sum(
                row.used + row.reserved
                for row in people[0].used
                if row.meter == meter
                and (not year or row.year == request.at.year)
                and (not each or row.licensee == request.licensee)
            )
            yield odrl.DESK[term], quantity + used


def _brand(brand):
    """Return the names of a brand that the desk knows; of one that it does not, nothing."""
    if brand == "none":
        return frozenset()
    if brand != FIZZ.slug:
        return None
    categories = {odrl.DESK[f"brand-category:{code}"] for code in FIZZ.categories}
    return frozenset({URIRef("urn:likenessdesk:brand:fizz"), *categories})


def asked_about(request):
    """The request's variations that a consent decides, at the policy's own instant."""
    for one in varied(replace(request, prompt_class="scripted", build=None)):
        told = {one.territory, one.language, one.content, one.channel}
        if not told & ELSEWHERE and not one.build and one.prompt_class == "scripted":
            yield replace(one, at=request.at)


# Reading a graph takes long: a tenth of the profile's examples, each with 25 questions.
@settings(deadline=None, max_examples=settings().max_examples // 10)
@given(consented, requests)
def test_the_policy_alone_gives_the_same_answers(people, request):
    graph = exported(people, request.at)

    found = [
        (decision.outcome, decision.deciding.code, judged, one)
        for one in asked_about(request)
        if (decision := decide(one, facts_of(people, one), KNOWN_AT)).outcome
        is not (judged := odrl.evaluate(graph, stated(one, people)))
    ]

    assert found == []


@pytest.fixture
def permitted():
    """The policy of one performer's single cell, a use it permits, and the performer."""

    def made(*, stance="allow", **scope):
        cell = Cell("voice", "dubbing", stance, Scope(**scope))
        version = Version("1", 1, "performer", "Ada", INSTANTS[0], INSTANTS[0], (cell,))
        ada = Contributor("1", "Ada", versions=(version,), used=())
        request = Request("7", "voice", "dubbing", "lantern", INSTANTS[1])
        return exported((ada,), request.at), request, (ada,)

    return made


def test_an_excluded_licensee_is_no_recipient(permitted):
    graph, request, people = permitted(licensees_excluded=frozenset({"saltmarsh"}))

    assert odrl.evaluate(graph, stated(request, people)) is Outcome.CLEARED
    other = replace(request, licensee="saltmarsh")
    assert odrl.evaluate(graph, stated(other, people)) is Outcome.REFUSED


def test_the_consent_that_was_obtained_clears_an_ask(permitted):
    graph, request, people = permitted(stance="ask")
    use = stated(request, people)

    assert odrl.evaluate(graph, use) is Outcome.NEEDS_APPROVAL
    obtained = replace(use, consents=frozenset({URIRef(party(people[0]))}))
    assert odrl.evaluate(graph, obtained) is Outcome.CLEARED


def test_every_right_and_use_is_permitted_or_prohibited(permitted):
    graph, _request, _people = permitted()
    policy = graph.value(predicate=RDF.type, object=odrl.ODRL.Set)

    rules = [*graph.objects(policy, odrl.ODRL.permission)]
    rules += graph.objects(policy, odrl.ODRL.prohibition)
    assert len(rules) == len(Right) * len(Use)


def test_hours_are_said_to_the_second(permitted):
    graph, request, people = permitted(limits=(Limit("seconds", Decimal(900)),))
    use = stated(request, people)

    assert odrl.evaluate(graph, replace(use, metered=Decimal(900))) is Outcome.CLEARED
    assert odrl.evaluate(graph, replace(use, metered=Decimal(901))) is Outcome.REFUSED
