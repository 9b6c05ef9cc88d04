"""Requests that share a decision get the one that each would get by itself."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensing.decision import batch
from licensing.decision.batch import SharedDecisions, UnitsOfBatch
from licensing.decision.decision import decide
from licensing.decision.request import ApprovalFacts, HoldFacts
from talent.consent.scope import Limit, Scope

from .cases import AGREEMENT, FACTS, JANUARY, MARCH, REQUEST, consenting, version
from .worlds import INSTANTS, KNOWN_AT, SECOND, requests, varied, worlds

HOUR = timedelta(hours=1)
MAY_DAY = datetime(2026, 5, 1, tzinfo=UTC)
MAY = MAY_DAY + 12 * HOUR  # In the middle of a day, since days are told apart anyhow.
# Before, at and after every change that worlds know, and where their notices run out.
AROUND = [
    at + hours * HOUR + seconds * SECOND
    for at in INSTANTS
    for hours in (0, 24, 48)
    for seconds in (-1, 0, 1)
]


@given(requests, worlds, st.lists(st.sampled_from(AROUND), min_size=2, max_size=4))
def test_each_request_of_a_batch_is_decided_as_if_it_were_alone(request, facts, instants):
    shared, without_caps = SharedDecisions(KNOWN_AT), replace(facts, caps=())
    for at in instants:
        for noticed_at in (None, at - 24 * HOUR):
            for varying in varied(replace(request, at=at, noticed_at=noticed_at)):
                alone = decide(varying, without_caps, KNOWN_AT)
                assert shared.without_caps(varying, facts) == alone


ASKING = consenting(version("performer", "ask"))
CHANGES = {
    "a consent begins": (consenting(version("performer", "allow", valid_from=MAY)), MAY),
    "a consent ends": (consenting(version("performer", "allow", valid_to=MAY)), MAY),
    "a consent is changed": (
        consenting(
            version("performer", "allow"),
            replace(version("performer", "deny", number=2), in_force_from=MAY),
        ),
        MAY,
    ),
    "an approval ends": (
        replace(
            ASKING,
            approvals=(
                ApprovalFacts(
                    "1", "voice", "dubbing", "lantern", "approved", JANUARY,
                    scope=Scope(valid_to=MAY),
                ),
            ),
        ),
        MAY,
    ),
    "the agreement begins": (replace(FACTS, agreement=replace(AGREEMENT, starts_at=MAY)), MAY),
    "the agreement ends": (replace(FACTS, agreement=replace(AGREEMENT, ends_at=MAY)), MAY),
    "a hold begins": (replace(FACTS, holds=(HoldFacts("strike", "the guild", MAY),)), MAY),
    "a hold ends": (replace(FACTS, holds=(HoldFacts("strike", "the guild", JANUARY, MAY),)), MAY),
    "a build is retired": (
        replace(FACTS, build=replace(FACTS.build, retired_on=MAY_DAY.date())),
        MAY_DAY,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("facts", "changes_at"), CHANGES.values(), ids=CHANGES)
def test_a_decision_is_shared_until_a_fact_changes(facts, changes_at):
    shared, without_caps = SharedDecisions(KNOWN_AT), replace(facts, caps=())
    before, after = (replace(REQUEST, at=at) for at in (changes_at - SECOND, changes_at))

    assert decide(before, without_caps, KNOWN_AT) != decide(after, without_caps, KNOWN_AT)
    for request in (before, after):
        assert shared.without_caps(request, facts) == decide(request, without_caps, KNOWN_AT)


def test_a_decision_about_an_age_is_shared_for_a_day():
    facts = consenting(version("performer", "allow"), born_on=MAY_DAY.replace(year=2008).date())
    shared, without_caps = SharedDecisions(KNOWN_AT), replace(facts, caps=())
    child, adult = (
        replace(REQUEST, at=at, content=("nudity",)) for at in (MAY_DAY - SECOND, MAY_DAY)
    )

    assert decide(child, without_caps, KNOWN_AT) != decide(adult, without_caps, KNOWN_AT)
    for request in (child, adult):
        assert shared.without_caps(request, facts) == decide(request, without_caps, KNOWN_AT)


def test_a_request_with_a_notice_of_its_own_shares_no_decision():
    facts = consenting(version("performer", "allow", notice_hours=48))
    shared, without_caps = SharedDecisions(KNOWN_AT), replace(facts, caps=())
    given, missed = (
        replace(REQUEST, at=MAY, noticed_at=noticed_at) for noticed_at in (JANUARY, MAY)
    )

    assert decide(given, without_caps, KNOWN_AT) != decide(missed, without_caps, KNOWN_AT)
    for request in (given, missed):
        assert shared.without_caps(request, facts) == decide(request, without_caps, KNOWN_AT)


STATIC = replace(FACTS, twin=replace(FACTS.twin, tier="passive_static_replica"))
BOUND = consenting(
    version(
        "performer", "allow", territories=frozenset({"FR"}), languages=frozenset({"fr"}),
        licensees_allowed=frozenset({"lantern"}), exclusions=frozenset({"political"}),
    )
)  # fmt: skip
DIFFERENCES = {
    "right": (FACTS, "face"),
    "use": (FACTS, "feature"),
    "licensee": (BOUND, "saltmarsh"),
    "agreement": (replace(FACTS, agreement=None), None),
    "territory": (BOUND, "DE"),
    "language": (BOUND, "en"),
    "channel": (FACTS, "cinema"),
    "production": (FACTS, "6"),
    "build": (replace(FACTS, build=replace(FACTS.build, contaminated=True)), None),
    "prompt_class": (STATIC, "free"),
    "real_time": (STATIC, True),
    "content": (BOUND, ("political",)),
}


@pytest.mark.parametrize(("field", "case"), DIFFERENCES.items(), ids=DIFFERENCES)
def test_requests_that_differ_in_more_than_instant_and_quantity_share_none(field, case):
    facts, value = case
    shared, without_caps = SharedDecisions(KNOWN_AT), replace(facts, caps=())
    other = replace(REQUEST, **{field: value})

    assert decide(REQUEST, without_caps, KNOWN_AT) != decide(other, without_caps, KNOWN_AT)
    for request in (REQUEST, other):
        assert shared.without_caps(request, facts) == decide(request, without_caps, KNOWN_AT)


def test_requests_that_differ_only_in_instant_and_quantity_are_decided_once(monkeypatch):
    calls = []
    monkeypatch.setattr(batch, "decide", lambda *given: calls.append(given) or decide(*given))
    shared = SharedDecisions(MARCH)

    for seconds in range(10):
        at, units = REQUEST.at + seconds * SECOND, (("lines", Decimal(seconds)),)
        shared.without_caps(replace(REQUEST, at=at, units=units), FACTS)

    assert len(calls) == 1


@pytest.mark.parametrize(
    ("right", "use", "counted"),
    [
        ("voice", "training", [(Decimal(3), "")]),
        ("face", "training", [(Decimal(3), "voice")]),
        ("voice", "dubbing", []),
    ],
)
def test_what_a_batch_trains_on_counts_for_every_right_in_training(right, use, counted):
    facts = consenting(
        version("performer", "allow", limits=(Limit("sessions", Decimal(9)),)), used=()
    )
    units = UnitsOfBatch([facts])
    training = replace(REQUEST, use="training")
    units.add(training, facts, {"sessions": Decimal(5)})
    units.add(training, facts, {"sessions": Decimal(2)}, sign=-1)

    (person,) = units.put_into(facts, replace(REQUEST, right=right, use=use)).contributors
    assert [(row.used, row.right) for row in person.used] == counted
