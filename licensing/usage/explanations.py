"""Explanations: why a recorded use stands as it does, decided again on what was known then."""

from dataclasses import dataclass

from licensing.decision.case import case_of
from licensing.decision.decision import Decision, decide, standing_of
from licensing.decision.request import Facts, Request
from licensing.facts.facts import facts_about, load_records
from licensing.facts.past import History, past_facts
from licensing.models import LicenseeTerms, UsageEvent
from talent.consent.matrix import Source
from talent.words import Stance

from .recording.references import request_of_event


@dataclass(frozen=True, slots=True)
class Consent:
    """What one contributor's consent said of the use, and the version that decided it."""

    contributor: str
    stance: Stance
    decided_by: Source | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The decision as of the time of receipt, and the consents it stood on.

    `agrees` tells whether it leads to the standing that was recorded; the totals of caps are
    today's, so a use past a cap may read otherwise. What was recorded is what counts.
    """

    decision: Decision
    consents: tuple[Consent, ...]
    agrees: bool


def explained(event: UsageEvent) -> Explanation:
    """Decide an event again on the facts as they were known when it came."""
    terms = LicenseeTerms.objects.select_related("agency", "licensee").get(
        agency=event.agency_id, licensee=event.licensee_id
    )
    received_at = event.batch.received_at
    request = request_of_event(event, terms.licensee.slug)
    records = load_records([request], terms, received_at)
    today = facts_about(request, records)
    facts = past_facts(request, today, received_at, records, History(records)).facts
    decision = decide(request, facts, received_at)
    consents = _consents(request, facts, event)
    agrees = bool(event.permit_id) or standing_of(decision).value == event.standing
    return Explanation(decision, consents, agrees)


def _consents(request: Request, facts: Facts, event: UsageEvent) -> tuple[Consent, ...]:
    case = case_of(request, facts, event.occurred_at, event.batch.received_at)
    return tuple(Consent(person.name, cell.stance, cell.decided_by) for person, cell in case.cells)
