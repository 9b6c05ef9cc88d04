"""A question that a consent says to ask about, a description that will do, and its answers."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.db import connection

from licensing.approvals.answers import record_answer
from licensing.approvals.description import Description
from licensing.approvals.requests import open_request
from licensing.clearance.ask import ask
from licensing.clearance.replays import replays_of
from licensing.models import Agreement, Grant
from licensing.words import ApprovalAnswerKind
from talent.errors import Refused

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
JUNE = datetime(2026, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DUE = MARCH + 72 * HOUR

SPECIFIC = Description(
    scene="Scene 41",
    lines="Six lines of the captain are rewritten after the test screening.",
    territories=("FR", "DE"),
    languages=("fr", "de"),
    starts_at=JUNE,
    ends_at=JUNE + timedelta(days=60),
    amount=Decimal("2566.00"),
    currency="USD",
    basis="flat for the six lines",
)


def with_description(asked, **described):
    """Return a question with the description that will do, or one that differs in what is said."""
    return replace(asked, described=replace(SPECIFIC, **described).digest)


def opened(asked, terms, *, at=MARCH, **described):
    """Ask for a clearance and for its approval; return the request."""
    decision = ask(asked, terms=terms, asked_at=at)
    description = replace(SPECIFIC, **described)
    return open_request(decision=decision, description=description, at=at)


APPROVE, ONCE, NARROW, VETO, LAPSED = ApprovalAnswerKind
DAY_BEFORE = datetime(2026, 6, 14, tzinfo=UTC)


def said(part, by, kind=APPROVE, *, at=MARCH + HOUR, **more):
    return record_answer(part_id=part.pk, kind=kind, by=by, at=at, **more)


def decided(question, terms, *, at=MARCH + 2 * HOUR, **described):
    """Ask with the description that was approved, or one that differs in what the test says."""
    return ask(with_description(question, **described), terms=terms, asked_at=at)


def reserved(question, terms, *, at=DAY_BEFORE, **described):
    """Ask for the use and reserve it, so near to it that units can be held."""
    return decided(replace(question, reserve=True), terms, at=at, **described)


def licence(agreement, twin):
    made = Agreement.objects.create(
        agency=agreement.agency,
        licensee=agreement.licensee,
        twin=twin,
        reference="NA-2",
        status="signed",
        signed_at=agreement.signed_at,
        starts_at=agreement.starts_at,
        ends_at=agreement.ends_at,
        currency="USD",
    )
    Grant.objects.create(agreement=made, right="voice", use="dubbing")
    return made


def run_at_once(call, times):
    """Call from several connections at once; return what each returned or raised."""
    results, start = [], threading.Barrier(times)

    def run():
        start.wait()
        try:
            results.append(call())
        except Refused as refusal:
            results.append(refusal)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == times
    return results


def assert_they_replay(*rows):
    for found in replays_of(rows, terms=rows[0].terms):
        assert (found.same, found.differences) == (True, ())
