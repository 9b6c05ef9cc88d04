"""An agreement's ODRL policy, read by rdflib and judged alone, says what the desk decides."""

import json
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdflib import Graph, URIRef

from licensing.agreements.exports.policy import CapTerm, counted_by, policy
from licensing.decision.case import case_of
from licensing.decision.decision import CHECKS
from licensing.decision.request import (
    AgreementFacts,
    CapFacts,
    Facts,
    GrantFacts,
    Request,
    TwinFacts,
)
from licensing.words import Dimension, Finding, Outcome
from talent.consent.scope import NOTHING, LanguagesIn
from tests.licensing.decision import odrl
from tests.licensing.decision.worlds import (
    CHANNELS,
    FIZZ,
    INSTANTS,
    KNOWN_AT,
    LANGUAGES,
    LICENSEES,
    PAIRS,
    TERRITORIES,
    mostly,
    requests,
    some_of,
    varied,
)

# rdflib's own, on reading JSON-LD.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")

TWIN = "urn:likenessdesk:twin:7"
# What no grant decides: a channel that the desk doesn't know is refused whatever is granted.
NO_CHANNEL = "carrier pigeon"
YEAR = date(2026, 1, 1)

grants = st.builds(
    GrantFacts,
    right=st.just("voice"),
    use=st.just("dubbing"),
    territories=mostly(None, *some_of([*TERRITORIES, "EU"])),
    languages=mostly(None, *some_of(LANGUAGES)),
    channels=mostly(None, *some_of(CHANNELS)),
    real_time=st.booleans(),
    territories_excluded=mostly(NOTHING, *some_of(["US-CA", "FR"])),
    languages_in=mostly(
        (), (LanguagesIn("US", frozenset({"en"})),), (LanguagesIn("US-CA", frozenset({"fr"})),)
    ),
    brands=mostly(None, *some_of(["fizz", "spark"])),
    exclusions=mostly(NOTHING, *some_of(["nudity", "political", "tobacco"])),
)

agreements = st.builds(
    AgreementFacts,
    id=st.just("A3"),
    reference=st.just("LD-3"),
    licensee=mostly("lantern", "saltmarsh"),
    twin=st.just("7"),
    status=st.just("signed"),
    signed_at=st.just(INSTANTS[0]),
    starts_at=mostly(*INSTANTS),
    ends_at=mostly(None, *INSTANTS),
    productions=mostly((), ("5",), ("5", "6")),
    grants=st.one_of(
        st.tuples(grants),
        st.tuples(grants, st.builds(GrantFacts, st.just("face"), st.just("feature"))),
        st.just(()),
    ),
)

# A cap, and what was counted by it before the use.
caps = st.tuples(
    st.builds(
        CapTerm,
        meter=mostly("lines", "seconds"),
        limit=st.sampled_from([Decimal(1), Decimal(3), Decimal("1800.5"), Decimal(2000)]),
        hard=st.booleans(),
        starts_on=st.just(YEAR),
        starts_at=st.sampled_from(["2026-01-01T00:00:00Z", "2026-05-01T00:00:00Z"]),
        ends_at=st.sampled_from([None, None, "2026-07-01T00:00:00Z"]),
        channels=mostly(None, *some_of(CHANNELS)),
    ),
    st.integers(0, 3).map(Decimal),
)


def exported(agreement, agreed_caps):
    document = policy(
        agreement,
        [cap for cap, _ in agreed_caps],
        twin=TWIN,
        assigner="urn:likenessdesk:agency:northlight",
        title="LD-3",
    )
    return Graph().parse(data=json.dumps(document), format="json-ld")


def stated(request, agreed_caps):
    units = {}
    for cap, used in agreed_caps:
        quantity = dict(request.units).get(cap.meter)
        if quantity is not None:
            units[odrl.DESK[counted_by(cap).removeprefix("desk:")]] = quantity + used
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
        brand=request.brand and frozenset({URIRef(f"urn:likenessdesk:brand:{request.brand}")}),
        content=None
        if request.content is None
        else frozenset(odrl.DESK[f"content:{code}"] for code in request.content),
        real_time=request.real_time,
        units=units,
    )


def decided(request, agreement, agreed_caps):
    """What the dimensions of the agreement and its caps find, and nothing else of `decide`."""
    facts = Facts(
        twin=TwinFacts("7", "The twin", "dynamic_behavioral_emulator", "active"),
        agreement=agreement,
        caps=tuple(_year_of(cap, used) for cap, used in agreed_caps if _counts(cap, request)),
        brand=FIZZ,
    )
    case = case_of(request, facts, request.at, KNOWN_AT)
    steps = [CHECKS[dimension](case) for dimension in (Dimension.AGREEMENT, Dimension.CAP)]
    passed = all(step.finding is Finding.PASS for step in steps)
    failed = next((step.code for step in steps if step.finding is Finding.FAIL), "passed")
    return (Outcome.CLEARED if passed else Outcome.REFUSED), failed


def _counts(cap, request):
    at = request.at.isoformat().replace("+00:00", "Z")
    return cap.starts_at <= at and (cap.ends_at is None or at < cap.ends_at)


def _year_of(cap, used):
    return CapFacts(
        "1", "the agreement", cap.meter, cap.limit, used, hard=cap.hard, channels=cap.channels
    )


def asked_about(request):
    for one in varied(replace(request, build=None)):
        if one.channel != NO_CHANNEL:
            yield one


SEEN = Counter()


# Each policy is asked about forty uses or so; `make test-deep` asks more than 5,000 times.
@settings(deadline=None, max_examples=max(settings().max_examples // 4, 25))
@given(agreements, st.lists(caps, max_size=2, unique_by=lambda pair: counted_by(pair[0])), requests)
def test_the_policy_alone_gives_the_same_answers(agreement, agreed_caps, request):
    graph = exported(agreement, agreed_caps)

    differing = []
    for one in asked_about(request):
        outcome, code = decided(one, agreement, agreed_caps)
        judged = odrl.evaluate(graph, stated(one, agreed_caps))
        SEEN[code] += 1
        if judged is not outcome:
            differing.append((code, judged, one))

    assert differing == []


def test_enough_was_asked_and_each_way_to_fail_came_up():
    if not SEEN:
        pytest.skip("reads what the test before it saw")

    assert SEEN.total() >= 500
    assert {"passed", "not_granted"} <= set(SEEN)
    # A few hundred questions may miss a way to fail; the deep run's thousands may not.
    if SEEN.total() >= 5_000:
        assert {"other_licensee", "territory", "over_cap"} <= set(SEEN)


@pytest.fixture
def agreed():
    """An agreement that grants dubbing with a voice from 1 January to 1 July."""

    def made(**grant):
        return AgreementFacts(
            "A3", "LD-3", "lantern", "7", "signed", INSTANTS[0],
            starts_at=INSTANTS[0], ends_at=INSTANTS[3],
            grants=(GrantFacts("voice", "dubbing", **grant),),
        )  # fmt: skip

    return made


USE = Request("7", "voice", "dubbing", "lantern", INSTANTS[1])


def judged(agreement, request, *agreed_caps):
    return odrl.evaluate(exported(agreement, agreed_caps), stated(request, agreed_caps))


def test_the_term_includes_its_start_and_not_its_end(agreed):
    instant = timedelta(microseconds=1)

    answers = [
        judged(agreed(), replace(USE, at=at))
        for at in (
            INSTANTS[0] - instant, INSTANTS[0], INSTANTS[3] - instant, INSTANTS[3],
        )
    ]  # fmt: skip

    refused, cleared = Outcome.REFUSED, Outcome.CLEARED
    assert answers == [refused, cleared, cleared, refused]


def test_another_licensee_holds_no_permission(agreed):
    assert judged(agreed(), replace(USE, licensee="saltmarsh")) is Outcome.REFUSED
    assert LICENSEES == ["lantern", "saltmarsh"]


def test_what_is_not_granted_is_not_permitted(agreed):
    assert PAIRS[1] == ("face", "feature")
    assert judged(agreed(), replace(USE, right="face", use="feature")) is Outcome.REFUSED


def test_an_empty_list_of_a_grant_permits_nothing(agreed):
    assert judged(agreed(territories=frozenset()), replace(USE, territory="FR")) is Outcome.REFUSED


def cap(**fields):
    begins = "2026-01-01T00:00:00Z"
    return CapTerm(
        **{"meter": "lines", "limit": Decimal(10), "hard": True, "starts_on": YEAR,
           "starts_at": begins, **fields}
    )  # fmt: skip


def lines(quantity):
    return replace(USE, channel="cinema", units=(("lines", Decimal(quantity)),))


def test_a_hard_cap_holds_to_its_last_unit(agreed):
    assert judged(agreed(), lines(4), (cap(), Decimal(6))) is Outcome.CLEARED
    assert judged(agreed(), lines("4.000001"), (cap(), Decimal(6))) is Outcome.REFUSED


def test_a_soft_cap_asks_only_for_a_quantity(agreed):
    soft = cap(hard=False)

    assert judged(agreed(), lines(400), (soft, Decimal(6))) is Outcome.CLEARED
    assert judged(agreed(), replace(USE, channel="cinema"), (soft, Decimal(6))) is Outcome.REFUSED


def test_a_cap_of_one_channel_leaves_the_others_alone(agreed):
    social = cap(channels=frozenset({"social"}))

    assert judged(agreed(), lines(400), (social, Decimal(0))) is Outcome.CLEARED
    unstated = replace(lines(400), channel=None)
    assert judged(agreed(), unstated, (social, Decimal(0))) is Outcome.REFUSED


def test_the_same_terms_give_the_same_policy_in_whatever_order_they_come(agreed):
    deal = agreed()
    both = (*deal.grants, GrantFacts("face", "feature"))

    first, second = (
        policy(replace(deal, grants=order), [], twin=TWIN, assigner="urn:x", title="LD-3")
        for order in (both, both[::-1])
    )

    assert first == second


def test_a_cap_that_names_no_channel_constrains_nothing(agreed):
    nowhere = CapTerm(
        "lines", Decimal(1), hard=True, starts_on=YEAR, starts_at="2026-01-01T00:00:00Z",
        channels=NOTHING,
    )  # fmt: skip
    many = replace(USE, units=(("lines", Decimal(9)),), channel="streaming")

    graph = exported(agreed(), [(nowhere, Decimal(0))])

    assert odrl.evaluate(graph, stated(many, [])) is Outcome.CLEARED
