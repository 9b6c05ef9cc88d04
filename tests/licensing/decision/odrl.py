"""An evaluator of ODRL policies that reads only the RDF graph, as a studio's own would.

It knows the ODRL vocabulary, the profile's few terms, and nothing of the desk.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from rdflib import RDF, Graph, Literal, Namespace, URIRef
from rdflib.collection import Collection

from licensing.words import Outcome

ODRL = Namespace("http://www.w3.org/ns/odrl/2/")
DESK = Namespace("urn:likenessdesk:consent:")
WORLD = "001"


@dataclass(frozen=True)
class Use:
    """A use that somebody wants to make of an asset, as a studio states it."""

    asset: URIRef
    purpose: URIRef
    recipient: URIRef
    at: datetime
    place: str | None = None
    language: str | None = None
    channel: URIRef | None = None
    production: URIRef | None = None
    brand: frozenset[URIRef] | None = None
    content: frozenset[URIRef] | None = frozenset()
    real_time: bool = False
    metered: Decimal | None = None
    units: Mapping[URIRef, Decimal] = field(default_factory=dict)
    hours_before: int = 0
    consents: frozenset[URIRef] = frozenset()


def evaluate(graph: Graph, use: Use) -> Outcome:
    """Prohibited or not permitted is refused; permitted with a consent still to obtain asks."""
    policy = _policy(graph)
    assert graph.value(policy, ODRL.conflict) == ODRL.prohibit
    if graph.value(policy, ODRL.assignee) not in (None, use.recipient):
        return Outcome.REFUSED
    if any(_holds(graph, rule, use) for rule in _rules(graph, policy, ODRL.prohibition, use)):
        return Outcome.REFUSED
    found = [
        rule
        for rule in _rules(graph, policy, ODRL.permission, use)
        if _holds(graph, rule, use) and _informed(graph, rule, use)
    ]
    if not found:
        return Outcome.REFUSED
    asked = {party for rule in found for party in _to_ask(graph, rule)}
    return Outcome.CLEARED if asked <= use.consents else Outcome.NEEDS_APPROVAL


def _policy(graph):
    """Return the one policy: a Set is anybody's, an Agreement's rules are its assignee's only."""
    (policy,) = (
        policy for kind in (ODRL.Set, ODRL.Agreement) for policy in graph.subjects(RDF.type, kind)
    )
    assert ((policy, RDF.type, ODRL.Agreement) in graph) == ((policy, ODRL.assignee, None) in graph)
    return policy


def _rules(graph, policy, kind, use):
    for rule in graph.objects(policy, kind):
        assert graph.value(rule, ODRL.action) == ODRL.use
        if graph.value(rule, ODRL.target) == use.asset:
            yield rule


def _holds(graph, rule, use):
    return all(_fulfilled(graph, one, use) for one in graph.objects(rule, ODRL.constraint))


def _to_ask(graph, rule):
    for duty in graph.objects(rule, ODRL.duty):
        if graph.value(duty, ODRL.action) == ODRL.obtainConsent:
            yield graph.value(duty, ODRL.consentingParty)


def _informed(graph, rule, use):
    return all(
        _holds(graph, duty, use)
        for duty in graph.objects(rule, ODRL.duty)
        if graph.value(duty, ODRL.action) == ODRL.inform
    )


def _fulfilled(graph, constraint, use):
    alternatives = graph.value(constraint, ODRL["or"])
    if alternatives is not None:
        return any(_fulfilled(graph, one, use) for one in Collection(graph, alternatives))
    stated = _stated(graph.value(constraint, ODRL.leftOperand), use)
    operator = graph.value(constraint, ODRL.operator)
    values = list(graph.objects(constraint, ODRL.rightOperand))
    assert values, "a constraint compares with something"
    if operator == DESK.isPartOfNone:
        # What is not stated is part of nothing.
        return stated is None or not any(_is_part(stated, [value]) for value in values)
    return stated is not None and OPERATORS[operator](stated, values)


def _stated(operand, use):
    if operand in use.units or str(operand).startswith(f"{DESK}metered:"):
        return use.units.get(operand)
    return {
        ODRL.purpose: use.purpose,
        ODRL.spatial: use.place,
        ODRL.language: use.language,
        ODRL.recipient: use.recipient,
        ODRL.dateTime: use.at,
        ODRL.meteredTime: use.metered,
        ODRL.deliveryChannel: use.channel,
        DESK.production: use.production,
        DESK.brand: use.brand,
        DESK.content: use.content,
        DESK.realTime: use.real_time,
        DESK.hoursBefore: use.hours_before,
    }[operand]


def _value(term):
    """Return a literal's value; a duration in seconds."""
    value = term.value if isinstance(term, Literal) else term
    return Decimal(str(value.total_seconds())) if isinstance(value, timedelta) else value


def _only(values):
    (value,) = values
    return _value(value)


def _is_part(stated, values):
    whole = str(_only(values))
    return whole == WORLD or stated == whole or stated.startswith(f"{whole}-")


def _has_part(stated, values):
    return _is_part(str(_only(values)), [Literal(stated)])


def _as_set(stated):
    return stated if isinstance(stated, frozenset) else {stated}


OPERATORS = {
    ODRL.eq: lambda stated, values: stated == _only(values),
    ODRL.gteq: lambda stated, values: stated >= _only(values),
    ODRL.lt: lambda stated, values: stated < _only(values),
    ODRL.lteq: lambda stated, values: stated <= _only(values),
    ODRL.isPartOf: _is_part,
    ODRL.hasPart: _has_part,
    ODRL.isAnyOf: lambda stated, values: bool(_as_set(stated) & set(values)),
    ODRL.isNoneOf: lambda stated, values: not _as_set(stated) & set(values),
}
