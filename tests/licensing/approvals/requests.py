"""A question that a consent says to ask about, and a description that will do."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from licensing.approvals.description import Description
from licensing.approvals.requests import open_request
from licensing.clearance.ask import ask

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
