"""What a change of consent would have done: counted by studio, use and month, nothing changed."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal as D

import pgtrigger
import pytest

from licensing.clearance import simulation
from licensing.clearance.ask import ask
from licensing.clearance.sent_request import SentRequest
from licensing.clearance.simulation import Effect, simulate
from licensing.models import (
    Brand,
    ClearanceDecision,
    Replacement,
    UsageBatch,
    UsageEvent,
)
from talent.consent.consents import matrix_of
from talent.consent.matrix import Cell
from talent.consent.scope import Scope
from talent.models import ConsentMatrix, ConsentVersion, User
from tests.factories import make_licensee, make_terms

JULY = datetime(2026, 7, 15, tzinfo=UTC)
AUGUST = datetime(2026, 8, 15, tzinfo=UTC)
NOW = datetime(2026, 9, 10, tzinfo=UTC)
DENIED = [Cell("voice", "dubbing", "deny")]

pytestmark = pytest.mark.django_db


@pytest.fixture
def use(terms, twin, agreement):
    def make(at=JULY, *, count=1, terms=terms, **fields):
        batch = UsageBatch.objects.create(terms=terms, door="api", received_at=at, size=count)
        sent = {
            "agency": terms.agency, "licensee": terms.licensee, "agreement": agreement,
            "twin": twin, "occurred_at": at, "right": "voice", "use": "dubbing",
            "territory": "FR", "channel": "cinema", "standing": "cleared", "lines": D(2),
            "entry": b"", **fields,
        }  # fmt: skip
        for seat in range(count):
            UsageEvent.objects.create(batch=batch, seat=seat, **sent)

    return make


@pytest.fixture
def simulated(performer, operator):
    def run(cells, *, months=12, user=operator, matrix=None):
        return simulate(
            matrix=matrix or matrix_of(performer=performer), cells=cells, months=months,
            user=user, at=NOW,
        )  # fmt: skip

    return run


def told(simulation):
    return [
        (one.effect.value, one.licensee, one.month.isoformat()[:7], one.uses, one.requests)
        for one in simulation.tallies
    ]


def test_uses_that_would_have_been_refused_are_counted_with_their_quantities(
    simulated, use, consent, performer
):
    consent(performer=performer)
    use(JULY, count=3)
    use(AUGUST)
    found = simulated(DENIED)
    assert told(found) == [
        ("blocked", "Paper Moon Pictures", "2026-07", 3, 0),
        ("blocked", "Paper Moon Pictures", "2026-08", 1, 0),
    ]
    assert found.tallies[0].quantities == {"lines": D(6)}
    assert "is denied" in found.examples[0].reason
    assert ConsentVersion.objects.count() == 1


def test_uses_that_would_have_been_asked_about(simulated, use, consent, performer):
    consent(performer=performer)
    use()
    assert simulated([Cell("voice", "dubbing", "ask")]).count(Effect.ASKED) == (1, 0)


def test_uses_that_would_have_been_inside(simulated, use, consent, performer):
    consent("deny", performer=performer)
    use(standing="uncleared")
    assert simulated([Cell("voice", "dubbing", "allow")]).count(Effect.ALLOWED) == (1, 0)


def test_a_use_that_stood_outside_anyway_is_not_stopped_by_it(simulated, use, consent, performer):
    consent(performer=performer)
    use(standing="out_of_scope")
    assert told(simulated(DENIED)) == []


def test_a_scope_stops_what_lies_outside_of_it(simulated, use, consent, performer):
    consent(performer=performer)
    use(territory="FR")
    use(territory="US", count=2)
    narrower = Cell("voice", "dubbing", "allow", Scope(territories=frozenset({"FR"})))
    assert simulated([narrower]).count(Effect.BLOCKED) == (2, 0)


@pytest.mark.parametrize(
    "narrower",
    [
        Scope(exclusions=frozenset({"hate"})),
        Scope(brands_excluded=frozenset({"fizz"})),
        Scope(brands_excluded=frozenset({"category:alcohol"})),
        Scope(brands_allowed=frozenset({"pop"})),
    ],
    ids=["content", "brand", "what it sells", "brands named"],
)
def test_uses_are_told_apart_by_the_content_and_brand_they_stated(
    simulated, use, consent, performer, narrower
):
    Brand.objects.create(name="Fizz", slug="fizz", categories=["alcohol"])
    Brand.objects.create(name="Pop", slug="pop", categories=["food"])
    consent(performer=performer)
    use(content=["alcohol"], brand="pop", count=4)
    use(content=["hate"], brand="fizz", count=2)
    silent = 1
    use(count=silent)

    found = simulated([Cell("voice", "dubbing", "allow", narrower)])

    assert found.count(Effect.BLOCKED) == (2 + silent, 0)


def test_a_consent_that_ended_between_two_uses_is_told_apart(simulated, use, consent, performer):
    consent(performer=performer)
    use(datetime(2026, 7, 1, tzinfo=UTC))
    use(datetime(2026, 7, 30, tzinfo=UTC))
    ending = Cell("voice", "dubbing", "allow", Scope(valid_to=JULY))
    consent(performer=performer, at=JULY, recorded_at=JULY)
    assert simulated([ending]).count(Effect.BLOCKED) == (1, 0)


def test_a_proposed_end_is_a_turn_of_its_own(simulated, use, consent, performer):
    consent(performer=performer)
    use(datetime(2026, 7, 1, tzinfo=UTC))
    use(datetime(2026, 7, 30, tzinfo=UTC), count=2)
    ending = Cell("voice", "dubbing", "allow", Scope(valid_to=JULY))
    assert simulated([ending]).count(Effect.BLOCKED) == (2, 0)


def test_requests_are_decided_anew_on_the_facts_stored_with_them(
    simulated, consent, performer, terms, twin, agreement
):
    consent(performer=performer)
    asked = SentRequest(
        twin=twin.name, right="voice", use="dubbing", at=JULY, agreement=agreement.reference,
        territory="FR", channel="cinema",
    )  # fmt: skip
    ask(asked, terms=terms, asked_at=JULY)
    ask(replace(asked, use="game"), terms=terms, asked_at=JULY)
    assert told(simulated(DENIED)) == [("blocked", "Paper Moon Pictures", "2026-07", 0, 1)]
    more = [Cell("voice", "dubbing", "allow"), Cell("voice", "game", "allow")]
    assert told(simulated(more)) == [("allowed", "Paper Moon Pictures", "2026-07", 0, 1)]


def test_a_guilds_denial_is_not_loosened_by_the_proposal(simulated, use, consent):
    consent("deny", guild="equity_uk")
    use(standing="uncleared")
    assert told(simulated([Cell("voice", "dubbing", "allow")])) == []


@pytest.mark.parametrize("owner", ["guild", "agency", "performer", "twin"])
def test_every_layer_can_be_tried(simulated, use, consent, owner, performer, agency, twin):
    consent(performer=performer)
    use()
    of = {"guild": "equity_uk", "agency": agency, "performer": performer, "twin": twin}
    matrix = matrix_of(**{owner: of[owner]})
    assert simulated(DENIED, matrix=matrix).count(Effect.BLOCKED) == (1, 0)


def test_a_matrix_that_is_not_kept_yet_can_be_tried(simulated, use, consent, performer, twin):
    consent(performer=performer)
    use()
    assert simulated(DENIED, matrix=ConsentMatrix(twin=twin)).count(Effect.BLOCKED) == (1, 0)
    assert not ConsentMatrix.objects.filter(twin=twin).exists()


def test_what_does_not_change_and_what_is_older_stays_out(simulated, use, consent, performer):
    consent(performer=performer)
    use()
    assert told(simulated([Cell("voice", "dubbing", "allow")])) == []
    assert told(simulated(DENIED, months=1)) == []


def test_what_is_dated_later_than_now_stays_out(simulated, use, consent, performer):
    consent(performer=performer)
    use(datetime(2026, 9, 11, tzinfo=UTC))
    assert told(simulated(DENIED)) == []


def test_an_amendment_counts_in_place_of_what_it_replaced(simulated, use, consent, performer):
    consent(performer=performer)
    use(lines=D(5))
    use(lines=D(3), kind="amendment", about=UsageEvent.objects.get().pk)
    first, second = UsageEvent.objects.order_by("pk")
    Replacement.objects.create(event_id=first.pk, amendment_id=second.pk, replaced_at=AUGUST)

    found = simulated(DENIED)

    assert found.count(Effect.BLOCKED) == (1, 0)
    assert found.tallies[0].quantities == {"lines": D(3)}


def test_a_few_examples_stand_for_many(simulated, use, consent, performer, monkeypatch):
    monkeypatch.setattr(simulation, "MOST_EXAMPLES", 2)
    consent(performer=performer)
    for territory in ("FR", "DE", "IT"):
        use(territory=territory)

    found = simulated(DENIED)

    assert found.count(Effect.BLOCKED) == (3, 0)
    assert len(found.examples) == 2


def test_a_request_that_failed_before_its_facts_were_known_is_passed_over(
    simulated, consent, performer, terms, twin, agreement
):
    consent(performer=performer)
    asked = SentRequest(
        twin=twin.name, right="voice", use="dubbing", at=JULY, agreement=agreement.reference,
        territory="FR", channel="cinema",
    )  # fmt: skip
    ask(asked, terms=terms, asked_at=JULY)
    with pgtrigger.ignore("licensing.ClearanceDecision:append_only"):
        ClearanceDecision.objects.update(facts={})

    assert told(simulated(DENIED)) == []


def test_a_stranger_learns_nothing(simulated, use, consent, performer, terms, twin, agreement):
    consent(performer=performer)
    use()
    asked = SentRequest(
        twin=twin.name, right="voice", use="dubbing", at=JULY, agreement=agreement.reference,
        territory="FR", channel="cinema",
    )  # fmt: skip
    ask(asked, terms=terms, asked_at=JULY)
    assert simulated(DENIED).count(Effect.BLOCKED) == (1, 1)
    assert told(simulated(DENIED, user=User.objects.create_user("ben@desk.example"))) == []


def test_queries_follow_the_studios_and_not_the_uses(
    simulated, use, consent, performer, agency, django_assert_max_num_queries
):
    consent(performer=performer)
    for code in ("FR", "DE", "US", "GB", "IT"):
        use(territory=code, count=4)
    with django_assert_max_num_queries(25):
        simulated(DENIED)
    other = make_licensee("harbor")
    use(terms=make_terms(agency, other))
    with django_assert_max_num_queries(36):
        assert simulated(DENIED).count(Effect.BLOCKED) == (21, 0)
